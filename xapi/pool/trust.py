"""How hosts of a pool know each other: the certificate each shows to the others, those each believes, the pool's secret.

A host shows ``xapi-pool-tls.pem`` to whoever asks stunnel for the name ``pool``; it believes the certificates in
``/etc/stunnel/certs-pool/<host uuid>.pem``, one per host, and nothing else. Without the file
``/var/xapi/verify-certificates`` nothing is verified.
"""

import re
import ssl
from pathlib import Path
from typing import Final

from idl.paths import Root
from xapi.pool.role import replace

OWN: Final = "/etc/xensource/xapi-pool-tls.pem"
MEMBERS: Final = "/etc/stunnel/certs-pool"
BUNDLE: Final = "/etc/stunnel/xapi-pool-ca-bundle.pem"
VERIFY: Final = "/var/xapi/verify-certificates"
SERVER_NAME: Final = "pool"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


def own_certificate(root: Root) -> str:
    """Return the PEM text that this host shows to the pool, without its key; empty where there is none."""
    try:
        found = _CERTIFICATE.search(root.under(OWN).read_text())
    except OSError:
        return ""
    return found.group() if found else ""


def members(root: Root) -> dict[str, str]:
    """Return the certificates of the pool's hosts: ``<uuid>.pem`` -> PEM text."""
    directory = root.under(MEMBERS)
    return {path.name: path.read_text() for path in sorted(directory.glob("*.pem"))} if directory.is_dir() else {}


def believe(root: Root, certificates: dict[str, str]) -> None:
    """Add certificates of hosts (``<uuid>.pem`` -> PEM text) to those that are believed."""
    for name, text in certificates.items():
        if Path(name).name != name or not name.endswith(".pem"):
            raise ValueError(f"not the name of a certificate: {name!r}")
        replace(root.under(MEMBERS) / name, text, 0o644)
    _bundle(root)


def doubt(root: Root, keep: set[str]) -> None:
    """Drop the certificates of all hosts but those with the given uuids."""
    directory = root.under(MEMBERS)
    for path in directory.glob("*.pem") if directory.is_dir() else ():
        if path.stem not in keep:
            path.unlink()
    _bundle(root)


def _bundle(root: Root) -> None:
    replace(root.under(BUNDLE), "".join(members(root).values()), 0o644)


def is_certificate(text: str) -> bool:
    """Whether *text* is what a bundle may hold: one that is not would keep all others from being read."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return True


def is_verifying(root: Root) -> bool:
    return root.under(VERIFY).exists()


def set_verifying(root: Root, on: bool) -> None:
    flag = root.under(VERIFY)
    if on:
        flag.parent.mkdir(parents=True, exist_ok=True)
        flag.touch()
    else:
        flag.unlink(missing_ok=True)


def context(root: Root, *, verify: bool) -> ssl.SSLContext:
    """Return how to talk TLS to another host of the pool (or, unverified, to one that is to become a member)."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # Certificates name hosts by their uuid, addresses may change: that one is in the pool's bundle is what counts.
    made.check_hostname = False
    if not verify:
        made.verify_mode = ssl.CERT_NONE
        return made
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    bundle = root.under(BUNDLE)
    if bundle.exists() and bundle.stat().st_size:
        made.load_verify_locations(bundle)
    return made
