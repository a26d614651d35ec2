"""Messages that outlived what they were for: still sent by clients, and still answered."""

import asyncio
import base64
import binascii
import io
import tarfile

from xapi import errors
from xapi.classes import blob, sdn_controller
from xapi.classes.certificate_files import write_whole
from xapi.classes.host import assert_here
from xapi.server.context import Context
from xapi.server.registry import implements

VARIABLES = "/var/lib/varstored"
_VARIABLE_FILES = frozenset({"PK.auth", "KEK.auth", "db.auth", "dbx.auth"})


@implements("pool.enable_binary_storage")
async def enable_binary_storage(ctx: Context) -> None:
    """XenAPI: pool.enable_binary_storage: it is always there."""


@implements("host.enable_binary_storage")
async def enable_binary_storage_on_host(ctx: Context, host: str) -> None:
    """XenAPI: host.enable_binary_storage: it is always there."""
    ctx.db.row("host", host)


@implements("pool.disable_binary_storage")
async def disable_binary_storage(ctx: Context) -> None:
    """XenAPI: pool.disable_binary_storage: every blob goes."""
    for ref in ctx.db.refs("blob"):
        blob.remove(ctx, ref)


@implements("host.disable_binary_storage")
async def disable_binary_storage_on_host(ctx: Context, host: str) -> None:
    """XenAPI: host.disable_binary_storage: blobs are the coordinator's: nothing of them is here."""
    ctx.db.row("host", host)


@implements("pool.set_vswitch_controller")
async def set_vswitch_controller(ctx: Context, address: str) -> None:
    """XenAPI: pool.set_vswitch_controller (deprecated): one SDN controller over TLS, or none for an empty address.

    :raises XenAPIError: as `SDN_controller.introduce`.
    """
    for known in ctx.db.refs("SDN_controller"):
        await sdn_controller.forget(ctx, known)
    if address:
        await sdn_controller.introduce(ctx, "ssl", address, 0)
    for pool in ctx.db.refs("pool"):
        ctx.db.set("pool", pool, vswitch_controller=address)


@implements("host.get_uncooperative_domains")
async def get_uncooperative_domains(ctx: Context, self: str) -> list[str]:
    """XenAPI: host.get_uncooperative_domains (deprecated): ballooning that stalls is seen by the domain manager alone."""
    ctx.db.row("host", self)
    return []


@implements("host.sm_dp_destroy")
async def sm_dp_destroy(ctx: Context, host: str, dp: str, allow_leak: bool) -> None:
    """XenAPI: host.sm_dp_destroy: a datapath that nobody ends any more; one that is not there is no error."""
    assert_here(ctx, host)
    for entry in await ctx.services.storage.dp_list(ctx.dbg):
        if entry.dp == dp:
            await ctx.services.storage.dp_destroy2(ctx.dbg, dp, entry.sr, entry.vdi, entry.vm, allow_leak)


@implements("host.write_uefi_certificates_to_disk")
async def write_uefi_certificates_to_disk(ctx: Context, host: str) -> None:
    """XenAPI: host.write_uefi_certificates_to_disk: the pool's variables, where guests' firmware takes them from.

    :raises XenAPIError: INVALID_VALUE where the pool's text is no archive.
    """
    assert_here(ctx, host)
    pool = next(iter(ctx.db.rows("pool"))).values
    text = pool["custom_uefi_certificates"] or pool["uefi_certificates"]
    if not text:
        return
    for name, content in (await asyncio.to_thread(_members, text)).items():
        write_whole(ctx.app.root.under(VARIABLES) / name, content)


def _members(text: str) -> dict[str, bytes]:
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text, validate=True))) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name in _VARIABLE_FILES and member.isfile() else None
                if content is not None:
                    found[member.name] = content.read()
    except (binascii.Error, ValueError, tarfile.TarError, EOFError) as reason:
        raise errors.invalid_value("uefi_certificates", reason) from reason
    return found
