"""Watch ``/vss`` and serve the guests' wishes: one at a time per VM, VMs side by side.

Snapshots that came too late for the guest are removed when their task ends; the tasks are remembered in a directory, so
that a restart does not forget them.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from idl.config import read_inventory
from idl.paths import Root
from idl.xenapi_client import Failure, Session, Unavailable, session
from snapwatchd.disks import Refused, TooSlow, disks_of, task_result
from snapwatchd.protocol import ANSWERS, ROOT, Wish, vm_of, wish_of
from snapwatchd.store import Store
from snapwatchd.wishes import WISHES, Guest

log = logging.getLogger(__name__)

ORIGINATOR = "snapwatchd"
LATE_CHECK_S = 60.0


@dataclass(slots=True)
class Watcher:
    root: Root
    store: Store
    _busy: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    async def run(self) -> None:
        """Watch for ever."""
        async with asyncio.TaskGroup() as group:
            if any(self._late_tasks()):
                group.create_task(self._clean_late())
            async for path in self.store.changes(ROOT):
                vm = vm_of(path)
                # While a wish is served its status node only changes by our own answer.
                if vm is None or vm in self._busy:
                    continue
                wish = wish_of(await self.store.read(path))
                if wish is not None:
                    log.info("%s of VM %s", wish, vm)
                    self._busy[vm] = group.create_task(self._serve(group, vm, wish))

    async def _serve(self, group: asyncio.TaskGroup, vm: str, wish: Wish) -> None:
        answer = ANSWERS[wish].failed
        try:
            async with session(self.root.xapi_socket, ORIGINATOR) as opened:
                await WISHES[wish](await self._guest(opened, vm))
            answer = ANSWERS[wish].done
        except TooSlow as late:
            log.warning("%s of VM %s: %s", wish, vm, late)
            self._late_directory.mkdir(parents=True, exist_ok=True)
            (self._late_directory / quote(late.task, safe="")).touch()
            group.create_task(self._clean_late())
        except (Refused, Failure, Unavailable, OSError) as error:
            log.warning("%s of VM %s: %s", wish, vm, error)
        except Exception:
            # The top of a request: the guest gets an answer, the other guests go on being served.
            log.exception("%s of VM %s", wish, vm)
        finally:
            del self._busy[vm]
        await self.store.write({f"{ROOT}/{vm}/status": answer})

    async def _guest(self, opened: Session, vm: str) -> Guest:
        domain_0 = read_inventory(self.root.inventory).get("CONTROL_DOMAIN_UUID", "")
        control_domain = await opened.call("VM.get_by_uuid", domain_0)
        return Guest(vm, str(await opened.call("VM.get_by_uuid", vm)), opened, self.store, str(control_domain))

    @property
    def _late_directory(self) -> Path:
        return self.root.run / "snapwatchd"

    def _late_tasks(self) -> list[Path]:
        return sorted(self._late_directory.glob("*")) if self._late_directory.is_dir() else []

    async def _clean_late(self) -> None:
        """Remove what late tasks have made, looking again until none is left."""
        while late := self._late_tasks():
            for file in late:
                with contextlib.suppress(Unavailable, TooSlow):
                    async with session(self.root.xapi_socket, ORIGINATOR) as opened:
                        await self._discard(opened, unquote(file.name))
                    file.unlink(missing_ok=True)
            await asyncio.sleep(LATE_CHECK_S)

    @staticmethod
    async def _discard(opened: Session, task: str) -> None:
        try:
            made = await task_result(opened, task, LATE_CHECK_S)
        except TooSlow:
            raise
        except (Refused, Failure) as error:
            log.info("late task %s left nothing: %s", task, error)
            return
        try:
            await discard_snapshot(opened, made)
        except Failure as error:
            log.warning("what the late task %s made stays: %s", task, error)


async def discard_snapshot(opened: Session, made: str) -> None:
    """Destroy a snapshot of a VM with its disks, or of a VDI."""
    try:
        await opened.call("VM.get_uuid", made)
    except Failure:
        await opened.call("VDI.destroy", made)
        return
    disks = await disks_of(opened, made)
    await opened.call("VM.destroy", made)
    for disk in disks:
        await opened.call("VDI.destroy", disk.ref)
