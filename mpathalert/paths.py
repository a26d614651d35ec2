"""Multipath state as other_config tells it: entries ``mpath-<SCSI id>`` = ``[paths up, most paths ever]`` (pure).

PBDs carry one entry per LUN, a host carries ``mpath-boot`` when it boots from a multipathed disk.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "mpath-"
VALUE = re.compile(r"\s*\[\s*(-?\d+)\s*,\s*(-?\d+)\s*\]\s*")


@dataclass(frozen=True, slots=True)
class Path:
    """One multipathed LUN seen from one host; *owner* is the PBD's or host's ref."""

    owner: str
    scsi_id: str


@dataclass(frozen=True, slots=True)
class Health:
    current: int
    maximum: int

    @property
    def is_broken(self) -> bool:
        return self.current != self.maximum


@dataclass(frozen=True, slots=True)
class Pbd:
    uuid: str
    host: str
    """The host's ref."""
    paths: Mapping[str, Health]


@dataclass(frozen=True, slots=True)
class Host:
    uuid: str
    name_label: str
    paths: Mapping[str, Health]


def read_paths(other_config: Mapping[str, Any]) -> dict[str, Health]:
    """Return SCSI id -> health; entries that are not ``[n, m]`` are left out."""
    found = {}
    for key, value in other_config.items():
        match = VALUE.fullmatch(str(value))
        if key.startswith(PREFIX) and match is not None:
            found[key.removeprefix(PREFIX)] = Health(int(match[1]), int(match[2]))
    return found


def read_pbd(record: Mapping[str, Any]) -> Pbd:
    return Pbd(str(record["uuid"]), str(record["host"]), read_paths(record["other_config"]))


def read_host(record: Mapping[str, Any]) -> Host:
    return Host(str(record["uuid"]), str(record["name_label"]), read_paths(record["other_config"]))
