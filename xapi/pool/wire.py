"""The frames in which the coordinator's changes reach a supporter, and a supporter's writes the coordinator.

They travel over one TLS connection to ``/remote_db_access_v2``, the original's place for a protocol of its own there:
four bytes of length, then MessagePack. Writes are named operations, not whole rows, so that two hosts that change
different keys of one map do not undo each other.
"""

import asyncio
from typing import Any, Final, TypeAlias

import msgspec

PROTOCOL: Final = 1
LONGEST: Final = 1 << 30


class _Frame(msgspec.Struct, frozen=True, array_like=True, tag=True):
    pass


# -- operations --


class Create(_Frame, frozen=True, tag="create"):
    table: str
    ref: str
    values: dict[str, Any]
    ephemeral: bool


class Destroy(_Frame, frozen=True, tag="destroy"):
    table: str
    ref: str


class Write(_Frame, frozen=True, tag="write"):
    table: str
    ref: str
    fields: dict[str, Any]


class PutInMap(_Frame, frozen=True, tag="put"):
    table: str
    ref: str
    field: str
    pairs: dict[str, Any]


class RemoveFromMap(_Frame, frozen=True, tag="unput"):
    table: str
    ref: str
    field: str
    key: str


class AddToSet(_Frame, frozen=True, tag="add"):
    table: str
    ref: str
    field: str
    value: Any


class RemoveFromSet(_Frame, frozen=True, tag="remove"):
    table: str
    ref: str
    field: str
    value: Any


class Touch(_Frame, frozen=True, tag="touch"):
    table: str
    ref: str


Operation: TypeAlias = Create | Destroy | Write | PutInMap | RemoveFromMap | AddToSet | RemoveFromSet | Touch


class Guard(_Frame, frozen=True, tag="guard"):
    """A row as its writer saw it: the write counts only if nobody has changed it since."""

    table: str
    ref: str
    modified: int


# -- from a supporter --


class Hello(_Frame, frozen=True, tag="hello"):
    protocol: int
    host: str
    """The host's uuid."""
    process: str
    """Names this life of the supporter's xapi, for which `seq` counts."""
    lineage: str
    """What it has a copy of: the coordinator's own word, empty for nothing."""
    generation: int
    beat: float
    """The supporter's clock, in seconds since 1970."""
    guest: bool = False
    """Not a member: a host that is about to become one."""


class Batch(_Frame, frozen=True, tag="batch"):
    seq: int
    operations: list[Operation]
    guard: Guard | None = None


class Beat(_Frame, frozen=True, tag="beat"):
    """Still here. The supporter's clock, and the generation that is safe on its disk."""

    clock: float
    generation: int
    leaving: bool = False


class Kept(_Frame, frozen=True, tag="kept"):
    """Everything up to *generation* is safe on the supporter's disk."""

    generation: int


# -- from the coordinator --


class RowState(_Frame, frozen=True, tag="row"):
    table: str
    ref: str
    created: int
    modified: int
    values: dict[str, Any]


class Gone(_Frame, frozen=True, tag="gone"):
    table: str
    ref: str


class Begin(_Frame, frozen=True, tag="begin"):
    lineage: str
    generation: int
    whole: bool
    """What follows is everything there is, rather than what changed."""
    rows: list[RowState]
    gone: list[Gone]
    applied: int
    """The last of this process' batches that was looked at."""
    refused: list[int]
    """Those of the latest whose guard did not hold."""


class Changes(_Frame, frozen=True, tag="changes"):
    generation: int
    rows: list[RowState]
    gone: list[Gone]


class Applied(_Frame, frozen=True, tag="applied"):
    """The batch's effects have been sent; *refused*: its guard did not hold, it has none."""

    seq: int
    refused: bool = False


class Durable(_Frame, frozen=True, tag="durable"):
    seq: int
    failure: str = ""


class Keep(_Frame, frozen=True, tag="keep"):
    """Say `Kept` once everything sent so far is safe on your disk."""


class Refused(_Frame, frozen=True, tag="refused"):
    """No conversation: the reason is a XenAPI error's code and parameters."""

    reason: list[str]


FromSupporter: TypeAlias = Hello | Batch | Beat | Kept
FromCoordinator: TypeAlias = Begin | Changes | Applied | Durable | Keep | Refused

_encoder = msgspec.msgpack.Encoder()
from_supporter: Final[msgspec.msgpack.Decoder[FromSupporter]] = msgspec.msgpack.Decoder(FromSupporter)
from_coordinator: Final[msgspec.msgpack.Decoder[FromCoordinator]] = msgspec.msgpack.Decoder(FromCoordinator)


def frame(message: FromSupporter | FromCoordinator) -> bytes:
    """Return a message's bytes with their length before them."""
    body = _encoder.encode(message)
    return len(body).to_bytes(4, "big") + body


async def read(reader: asyncio.StreamReader) -> bytes:
    """Return the next frame's body. :raises ConnectionError: the connection has ended, or it is no frame."""
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > LONGEST:
            raise ConnectionError(f"a frame of {size} bytes")
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("the connection has ended") from error
