"""Disks through XenAPI: a VM's disks, attaching one to a VM or to the control domain, waiting for tasks."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from idl.xenapi_client import Failure, Session
from snapwatchd.protocol import Disk

UNPLUG_TRIES = 3
UNPLUG_PAUSE_S = 5.0
TASK_WAIT_S = 5.0


class Refused(Exception):
    """A wish that cannot be fulfilled; the text says why."""


class TooSlow(Refused):
    """A task that was not done within its time; it goes on."""

    def __init__(self, task: str) -> None:
        super().__init__(f"{task} is not done in time")
        self.task = task


async def disks_of(session: Session, vm: str) -> list[Disk]:
    """Return the disks (no CDs, no empty drives) of a VM."""
    found = []
    for vbd in await session.call("VM.get_VBDs", vm):
        record = await session.call("VBD.get_record", vbd)
        if record["type"] == "Disk" and not record["empty"]:
            vdi = await session.call("VDI.get_record", record["VDI"])
            found.append(Disk(str(record["VDI"]), str(vdi["uuid"]), str(vdi["SR"])))
    return found


async def task_result(session: Session, task: str, timeout_s: float) -> str:
    """Wait for a task and return the ref it results in; the task is then gone.

    :raises TooSlow: not within *timeout_s*. :raises Refused: it failed.
    """
    deadline = time.monotonic() + timeout_s
    token = ""
    while (left := deadline - time.monotonic()) > 0:
        token, events = await session.changes([f"task/{task}"], token, min(left, TASK_WAIT_S))
        for event in events:
            if event.record is None or event.record["status"] == "pending":
                continue
            await session.call("task.destroy", task)
            if event.record["status"] != "success":
                raise Refused(f"{event.record['name_label']}: {event.record['error_info']}")
            return str(event.record["result"]).removeprefix("<value>").removesuffix("</value>")
    raise TooSlow(task)


async def attach(session: Session, vm: str, vdi: str, *, read_only: bool) -> str:
    """Give a VM a disk and plug it; return the VBD. What was made is taken back when plugging fails."""
    vbd_record: dict[str, Any] = {
        "VM": vm,
        "VDI": vdi,
        "userdevice": "autodetect",
        "bootable": False,
        "mode": "RO" if read_only else "RW",
        "type": "Disk",
        "empty": False,
        "unpluggable": True,
        "other_config": {},
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }
    vbd = str(await session.call("VBD.create", vbd_record))
    try:
        await session.call("VBD.plug", vbd)
    except Failure:
        await session.call("VBD.destroy", vbd)
        raise
    return vbd


async def detach(session: Session, vbd: str) -> None:
    """Unplug and destroy a VBD; the guest may need some time to let go.

    :raises Failure: it does not.
    """
    for attempt in range(1, UNPLUG_TRIES + 1):
        try:
            await session.call("VBD.unplug", vbd)
            break
        except Failure as error:
            if error.code == "DEVICE_ALREADY_DETACHED":
                break
            if attempt == UNPLUG_TRIES:
                raise
            await asyncio.sleep(UNPLUG_PAUSE_S)
    await session.call("VBD.destroy", vbd)


@contextlib.asynccontextmanager
async def in_control_domain(session: Session, control_domain: str, vdi: str) -> AsyncIterator[Path]:
    """Attach a disk to the control domain for the length of the block; give its block device."""
    vbd = await attach(session, control_domain, vdi, read_only=False)
    try:
        yield Path("/dev") / str(await session.call("VBD.get_device", vbd))
    finally:
        await detach(session, vbd)
