"""What is known of the pool's paths, what has changed, and the alert's text (pure).

An alert is only worth sending when a change concerns a path that is broken, or was since the last alert.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from idl.xenapi_client import Event
from mpathalert.paths import Health, Host, Path, Pbd, read_host, read_pbd


@dataclass(frozen=True, slots=True)
class Change:
    """A path whose numbers changed, as it then was."""

    path: Path
    health: Health
    text: str


@dataclass(slots=True)
class World:
    pbds: dict[str, Pbd] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    broken_since_alert: set[Path] = field(default_factory=set)

    def take(self, event: Event, now: datetime) -> list[Change]:
        """Take an object's new state over; return its paths that changed."""
        if event.record is None or event.operation == "del":
            self.pbds.pop(event.ref, None)
            self.hosts.pop(event.ref, None)
            return []
        before = self._paths_of(event.ref)
        if event.cls == "pbd":
            self.pbds[event.ref] = read_pbd(event.record)
        else:
            self.hosts[event.ref] = read_host(event.record)
        after = self._paths_of(event.ref)
        changed = [(scsi_id, health) for scsi_id, health in after.items() if before.get(scsi_id) != health]
        return [Change(Path(event.ref, id_), health, self.line(event.ref, id_, health, now)) for id_, health in changed]

    def _paths_of(self, ref: str) -> Mapping[str, Health]:
        if ref in self.pbds:
            return self.pbds[ref].paths
        return self.hosts[ref].paths if ref in self.hosts else {}

    def paths(self) -> Iterator[tuple[Path, Health]]:
        for owner in [*self.pbds, *self.hosts]:
            for scsi_id, health in self._paths_of(owner).items():
                yield Path(owner, scsi_id), health

    def line(self, owner: str, scsi_id: str, health: Health, now: datetime) -> str:
        """Return one line of the alert; its form is what clients parse."""
        numbers = f"current={health.current}; max={health.maximum}"
        stamp = now.strftime("[%Y%m%dT%H:%M:%SZ]")
        pbd = self.pbds.get(owner)
        host = self.hosts.get(pbd.host if pbd else owner)
        who = f'host={host.uuid if host else "unknown"}; host-name="{host.name_label if host else "unknown"}"'
        where = f"pbd={pbd.uuid}; scsi_id={scsi_id}" if pbd else "root=true"
        return f"{stamp} {who}; {where}; {numbers}"

    def alert(self, changes: Iterable[Change], period_s: float, now: datetime) -> str | None:
        """Return the alert's text for the *changes* of the last *period_s* seconds, or None when none is of interest."""
        broken = {path: health for path, health in self.paths() if health.is_broken}
        interesting = []
        for change in changes:
            if change.health.is_broken or change.path in broken or change.path in self.broken_since_alert:
                interesting.append(change)
                self.broken_since_alert.add(change.path)
        if not interesting:
            return None
        text = ""
        if broken:
            lines = [self.line(path.owner, path.scsi_id, health, now) for path, health in broken.items()]
            text = "Unhealthy paths:\n" + "".join(f"{line}\n" for line in lines) + "\n"
        text += f"Events received during the last {period_s:.0f} seconds:\n"
        return text + "".join(f"{change.text}\n" for change in interesting)

    def alert_sent(self) -> None:
        """Begin anew: of interest from now on is what is broken now."""
        self.broken_since_alert = {path for path, health in self.paths() if health.is_broken}
