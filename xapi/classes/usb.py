"""XenAPI classes PUSB, USB_group and VUSB: devices plugged into hosts, and VMs' claims on them.

What is plugged in is read from sysfs; what VMs may get is said by ``/etc/xensource/usb-policy.conf``.
"""

import asyncio
from pathlib import Path

from xapi import errors
from xapi.classes.host import assert_here
from xapi.classes.vm_lifecycle import assert_halted
from xapi.database.store import Store
from xapi.errors import XenAPIError, error, not_implemented
from xapi.planning import usb_policy
from xapi.planning.usb_policy import Device
from xapi.server.context import Context
from xapi.server.registry import implements

SYSFS = "/sys/bus/usb/devices"
POLICY = "/etc/xensource/usb-policy.conf"
MOST_VUSBS = 6


def _text(directory: Path, name: str) -> str:
    try:
        return (directory / name).read_text(errors="replace").strip()
    except OSError:
        return ""


def _read(sysfs: Path) -> list[Device]:
    """Return what is plugged in, hubs left out."""
    found = []
    for path in sorted(sysfs.glob("*-*")) if sysfs.is_dir() else []:
        if ":" in path.name or not _text(path, "idVendor"):
            continue
        interfaces = tuple(
            (_text(part, "bInterfaceClass"), _text(part, "bInterfaceSubClass"), _text(part, "bInterfaceProtocol"))
            for part in sorted(sysfs.glob(f"{path.name}:*"))
        )
        found.append(
            Device(
                path.name, _text(path, "idVendor"), _text(path, "manufacturer"), _text(path, "idProduct"), _text(path, "product"),
                _text(path, "serial"), _text(path, "version"), _text(path, "speed"), _text(path, "bDeviceClass"), interfaces,
            )
        )  # fmt: skip
    return [device for device in found if not device.is_hub]


@implements("PUSB.scan")
async def scan(ctx: Context, host: str) -> None:
    """XenAPI: PUSB.scan: records of what came are made, of what went deleted (unless a VM has it)."""
    assert_here(ctx, host)
    root, db = ctx.app.root, ctx.db
    policy_file = root.under(POLICY)
    rules = usb_policy.parse(policy_file.read_text()) if policy_file.is_file() else usb_policy.DEFAULT
    devices = await asyncio.to_thread(_read, root.under(SYSFS))
    present = {device.identity: device for device in devices if usb_policy.is_allowed(device, rules)}
    for ref in list(db.get("host", host, "PUSBs")):
        row = db.row("PUSB", ref).values
        if (row["path"], row["vendor_id"], row["product_id"], row["serial"]) not in present:
            _forget(db, ref)
        else:
            del present[row["path"], row["vendor_id"], row["product_id"], row["serial"]]
    for device in present.values():
        db.create("PUSB", host=host, USB_group=_group_of(db, device), other_config={}, **device.fields())


def _forget(db: Store, pusb: str) -> None:
    group = db.get("PUSB", pusb, "USB_group")
    db.destroy("PUSB", pusb)
    if db.exists("USB_group", group) and not db.get("USB_group", group, "PUSBs") and not db.get("USB_group", group, "VUSBs"):
        db.destroy("USB_group", group)


def _group_of(db: Store, device: Device) -> str:
    """Return the group for devices like this one; it is made when there is none."""
    for row in db.rows("PUSB"):
        values = row.values
        if (values["vendor_id"], values["product_id"]) == (device.vendor, device.product):
            return str(values["USB_group"])
    name = f"Group of {device.vendor} {device.product} USBs"
    return db.create("USB_group", name_label=name, other_config={})


def _holder(db: Store, pusb: str) -> str | None:
    """Return the VM that has the device now, if any."""
    group = db.get("PUSB", pusb, "USB_group")
    vusbs = [db.row("VUSB", ref).values for ref in db.get("USB_group", group, "VUSBs")] if db.exists("USB_group", group) else []
    return next((vusb["VM"] for vusb in vusbs if vusb["currently_attached"]), None)


@implements("PUSB.set_passthrough_enabled")
async def set_passthrough_enabled(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: PUSB.set_passthrough_enabled. :raises XenAPIError: USB_ALREADY_ATTACHED [PUSB; VM]."""
    holder = _holder(ctx.db, self)
    if holder is not None and not value:
        raise error("USB_ALREADY_ATTACHED", self, holder)
    ctx.db.set("PUSB", self, passthrough_enabled=value)


@implements("USB_group.create")
async def create_group(ctx: Context, name_label: str, name_description: str, other_config: dict[str, str]) -> str:
    """XenAPI: USB_group.create."""
    return ctx.db.create(
        "USB_group", name_label=name_label, name_description=name_description, other_config=other_config
    )


@implements("USB_group.destroy")
async def destroy_group(ctx: Context, self: str) -> None:
    """XenAPI: USB_group.destroy. :raises XenAPIError: USB_GROUP_CONTAINS_VUSB [VUSBs …], USB_GROUP_CONTAINS_PUSB [PUSBs …]."""
    row = ctx.db.row("USB_group", self).values
    if row["VUSBs"]:
        raise XenAPIError("USB_GROUP_CONTAINS_VUSB", list(row["VUSBs"]))
    if row["PUSBs"]:
        raise XenAPIError("USB_GROUP_CONTAINS_PUSB", list(row["PUSBs"]))
    ctx.db.destroy("USB_group", self)


@implements("VUSB.create")
async def create(ctx: Context, vm: str, usb_group: str, other_config: dict[str, str]) -> str:
    """XenAPI: VUSB.create: for the guest's next start.

    :raises XenAPIError: VM_BAD_POWER_STATE, USB_GROUP_CONTAINS_NO_PUSBS, USB_GROUP_CONFLICT [group] where it is claimed,
        TOO_MANY_VUSBS [limit], OPERATION_NOT_ALLOWED where no device of the group may be passed through.
    """
    db = ctx.db
    group = db.row("USB_group", usb_group).values
    assert_halted(db, vm)
    if not group["PUSBs"]:
        raise error("USB_GROUP_CONTAINS_NO_PUSBS", usb_group)
    if not any(db.get("PUSB", pusb, "passthrough_enabled") for pusb in group["PUSBs"]):
        raise errors.operation_not_allowed("passing through is not enabled for any device of the group")
    if group["VUSBs"]:
        raise error("USB_GROUP_CONFLICT", usb_group)
    if len(db.get("VM", vm, "VUSBs")) >= MOST_VUSBS:
        raise error("TOO_MANY_VUSBS", MOST_VUSBS)
    return db.create("VUSB", VM=vm, USB_group=usb_group, other_config=other_config)


@implements("VUSB.unplug")
async def unplug(ctx: Context, self: str) -> None:
    """XenAPI: VUSB.unplug. :raises XenAPIError: DEVICE_ALREADY_DETACHED; NOT_IMPLEMENTED for a device that a guest has: the
    domain manager plugs none, so there ought to be no such."""
    if not ctx.db.get("VUSB", self, "currently_attached"):
        raise errors.device_already_detached(self)
    raise not_implemented("VUSB.unplug")


@implements("VUSB.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VUSB.destroy. :raises XenAPIError: OPERATION_NOT_ALLOWED while a guest has the device."""
    if ctx.db.get("VUSB", self, "currently_attached"):
        raise errors.operation_not_allowed("the running guest has the device")
    ctx.db.destroy("VUSB", self)
