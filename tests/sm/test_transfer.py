"""Whole disks in and out: raw, QCOW2, VHD through a Unix socket, and streams that must be refused."""

import asyncio
import contextlib
import hashlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idl.rpc import RpcError
from tests.sm.conftest import MIB, Host


class Peer:
    """The other end of a transfer: sends *data*, or keeps what it receives."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data
        self.received = bytearray()
        self.done = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(self._data)
            await writer.drain()
            writer.write_eof()
            while block := await reader.read(1 << 20):
                self.received += block
        writer.close()
        self.done.set()


@contextlib.asynccontextmanager
async def listening(host: Host, peer: Peer) -> AsyncIterator[str]:
    path = str(host.root.path / "peer")
    Path(path).unlink(missing_ok=True)
    async with await asyncio.start_unix_server(peer.serve, path):
        yield path


async def send(host: Host, vdi: str, data: bytes, stream_format: str) -> None:
    peer = Peer(data)
    async with listening(host, peer) as path:
        await host.storage.vdi_import("test", host.sr, vdi, stream_format, path)


async def fetch(host: Host, vdi: str, stream_format: str) -> bytes:
    peer = Peer()
    async with listening(host, peer) as path:
        await host.storage.vdi_export("test", host.sr, vdi, stream_format, "", path)
        await peer.done.wait()
    return bytes(peer.received)


def leftovers(host: Host) -> list[Path]:
    return [*host.directory.glob("*.tmp"), *host.root.under("/var/run/nonpersistent/sm/dp").glob("*")]


def qemu_img(*arguments: str) -> None:
    subprocess.run(["qemu-img", *arguments], check=True)


def image(host: Host, data: bytes, *convert: str) -> bytes:
    source, target = host.root.path / "source", host.root.path / "target"
    source.write_bytes(data)
    qemu_img("convert", "-f", "raw", *convert, str(source), str(target))
    return target.read_bytes()


VHD = ("-O", "vpc", "-o", "subformat=dynamic,force_size=on")


async def test_fifty_megabytes_of_noise_survive_import_and_export(host: Host) -> None:
    noise = os.urandom(50 * MIB)
    vdi = await host.new_vdi(50 * MIB)
    await send(host, vdi, noise, "raw")
    back = await fetch(host, vdi, "raw")
    assert hashlib.sha256(back).digest() == hashlib.sha256(noise).digest()
    assert leftovers(host) == []


@pytest.mark.parametrize("stream_format", ["qcow2", "vhd"])
async def test_an_image_in_another_format_goes_in_and_comes_out(host: Host, stream_format: str) -> None:
    data = os.urandom(MIB) + bytes(2 * MIB) + os.urandom(MIB)
    convert = VHD if stream_format == "vhd" else ("-O", "qcow2")
    vdi = await host.new_vdi(6 * MIB)
    await send(host, vdi, image(host, data, *convert), stream_format)
    assert await fetch(host, vdi, "raw") == data + bytes(2 * MIB)
    out = host.root.path / "out"
    out.write_bytes(await fetch(host, vdi, stream_format))
    qemu_format = "vpc" if stream_format == "vhd" else "qcow2"
    qemu_img("convert", "-f", qemu_format, "-O", "raw", str(out), str(out) + ".raw")
    assert Path(str(out) + ".raw").read_bytes() == data + bytes(2 * MIB)
    assert leftovers(host) == []


async def test_an_export_of_a_running_disk_does_not_disturb_it(host: Host) -> None:
    vdi = await host.new_vdi(4 * MIB)
    disk = await host.plug(vdi)
    await disk.fill(1, 3)
    assert await fetch(host, vdi, "raw") == bytes(MIB) + b"\x03" * MIB + bytes(2 * MIB)
    await disk.fill(1, 4)
    assert await disk.byte_at(MIB) == 4


@pytest.mark.parametrize("stream_format", ["raw", "qcow2", "vhd"])
async def test_a_disk_too_small_for_the_stream_says_so(host: Host, stream_format: str) -> None:
    data = os.urandom(4 * MIB)
    stream = {"raw": data, "qcow2": image(host, data, "-O", "qcow2"), "vhd": image(host, data, *VHD)}[stream_format]
    vdi = await host.new_vdi(2 * MIB)
    with pytest.raises(RpcError, match="VDI_TOO_SMALL"):
        await send(host, vdi, stream, stream_format)
    assert leftovers(host) == []


async def test_an_image_that_reads_the_hosts_files_is_refused(host: Host) -> None:
    hostile = host.root.path / "hostile"
    secret = host.root.path / "secret"
    secret.write_bytes(b"secret" * 1000)
    for options in (["-u", "-b", str(secret), "-F", "raw"], ["-o", f"data_file={secret},data_file_raw=on"]):
        qemu_img("create", "-q", "-f", "qcow2", *options, str(hostile), "1M")
        vdi = await host.new_vdi(2 * MIB)
        with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_65"):
            await send(host, vdi, hostile.read_bytes(), "qcow2")
    assert leftovers(host) == []


@pytest.mark.parametrize("stream_format", ["qcow2", "vhd"])
@pytest.mark.parametrize("data", [b"", b"QFI\xfb\0\0\0\x03", b"noise" * 1000])
async def test_garbage_is_not_an_image(host: Host, stream_format: str, data: bytes) -> None:
    vdi = await host.new_vdi(2 * MIB)
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_65"):
        await send(host, vdi, data, stream_format)
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_1"):
        await send(host, vdi, data, "vmdk")
    assert leftovers(host) == []


async def test_nobody_at_the_other_end_is_an_error(host: Host) -> None:
    vdi = await host.new_vdi(2 * MIB)
    with pytest.raises(RpcError, match="SR_BACKEND_FAILURE_200"):
        await host.storage.vdi_export("test", host.sr, vdi, "raw", "", str(host.root.path / "nobody"))
    assert leftovers(host) == []
