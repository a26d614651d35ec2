"""Follow the pool's PBDs and hosts, and raise MULTIPATH_PERIODIC_ALERT at most once per period. Coordinator only."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from idl.paths import Root
from idl.xenapi_client import Session
from mpathalert.world import Change, World

log = logging.getLogger(__name__)

CLASSES = ("pbd", "host")
MESSAGE = "MULTIPATH_PERIODIC_ALERT"
PRIORITY = 3
LONGEST_WAIT_S = 60.0
ROLE_CHECK_S = 30.0


def is_supporter(pool_conf: Path) -> bool:
    """Does pool.conf name another host as the coordinator? (``slave:<address>``)"""
    return pool_conf.is_file() and pool_conf.read_text().strip().startswith("slave")


@dataclass(frozen=True, slots=True)
class PathAlerts:
    root: Root
    period_s: float

    async def run(self, session: Session) -> None:
        """Work with one session until it fails; everything is learnt anew with the next.

        :raises Failure, Unavailable:
        """
        # The coordinator's daemon speaks for the whole pool. A change of role rewrites the file, which nobody announces.
        while is_supporter(self.root.pool_conf):  # noqa: ASYNC110
            await asyncio.sleep(ROLE_CHECK_S)
        (pool,) = (await session.records("pool")).values()
        world = World()
        token, events = await session.changes(CLASSES, "", 0.0)
        # Hosts first: a PBD's line names its host.
        for event in sorted(events, key=lambda event: event.cls):
            world.take(event, datetime.now(UTC))
        world.alert_sent()
        log.info("watching %d paths", sum(1 for _ in world.paths()))
        pending: list[Change] = []
        deadline = 0.0
        while True:
            now = time.monotonic()
            token, events = await session.changes(CLASSES, token, max(deadline - now, 0.0) if pending else LONGEST_WAIT_S)
            for event in events:
                changes = world.take(event, datetime.now(UTC))
                if changes and not pending:
                    deadline = time.monotonic() + self.period_s
                pending += changes
            if pending and time.monotonic() >= deadline:
                await self._send(session, str(pool["uuid"]), world, pending)
                pending = []

    async def _send(self, session: Session, pool_uuid: str, world: World, changes: list[Change]) -> None:
        text = world.alert(changes, self.period_s, datetime.now(UTC))
        if text is None:
            return
        log.info("%s", text)
        await session.call("message.create", MESSAGE, PRIORITY, "Pool", pool_uuid, text)
        world.alert_sent()
