"""``vm-migrate``: to another host of the pool, or with storage to anywhere."""

from dataclasses import dataclass
from typing import Any, Final

from xapi.cli import other_pool, values
from xapi.cli.api import Objects
from xapi.cli.command import Command, Context
from xapi.cli.commands.vm import find_host
from xapi.cli.failures import CommandFailure, MissingParameter
from xapi.cli.other_pool import OtherPool
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, on_each

HOST_NAMES: Final = ("host", "host-uuid", "host-name")
WITH_STORAGE: Final = (
    "remote-master", "remote-username", "vif", "remote-password", "remote-network", "vdi", "vgpu", "image-format",
)  # fmt: skip
"""One parameter whose name starts with one of these, and the migration takes disks along."""


def takes_storage(names: list[str]) -> bool:
    return any(name.startswith(WITH_STORAGE) for name in names)


def _host_name(ctx: Context) -> str | None:
    return next((text for name in HOST_NAMES if (text := ctx.arguments.get(name)) is not None), None)


def _options(ctx: Context) -> dict[str, str]:
    return {option: values.show_boolean(ctx.arguments.flag(option)) for option in ("force", "live", "copy")}


async def migrate(ctx: Context) -> None:
    """XenAPI: VM.pool_migrate, VM.migrate_send."""
    if takes_storage([name for name, _ in ctx.arguments.params]):
        await _with_storage(ctx)
    else:
        await _within_the_pool(ctx)


async def _within_the_pool(ctx: Context) -> None:
    name = _host_name(ctx)
    if name is None:
        raise MissingParameter("host")
    host, options = await find_host(ctx, name), _options(ctx)
    compress = ctx.arguments.get("compress")
    if compress is not None:
        options["compress"] = values.show_boolean(values.boolean("compress", compress))

    async def act(vm: Subject) -> None:
        await vm.call("pool_migrate", host, options)

    own = frozenset({*HOST_NAMES, "live", "compress"})
    await on_each(ctx, Selection("vm", control_domains=True, not_filters=own), act)


async def _with_storage(ctx: Context) -> None:
    master, user, password = (ctx.arguments.required(f"remote-{what}") for what in ("master", "username", "password"))
    own = frozenset({*HOST_NAMES, "live", "force", "copy", *WITH_STORAGE})
    async with other_pool.logged_in(master, user, password) as pool:
        destination = await _destination(ctx, pool)

        async def act(vm: Subject) -> str:
            return await _send(ctx, vm, destination)

        moved = await on_each(ctx, Selection("vm", templates=True, not_filters=own), act)
        if ctx.arguments.flag("copy"):
            ctx.printer.list([await pool.call("VM.get_uuid", ref) for ref in moved])


@dataclass(frozen=True, slots=True)
class Destination:
    """Where VMs go: a host of the other pool, the network that carries them, and where disks go that nobody placed."""

    url: str
    objects: Objects
    host: str
    network: str
    sr: str | None


async def _destination(ctx: Context, pool: OtherPool) -> Destination:
    objects = Objects(pool)
    host = _one(await objects.all("host"), _host_name(ctx), "host", ("uuid", "hostname", "name_label"))
    network = ctx.arguments.get("remote-network")
    if network is not None:
        net = _one(await objects.all("network"), network, "network", ("uuid", "name_label"))
    else:
        pifs = (await objects.all("PIF")).values()
        nets = [pif["network"] for pif in pifs if pif["host"] == host and pif["management"]]
        if not nets:
            raise CommandFailure("The other host has no management interface: give remote-network=")
        net = nets[0]
    return Destination(pool.url, objects, host, net, await _roomiest(objects, host))


def _one(records: dict[str, Any], wanted: str | None, what: str, fields: tuple[str, ...]) -> str:
    """The one object of that name; if none is wanted, the only one there is. Raises CommandFailure."""
    found = [ref for ref, record in records.items() if wanted is None or wanted in [record[field] for field in fields]]
    if len(found) == 1:
        return found[0]
    if wanted is None:
        raise CommandFailure(f"The other pool has {len(found)} {what}s: give {what}=")
    raise CommandFailure(f"{len(found)} {what}s of the other pool match '{wanted}'")


async def _roomiest(objects: Objects, host: str) -> str | None:
    """The host's SR with most free space, a shared one if there is one."""
    srs = await objects.all("SR")
    attached = {pbd["SR"] for pbd in (await objects.all("PBD")).values() if pbd["host"] == host and pbd["currently_attached"]}
    usable = [ref for ref in attached if ref in srs and srs[ref]["content_type"] != "iso" and srs[ref]["physical_size"] > 0]

    def rank(ref: str) -> tuple[bool, int]:
        return srs[ref]["shared"], srs[ref]["physical_size"] - srs[ref]["physical_utilisation"]

    return max(usable, key=rank, default=None)


async def _send(ctx: Context, vm: Subject, to: Destination) -> str:
    """Moves one VM and returns its reference in the other pool."""
    vdis = await _vdi_map(ctx, vm, to)
    vifs = await _mapped(ctx, to, "vif", "VIF", "network")
    vgpus = await _mapped(ctx, to, "vgpu", "VGPU", "GPU_group")
    formats = {
        await ctx.api.call("VDI.get_by_uuid", uuid): text for uuid, text in ctx.arguments.map("image-format").items()
    }
    ctx.printer.message(f"VM {vm.record['uuid']} goes to {to.url} with {len(vdis)} disks")
    for vdi, sr in vdis.items():
        source, target = await ctx.api.call("VDI.get_uuid", vdi), await to.objects.api.call("SR.get_uuid", sr)
        ctx.printer.message(f"VDI {source} -> SR {target}")
    token = await to.objects.api.call("host.migrate_receive", to.host, to.network, {})
    live, options = ctx.arguments.flag("live"), _options(ctx)
    sent = await vm.call("migrate_send", token, live, vdis, vifs, options, vgpus, formats)
    return str(sent)


async def _vdi_map(ctx: Context, vm: Subject, to: Destination) -> dict[str, str]:
    """VDI -> SR of the other pool: as the user says, else the roomiest SR."""
    vdis = await _mapped(ctx, to, "vdi", "VDI", "SR")
    for ref in vm.record["VBDs"]:
        vbd = await ctx.objects.get("VBD", ref)
        if vbd is None or vbd["empty"] or vbd["type"] == "CD" or vbd["VDI"] in vdis:
            continue
        if to.sr is None:
            raise CommandFailure("The other host has no SR for the disks: give vdi:<uuid>=<uuid of an SR>")
        vdis[vbd["VDI"]] = to.sr
    return vdis


async def _mapped(ctx: Context, to: Destination, parameter: str, cls: str, other_cls: str) -> dict[str, str]:
    """``parameter:<uuid here>=<uuid there>`` as references."""
    return {
        await ctx.api.call(f"{cls}.get_by_uuid", here): await to.objects.api.call(f"{other_cls}.get_by_uuid", there)
        for here, there in ctx.arguments.map(parameter).items()
    }


COMMANDS: Final = (
    Command("vm-migrate", migrate, (),
            ("live", "host", "host-uuid", "remote-master", "remote-username", "remote-password", "remote-network", "force",
             "copy", "compress", "vif:", "vdi:", "image-format:"), standard=True, selects="vm"),
)  # fmt: skip
