"""The certificate and key that a host shows to clients: another one, or a new one that it signs itself."""

import tempfile
from pathlib import Path

from xapi.classes import certificate
from xapi.classes import certificate_files as files
from xapi.classes.command import checked
from xapi.classes.host import assert_here
from xapi.classes.host_machine import if_installed
from xapi.server.context import Context
from xapi.server.registry import implements

TIMEOUT = 60.0
DAYS = 3650
COMMON_NAME_LENGTH = 64


@implements("host.install_server_certificate")
async def install_server_certificate(ctx: Context, host: str, text: str, private_key: str, certificate_chain: str) -> None:
    """XenAPI: host.install_server_certificate. :raises XenAPIError: SERVER_CERTIFICATE_… for what does not fit together."""
    assert_here(ctx, host)
    files.assert_server_pair(text, private_key, certificate_chain)
    await _show(ctx, "\n".join(part.strip() for part in (private_key, text, certificate_chain) if part.strip()) + "\n")


@implements("host.reset_server_certificate")
async def reset_server_certificate(ctx: Context, host: str) -> None:
    """XenAPI: host.reset_server_certificate: a new one for the host's name and address."""
    assert_here(ctx, host)
    row = ctx.db.row("host", host).values
    await _show(ctx, await _self_signed(row["hostname"] or "localhost", row["address"]))


async def _show(ctx: Context, pem: str) -> None:
    """Put key and certificate where the TLS front reads them, and have it read them."""
    path = ctx.app.root.under(certificate.SERVER)
    files.write_whole(path, pem, 0o400)
    await certificate.sync(ctx)
    await if_installed(ctx, "systemctl", "reload-or-restart", "stunnel@xapi")


async def _self_signed(name: str, address: str) -> str:
    """Return the PEM text of a new RSA key and a certificate for a host's name and address."""
    alternatives = ",".join([f"DNS:{name}", *([f"IP:{address}"] if address else [])])
    with tempfile.TemporaryDirectory() as directory:
        key, made = Path(directory) / "key.pem", Path(directory) / "certificate.pem"
        await checked(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes", "-days", str(DAYS),
            "-subj", f"/CN={name[:COMMON_NAME_LENGTH]}", "-addext", f"subjectAltName={alternatives}",
            "-keyout", str(key), "-out", str(made), timeout=TIMEOUT,
        )  # fmt: skip
        return key.read_text() + made.read_text()
