"""A coordinator's store and its supporters' copies, over a real socket."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from xapi.database.journal import Journal
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.pool import wire
from xapi.pool.feed import Feed
from xapi.pool.replica import Replica

PATIENCE = 10.0


class Line:
    """One supporter's connection, which can be cut and joined again."""

    def __init__(self, port: int, host: str, copy: Replica) -> None:
        self._port, self._host, self.copy = port, host, copy
        self._process = str(uuid.uuid4())
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.begun: list[wire.Begin] = []

    async def join(self) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        copy = self.copy
        hello = wire.Hello(wire.PROTOCOL, self._host, self._process, copy.lineage, copy.copied, 0.0)
        self._writer.write(wire.frame(hello))
        first = wire.from_coordinator.decode(await wire.read(reader))
        assert isinstance(first, wire.Begin)
        self.begun.append(first)
        copy.take(first)
        writer = self._writer
        copy.connected(lambda batch: writer.write(wire.frame(batch)))
        self._reading = asyncio.create_task(self._read(reader, writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                message = wire.from_coordinator.decode(await wire.read(reader))
                if isinstance(message, wire.Keep):
                    await self.copy.kept()
                    writer.write(wire.frame(wire.Kept(self.copy.copied)))
                else:
                    self.copy.take(message)

    async def cut(self) -> None:
        self.copy.disconnected()
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)


class House:
    """A coordinator's store with two hosts in it."""

    def __init__(self) -> None:
        self.store = Store(from_model())
        self.feed = Feed(self.store)
        self.hosts = [self.store.get("host", self.store.create("host"), "uuid") for _ in range(2)]
        self.port = 0
        self.lines: list[Line] = []

    async def supporter(self, number: int = 0, copy: Replica | None = None) -> Line:
        line = Line(self.port, self.hosts[number], copy or Replica(from_model()))
        self.lines.append(line)
        await line.join()
        return line

    def same_as(self, copy: Store) -> bool:
        return contents(self.store) == contents(copy)


def contents(store: Store) -> dict[str, dict[str, Any]]:
    found = {}
    for name, table in store.tables.items():
        columns = table.schema.columns
        for row in table.rows.values():
            values = {key: sorted(value) if columns[key].computed else value for key, value in row.values.items()}
            found[row.ref] = {"table": name, "created": row.created, "modified": row.modified, **values}
    return found


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await made.feed.serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    for line in made.lines:
        await line.cut()
    server.close()


async def settled(house: House, line: Line) -> Replica:
    """Return the copy once it is as new as the store."""
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await line.copy.reached(house.store.generation)
    return line.copy


async def test_a_new_copy_is_whole(house: House) -> None:
    vm = house.store.create("VM", name_label="one")
    house.store.create("VBD", VM=vm)
    line = await house.supporter()
    assert line.begun[0].whole
    assert house.same_as(line.copy)


async def test_changes_arrive_as_they_are_made(house: House) -> None:
    line = await house.supporter()
    vm = house.store.create("VM", name_label="one")
    disk = house.store.create("VBD", VM=vm)
    await settled(house, line)
    house.store.set("VM", vm, name_label="two", memory_static_max=5)
    house.store.destroy("VBD", disk)
    copy = await settled(house, line)
    assert house.same_as(copy)
    assert copy.by_name("VM", "two") == [vm]


async def test_a_supporters_write_is_seen_there_at_once_and_at_the_coordinator_when_it_is_durable(house: House) -> None:
    vm = house.store.create("VM", name_label="one")
    line, other = await house.supporter(), await house.supporter(1)
    line.copy.set("VM", vm, power_state="Running")
    assert line.copy.get("VM", vm, "power_state") == "Running"
    await line.copy.durable()
    assert house.store.get("VM", vm, "power_state") == "Running"
    assert house.same_as(await settled(house, other))
    assert house.same_as(await settled(house, line))


async def test_rows_can_be_made_and_destroyed_from_a_supporter(house: House) -> None:
    line = await house.supporter()
    vm = line.copy.create("VM", name_label="made there")
    disk = line.copy.create("VBD", VM=vm)
    await line.copy.durable()
    assert house.store.get("VM", vm, "VBDs") == [disk]
    line.copy.destroy("VBD", disk)
    await line.copy.durable()
    assert house.store.get("VM", vm, "VBDs") == []
    assert house.same_as(await settled(house, line))


async def test_two_hosts_that_put_keys_in_one_map_do_not_undo_each_other(house: House) -> None:
    vm = house.store.create("VM")
    line, other = await house.supporter(), await house.supporter(1)
    line.copy.put_in_map("VM", vm, "other_config", a="1")
    other.copy.put_in_map("VM", vm, "other_config", b="2")
    house.store.put_in_map("VM", vm, "other_config", c="3")
    await line.copy.durable()
    await other.copy.durable()
    assert house.store.get("VM", vm, "other_config") == {"a": "1", "b": "2", "c": "3"}
    assert house.same_as(await settled(house, line))
    assert house.same_as(await settled(house, other))


async def test_what_was_written_here_stays_on_top_of_older_news(house: House) -> None:
    vm = house.store.create("VM", name_label="one")
    line = await house.supporter()
    line.copy.set("VM", vm, name_label="here")
    stale = house.feed._state("VM", house.store.row("VM", vm))
    line.copy.take(wire.Changes(house.store.generation, [stale], []))
    assert line.copy.get("VM", vm, "name_label") == "here"


async def test_a_claim_is_refused_where_somebody_was_faster(house: House) -> None:
    vm = house.store.create("VM")
    line, other = await house.supporter(), await house.supporter(1)
    seen = line.copy.row("VM", vm).modified
    first, second = await asyncio.gather(
        line.copy.claim("VM", vm, seen, current_operations={"t1": "start"}),
        other.copy.claim("VM", vm, seen, current_operations={"t2": "start"}),
    )
    assert sorted([first, second]) == [False, True]
    assert len(house.store.get("VM", vm, "current_operations")) == 1
    assert house.same_as(await settled(house, line))


async def test_a_refusal_that_was_lost_with_the_line_is_told_afterwards(house: House) -> None:
    vm = house.store.create("VM")
    line = await house.supporter()
    seen = line.copy.row("VM", vm).modified
    house.store.set("VM", vm, name_label="faster")
    claim = asyncio.create_task(line.copy.claim("VM", vm, seen, name_label="slower"))
    # The batch leaves, and the line is cut before its answer can be read.
    await asyncio.sleep(0)
    assert line._reading is not None
    line._reading.cancel()
    async with asyncio.timeout(PATIENCE):
        while not house.feed._refused:
            await asyncio.sleep(0.01)
    await line.cut()
    await line.join()
    assert await claim is False
    assert house.store.get("VM", vm, "name_label") == "faster"


async def test_who_was_away_gets_what_was_missed(house: House) -> None:
    kept, doomed = house.store.create("VM"), house.store.create("VM")
    line = await house.supporter()
    await line.cut()
    house.store.destroy("VM", doomed)
    house.store.set("VM", kept, name_label="changed")
    house.store.create("VM", name_label="new")
    line.copy.set("VM", kept, name_description="written while alone")
    await line.join()
    assert not line.begun[1].whole
    await line.copy.durable()
    assert house.store.get("VM", kept, "name_description") == "written while alone"
    assert house.same_as(await settled(house, line))


async def test_who_was_away_too_long_gets_everything(house: House) -> None:
    line = await house.supporter()
    await line.cut()
    for _ in range(600):
        house.store.destroy("VM", house.store.create("VM"))
    await line.join()
    assert line.begun[1].whole
    assert house.same_as(line.copy)


async def test_a_batch_that_is_sent_twice_counts_once(house: House) -> None:
    vm = house.store.create("VM", name_label="one")
    line = await house.supporter()
    line.copy.set("VM", vm, name_label="two")
    await line.copy.durable()
    batch = wire.Batch(line.copy._seq - 1, [wire.Write("VM", vm, {"name_label": "two"})])
    house.store.set("VM", vm, name_label="three")
    await settled(house, line)
    line.copy._send(batch)  # type: ignore[misc]
    line.copy.set("VM", vm, name_description="after")
    await line.copy.durable()
    assert house.store.get("VM", vm, "name_label") == "three"


async def test_an_unknown_host_is_refused(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(wire.frame(wire.Hello(wire.PROTOCOL, "nobody", "p", "", 0, 0.0)))
    answer = wire.from_coordinator.decode(await wire.read(reader))
    writer.close()
    assert answer == wire.Refused(["HOST_UNKNOWN_TO_MASTER", "nobody"])


async def test_a_copy_is_on_the_supporters_disk_when_it_says_so(house: House, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "copy.sqlite")
    copy = Replica(from_model(), journal)
    journal.start()
    line = await house.supporter(0, copy)
    vm = house.store.create("VM", name_label="kept")
    assert await house.feed.kept_by_all(PATIENCE) == []
    again = Journal(tmp_path / "copy.sqlite")
    found = [row for row in again.load() if row.ref == vm]
    await again.stop()
    assert found[0].values["name_label"] == "kept"
    assert house.feed.members[house.hosts[0]].kept >= house.store.generation
    await line.cut()
    await journal.stop()


async def test_hosts_that_write_and_lose_the_line_at_random_end_up_alike(house: House) -> None:
    """A seeded storm: three writers, lines cut and joined again in the middle of it; then all copies are the same."""
    chance = random.Random(20)
    rows = [house.store.create("VM", name_label=f"vm{number}") for number in range(10)]
    lines = [await house.supporter(0), await house.supporter(1)]
    alone: set[int] = set()

    def write(store: Store) -> None:
        vm = chance.choice(rows)
        match chance.randrange(6):
            case 0 if store.exists("VM", vm):
                store.set("VM", vm, name_label=str(chance.random()), memory_target=chance.randrange(100))
            case 1 if store.exists("VM", vm):
                store.put_in_map("VM", vm, "other_config", **{chance.choice("abc"): str(chance.random())})
            case 2 if store.exists("VM", vm):
                store.remove_from_map("VM", vm, "other_config", chance.choice("abc"))
            case 3:
                rows.append(store.create("VM", name_label="new"))
            case 4 if store.exists("VM", vm):
                store.create("VBD", VM=vm)
            case 5 if store.exists("VM", vm) and len(rows) > 5:
                store.destroy("VM", vm)
                rows.remove(vm)

    for _ in range(400):
        write(chance.choice([house.store, lines[0].copy, lines[1].copy]))
        if chance.random() < 0.3:
            await asyncio.sleep(0)
        if chance.random() < 0.05:
            number = chance.randrange(2)
            if number in alone:
                await lines[number].join()
                alone.discard(number)
            else:
                await lines[number].cut()
                alone.add(number)
    for number in alone:
        await lines[number].join()
    for line in lines:
        await line.copy.durable()
    for line in lines:
        copy = await settled(house, line)
        assert contents(copy) == contents(house.store)
        assert copy.unanswered == 0
