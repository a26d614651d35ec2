"""A guest run by plain qemu, without any daemon: what the tests of the image talk to."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from qemu.qmp import QMPClient

BOOT_SECONDS = 120.0  # generous: the machine may be busy


@dataclass
class Guest:
    """A running guest: its serial console and its QMP monitor."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    qmp: QMPClient
    seen: str = ""

    async def expect(self, pattern: str, timeout: float = BOOT_SECONDS) -> re.Match[str]:
        """Read the console until *pattern* matches; what was read up to its end is used up."""
        async with asyncio.timeout(timeout):
            while not (match := re.search(pattern, self.seen)):
                data = await self.reader.read(4096)
                assert data, f"the guest is gone; its console ended with:\n{self.seen[-2000:]}"
                self.seen += data.decode(errors="replace")
        self.seen = self.seen[match.end() :]
        return match

    async def type(self, line: str) -> None:
        """Type *line* and Enter at the guest's shell."""
        self.writer.write(line.encode() + b"\n")
        await self.writer.drain()

    async def ended(self, timeout: float = BOOT_SECONDS) -> int:
        """Wait until qemu has ended; return its status."""
        return await asyncio.wait_for(self.process.wait(), timeout)


@asynccontextmanager
async def booted(disk: Path, folder: Path, machine: str, *arguments: str) -> AsyncIterator[Guest]:
    """Boot *disk* (a QCOW2 file, which is not written to) and give the guest; it is gone afterwards."""
    console, monitor = folder / "console", folder / "qmp"
    connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
    server = await asyncio.start_unix_server(lambda *streams: connected.set_result(streams), console)
    qmp = QMPClient()
    await qmp.start_server(str(monitor))
    # fmt: off
    process = await asyncio.create_subprocess_exec(
        "qemu-system-x86_64", "-accel", "tcg", "-machine", machine, "-m", "128", "-nodefaults", "-display", "none",
        "-serial", f"unix:{console}", "-qmp", f"unix:{monitor}", "-no-reboot",
        "-drive", f"file={disk},format=qcow2,if=virtio,snapshot=on", *arguments,
        stderr=asyncio.subprocess.DEVNULL,
    )
    # fmt: on
    try:
        async with asyncio.timeout(30):
            await qmp.accept()
            reader, writer = await connected
        try:
            yield Guest(process, reader, writer, qmp)
        finally:
            writer.close()
            with suppress(EOFError):  # qemu has ended by itself
                await qmp.disconnect()
    finally:
        server.close()
        if process.returncode is None:
            process.kill()
        await process.wait()
