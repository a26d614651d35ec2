"""The image operations we leave to ``qemu-img``; each is one command.

Backing files are always named by their plain file name, relative to the image's directory, so that a directory may be
moved or mounted elsewhere.
"""

from pathlib import Path

import msgspec

from sm.commands import BULK, run
from sm.errors import Fault


async def create_raw(path: Path, size: int) -> None:
    await run(["qemu-img", "create", "-q", "-f", "raw", str(path), str(size)], fault=Fault.VDI_CREATE)


async def create_qcow2(path: Path, size: int) -> None:
    await run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=1.1", str(path), str(size)], fault=Fault.VDI_CREATE)


async def create_overlay(path: Path, size: int, backing: str, backing_format: str) -> None:
    """Make an empty image over *backing* (a file name in the same directory), without opening it (``-u``)."""
    command = [
        "qemu-img", "create", "-q", "-u", "-f", "qcow2", "-o", "compat=1.1",
        "-b", backing, "-F", backing_format, str(path), str(size),
    ]  # fmt: skip
    await run(command, fault=Fault.VDI_SNAPSHOT)


async def resize(path: Path, image_format: str, size: int) -> None:
    await run(["qemu-img", "resize", "-q", "-f", image_format, str(path), str(size)], fault=Fault.VDI_RESIZE)


async def commit(top: Path) -> None:
    """Write the data of *top* into its backing image, which grows to *top*'s size; *top* keeps its data."""
    await run(["qemu-img", "commit", "-q", "-d", "-f", "qcow2", str(top)], fault=Fault.GENERAL, timeout=BULK)


async def rebase(path: Path, backing: str, backing_format: str) -> None:
    """Write another backing file name into *path*; the caller knows that the content stays the same."""
    command = ["qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", backing_format, str(path)]
    await run(command, fault=Fault.GENERAL)


async def convert(source: str, source_format: str, target: str, target_format: str, options: str = "") -> None:
    """Copy a whole disk into a new image at *target*."""
    command = ["qemu-img", "convert", "-q", "-f", source_format, "-O", target_format]
    if options:
        command += ["-o", options]
    await run([*command, source, target], fault=Fault.IO, timeout=BULK)


async def fill(source: str, target: str) -> None:
    """Copy a whole disk over the existing, possibly larger *target*; both are ``--image-opts`` texts."""
    command = ["qemu-img", "convert", "-q", "-n", "--image-opts", source, "--target-image-opts", target]
    await run(command, fault=Fault.IO, timeout=BULK)


async def check(path: Path, image_format: str) -> None:
    """Verify the metadata of an image.

    :raises RpcError: ``SR_BACKEND_FAILURE_65`` with what ``qemu-img check`` found.
    """
    await run(["qemu-img", "check", "-q", "-f", image_format, str(path)], fault=Fault.VDI_LOAD, timeout=600)


async def virtual_size(options: str) -> int:
    """Return the size of the disk described by an ``--image-opts`` text."""
    text = await run(["qemu-img", "info", "--output=json", "--image-opts", options], fault=Fault.VDI_LOAD)
    return int(msgspec.json.decode(text)["virtual-size"])
