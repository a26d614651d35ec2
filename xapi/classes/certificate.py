"""Certificates of this host: the record of the one it shows to clients, and lists of those it trusts."""

import re
from datetime import datetime
from typing import Any

from xapi import errors
from xapi.classes.certificate_files import names_in
from xapi.classes.command import output
from xapi.classes.host import assert_here
from xapi.server.context import Context
from xapi.server.registry import implements

SERVER = "/etc/xensource/xapi-ssl.pem"
TRUSTED = "/etc/stunnel/certs"
REVOKED = "/etc/stunnel/crls"
TIMEOUT = 20.0
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


def certificate_text(pem: str) -> str:
    """Return the first certificate of a PEM text, without the key beside it; nothing where there is none."""
    found = _BLOCK.search(pem)
    return found.group() if found else ""


@implements("host.get_server_certificate")
async def get_server_certificate(ctx: Context, host: str) -> str:
    """XenAPI: host.get_server_certificate: PEM."""
    assert_here(ctx, host)
    try:
        text = certificate_text(ctx.app.root.under(SERVER).read_text())
    except OSError as reason:
        raise errors.internal_error(f"the server's certificate cannot be read: {reason.strerror}") from None
    return text


@implements("pool.certificate_list")
async def pool_certificate_list(ctx: Context) -> list[str]:
    """XenAPI: pool.certificate_list: names of the authorities that are trusted."""
    return names_in(ctx.app.root.under(TRUSTED))


@implements("host.certificate_list")
async def certificate_list(ctx: Context, host: str) -> list[str]:
    """XenAPI: host.certificate_list."""
    assert_here(ctx, host)
    return names_in(ctx.app.root.under(TRUSTED))


@implements("pool.crl_list")
async def pool_crl_list(ctx: Context) -> list[str]:
    """XenAPI: pool.crl_list: names of the lists of revoked certificates."""
    return names_in(ctx.app.root.under(REVOKED))


@implements("host.crl_list")
async def crl_list(ctx: Context, host: str) -> list[str]:
    """XenAPI: host.crl_list."""
    assert_here(ctx, host)
    return names_in(ctx.app.root.under(REVOKED))


def wire_date(text: str) -> str:
    """Return openssl's ``Jan  2 03:04:05 2026 GMT`` as a wire date."""
    return datetime.strptime(text.removesuffix(" GMT"), "%b %d %H:%M:%S %Y").strftime("%Y%m%dT%H:%M:%SZ")


async def sync(ctx: Context) -> None:
    """Keep the record of the certificate that this host shows to clients in step with the file."""
    path, host = ctx.app.root.under(SERVER), ctx.app.localhost
    known = ctx.db.where("Certificate", host=host, type="host")
    if not path.is_file():
        for ref in known:
            ctx.db.destroy("Certificate", ref)
        return
    fields: dict[str, Any] = {}
    for digest in ("sha256", "sha1"):
        command = ("openssl", "x509", "-in", str(path), "-noout", "-dates", "-fingerprint", f"-{digest}")
        code, out, err = await output(*command, timeout=TIMEOUT)
        if code != 0:
            raise errors.internal_error(f"{path}: {err.strip()}")
        told = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        fields |= {"not_before": wire_date(told["notBefore"]), "not_after": wire_date(told["notAfter"])}
        fields[f"fingerprint_{digest}"] = next(value for key, value in told.items() if "ingerprint" in key)
    fields["fingerprint"] = fields["fingerprint_sha256"]
    if known:
        ctx.db.set("Certificate", known[0], **fields)
    else:
        ctx.db.create("Certificate", type="host", host=host, **fields)
