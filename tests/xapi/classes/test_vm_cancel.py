"""task.cancel on calls about guests, wherever they are: in a queue, on the way to the domain manager, in its hands."""

import asyncio
from typing import Any

import pytest

from tests.xapi.classes.vm_pool import Pool
from xapi.errors import XenAPIError
from xapi.server.context import Context, Origin
from xapi.server.dispatch import call


class Session:
    """Calls messages as a client does, over the dispatcher."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.ref = pool.app.sessions.create(Origin(), superuser=True)

    async def __call__(self, name: str, *params: Any) -> Any:
        return (await call(Context(self.pool.app, Origin()), name, [self.ref, *params])).value

    async def cancels(self, name: str) -> str:
        """Wait for a call's task, cancel it and return it."""
        db = self.pool.db
        async with asyncio.timeout(5):
            while not (found := db.where("task", name_label=name)):
                await asyncio.sleep(0)
        await self("task.cancel", found[0])
        return found[0]


async def refusal_of(running: "asyncio.Task[Any]") -> list[str]:
    with pytest.raises(XenAPIError) as refusal:
        await asyncio.wait_for(running, 5)
    return refusal.value.description


async def test_in_the_domain_managers_hands(pool: Pool) -> None:
    session, vm = Session(pool), await pool.vm()
    pool.xenops.hold = asyncio.Event()
    running = asyncio.create_task(session("VM.start", vm, False, False))
    async with asyncio.timeout(5):
        while "VM.start" not in pool.xenops.calls:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
    pool.db.set("VM", vm, name_description="being started")
    assert list(pool.db.get("host", pool.host, "current_operations").values()) == ["vm_start"]
    task = await session.cancels("VM.start")
    assert await refusal_of(running) == ["TASK_CANCELLED", task]
    assert pool.state(vm) == "Halted" and pool.db.get("VM", vm, "current_operations") == {}
    assert pool.db.get("host", pool.host, "current_operations") == {}
    pool.xenops.hold = None
    await session("VM.start", vm, False, False)
    assert pool.state(vm) == "Running"


async def test_on_the_way_to_the_domain_manager(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is out and its answer, which names the domain manager's task, is not there yet."""
    session, vm = Session(pool), await pool.vm()
    arrived, answer, start = asyncio.Event(), asyncio.Event(), pool.xenops.vm_start

    async def slow(*args: Any, **named: Any) -> str:
        task = await start(*args, **named)
        arrived.set()
        await answer.wait()
        return task

    monkeypatch.setattr(pool.xenops, "vm_start", slow)
    pool.xenops.hold = asyncio.Event()
    running = asyncio.create_task(session("VM.start", vm, False, False))
    await asyncio.wait_for(arrived.wait(), 5)
    task = await session.cancels("VM.start")
    answer.set()
    assert await refusal_of(running) == ["TASK_CANCELLED", task]
    assert pool.state(vm) == "Halted"
    assert pool.xenops.states.get(pool.uuid(vm)) is None or pool.xenops.states[pool.uuid(vm)].power_state.value == "Halted"


async def test_in_the_queue_behind_another_operation(pool: Pool) -> None:
    session, vm = Session(pool), await pool.vm()
    pool.db.set("VM", vm, current_operations={"OpaqueRef:other": "clone"})
    running = asyncio.create_task(session("VM.start", vm, False, False))
    task = await session.cancels("VM.start")
    assert await refusal_of(running) == ["TASK_CANCELLED", task]
    assert pool.db.get("VM", vm, "current_operations") == {"OpaqueRef:other": "clone"}


async def test_while_it_waits_for_its_start_delay(pool: Pool) -> None:
    """The guest runs by then: there is nothing to undo, and the wait for those that come after it ends."""
    session, vm = Session(pool), await pool.vm(start_delay=3600)
    running = asyncio.create_task(session("VM.start", vm, False, False))
    await pool.becomes(vm, "Running")
    task = await session.cancels("VM.start")
    assert await refusal_of(running) == ["TASK_CANCELLED", task]
    assert pool.state(vm) == "Running" and pool.db.get("VM", vm, "current_operations") == {}


async def test_a_host_that_is_emptied_takes_no_guests(pool: Pool) -> None:
    session, vm = Session(pool), await pool.vm()
    pool.db.set("host", pool.host, current_operations={"OpaqueRef:t": "evacuate"})
    running = asyncio.create_task(session("VM.start", vm, False, False))
    await asyncio.sleep(0.05)
    assert not running.done() and pool.state(vm) == "Halted"
    pool.db.set("host", pool.host, current_operations={})
    await asyncio.wait_for(running, 5)
    assert pool.state(vm) == "Running"
