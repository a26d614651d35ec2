"""The files an installed host finds under /etc at its first start, made for an embedded host.

Each is made only where it is missing, so that a restart keeps identity, secrets and what was edited.
Secrets are readable by root alone from the moment they exist.
"""

import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from embedded.accelerator import Accelerator
from embedded.certificate import self_signed
from embedded.layout import HTTP_PORT, TLS_PORT, Host
from idl.config import parse_pairs

SECRET = 0o600
PUBLIC = 0o644


@dataclass(frozen=True, slots=True)
class Product:
    """What the inventory says about the toolstack; clients compare these versions."""

    brand: str = "Xapi Toolstack"
    version: str = "8.3.0"
    platform_name: str = "XCP"
    platform_version: str = "3.4.0"
    build: str = "0"


def inventory(installation: str, control_domain: str, product: Product, management: str = "") -> str:
    """Return ``/etc/xensource-inventory``: who this host is. *management*: the bridge with its address (none: on loopback)."""
    values = {
        "INSTALLATION_UUID": installation,
        "CONTROL_DOMAIN_UUID": control_domain,
        "MANAGEMENT_INTERFACE": management,
        "MANAGEMENT_ADDRESS_TYPE": "IPv4",
        "CURRENT_INTERFACES": management,
        "PRODUCT_BRAND": product.brand,
        "PRODUCT_NAME": "xenenterprise",
        "PRODUCT_VERSION": product.version,
        "PLATFORM_NAME": product.platform_name,
        "PLATFORM_VERSION": product.platform_version,
        "BUILD_NUMBER": product.build,
    }
    return "".join(f"{key}='{value}'\n" for key, value in values.items())


def settings(values: Mapping[str, str]) -> str:
    """Return a ``key = value`` configuration text."""
    return "".join(f"{key} = {value}\n" for key, value in values.items())


def stunnel_settings(host: Host) -> str:
    """Return the TLS front's configuration: TLS in, HTTP out to xapi, the client's address in a PROXY line."""
    return f"""foreground = yes
syslog = no
pid =
debug = warning
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1

[xapi]
accept = {host.address}:{TLS_PORT}
connect = {host.address}:{HTTP_PORT}
cert = {host.certificate}
protocol = proxy
sslVersionMin = TLSv1.2
ciphers = ECDHE+AESGCM:ECDHE+CHACHA20
renegotiation = no
TIMEOUTclose = 0

[pool]
sni = xapi:pool
connect = {host.address}:{HTTP_PORT}
cert = {host.pool_certificate}
protocol = proxy
sslVersionMin = TLSv1.2
ciphers = ECDHE+AESGCM:ECDHE+CHACHA20
renegotiation = no
TIMEOUTclose = 0
"""


STORAGE = {"XSTYPE": "'file'", "XSPARTITIONS": "'/var/local-storage'"}
"""What xapi makes the host's first storage repository from: disks are files under the host's folder."""


def xenopsd_settings(accelerator: Accelerator) -> dict[str, str]:
    """Return what xenopsd must know: which hypervisor, and what executes the guests' instructions."""
    return {"hypervisor": "qemu", "accelerator": accelerator}


def write_missing(host: Host) -> list[Path]:
    """Make the first-start files that are missing; return which were made."""
    under = host.root.under
    hostname = socket.gethostname()
    makers: tuple[tuple[Path, int, Callable[[], str]], ...] = (
        (host.root.inventory, PUBLIC, lambda: inventory(str(uuid4()), str(uuid4()), Product())),
        (host.root.pool_conf, PUBLIC, lambda: "master"),
        (host.root.pool_secret, SECRET, lambda: "/".join(str(uuid4()) for _ in range(3))),
        (host.root_password, SECRET, lambda: secrets.token_urlsafe(15) + "\n"),
        (under("/etc/xapi.conf"), PUBLIC, lambda: settings(xapi_settings(host))),
        (under("/etc/firstboot.d/data/default-storage.conf"), PUBLIC, lambda: settings(STORAGE)),
        (host.certificate, SECRET, lambda: certificate(host, hostname)),
        (host.pool_certificate, SECRET, lambda: pool_certificate(host)),
        (host.stunnel_config, PUBLIC, lambda: stunnel_settings(host)),
    )
    made = []
    is_new = not host.root.inventory.exists()
    for path, mode, make in makers:
        if not path.exists():
            write(path, make(), mode)
            made.append(path)
    if is_new:
        # Hosts of a pool verify each other from the beginning; an administrator may switch that off for good.
        write(host.verify_flag, "", PUBLIC)
    return made


def xapi_settings(host: Host) -> dict[str, str]:
    """Return what xapi must know: where it listens, and the password of root (there is no PAM behind it)."""
    return {
        "hypervisor": "qemu",
        "http-address": host.address,
        "http-port": str(HTTP_PORT),
        "https-port": str(TLS_PORT),
        "management-address": host.address,
        "root-password-file": str(host.root_password),
    }


def certificate(host: Host, hostname: str) -> str:
    """Return the PEM text of a new certificate for every name this host can be called by."""
    names = list(dict.fromkeys(("localhost", hostname)))
    addresses = list(dict.fromkeys((host.address, "127.0.0.1")))
    return self_signed(hostname, names, addresses, datetime.now(UTC)).decode()


def pool_certificate(host: Host) -> str:
    """Return the PEM text of a new certificate that names the host by its uuid, for the other hosts of its pool."""
    uuid = dict(parse_pairs(host.root.inventory.read_text()))["INSTALLATION_UUID"]
    return self_signed(uuid, [uuid], [], datetime.now(UTC)).decode()


def write(path: Path, text: str, mode: int) -> None:
    """Write *path* whole or not at all, with *mode* from the start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
