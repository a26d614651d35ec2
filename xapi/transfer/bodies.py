"""An upload's body as the stream the storage wants: chunk records unfolded, ends found where the client told none."""

import struct
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol

from xapi.errors import error

BLOCK = 1 << 20
UNKNOWN_LENGTH = 1 << 50
"""What some clients announce as Content-Length when they do not know it; they wait for us to close."""

_CHUNK = struct.Struct("<QI")
_SECTOR = 512
_UNUSED = 0xFFFFFFFF


class Format(StrEnum):
    RAW = "raw"
    VHD = "vhd"
    QCOW2 = "qcow2"


class Source(Protocol):
    async def read(self, limit: int = BLOCK) -> bytes: ...


def malformed(reason: str) -> Exception:
    return error("IMPORT_ERROR", reason)


class Exact:
    """Reads whole pieces from a stream that delivers what it likes."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def take(self, size: int) -> AsyncIterator[bytes]:
        """Yield *size* bytes in pieces. :raises XenAPIError: IMPORT_ERROR_PREMATURE_EOF."""
        while size:
            piece = await self._source.read(min(size, BLOCK))
            if not piece:
                raise error("IMPORT_ERROR_PREMATURE_EOF")
            size -= len(piece)
            yield piece

    async def whole(self, size: int) -> bytes:
        return b"".join([piece async for piece in self.take(size)])


async def plain(source: Source, most: int | None = None) -> AsyncIterator[bytes]:
    """Yield the body to its end, or to *most* bytes if it is longer."""
    left = most
    while left != 0:
        piece = await source.read(BLOCK if left is None else min(BLOCK, left))
        if not piece:
            return
        if left is not None:
            left -= len(piece)
        yield piece


async def open_ended(source: Source, most: int) -> AsyncIterator[bytes]:
    """As :func:`plain` for a client that announced :data:`UNKNOWN_LENGTH`: it ends by going away."""
    pieces = plain(source, most)
    while True:
        try:
            piece = await anext(pieces)
        except (StopAsyncIteration, ConnectionError):
            return
        yield piece


async def chunked(source: Source) -> AsyncIterator[bytes]:
    """Yield the content of ``{u64 offset; u32 length}`` records (little-endian) with zeros between them.

    A record of offset 0 and length 0 ends it. Records must come in order.
    """
    exact = Exact(source)
    position = 0
    while True:
        offset, length = _CHUNK.unpack(await exact.whole(_CHUNK.size))
        if length == 0:
            if offset == 0:
                return
            continue
        if offset < position:
            raise malformed(f"the chunk at {offset} comes after one that ends at {position}")
        while position < offset:
            gap = min(offset - position, BLOCK)
            position += gap
            yield bytes(gap)
        async for piece in exact.take(length):
            yield piece
        position += length


async def vhd(source: Source) -> AsyncIterator[bytes]:
    """Yield a VHD up to its own end, which its block table tells, whatever length was announced."""
    exact = Exact(source)
    footer = await exact.whole(_SECTOR)
    if not footer.startswith(b"conectix"):
        raise malformed("the stream is not a VHD image that can be read in order")
    yield footer
    header_offset = _u64(footer, 16)
    if not _SECTOR <= header_offset <= BLOCK:
        raise malformed("the VHD image's header is not at its beginning")
    between = await exact.whole(header_offset - _SECTOR)
    header = await exact.whole(1024)
    if not header.startswith(b"cxsparse"):
        raise malformed("the VHD image has no dynamic header")
    table_offset, entries, block_size = _u64(header, 16), _u32(header, 28), _u32(header, 32)
    position = header_offset + len(header)
    if not position <= table_offset <= 64 * BLOCK or entries > 16 * BLOCK or block_size < _SECTOR or block_size % _SECTOR:
        raise malformed("the VHD image's block table is not where it can be read in order")
    before_table = await exact.whole(table_offset - position)
    table = await exact.whole(entries * 4)
    yield between + header + before_table + table
    position = table_offset + len(table)
    end = _vhd_end(table, block_size, position, header)
    async for piece in exact.take(end - position):
        yield piece


def _vhd_end(table: bytes, block_size: int, position: int, header: bytes) -> int:
    """Return the length of the whole image: what lies furthest, then the footer's copy."""
    bitmap = -(-block_size // _SECTOR // 8 // _SECTOR) * _SECTOR
    sectors = [sector for (sector,) in struct.iter_unpack(">I", table) if sector != _UNUSED]
    ends: list[int] = [sector * _SECTOR + bitmap + block_size for sector in sectors]
    for locator in range(576, 768, 24):
        if any(header[locator : locator + 4]):
            space, offset = _u32(header, locator + 4), _u64(header, locator + 16)
            # Some writers give the space in sectors, as the first tools did, others in bytes.
            ends.append(offset + (space * _SECTOR if space < _SECTOR else space))
    furthest = max([position, *ends])
    return -(-furthest // _SECTOR) * _SECTOR + _SECTOR


def _u32(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "big")


def _u64(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 8], "big")
