"""Uploads as streams that end where their content does."""

import struct
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from xapi.errors import XenAPIError
from xapi.transfer.bodies import chunked, plain, vhd

MIB = 1 << 20


class Pieces:
    """A source that delivers what it has in pieces of a given size."""

    def __init__(self, data: bytes, piece: int = 1000) -> None:
        self._data = data
        self._piece = piece
        self.position = 0

    async def read(self, limit: int = MIB) -> bytes:
        size = min(limit, self._piece)
        found = self._data[self.position : self.position + size]
        self.position += len(found)
        return found


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def record(offset: int, data: bytes) -> bytes:
    return struct.pack("<QI", offset, len(data)) + data


END = struct.pack("<QI", 0, 0)


async def test_chunks_unfold() -> None:
    assert await joined(chunked(Pieces(record(0, b"ab") + record(5, b"c") + END + b"ignored", 3))) == b"ab\0\0\0c"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (record(5, b"c") + record(0, b"ab") + END, r"IMPORT_ERROR\("),
        (record(5, b"c"), "IMPORT_ERROR_PREMATURE_EOF"),
        (b"\1\2\3", "IMPORT_ERROR_PREMATURE_EOF"),
    ],
)
async def test_broken_chunks(body: bytes, code: str) -> None:
    with pytest.raises(XenAPIError, match=code):
        await joined(chunked(Pieces(body)))


async def test_a_plain_body_stops_at_the_limit() -> None:
    assert await joined(plain(Pieces(b"x" * 5000), 4096)) == b"x" * 4096


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    raw, made = tmp_path / "raw", tmp_path / "made.vhd"
    with raw.open("wb") as file:
        file.truncate(20 * MIB)
        file.seek(9 * MIB)
        file.write(b"data" * 1000)
    command = ["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=dynamic,force_size=on", str(raw), str(made)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    return made.read_bytes()


async def test_a_vhd_ends_where_it_says(image: bytes) -> None:
    """Whatever follows is not read: the client that announced too much waits for our close."""
    source = Pieces(image + b"more" * 1000)
    assert await joined(vhd(source)) == image
    assert source.position == len(image)


async def test_a_vhd_that_is_cut_off(image: bytes) -> None:
    with pytest.raises(XenAPIError, match="IMPORT_ERROR_PREMATURE_EOF"):
        await joined(vhd(Pieces(image[:-600])))


@pytest.mark.parametrize("body", [b"not a VHD" * 100, b"conectix" + b"\xff" * 600])
async def test_what_is_no_vhd(body: bytes) -> None:
    with pytest.raises(XenAPIError, match=r"IMPORT_ERROR\("):
        await joined(vhd(Pieces(body)))
