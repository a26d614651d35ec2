"""The XML in front of a saved guest is replaced, whatever its length; the stream behind it stays as it is."""

from pathlib import Path

import pytest

from idl.rpc import RpcError
from xenopsd.hypervisors.xen_save_file import HEADER, MAGIC, VERSION, read_xml, replace_xml

STREAM = b"LibxlFmt" + bytes(range(256)) * 40


@pytest.fixture
def image(tmp_path: Path) -> Path:
    xml = b"<domain>" + b"x" * 100 + b"</domain>\0"
    path = tmp_path / "image"
    path.write_bytes(HEADER.pack(MAGIC, VERSION, len(xml)) + xml + STREAM)
    return path


@pytest.mark.parametrize("fresh", ["<domain/>", "<domain>" + "y" * 5000 + "</domain>"])
def test_shorter_and_longer_xml(image: Path, fresh: str) -> None:
    replace_xml(image, fresh)
    assert read_xml(image) == fresh
    data = image.read_bytes()
    _magic, _version, length = HEADER.unpack(data[: HEADER.size])
    assert data[HEADER.size + length :] == STREAM
    assert data[HEADER.size + length - 1] == 0


def test_anything_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"\0" * 200)
    with pytest.raises(RpcError, match="IO_error"):
        read_xml(tmp_path / "other")
