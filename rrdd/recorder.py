"""Who is recorded and what of them: archives by owner, moved on together once per cycle.

The only owner of the archives. No I/O: what must be loaded first is named by :meth:`Recorder.newcomers`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, isnan, nan

import numpy as np

from idl.rpc import RpcError
from idl.rrd import DataSource
from rrdd.archive import Archive, Source, shapes
from rrdd.metric import HOST, Metric, Owner, OwnerKind, Reading

FORGOTTEN_AFTER = 60.0
"""Seconds without its domain after which a VM's archive goes to disk although nobody asked (a reboot takes less)."""


def missing(name: str) -> RpcError:
    return RpcError("Datasource_missing", name)


@dataclass(slots=True)
class Owned:
    """One owner's archive, what else could be recorded of it, and the domain its counters come from."""

    archive: Archive
    possible: dict[str, Metric] = field(default_factory=dict)
    domid: int | None = None
    seen: float = 0.0


def _source(metric: Metric) -> Source:
    return Source(metric.name, metric.kind, metric.min, metric.max, metric.inverse)


class Recorder:
    def __init__(self, *, use_min_max: bool = False) -> None:
        self.use_min_max = use_min_max
        self.owned: dict[Owner, Owned] = {}

    def blank(self, owner: Owner, now: float) -> Archive:
        """Return an archive without history for *owner*."""
        return Archive(shapes(min_max=owner == HOST or self.use_min_max), now)

    def newcomers(self, readings: Iterable[Reading], residents: Iterable[str]) -> set[Owner]:
        """Return the owners that have readings and no archive yet. A VM counts only if it is here (*residents*)."""
        here = set(residents)
        owners = {reading.owner for reading in readings} - self.owned.keys()
        return {owner for owner in owners if owner.kind is not OwnerKind.VM or owner.uuid in here}

    def adopt(self, owner: Owner, archive: Archive, now: float, domid: int | None = None) -> None:
        """Record *owner* into *archive* from now on, in place of what was recorded."""
        known = self.owned.get(owner)
        self.owned[owner] = Owned(archive, known.possible if known else {}, domid, seen=now)

    def step(self, now: float, readings: Iterable[Reading], domids: Mapping[str, int]) -> None:
        """Move every archive on to *now*. *domids*: of the VMs that run, by uuid."""
        grouped: dict[Owner, dict[str, Reading]] = {owner: {} for owner in self.owned}
        for reading in readings:
            found = grouped.get(reading.owner)
            if found is not None:
                found[reading.metric.name] = reading
        for owner, found in grouped.items():
            owned = self.owned[owner]
            domid = domids.get(owner.uuid)
            restarted = None not in (domid, owned.domid) and domid != owned.domid
            if domid is not None:
                owned.domid = domid
            if found:
                owned.seen = now
            _enlist(owned, found)
            _move(owned.archive, now, found, restarted)

    def departed(self, now: float) -> list[Owner]:
        """Return the VMs of which nothing has been heard for long."""
        return [owner for owner, owned in self.owned.items() if owner.kind is OwnerKind.VM and now - owned.seen > FORGOTTEN_AFTER]

    def drop(self, owner: Owner) -> Owned | None:
        return self.owned.pop(owner, None)

    def find(self, owner: Owner) -> Owned:
        """Return what is recorded of *owner*.

        :raises RpcError: ``Rrdd_internal_error``: nothing is.
        """
        owned = self.owned.get(owner)
        if owned is None:
            raise RpcError("Rrdd_internal_error", f"no metrics of {owner.kind} {owner.uuid}".rstrip())
        return owned

    def enable(self, owner: Owner, name: str) -> None:
        owned = self.find(owner)
        metric = owned.possible.get(name)
        if metric is None:
            raise missing(name)
        owned.archive.add(_source(metric))

    def forget(self, owner: Owner, name: str) -> None:
        self.find(owner).archive.forget(name)

    def query(self, owner: Owner, name: str) -> float | None:
        """Return the newest 5 s average of *name*, None if unknown."""
        archive = self.find(owner).archive
        if archive.column(name) is None:
            raise missing(name)
        value = archive.newest(name)
        return None if isnan(value) else value

    def possible(self, owner: Owner) -> list[DataSource]:
        """Return all that is, or could be, recorded of *owner*; nothing for one we do not know."""
        owned = self.owned.get(owner)
        if owned is None:
            return []
        recorded = {s.name: Metric(s.name, s.kind, min=s.min, max=s.max) for s in owned.archive.sources}
        return [
            DataSource(
                name=metric.name,
                description=metric.description,
                enabled=metric.name in recorded,
                standard=metric.default,
                min=metric.min if isfinite(metric.min) else None,
                max=metric.max if isfinite(metric.max) else None,
                units=metric.units,
            )
            for metric in (recorded | owned.possible).values()
        ]


def _enlist(owned: Owned, found: Mapping[str, Reading]) -> None:
    """Take up what is new: standard metrics are recorded at once, others when asked for (or when an archive has them)."""
    for name, reading in found.items():
        metric = reading.metric
        if owned.possible.get(name) is metric:
            continue
        owned.possible[name] = metric
        column = owned.archive.column(name)
        if column is None:
            if metric.default:
                owned.archive.add(_source(metric))
        elif owned.archive.sources[column] != _source(metric):
            owned.archive.add(_source(metric))


def _move(archive: Archive, now: float, found: Mapping[str, Reading], restarted: bool) -> None:
    values = np.full(len(archive.sources), nan)
    times = np.full(len(archive.sources), now)
    for column, source in enumerate(archive.sources):
        reading = found.get(source.name)
        if reading is not None:
            values[column] = reading.value
            times[column] = reading.timestamp
    archive.update(now, values, times, restarted=restarted)
