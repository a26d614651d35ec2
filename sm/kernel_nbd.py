"""The kernel's NBD client: a disk's Unix socket becomes ``/dev/nbdN``, which Xen's block backend can open.

The kernel keeps the socket, so no process of ours has to live for the guest. When the server goes, requests wait (they
do not fail) until :meth:`KernelNbd.reconnect` hands a new socket over: a storage daemon that died and was started
again, or a disk that grew, is not noticed by the guest. Nothing here knows what a disk is.
"""

import asyncio
import errno
import logging
import os
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from idl.paths import short_path
from sm import commands
from sm.errors import Fault, failure

log = logging.getLogger(__name__)

SYS_BLOCK = Path("/sys/block")
PATIENCE: Final = 30.0
"""Seconds for the server to answer, and for the kernel to see that a connection has ended."""
BLOCK_SIZE: Final = 512
WAIT_FOR_SERVER: Final = 24 * 3600
"""Seconds requests wait for a server that went away, before they fail."""

# The handshake (newstyle, fixed) of the NBD protocol.
MAGIC: Final = b"NBDMAGICIHAVEOPT"
OPTION_MAGIC: Final = b"IHAVEOPT"
REPLY_MAGIC: Final = 0x3E889045565A9
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
OPT_GO: Final = 7
REP_ACK, REP_INFO, REP_ERROR = 1, 3, 1 << 31
INFO_EXPORT: Final = 0

# The kernel's generic netlink family "nbd" (linux/nbd-netlink.h).
FAMILY: Final = b"nbd"
CMD_CONNECT, CMD_DISCONNECT, CMD_RECONFIGURE = 1, 2, 3
ATTR_INDEX, ATTR_SIZE, ATTR_BLOCK_SIZE, ATTR_SERVER_FLAGS, ATTR_SOCKETS, ATTR_DEAD_TIMEOUT = 1, 2, 3, 5, 7, 8
SOCK_ITEM, SOCK_FD = 1, 1
# Generic netlink itself (linux/netlink.h, linux/genetlink.h).
NETLINK_GENERIC, GENL_ID_CTRL = 16, 16
CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 3, 1, 2
NLM_REQUEST, NLM_ACK, NLMSG_ERROR, NLA_NESTED = 1, 4, 2, 1 << 15


class Devices(Protocol):
    """What a datapath needs of the kernel's NBD devices; None in its place: this host has no use for them."""

    def free(self, taken: Iterable[int]) -> int:
        """Return the number of a device that is neither in *taken* nor connected."""
        ...

    def connected(self, index: int) -> bool: ...

    async def connect(self, index: int, server: Path, export: str) -> None:
        """Connect a device, or give a connected one a new connection. :raises RpcError: ``SR_BACKEND_FAILURE_46``."""
        ...

    async def disconnect(self, index: int) -> None:
        """Write back what is cached and let go; nothing connected is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Export:
    """What a server says of an export: its size in bytes and the protocol's transmission flags."""

    size: int
    flags: int


def device(index: int) -> str:
    return f"/dev/nbd{index}"


class KernelNbd:
    """The kernel's devices themselves."""

    def __init__(self) -> None:
        self._loaded = False
        self._lock = asyncio.Lock()

    def free(self, taken: Iterable[int]) -> int:
        used = set(taken)
        index = 0
        while index in used or is_connected(index):
            index += 1
        return index

    def connected(self, index: int) -> bool:
        return is_connected(index)

    async def connect(self, index: int, server: Path, export: str) -> None:
        await self._load()
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.to_thread(_hand_over, server, export, index)
        except (OSError, TimeoutError) as error:
            raise failure(Fault.VDI_UNAVAILABLE, f"{device(index)} cannot be connected", str(error)) from error

    async def disconnect(self, index: int) -> None:
        if not is_connected(index):
            return
        try:
            # A server that is gone for good would never let it end.
            async with asyncio.timeout(PATIENCE):
                await asyncio.to_thread(_flush, index)
        except (OSError, TimeoutError) as error:
            log.warning("%s: %s", device(index), error)
        await self._load()
        await asyncio.to_thread(_disconnect, index)

    async def _load(self) -> None:
        """Load the module; it makes no device of its own accord, each comes with its connection."""
        async with self._lock:
            if not self._loaded:
                await commands.run(["modprobe", "nbd", "nbds_max=0"], fault=Fault.VDI_UNAVAILABLE)
                self._loaded = True


def is_connected(index: int) -> bool:
    return (SYS_BLOCK / f"nbd{index}" / "pid").exists()


def _flush(index: int) -> None:
    descriptor = os.open(device(index), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def negotiate(server: Path, export: str) -> tuple[socket.socket, Export]:
    """Open *export* of the server at a Unix socket and stop where requests may begin."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(PATIENCE)
        with short_path(server) as address:
            connection.connect(address)
        if _read(connection, len(MAGIC)) != MAGIC:
            raise OSError(errno.EPROTO, "not an NBD server")
        _read(connection, 2)
        name = export.encode()
        body = struct.pack(">I", len(name)) + name + struct.pack(">H", 0)
        connection.sendall(struct.pack(">I", FIXED_NEWSTYLE | NO_ZEROES))
        connection.sendall(OPTION_MAGIC + struct.pack(">II", OPT_GO, len(body)) + body)
        found = _replies(connection)
        connection.settimeout(None)
        return connection, found
    except BaseException:
        connection.close()
        raise


def _replies(connection: socket.socket) -> Export:
    found = None
    while True:
        magic, _option, kind, length = struct.unpack(">QIII", _read(connection, 20))
        data = _read(connection, length)
        if magic != REPLY_MAGIC:
            raise OSError(errno.EPROTO, "not an NBD reply")
        if kind & REP_ERROR:
            raise OSError(errno.ENOENT, f"the NBD server refuses ({kind & ~REP_ERROR}): {data.decode(errors='replace')}")
        if kind == REP_INFO and data[:2] == struct.pack(">H", INFO_EXPORT):
            found = Export(*struct.unpack(">QH", data[2:12]))
        if kind == REP_ACK:
            if found is None:
                raise OSError(errno.EPROTO, "the NBD server did not tell the export's size")
            return found


def _read(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise OSError(errno.ECONNRESET, "the NBD server hung up")
        data += chunk
    return data


# --- netlink


def _hand_over(server: Path, export: str, index: int) -> None:
    """Give the kernel a fresh connection for a device, connected before or not."""
    connection, found = negotiate(server, export)
    with connection:
        item = attribute(SOCK_ITEM | NLA_NESTED, attribute(SOCK_FD, struct.pack("=I", connection.fileno())))
        attributes = [
            attribute(ATTR_INDEX, struct.pack("=I", index)),
            attribute(ATTR_SIZE, struct.pack("=Q", found.size)),
            attribute(ATTR_BLOCK_SIZE, struct.pack("=Q", BLOCK_SIZE)),
            attribute(ATTR_SERVER_FLAGS, struct.pack("=Q", found.flags)),
            attribute(ATTR_DEAD_TIMEOUT, struct.pack("=Q", WAIT_FOR_SERVER)),
            attribute(ATTR_SOCKETS | NLA_NESTED, item),
        ]
        if is_connected(index):
            _reconnect(b"".join(attributes))
        else:
            _request(CMD_CONNECT, b"".join(attributes))


def _reconnect(attributes: bytes) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            _request(CMD_RECONFIGURE, attributes)
        except OSError as error:
            # The kernel takes a new connection only once it saw the end of the old one, and tells nobody when it did.
            if error.errno != errno.ENOSPC or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _disconnect(index: int) -> None:
    try:
        _request(CMD_DISCONNECT, attribute(ATTR_INDEX, struct.pack("=I", index)))
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENODEV):
            raise


def attribute(kind: int, value: bytes) -> bytes:
    """Return one netlink attribute: length, kind, value, padding to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def message(family: int, command: int, attributes: bytes, flags: int) -> bytes:
    """Return one generic netlink message."""
    body = struct.pack("=BBH", command, 1, 0) + attributes
    return struct.pack("=IHHII", 16 + len(body), family, flags, 1, 0) + body


def _request(command: int, attributes: bytes) -> None:
    """Ask the kernel's NBD client and wait for its answer. :raises OSError: what it answers."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as netlink:
        netlink.bind((0, 0))
        netlink.settimeout(PATIENCE)
        netlink.send(message(_family(netlink), command, attributes, NLM_REQUEST | NLM_ACK))
        _answer(netlink)


def _family(netlink: socket.socket) -> int:
    name = attribute(CTRL_ATTR_FAMILY_NAME, FAMILY + b"\0")
    netlink.send(message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, name, NLM_REQUEST | NLM_ACK))
    return family_id(_answer(netlink))


def family_id(attributes: bytes) -> int:
    """Find the family's number in the attributes of the answer to GETFAMILY."""
    while len(attributes) >= 4:
        length, kind = struct.unpack_from("=HH", attributes)
        if kind == CTRL_ATTR_FAMILY_ID:
            return int(struct.unpack_from("=H", attributes, 4)[0])
        attributes = attributes[(length + 3) & ~3 :]
    raise OSError(errno.ENOENT, "the kernel has no NBD client")


def _answer(netlink: socket.socket) -> bytes:
    """Return the attributes of the reply that came before the acknowledgement (empty if none did)."""
    found = b""
    while True:
        data = netlink.recv(1 << 16)
        while data:
            length, kind = struct.unpack_from("=IH", data)
            if kind == NLMSG_ERROR:
                code = -struct.unpack_from("=i", data, 16)[0]
                if code:
                    raise OSError(code, f"NBD: {os.strerror(code)}")
                return found
            found = found or data[20:length]
            data = data[(length + 3) & ~3 :]
