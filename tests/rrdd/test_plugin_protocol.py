"""Plugin files: both layouts, what a reader refuses, and what it does not read twice."""

import hashlib
import json
import struct
import zlib
from math import inf

import pytest

from rrdd.metric import HOST, Kind, Metric, Owner, OwnerKind, Reading
from rrdd.plugin_protocol import NoUpdate, PluginError, Protocol, Reader, write_v1, write_v2

VM = Owner(OwnerKind.VM, "2cf6f4a5-3bf4-4b4d-a0d5-5e8ed5c9f0a1")
READINGS = [
    Reading(HOST, Metric("free", Kind.GAUGE, "KiB", 0.0, default=True, description="Free memory"), 12, 1000.5),
    Reading(VM, Metric("cpu0", Kind.DERIVE, "(fraction)", 0.0, 1.0, inverse=True), 0.25, 1000.5),
]


def v1(sources: dict[str, dict[str, object]]) -> bytes:
    payload = json.dumps({"timestamp": 7.0, "datasources": sources}).encode()
    return b"DATASOURCES\n%08x\n%s\n%s\n" % (len(payload), hashlib.md5(payload).hexdigest().encode(), payload)


def v2(metadata: bytes, values: bytes, count: int) -> bytes:
    """Lay a file out by hand, padded to a page as plugins do."""
    data = struct.pack(">d", 7.0) + values
    head = b"DATASOURCES" + struct.pack(">III", zlib.crc32(data), zlib.crc32(metadata), count)
    return (head + data + struct.pack(">I", len(metadata)) + metadata).ljust(4096, b"\0")


@pytest.mark.parametrize(("protocol", "write"), [(Protocol.V1, write_v1), (Protocol.V2, write_v2)])
def test_what_is_written_is_read(protocol: Protocol, write: object) -> None:
    assert callable(write)
    content = write(READINGS, 1000.5).ljust(4096, b"\0")
    reader = Reader(protocol)
    assert reader.read(content) == READINGS
    with pytest.raises(NoUpdate):
        reader.read(content)
    later = [Reading(r.owner, r.metric, r.value, 1005.5) for r in READINGS]
    assert reader.read(write(READINGS, 1005.5)) == later


def test_v1_takes_values_as_text_and_fills_in_what_is_missing() -> None:
    content = v1({"x": {"value_type": "float", "value": "1.5", "min": "-inf", "max": "inf"}})
    assert Reader(Protocol.V1).read(content) == [Reading(HOST, Metric("x", Kind.ABSOLUTE, "", -inf, inf), 1.5, 7.0)]


def test_v2_at_its_documented_offsets() -> None:
    metadata = b'{"datasources":{"a":{"value_type":"int64","type":"gauge","owner":"sr 11-22"},"b":{"value_type":"float"}}}\0'
    content = v2(metadata, struct.pack(">qd", -3, 2.5), 2)
    assert content[31:39] == (2**64 - 3).to_bytes(8, "big")
    assert int.from_bytes(content[31 + 16 : 35 + 16], "big") == len(metadata)
    a, b = Reader(Protocol.V2).read(content)
    assert (a.owner, a.metric.kind, a.value, a.timestamp) == (Owner(OwnerKind.SR, "11-22"), Kind.GAUGE, -3, 7.0)
    assert (b.owner, b.metric.kind, b.value) == (HOST, Kind.ABSOLUTE, 2.5)


def test_v2_describes_itself_anew_when_its_sources_change() -> None:
    reader = Reader(Protocol.V2)
    assert [r.metric.name for r in reader.read(write_v2(READINGS, 1.0))] == ["free", "cpu0"]
    assert [r.metric.name for r in reader.read(write_v2(READINGS[1:], 2.0))] == ["cpu0"]


GOOD_V2 = write_v2(READINGS, 1000.5)


@pytest.mark.parametrize(
    ("protocol", "content"),
    [
        (Protocol.V1, b""),
        (Protocol.V1, GOOD_V2),
        (Protocol.V1, write_v1(READINGS, 1.0).replace(b"Free", b"Full")),
        (Protocol.V1, v1({"x": {"value": 1}})),
        (Protocol.V1, v1({"x": {"value_type": "float", "value": "much"}})),
        (Protocol.V1, v1({"x": {"value_type": "float"}})),
        (Protocol.V1, v1({"x": {"value_type": "float", "value": 1, "owner": "vm ../../etc"}})),
        (Protocol.V1, v1({"x": {"value_type": "float", "value": 1, "type": "odd"}})),
        (Protocol.V2, b""),
        (Protocol.V2, b"\0" * 4096),
        (Protocol.V2, GOOD_V2[:40]),
        (Protocol.V2, GOOD_V2[:30] + b"\x55" + GOOD_V2[31:]),
        (Protocol.V2, GOOD_V2.replace(b"Free", b"Full")),
        (Protocol.V2, v2(b'{"datasources":{}}', struct.pack(">d", 1.0), 1)),
        (Protocol.V2, v2(b"[]", b"", 0)),
        (Protocol.V2, v2(b'{"datasources":{"x":{}}}', struct.pack(">d", 1.0), 1)),
        (Protocol.V2, GOOD_V2[:19] + b"\xff\xff\xff\xff" + GOOD_V2[23:]),
    ],
)
def test_what_cannot_be_trusted_is_refused(protocol: Protocol, content: bytes) -> None:
    with pytest.raises(PluginError):
        Reader(protocol).read(content)
