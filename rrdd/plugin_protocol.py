"""The files in which other programs hand us their numbers, in both layouts: V1 (text) and V2 (binary).

A file keeps its size and is rewritten in place, its checksum last; a reader that meets a half-written one sees that
by the checksum. V2's description of the sources is parsed only when it changed.
"""

import hashlib
import math
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from rrdd.metric import HOST, Kind, Metric, Owner, OwnerKind, Reading

MAGIC = b"DATASOURCES"


class Protocol(StrEnum):
    V1 = "V1"
    V2 = "V2"


class PluginError(Exception):
    """A plugin file that cannot be used now; the text says why."""


class NoUpdate(PluginError):
    """The plugin has not written since the last reading."""


@dataclass(frozen=True, slots=True)
class _Described:
    owner: Owner
    metric: Metric
    integer: bool


def _owner(spelling: str) -> Owner:
    match spelling.lower().split():
        case ["host"]:
            return HOST
        case [("vm" | "sr") as kind, uuid] if re.fullmatch(r"[0-9a-z-]+", uuid):
            return Owner(OwnerKind(kind), uuid)
    raise PluginError(f"owner {spelling!r} is neither host, vm UUID nor sr UUID")


def _limit(value: Any, missing: float) -> float:
    number = missing if value is None else float(value)
    return missing if math.isnan(number) else number


def _describe(name: str, fields: dict[str, Any]) -> _Described:
    match fields.get("value_type"):
        case "int64":
            integer = True
        case "float":
            integer = False
        case other:
            raise PluginError(f"{name}: value_type {other!r} is neither float nor int64")
    metric = Metric(
        name,
        Kind(str(fields.get("type", "absolute")).upper()),
        str(fields.get("units", "")),
        _limit(fields.get("min"), -math.inf),
        _limit(fields.get("max"), math.inf),
        default=str(fields.get("default", "false")).lower() == "true",
        inverse=str(fields.get("transform", "identity")).lower() == "inverse",
        description=str(fields.get("description", "")),
    )
    return _Described(_owner(str(fields.get("owner", "host"))), metric, integer)


def _sources(document: Any) -> dict[str, dict[str, Any]]:
    sources = document.get("datasources") if isinstance(document, dict) else None
    if not isinstance(sources, dict) or not all(isinstance(fields, dict) for fields in sources.values()):
        raise PluginError("no datasources object")
    return sources


class Reader:
    """Reads one plugin's file again and again; remembers what shows whether it changed."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self._data_seen: bytes | None = None
        self._metadata_seen: bytes | None = None
        self._described: list[_Described] = []

    @property
    def has_read(self) -> bool:
        return self._data_seen is not None

    def read(self, content: bytes) -> list[Reading]:
        """Return the readings in *content*, the whole file.

        :raises NoUpdate: nothing new.
        :raises PluginError: not valid (now).
        """
        try:
            return self._read_v1(content) if self.protocol is Protocol.V1 else self._read_v2(content)
        except (ValueError, TypeError, KeyError, struct.error, msgspec.DecodeError) as error:
            raise PluginError(f"malformed: {error}") from error

    def _read_v1(self, content: bytes) -> list[Reading]:
        if content[:12] != MAGIC + b"\n" or content[20:21] != b"\n" or content[53:54] != b"\n":
            raise PluginError("bad header")
        checksum = content[21:53]
        if checksum == self._data_seen:
            raise NoUpdate("unchanged")
        length = int(content[12:20], 16)
        payload = content[54 : 54 + length]
        if hashlib.md5(payload, usedforsecurity=False).hexdigest().encode() != checksum.lower():
            raise PluginError("bad checksum")
        document = msgspec.json.decode(payload)
        sources = _sources(document)
        timestamp = float(document["timestamp"])
        if not math.isfinite(timestamp):
            raise PluginError("no timestamp")
        found = []
        for name, fields in sources.items():
            described = _describe(name, fields)
            found.append(Reading(described.owner, described.metric, float(fields["value"]), timestamp))
        self._data_seen = checksum
        return found

    def _read_v2(self, content: bytes) -> list[Reading]:
        if content[:11] != MAGIC or len(content) < 35:
            raise PluginError("bad header")
        data_crc, metadata_crc = content[11:15], content[15:19]
        if data_crc == self._data_seen and metadata_crc == self._metadata_seen:
            raise NoUpdate("unchanged")
        (count,) = struct.unpack_from(">I", content, 19)
        end = 31 + 8 * count
        if len(content) < end + 4:
            raise PluginError(f"too short for {count} values")
        if zlib.crc32(content[23:end]) != int.from_bytes(data_crc, "big"):
            raise PluginError("bad data checksum")
        if metadata_crc != self._metadata_seen:
            self._described = _read_metadata(content, end, int.from_bytes(metadata_crc, "big"))
            self._metadata_seen = metadata_crc
        if len(self._described) != count:
            raise PluginError(f"{count} values, {len(self._described)} described")
        layout = ">d" + "".join("q" if described.integer else "d" for described in self._described)
        timestamp, *values = struct.unpack_from(layout, content, 23)
        if not math.isfinite(timestamp):
            raise PluginError("no timestamp")
        self._data_seen = data_crc
        return [
            Reading(described.owner, described.metric, float(value), timestamp)
            for described, value in zip(self._described, values, strict=True)
        ]


def _read_metadata(content: bytes, offset: int, checksum: int) -> list[_Described]:
    (length,) = struct.unpack_from(">I", content, offset)
    text = content[offset + 4 : offset + 4 + length]
    if zlib.crc32(text) != checksum:
        raise PluginError("bad metadata checksum")
    # Plugins written in C count the terminator.
    document = msgspec.json.decode(text.rstrip(b"\0"))
    return [_describe(name, fields) for name, fields in _sources(document).items()]


def _fields(reading: Reading, *, integer: bool) -> dict[str, Any]:
    metric, owner = reading.metric, reading.owner
    return {
        "description": metric.description,
        "owner": "host" if owner.kind is OwnerKind.HOST else f"{owner.kind} {owner.uuid}",
        "value_type": "int64" if integer else "float",
        "type": metric.kind.lower(),
        "default": "true" if metric.default else "false",
        "units": metric.units,
        "min": str(metric.min),
        "max": str(metric.max),
        "transform": "inverse" if metric.inverse else "identity",
    }


def write_v1(readings: Sequence[Reading], timestamp: float) -> bytes:
    """Return the V1 payload for *readings* (of one moment)."""
    sources = {r.metric.name: _fields(r, integer=False) | {"value": r.value} for r in readings}
    payload = msgspec.json.encode({"timestamp": timestamp, "datasources": sources})
    checksum = hashlib.md5(payload, usedforsecurity=False).hexdigest().encode()
    return MAGIC + b"\n%08x\n" % len(payload) + checksum + b"\n" + payload + b"\n"


def write_v2(readings: Sequence[Reading], timestamp: float) -> bytes:
    """Return the V2 payload for *readings* (of one moment); whole numbers given as int travel as int64."""
    integers = [isinstance(r.value, int) for r in readings]
    sources = {r.metric.name: _fields(r, integer=integer) | {"value": "0"} for r, integer in zip(readings, integers, strict=True)}
    metadata = msgspec.json.encode({"datasources": sources})
    layout = ">d" + "".join("q" if integer else "d" for integer in integers)
    data = struct.pack(layout, timestamp, *(r.value for r in readings))
    head = struct.pack(">III", zlib.crc32(data), zlib.crc32(metadata), len(readings))
    return MAGIC + head + data + struct.pack(">I", len(metadata)) + metadata
