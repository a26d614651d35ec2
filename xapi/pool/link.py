"""A supporter's line to its coordinator: shaking hands, keeping the copy of the database alive, saying that it is here.

Broken, it is made again, for as long as the process lives; after a while without it the host is in emergency mode and
answers the emergency calls only.
"""

import asyncio
import logging
import time
import uuid
from typing import TYPE_CHECKING, Final

import msgspec

from xapi.errors import XenAPIError, error
from xapi.pool import wire
from xapi.pool.peers import Unreachable, Wire
from xapi.pool.replica import Replica

if TYPE_CHECKING:
    from xapi.pool.membership import Membership

log = logging.getLogger(__name__)

PATH: Final = "/remote_db_access_v2"
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 5.0
PERMANENT_PAUSE: Final = 60.0
PATIENCE: Final = 10.0
"""Seconds without the coordinator after which the host is in emergency mode."""
BEAT: Final = 30.0
SILENCE: Final = 120.0
"""Seconds in which the coordinator must have said something (it answers every beat)."""
PERMANENT: Final = frozenset({"HOST_UNKNOWN_TO_MASTER", "HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR", "HOST_ITS_OWN_SLAVE"})
IS_SUPPORTER_TOO: Final = 503


class Rejected(Exception):
    """The coordinator answers, but does not want us."""

    def __init__(self, reason: XenAPIError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _say(line: Wire, message: wire.FromSupporter) -> None:
    """Send, unless the line has broken: whoever reads from it notices that."""
    if not line.writer.transport.is_closing():
        line.writer.write(wire.frame(message))


class Link:
    def __init__(self, pool: "Membership", copy: Replica, host_uuid: str, address: str) -> None:
        self._pool = pool
        self._copy = copy
        self._host = host_uuid
        self._address = address
        self._process = str(uuid.uuid4())
        self._connected = asyncio.Event()
        self._lost_at = time.monotonic()
        self._wire: Wire | None = None

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    async def connected(self) -> None:
        await self._connected.wait()

    async def run(self) -> None:
        """Keep the line for ever."""
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                await self._shake_hands()
                await self._follow()
            except Rejected as refusal:
                self._pool.emergency = refusal.reason
                log.error("the coordinator %s does not take us: %s", self._pool.coordinator, refusal.reason)
                pause = PERMANENT_PAUSE if refusal.reason.code in PERMANENT else LONGEST_PAUSE
            except (Unreachable, ConnectionError, TimeoutError) as reason:
                log.warning("no line to the coordinator %s: %s", self._pool.coordinator, reason)
                if time.monotonic() - began > LONGEST_PAUSE:
                    pause = FIRST_PAUSE
            self._down()
            # Nobody tells when the coordinator is back.
            await asyncio.sleep(pause)
            pause = min(max(pause, FIRST_PAUSE) * 2, LONGEST_PAUSE)

    def _down(self) -> None:
        self._copy.disconnected()
        if self._connected.is_set():
            self._lost_at = time.monotonic()
            self._connected.clear()
            asyncio.get_running_loop().call_later(PATIENCE, self._give_up)
        if self._wire is not None:
            self._wire.writer.close()
            self._wire = None

    def _give_up(self) -> None:
        if not self._connected.is_set() and time.monotonic() - self._lost_at >= PATIENCE - 0.5:
            self._pool.emergency = self._pool.emergency or error("HOST_IN_EMERGENCY_MODE")

    async def _shake_hands(self) -> None:
        """Tell the coordinator who and where we are. :raises Rejected: :raises Unreachable:"""
        pool = self._pool
        if pool.coordinator == self._address:
            raise Rejected(error("HOST_ITS_OWN_SLAVE"))
        try:
            async with pool.peers.local_session(pool.coordinator, pool.secret) as session:
                answer = await pool.peers.call(
                    pool.coordinator, "pool.hello", session, self._host, self._address, timeout=PATIENCE * 3
                )
        except XenAPIError as reason:
            if reason.code == "SESSION_AUTHENTICATION_FAILED":
                raise Rejected(error("HOST_UNKNOWN_TO_MASTER", self._host)) from reason
            raise Unreachable(str(reason)) from reason
        match answer:
            case "unknown_host":
                raise Rejected(error("HOST_UNKNOWN_TO_MASTER", self._host))
            case "cannot_talk_back":
                raise Rejected(error("HOST_MASTER_CANNOT_TALK_BACK", self._address))

    async def _follow(self) -> None:
        """Take what comes until the line breaks."""
        pool, copy = self._pool, self._copy
        headers = {"Cookie": f"pool_secret={pool.secret}", "Connection": "close"}
        status, line = await pool.peers.open(pool.coordinator, "POST", PATH, headers)
        self._wire = line
        if status != 200:
            raise Unreachable(f"HTTP status {status}")
        hello = wire.Hello(wire.PROTOCOL, self._host, self._process, copy.lineage, copy.copied, time.time())
        line.writer.write(wire.frame(hello))
        first = await self._next(line)
        if isinstance(first, wire.Refused):
            raise Rejected(XenAPIError(first.reason[0], first.reason[1:]))
        copy.take(first)
        copy.connected(lambda batch: _say(line, batch))
        pool.emergency = None
        self._connected.set()
        log.info("following %s at generation %d", pool.coordinator, copy.copied)
        beating = asyncio.create_task(self._beat(line), name="heartbeat")
        try:
            while True:
                message = await self._next(line)
                if isinstance(message, wire.Keep):
                    await copy.kept()
                    _say(line, wire.Kept(copy.copied))
                else:
                    copy.take(message)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    async def _next(self, line: Wire) -> wire.FromCoordinator:
        async with asyncio.timeout(SILENCE):
            data = await wire.read(line.reader)
        try:
            return wire.from_coordinator.decode(data)
        except msgspec.DecodeError as reason:
            raise ConnectionError(f"not a frame: {reason}") from reason

    async def _beat(self, line: Wire) -> None:
        while True:
            _say(line, wire.Beat(time.time(), 0))
            await asyncio.sleep(BEAT)

    def leave(self) -> None:
        """Say that this host goes down."""
        if self._wire is not None:
            _say(self._wire, wire.Beat(time.time(), 0, leaving=True))
