"""The cycle of 5 s: sample, load archives of who is new, record; and what happens to archives besides.

Archives are saved when asked, at a graceful stop, and every few minutes (the original leaves the last to xapi, once a
day): a killed daemon loses minutes, not a day.
"""

import asyncio
import logging
from time import time

from idl.rpc import RpcError
from rrdd.archive import Archive
from rrdd.metric import HOST, Owner, OwnerKind
from rrdd.recorder import Recorder
from rrdd.ring import STEP
from rrdd.sampler import Sample, Sampler
from rrdd.store import Identity, IdentityFile, Store

log = logging.getLogger(__name__)

PHASE = 0.5
"""Seconds after a multiple of 5 s at which we sample: plugins write half a second before they are read."""

OVERRUN_PAUSE = 1.0
FAILURE_PAUSE = 10.0
SAVE_INTERVAL = 300.0


def next_sample(now: float) -> float:
    """Return the first sampling time after *now*."""
    return ((now - PHASE) // STEP + 1) * STEP + PHASE


class Monitor:
    """Owns the cycle and who we are; :attr:`recorder` and :attr:`store` hold the archives."""

    def __init__(self, sampler: Sampler, recorder: Recorder, store: Store, identity_file: IdentityFile) -> None:
        self.recorder = recorder
        self.store = store
        self.identity = identity_file.load()
        recorder.use_min_max = self.identity.use_min_max
        self._identity_file = identity_file
        self._sampler = sampler
        self._due = time()
        self._restored = False

    def seconds_to_next(self) -> float:
        """Return the seconds until the next sample, negative if it is late."""
        return self._due - time()

    async def run(self) -> None:
        """Sample for ever."""
        while True:
            pause = self.seconds_to_next()
            if pause > 0:
                await asyncio.sleep(pause)
            try:
                await self.cycle()
            except Exception:
                # The top of the daemon's own work: it goes on.
                log.exception("a cycle failed")
                await asyncio.sleep(FAILURE_PAUSE)
            self._due = next_sample(self._due)
            if self.seconds_to_next() < 0:
                await asyncio.sleep(OVERRUN_PAUSE)
                self._due = max(self._due, next_sample(time()))

    async def run_saves(self) -> None:
        """Save for ever."""
        while True:
            await asyncio.sleep(SAVE_INTERVAL)
            await self.save_all()

    async def cycle(self) -> None:
        """Sample and record once."""
        if not self._restored:
            await self._restore_host()
        sample = await self._sampler.sample(self.identity.control_domain_uuid)
        await self._take_in(sample)
        self.recorder.step(sample.now, sample.readings, sample.domids or {})
        if sample.domids is not None:
            for owner in self.recorder.departed(sample.now):
                log.info("VM %s has no domain: archived", owner.uuid)
                await self._retire(owner)

    async def _take_in(self, sample: Sample) -> None:
        residents = [*(sample.domids or {}), self.identity.control_domain_uuid]
        for owner in self.recorder.newcomers(sample.readings, residents):
            archive = await self._load(owner)
            # A call may have brought it in while we read the disk.
            if owner not in self.recorder.owned:
                self.recorder.adopt(owner, archive or self.recorder.blank(owner, sample.now), sample.now)

    async def _load(self, owner: Owner) -> Archive | None:
        uuid = self.identity.host_uuid if owner == HOST else owner.uuid
        return await asyncio.to_thread(self.store.load, uuid) if uuid else None

    async def _restore_host(self) -> None:
        archive = await self._load(HOST)
        if archive is not None:
            self.recorder.adopt(HOST, archive, time())
        self._restored = True

    async def set_identity(self, identity: Identity) -> None:
        """Remember *identity*; a host we did not record before gets its archive from disk."""
        if identity == self.identity:
            return
        another = identity.host_uuid != self.identity.host_uuid
        await asyncio.to_thread(self._identity_file.save, identity)
        self.identity = identity
        self.recorder.use_min_max = identity.use_min_max
        if another:
            await self._restore_host()

    async def push_local(self, vm_uuid: str, domid: int) -> None:
        """Go on recording a VM that starts as domain *domid*, from its archive on disk if there is one."""
        owner = Owner(OwnerKind.VM, vm_uuid)
        if owner not in self.recorder.owned:
            archive = await self._load(owner)
            if owner not in self.recorder.owned:
                now = time()
                # No domain has a negative number: the first counters of the real one start from zero.
                self.recorder.adopt(owner, archive or self.recorder.blank(owner, now), now, domid=-1)
        log.debug("VM %s recorded as domain %d", vm_uuid, domid)

    async def archive(self, owner: Owner) -> None:
        """Write *owner*'s archive to disk and stop recording; nothing recorded is no error.

        :raises RpcError: ``Archive_failed``: it could not be written, and is recorded on.
        """
        await self._retire(owner)

    async def _retire(self, owner: Owner) -> None:
        owned = self.recorder.drop(owner)
        if owned is None:
            return
        try:
            await asyncio.to_thread(self.store.save, owner.uuid, owned.archive)
        except OSError as error:
            self.recorder.owned.setdefault(owner, owned)
            raise RpcError("Archive_failed", str(error)) from error

    async def remove(self, uuid: str) -> None:
        """Forget *uuid*, in memory and on disk."""
        for kind in (OwnerKind.VM, OwnerKind.SR):
            self.recorder.drop(Owner(kind, uuid))
        await asyncio.to_thread(self.store.remove, uuid)

    async def save_all(self) -> None:
        """Write every archive to disk. One that cannot be written is logged and does not keep the others."""
        for owner, owned in list(self.recorder.owned.items()):
            uuid = self.identity.host_uuid if owner == HOST else owner.uuid
            if not uuid or owner not in self.recorder.owned:
                continue
            try:
                await asyncio.to_thread(self.store.save, uuid, owned.archive.copy())
            except OSError as error:
                log.error("%s %s not saved: %s", owner.kind, uuid, error)
