"""VM.provision: the disks a template asks for are made for a VM cloned from it.

A template says so in ``other_config:disks``: ``<provision><disk device="0" size="8589934592" sr="<uuid>" bootable="true"
type="system"/></provision>``.
"""

import contextlib
from dataclasses import dataclass
from xml.etree import ElementTree

from xapi import errors
from xapi.classes import vbd, vdi, vm
from xapi.classes.vm_lifecycle import holding, refresh_with_devices
from xapi.database.store import UuidMissing
from xapi.errors import XenAPIError
from xapi.server.context import Context
from xapi.server.registry import implements

_MOST_XML = 1 << 20


@dataclass(frozen=True, slots=True)
class WantedDisk:
    """One ``<disk>``: size in bytes, SR by uuid."""

    device: str
    size: int
    sr: str
    bootable: bool
    type: str


def wanted_disks(text: str) -> list[WantedDisk]:
    """Read a template's provision XML.

    :raises XenAPIError: INVALID_VALUE where it cannot be read.
    """
    if not text:
        return []
    unreadable = errors.invalid_value("other_config:disks", text[:200])
    # No entities: this text comes from clients.
    if len(text) > _MOST_XML or "<!" in text:
        raise unreadable
    try:
        return [_disk(element) for element in ElementTree.fromstring(text).iter("disk")]
    except (ElementTree.ParseError, KeyError, ValueError):
        raise unreadable from None


def _disk(element: ElementTree.Element) -> WantedDisk:
    given = element.attrib
    kind = given.get("type", "system")
    return WantedDisk(given["device"], int(given["size"]), given.get("sr", ""), given.get("bootable") == "true", kind)


async def _make_disk(ctx: Context, vm_ref: str, wanted: WantedDisk, undo: contextlib.AsyncExitStack) -> None:
    try:
        sr = ctx.db.by_uuid("SR", wanted.sr)
    except UuidMissing:
        raise XenAPIError("UUID_INVALID", ["sr", wanted.sr]) from None
    disk = await vdi.create(
        ctx,
        {
            "name_label": wanted.device,
            "name_description": "Created by template provisioner",
            "SR": sr,
            "virtual_size": wanted.size,
            "type": wanted.type if wanted.type in ("system", "user") else "user",
            "sharable": False,
            "read_only": False,
            "other_config": {},
            "xenstore_data": {},
            "sm_config": {},
            "tags": [],
        },
    )
    undo.push_async_callback(vdi.destroy, ctx, disk)
    made = await vbd.create(
        ctx,
        {
            "VM": vm_ref,
            "VDI": disk,
            "userdevice": wanted.device,
            "bootable": wanted.bootable,
            "mode": "RW",
            "type": "Disk",
            "unpluggable": wanted.type != "system",
            "empty": False,
            "other_config": {"owner": "true"},
            "qos_algorithm_type": "",
            "qos_algorithm_params": {},
        },
    )
    undo.callback(vbd.forget, ctx, made)


@implements("VM.provision")
async def provision(ctx: Context, vm: str) -> None:
    """XenAPI: VM.provision"""
    async with holding(ctx, vm, "provision"):
        await _provision(ctx, vm)
    refresh_with_devices(ctx, vm)


async def _provision(ctx: Context, vm_ref: str) -> None:
    config = ctx.db.get("VM", vm_ref, "other_config")
    disks = wanted_disks(config.get("disks", ""))
    if config.get("postinstall"):
        raise errors.operation_not_allowed("Templates with a post-installation script cannot be installed on this host")
    async with contextlib.AsyncExitStack() as undo:
        for done, wanted in enumerate(disks):
            await _make_disk(ctx, vm_ref, wanted, undo)
            ctx.progress((done + 1) / len(disks))
        for key in ("disks", "postinstall"):
            ctx.db.remove_from_map("VM", vm_ref, "other_config", key)
        await vm.set_is_a_template(ctx, vm_ref, False)
        undo.pop_all()
