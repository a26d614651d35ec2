"""Handing a VM and its devices to the domain manager: rows read, networks brought up, records sent."""

from collections.abc import Sequence
from typing import Any

from idl.xenops import Disk, Vbd, VdiDisk, Vif, Vm
from xapi import errors
from xapi.classes import network, xenops_records
from xapi.database.store import Store
from xapi.errors import invalid_value
from xapi.planning.device_names import name_of, position_of
from xapi.server.context import Context


def disk_of(db: Store, vdi: str) -> Disk:
    """Return a disk's name for the domain manager: ``<SR uuid>/<location>``."""
    row = db.row("VDI", vdi).values
    return VdiDisk(f"{db.get('SR', row['SR'], 'uuid')}/{row['location']}")


def _disk_if_any(db: Store, vbd: dict[str, Any]) -> Disk | None:
    return disk_of(db, vbd["VDI"]) if not vbd["empty"] and db.exists("VDI", vbd["VDI"]) else None


def device_name(db: Store, vbd: str) -> str:
    """Return the name the guest sees the VBD under.

    :raises XenAPIError: INVALID_DEVICE.
    """
    userdevice = db.get("VBD", vbd, "userdevice")
    position = position_of(userdevice)
    if position is None:
        raise errors.invalid_device(userdevice)
    return name_of(position)


def vbd_of(db: Store, vbd: str) -> Vbd:
    values = db.row("VBD", vbd).values
    disk = _disk_if_any(db, values)
    persistent = disk is None or db.get("VDI", values["VDI"], "on_boot") == "persist"
    uuid, name = db.get("VM", values["VM"], "uuid"), device_name(db, vbd)
    return xenops_records.vbd_record(values, uuid, name, str(position_of(values["userdevice"])), disk, persistent)


def vif_of(db: Store, vif: str) -> Vif:
    values = db.row("VIF", vif).values
    uuid = db.get("VM", values["VM"], "uuid")
    return xenops_records.vif_record(values, uuid, db.row("network", values["network"]).values)


def vm_of(db: Store, vm: str) -> Vm:
    values = db.row("VM", vm).values
    rows = [db.row("VBD", vbd).values for vbd in values["VBDs"]]
    bootable = [_disk_if_any(db, row) for row in sorted(rows, key=lambda row: row["userdevice"]) if row["bootable"]]
    return xenops_records.vm_record(values, [disk for disk in bootable if disk is not None])


def usable_vbds(db: Store, vm: str) -> list[str]:
    """Return the VBDs a domain gets: empty drives only where the guest can see that they are empty."""
    hvm = xenops_records.domain_type(db.row("VM", vm).values) == "hvm"
    return [
        vbd
        for vbd in db.get("VM", vm, "VBDs")
        if _disk_if_any(db, db.row("VBD", vbd).values) is not None or (hvm and db.get("VBD", vbd, "type") == "CD")
    ]


def check_kernel_paths(ctx: Context, vm: str) -> None:
    """:raises XenAPIError: INVALID_VALUE unless a directly booted kernel lies in the directory for guests' kernels."""
    values = ctx.db.row("VM", vm).values
    if xenops_records.domain_type(values) == "hvm" or values["PV_bootloader"]:
        return
    allowed = ctx.app.root.under("/var/lib/xcp/guest").resolve()
    for field, path in (("kernel", values["PV_kernel"]), ("ramdisk", values["PV_ramdisk"])):
        if path and not ctx.app.root.under(path).resolve().is_relative_to(allowed):
            raise invalid_value(field, path)


async def attach_networks(ctx: Context, vifs: Sequence[str]) -> None:
    """Bring up the networks that *vifs* are on."""
    for ref in dict.fromkeys(ctx.db.get("VIF", vif, "network") for vif in vifs):
        await network.attach(ctx, ref)


async def records(ctx: Context, vm: str) -> tuple[Vm, list[Vbd], list[Vif]]:
    """Return the VM and its devices as the domain manager wants them; their networks are up.

    :raises XenAPIError: INVALID_VALUE and the like where the settings make no VM.
    """
    db = ctx.db
    check_kernel_paths(ctx, vm)
    record = vm_of(db, vm)
    vbds = [vbd_of(db, vbd) for vbd in usable_vbds(db, vm)]
    vifs = db.get("VM", vm, "VIFs")
    await attach_networks(ctx, vifs)
    # A network's bridge may have got its name just now.
    return record, vbds, [vif_of(db, vif) for vif in vifs]


async def push(ctx: Context, vm: str) -> None:
    """Make the domain manager know the VM and its devices as they are configured now."""
    xenops, dbg = ctx.services.xenops, ctx.dbg
    record, vbds, vifs = await records(ctx, vm)
    await xenops.vm_add(dbg, record)
    for vbd in vbds:
        await xenops.vbd_add(dbg, vbd)
    for vif in vifs:
        await xenops.vif_add(dbg, vif)
