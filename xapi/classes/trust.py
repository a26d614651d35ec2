"""Whom the pool trusts: authorities by name, authorities and servers by purpose, and lists of revoked certificates.

The pool's messages keep the records; the hosts' ones the files, and the bundles that TLS clients read.
"""

from pathlib import Path
from typing import Any

from xapi.classes import certificate_files as files
from xapi.classes.certificate import REVOKED, TRUSTED
from xapi.classes.certificate_files import Corrupt
from xapi.classes.every_host import ask_all
from xapi.classes.host import assert_here
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError, error
from xapi.server.context import Context
from xapi.server.registry import implements

BUNDLE = "/etc/stunnel/xapi-stunnel-ca-bundle.pem"
BY_PURPOSE = "/etc/trusted-certs"
GENERAL = "general"

# Files of this host


def _bundle(ctx: Context) -> None:
    directory = ctx.app.root.under(TRUSTED)
    files.make_bundle(ctx.app.root.under(BUNDLE), [(directory / name).read_text() for name in files.names_in(directory)])


def _install(path: Path, name: str, kind: str, text: str) -> None:
    files.assert_name(name, kind)
    if path.exists():
        raise XenAPIError(f"{kind}_ALREADY_EXISTS", [name])
    files.write_whole(path, text)


def _uninstall(path: Path, name: str, kind: str, *, force: bool) -> None:
    files.assert_name(name, kind)
    if not path.is_file() and not force:
        raise XenAPIError(f"{kind}_DOES_NOT_EXIST", [name])
    path.unlink(missing_ok=True)


@implements("host.install_ca_certificate")
async def install_on_host(ctx: Context, host: str, name: str, cert: str) -> None:
    """XenAPI: host.install_ca_certificate.

    :raises XenAPIError: CERTIFICATE_NAME_INVALID, CERTIFICATE_ALREADY_EXISTS, CERTIFICATE_CORRUPT, all [name].
    """
    assert_here(ctx, host)
    _authority(name, cert)
    _install(ctx.app.root.under(TRUSTED) / name, name, "CERTIFICATE", cert)
    _bundle(ctx)


def _authority(name: str, pem: str) -> files.Facts:
    files.assert_name(name, "CERTIFICATE")
    try:
        found = files.read_certificates(pem)
    except Corrupt:
        raise error("CERTIFICATE_CORRUPT", name) from None
    return files.facts(found[0])


@implements("host.uninstall_ca_certificate")
async def uninstall_on_host(ctx: Context, host: str, name: str, force: bool) -> None:
    """XenAPI: host.uninstall_ca_certificate. :raises XenAPIError: CERTIFICATE_DOES_NOT_EXIST unless forced."""
    assert_here(ctx, host)
    _uninstall(ctx.app.root.under(TRUSTED) / name, name, "CERTIFICATE", force=force)
    _bundle(ctx)


@implements("host.crl_install")
async def crl_install_on_host(ctx: Context, host: str, name: str, crl: str) -> None:
    """XenAPI: host.crl_install. :raises XenAPIError: CRL_NAME_INVALID, CRL_ALREADY_EXISTS, CRL_CORRUPT, all [name]."""
    assert_here(ctx, host)
    files.assert_name(name, "CRL")
    try:
        files.check_revocations(crl)
    except Corrupt:
        raise error("CRL_CORRUPT", name) from None
    _install(ctx.app.root.under(REVOKED) / name, name, "CRL", crl)


@implements("host.crl_uninstall")
async def crl_uninstall_on_host(ctx: Context, host: str, name: str) -> None:
    """XenAPI: host.crl_uninstall. :raises XenAPIError: CRL_DOES_NOT_EXIST."""
    assert_here(ctx, host)
    _uninstall(ctx.app.root.under(REVOKED) / name, name, "CRL", force=False)


@implements("host.certificate_sync")
async def certificate_sync_on_host(ctx: Context, host: str) -> None:
    """XenAPI: host.certificate_sync: bundles made anew from what is installed."""
    assert_here(ctx, host)
    _bundle(ctx)
    write_trusted(ctx)


# The pool: authorities by name


@implements("pool.install_ca_certificate", "pool.certificate_install")
async def install(ctx: Context, name: str, cert: str) -> None:
    """XenAPI: pool.install_ca_certificate, and its old name. On all hosts or on none.

    :raises XenAPIError: as the host's message.
    """
    known = _authority(name, cert)
    if ctx.db.where("Certificate", type="ca", name=name):
        raise error("CERTIFICATE_ALREADY_EXISTS", name)
    try:
        await ask_all(ctx, "install_ca_certificate", name, cert)
    except BaseException:
        await ask_all(ctx, "uninstall_ca_certificate", name, True)
        raise
    ctx.db.create("Certificate", type="ca", name=name, host=NULL_REF, **_fields(known))


def _fields(known: files.Facts) -> dict[str, Any]:
    return dict(known.fields())


@implements("pool.uninstall_ca_certificate")
async def uninstall(ctx: Context, name: str, force: bool) -> None:
    """XenAPI: pool.uninstall_ca_certificate. :raises XenAPIError: CERTIFICATE_DOES_NOT_EXIST unless forced."""
    files.assert_name(name, "CERTIFICATE")
    known = ctx.db.where("Certificate", type="ca", name=name)
    if not known and not force:
        raise error("CERTIFICATE_DOES_NOT_EXIST", name)
    # A host that lost the file already is what is wanted.
    await ask_all(ctx, "uninstall_ca_certificate", name, True)
    for ref in known:
        ctx.db.destroy("Certificate", ref)


@implements("pool.certificate_uninstall")
async def certificate_uninstall(ctx: Context, name: str) -> None:
    """XenAPI: pool.certificate_uninstall: old name of `uninstall_ca_certificate`."""
    await uninstall(ctx, name, False)


@implements("pool.crl_install")
async def crl_install(ctx: Context, name: str, cert: str) -> None:
    """XenAPI: pool.crl_install. :raises XenAPIError: as the host's message."""
    await ask_all(ctx, "crl_install", name, cert)


@implements("pool.crl_uninstall")
async def crl_uninstall(ctx: Context, name: str) -> None:
    """XenAPI: pool.crl_uninstall. :raises XenAPIError: as the host's message."""
    await ask_all(ctx, "crl_uninstall", name)


@implements("pool.certificate_sync")
async def certificate_sync(ctx: Context) -> None:
    """XenAPI: pool.certificate_sync."""
    await ask_all(ctx, "certificate_sync")


# The pool: authorities and servers by purpose


@implements("pool.install_trusted_certificate")
async def install_trusted(ctx: Context, self: str, ca: bool, cert: str, purpose: list[str]) -> None:
    """XenAPI: pool.install_trusted_certificate. Their text is kept with the coordinator's files and spread from there.

    :raises XenAPIError: TRUSTED_CERTIFICATE_INVALID, TRUSTED_CERTIFICATE_ALREADY_EXISTS [fingerprint],
        TRUSTED_CERTIFICATE_NOT_VALID_YET, TRUSTED_CERTIFICATE_EXPIRED; CERTIFICATE_LACKS_PURPOSE for a server's without one.
    """
    ctx.db.row("pool", self)
    try:
        found = files.read_certificates(cert)
    except Corrupt:
        raise error("TRUSTED_CERTIFICATE_INVALID") from None
    known = files.facts(found[0])
    if len(found) != 1 or (ca and not known.is_authority):
        raise error("TRUSTED_CERTIFICATE_INVALID")
    if not ca and not purpose:
        raise error("CERTIFICATE_LACKS_PURPOSE")
    files.assert_trusted_in_time(known)
    kind = "ca" if ca else "pinned"
    for ref in ctx.db.where("Certificate", fingerprint_sha256=known.sha256, type=kind):
        if not ctx.db.get("Certificate", ref, "name"):
            raise error("TRUSTED_CERTIFICATE_ALREADY_EXISTS", known.sha256)
    ref = ctx.db.create("Certificate", type=kind, host=NULL_REF, purpose=list(dict.fromkeys(purpose)), **_fields(known))
    try:
        files.write_whole(_text_of(ctx, ref), cert)
        await ask_all(ctx, "certificate_sync")
    except BaseException:
        _text_of(ctx, ref).unlink(missing_ok=True)
        ctx.db.destroy("Certificate", ref)
        raise


def _text_of(ctx: Context, ref: str) -> Path:
    row = ctx.db.row("Certificate", ref).values
    return ctx.app.root.under(BY_PURPOSE) / str(row["type"]) / f"{row['uuid']}.pem"


@implements("pool.uninstall_trusted_certificate")
async def uninstall_trusted(ctx: Context, self: str, certificate: str) -> None:
    """XenAPI: pool.uninstall_trusted_certificate. :raises XenAPIError: NOT_TRUSTED_CERTIFICATE [ref]."""
    ctx.db.row("pool", self)
    row = ctx.db.row("Certificate", certificate).values
    if row["type"] not in ("ca", "pinned") or row["name"]:
        raise error("NOT_TRUSTED_CERTIFICATE", certificate)
    _text_of(ctx, certificate).unlink(missing_ok=True)
    ctx.db.destroy("Certificate", certificate)
    await ask_all(ctx, "certificate_sync")


def write_trusted(ctx: Context) -> None:
    """Make the bundles of trusted certificates of this host, one for each kind and purpose."""
    root = ctx.app.root.under(BY_PURPOSE)
    by_bundle: dict[Path, list[str]] = {bundle: [] for bundle in root.glob("*-bundle*.pem")}
    for row in ctx.db.rows("Certificate"):
        if row.values["type"] not in ("ca", "pinned") or row.values["name"]:
            continue
        text = _text_of(ctx, row.ref)
        for purpose in row.values["purpose"] or [GENERAL]:
            if text.is_file():
                by_bundle.setdefault(root / f"{row.values['type']}-bundle-{purpose}.pem", []).append(text.read_text())
    for bundle, texts in by_bundle.items():
        files.make_bundle(bundle, texts)
