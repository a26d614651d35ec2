"""What a guest's VSS provider may ask for, carried out through XenAPI. One function per wish.

Each reads ``/vss/<VM uuid>/snapshot``, and leaves its results there; :class:`~snapwatchd.disks.Refused` or an error of
XenAPI means that the wish failed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from idl.xenapi_client import Failure, Session
from snapwatchd import header
from snapwatchd.disks import Refused, attach, detach, disks_of, in_control_domain, task_result
from snapwatchd.protocol import ROOT, Disk, Wish, by_sr, snapshot_info, takes_whole_vm
from snapwatchd.store import Store

SNAPSHOT_BUDGET_S = 10.0
"""VSS holds the guest's writes for so long."""
SCSI_KEYS = tuple(f"scsi/0x12/{page}" for page in ("default", "0x80", "0x83"))


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest and the tools to serve it."""

    uuid: str
    ref: str
    session: Session
    store: Store
    control_domain: str

    @property
    def tree(self) -> str:
        return f"{ROOT}/{self.uuid}"

    async def requested(self) -> list[str]:
        """Return the VDI uuids the guest lists."""
        return await self.store.children(f"{self.tree}/snapshot")

    async def vdi(self, uuid: str) -> str:
        return str(await self.session.call("VDI.get_by_uuid", uuid))


async def create_info(guest: Guest) -> None:
    """Tell the SCSI identity of each disk, and hide its mark so that the guest may use a copy of it."""
    for uuid in await guest.requested():
        vdi = await guest.vdi(uuid)
        data: Mapping[str, Any] = await guest.session.call("VDI.get_xenstore_data", vdi)
        await guest.store.write({f"{guest.tree}/snapshot/{uuid}/{key}": str(data[key]) for key in SCSI_KEYS if key in data})
        async with in_control_domain(guest.session, guest.control_domain, vdi) as device:
            await asyncio.to_thread(header.hide, device)


async def create(guest: Guest) -> None:
    """Snapshot the VM, or the listed disks one by one."""
    await _assert_allowed(guest)
    requested = await guest.requested()
    disks = await disks_of(guest.session, guest.ref)
    unknown = set(requested) - {disk.uuid for disk in disks}
    if unknown or not requested:
        raise Refused(f"not disks of this VM: {', '.join(sorted(unknown)) or 'none listed'}")
    blocked = await guest.session.call("VM.get_blocked_operations", guest.ref)
    if takes_whole_vm(requested, disks, blocked):
        await _snapshot_vm(guest, disks)
    else:
        await _snapshot_vdis(guest, [disk for disk in disks if disk.uuid in requested])


async def _assert_allowed(guest: Guest) -> None:
    """The administrator's switch: "None" forbids for good, any other value allows once."""
    domid = await guest.session.call("VM.get_domid", guest.ref)
    path = f"/local/domain/{domid}/vm-data/allowvssprovider"
    switch = await guest.store.read(path)
    if switch == "None":
        raise Refused("vm-data/allowvssprovider forbids snapshots")
    if switch is not None:
        await guest.store.write({path: "false"})


async def _snapshot_vm(guest: Guest, disks: list[Disk]) -> None:
    name = f"{await guest.session.call('VM.get_name_label', guest.ref)} (quiesced)"
    task = str(await guest.session.call("Async.VM.snapshot", guest.ref, name))
    snapshot = await task_result(guest.session, task, SNAPSHOT_BUDGET_S)
    uuid = str(await guest.session.call("VM.get_uuid", snapshot))
    copies = {}
    for disk in await disks_of(guest.session, snapshot):
        copies[str(await guest.session.call("VDI.get_snapshot_of", disk.ref))] = disk.uuid
    info = snapshot_info(datetime.now(UTC).isoformat(timespec="seconds"), uuid, guest.uuid)
    values = {"snaptype": "vm", "snapuuid": uuid, "snapinfo": info}
    values |= {f"snapshot/{disk.uuid}/id": copies[disk.ref] for disk in disks if disk.ref in copies}
    await guest.store.write({f"{guest.tree}/{key}": value for key, value in values.items()})


async def _snapshot_vdis(guest: Guest, disks: list[Disk]) -> None:
    copies: dict[str, str] = {}

    async def one_sr(group: list[Disk]) -> None:
        for disk in group:
            task = str(await guest.session.call("Async.VDI.snapshot", disk.ref, {}))
            copies[disk.uuid] = await task_result(guest.session, task, SNAPSHOT_BUDGET_S)

    outcomes = await asyncio.gather(*(one_sr(group) for group in by_sr(disks)), return_exceptions=True)
    failures = [outcome for outcome in outcomes if outcome is not None]
    if failures:
        # A part of the disks is of no use to the guest.
        for copy in copies.values():
            await guest.session.call("VDI.destroy", copy)
        raise failures[0]
    uuids = {uuid: str(await guest.session.call("VDI.get_uuid", copy)) for uuid, copy in copies.items()}
    values = {"snaptype": "vdi"}
    values |= {f"snapshot/{uuid}/id": copy for uuid, copy in uuids.items()}
    values |= {f"vdisnap/{uuid}": copy for uuid, copy in uuids.items()}
    await guest.store.write({f"{guest.tree}/{key}": value for key, value in values.items()})


async def import_(guest: Guest) -> None:
    """Show the guest snapshots of its own disks as further disks."""
    own = {disk.ref for disk in await disks_of(guest.session, guest.ref)}
    for uuid in await guest.requested():
        vdi = await guest.vdi(uuid)
        record = await guest.session.call("VDI.get_record", vdi)
        if record["snapshot_of"] not in own and record["other_config"].get("snapmanager") != "true":
            raise Refused(f"{uuid} is no snapshot of a disk of this VM")
        async with in_control_domain(guest.session, guest.control_domain, vdi) as device:
            await asyncio.to_thread(header.restore, device)
        await attach(guest.session, guest.ref, vdi, read_only=False)


async def deport(guest: Guest) -> None:
    """Take imported snapshots away from the guest again."""
    for uuid in await guest.requested():
        vdi = await guest.vdi(uuid)
        for vbd in await guest.session.call("VDI.get_VBDs", vdi):
            if await guest.session.call("VBD.get_VM", vbd) == guest.ref:
                await detach(guest.session, str(vbd))
        async with in_control_domain(guest.session, guest.control_domain, vdi) as device:
            await asyncio.to_thread(header.hide, device)


async def destroy(guest: Guest) -> None:
    """Destroy snapshots, and the snapshot VMs that had no other disk."""
    for uuid in await guest.requested():
        vdi = await guest.vdi(uuid)
        owners = [str(await guest.session.call("VBD.get_VM", vbd)) for vbd in await guest.session.call("VDI.get_VBDs", vdi)]
        if guest.ref in owners:
            raise Refused(f"{uuid} is a disk of this VM")
        for owner in owners:
            is_snapshot = await guest.session.call("VM.get_is_a_snapshot", owner)
            if is_snapshot and len(await disks_of(guest.session, owner)) == 1:
                await guest.session.call("VM.destroy", owner)
        try:
            await guest.session.call("VDI.destroy", vdi)
        except Failure as error:
            if error.code != "HANDLE_INVALID":
                raise


WISHES: Mapping[Wish, Callable[[Guest], Awaitable[None]]] = {
    Wish.CREATE_INFO: create_info,
    Wish.CREATE: create,
    Wish.IMPORT: import_,
    Wish.DEPORT: deport,
    Wish.DESTROY: destroy,
}
