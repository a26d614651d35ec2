"""The life of a task: from its call's start to the moment when nobody needs its row any more."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.fixture import make, serving, wire
from tests.xapi.server.test_rbac import Client
from xapi.database.store import Store
from xapi.errors import XenAPIError
from xapi.server import dispatch
from xapi.server.context import App, Context, Origin, internal_context, wire_date
from xapi.server.operations import operation
from xapi.server.tasks import MOST_TASKS


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


@pytest.fixture
async def client(app: App) -> AsyncIterator[Client]:
    async with serving(app) as port:
        yield Client(port, app.sessions.create(Origin(), superuser=True, user_name="root"))


def tasks(app: App, **having: Any) -> list[dict[str, Any]]:
    return [app.db.record("task", ref) for ref in app.db.where("task", **having)]


async def appears(app: App, label: str) -> str:
    """Wait for the task of a call to be there and return its ref."""
    arrived = asyncio.Event()
    app.db.listen(lambda table, _: arrived.set() if table == "task" else None)
    async with asyncio.timeout(10):
        while not (found := app.db.where("task", name_label=label)):
            arrived.clear()
            await arrived.wait()
    return found[0]


async def finished(app: App, task: str) -> dict[str, Any]:
    await app.watch.until(task, lambda: app.db.get("task", task, "status") != "pending", 10)
    return app.db.record("task", task)


def busy(app: App) -> str:
    """A VM on which an operation is under way that everything else waits for."""
    return app.db.create("VM", name_label="busy", power_state="Halted", current_operations={"OpaqueRef:other": "clone"})


# What a client sees of a call's task


async def test_a_synchronous_call_has_a_task_while_it_runs(app: App, client: Client) -> None:
    vm = busy(app)
    call = asyncio.create_task(client("VM.start", vm, False, False))
    task = app.db.record("task", await appears(app, "VM.start"))
    assert (task["status"], task["allowed_operations"], task["type"]) == ("pending", ["cancel"], "<none/>")
    assert task["session"] == client.session and task["resident_on"] == app.localhost
    assert task["finished"] == "19700101T00:00:00Z" and task["result"] == ""
    await client("task.cancel", app.db.by_uuid("task", task["uuid"]))
    await call
    assert app.db.refs("task") == []


async def test_an_asynchronous_calls_task_stays_and_tells_the_result_as_xml(app: App, client: Client) -> None:
    task = await client("Async.secret.create", {"value": "v", "other_config": {}})
    record = await finished(app, task)
    (secret,) = app.db.refs("secret")
    assert (record["status"], record["progress"]) == ("success", 1.0)
    assert record["result"] == f"<value>{secret}</value>" and record["error_info"] == []
    assert record["allowed_operations"] == [] and record["finished"] >= record["created"]


async def test_no_result_is_an_empty_value(app: App, client: Client) -> None:
    record = await finished(app, await client("Async.pool.sync_database"))
    assert (record["status"], record["result"]) == ("success", "<value></value>")


async def test_a_failure_is_told_by_code_and_parameters(app: App, client: Client) -> None:
    record = await finished(app, await client("Async.VM.start", "OpaqueRef:none", False, False))
    assert (record["status"], record["progress"]) == ("failure", 1.0)
    assert record["error_info"] == ["HANDLE_INVALID", "VM", "OpaqueRef:none"] and record["result"] == ""


@pytest.mark.parametrize("name", ["session.get_this_host", "task.create", "event.get_current_id", "VM.get_all"])
async def test_these_have_no_task_row(app: App, name: str) -> None:
    made: list[str] = []
    app.db.listen(lambda table, ref: made.append(ref) if table == "task" else None)
    session = app.sessions.create(Origin(), superuser=True)
    params = {"session.get_this_host": [session], "task.create": ["mine", ""]}.get(name, [])
    await dispatch.call(Context(app, Origin()), name, [session, *params])
    assert len(set(made)) == (1 if name == "task.create" else 0)


async def test_there_is_no_asynchronous_form_of_some(client: Client) -> None:
    answer = await client("Async.session.get_this_host", client.session)
    assert answer == ["Fault", "No async mode for this operation (rpc: Async.session.get_this_host)"]


async def test_headers_say_whose_part_a_call_is_and_what_its_task_remembers(app: App, client: Client) -> None:
    parent = await client("task.create", "parent", "")
    call = {"jsonrpc": "2.0", "id": 1, "method": "Async.pool.sync_database", "params": [client.session]}
    async with wire(client._port) as connection:
        more = f"subtask-of: {parent}\r\nx-http-other-config-who: me\r\n"
        task = json.loads(await connection.post(json.dumps(call).encode(), "/jsonrpc", more))["result"]
    record = await finished(app, task)
    assert record["subtask_of"] == parent and record["other_config"] == {"http:who": "me"}
    assert app.db.get("task", parent, "subtasks") == [task]


async def test_an_internal_call_is_a_part_of_the_task_it_is_made_under(app: App, client: Client) -> None:
    task = await client("task.create", "the original request", "")
    call = {"jsonrpc": "2.0", "id": 1, "method": "InternalAsync.pool.sync_database", "params": [client.session]}
    async with wire(client._port) as connection:
        part = json.loads(await connection.post(json.dumps(call).encode(), "/jsonrpc", f"task-id: {task}\r\n"))["result"]
    assert part != task and (await finished(app, part))["subtask_of"] == task
    assert app.db.get("task", task, "status") == "pending"


# Cancelling


async def test_cancelling_ends_a_synchronous_call_that_waits_in_a_queue(app: App, client: Client) -> None:
    call = asyncio.create_task(client("VM.start", busy(app), False, False))
    task = await appears(app, "VM.start")
    assert await client("task.cancel", task) == ""
    assert await call == ["TASK_CANCELLED", task]
    assert app.db.refs("task") == []


async def test_cancelling_ends_an_asynchronous_call_that_waits_in_a_queue(app: App, client: Client) -> None:
    task = await client("Async.VM.start", busy(app), False, False)
    await client("task.cancel", task)
    record = await finished(app, task)
    assert (record["status"], record["error_info"]) == ("cancelled", ["TASK_CANCELLED", task])
    assert record["current_operations"] == {} and record["allowed_operations"] == []


async def test_the_connection_of_a_cancelled_call_goes_on(app: App, client: Client) -> None:
    vm = busy(app)
    call = {"jsonrpc": "2.0", "id": 1, "method": "VM.start", "params": [client.session, vm, False, False]}
    async with wire(client._port) as connection:
        waiting = asyncio.create_task(connection.post(json.dumps(call).encode(), "/jsonrpc"))
        await client("task.cancel", await appears(app, "VM.start"))
        assert json.loads(await waiting)["error"]["message"] == "TASK_CANCELLED"
        again = {"jsonrpc": "2.0", "id": 2, "method": "VM.get_name_label", "params": [client.session, vm]}
        assert json.loads(await connection.post(json.dumps(again).encode(), "/jsonrpc"))["result"] == "busy"


async def test_what_a_cancelled_call_did_is_undone_however_often_it_is_cancelled(app: App) -> None:
    ctx = internal_context(app, "work")
    ctx.task = app.tasks.create(ctx, "work")
    steps: list[str] = []
    undoing, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        with app.tasks.cancellable(ctx):
            try:
                steps.append("done")
                await asyncio.get_running_loop().create_future()
            finally:
                undoing.set()
                await go_on.wait()
                steps.append("undone")

    running = asyncio.create_task(work())
    await asyncio.sleep(0)
    app.tasks.cancel(ctx.task)
    await undoing.wait()
    app.tasks.cancel(ctx.task)
    go_on.set()
    with pytest.raises(XenAPIError, match="TASK_CANCELLED"):
        await running
    assert steps == ["done", "undone"] and not running.cancelling()


async def test_an_operation_that_is_held_is_let_go_when_its_task_is_cancelled(app: App) -> None:
    vm = app.db.create("VM")
    ctx = internal_context(app, "work")
    ctx.task = app.tasks.create(ctx, "work", ephemeral=False)
    held = asyncio.Event()

    async def work() -> str:
        async with operation(ctx, "VM", vm, "clone", lambda: None, lambda: None):
            held.set()
            await asyncio.get_running_loop().create_future()
        return ""

    app.tasks.start(ctx, work())
    await held.wait()
    assert app.db.get("VM", vm, "current_operations") == {ctx.task: "clone"}
    app.tasks.cancel(ctx.task)
    assert (await finished(app, ctx.task))["status"] == "cancelled"
    assert app.db.get("VM", vm, "current_operations") == {}


async def test_a_call_inside_of_a_call_is_cancelled_alone(app: App, client: Client) -> None:
    """A command of xe makes calls of its own: the one that is cancelled fails, the command sees that and goes on."""
    outer = Context(app, Origin(local_root=True), client.session, name="outer")
    outer.task = app.tasks.create(outer, "outer")

    async def command() -> str:
        with app.tasks.cancellable(outer):
            try:
                await dispatch.call_as(outer, "VM.start", busy(app), False, False)
            except XenAPIError as error:
                return error.code
            return "started"

    running = asyncio.create_task(command())
    inner = await appears(app, "VM.start")
    assert app.db.get("task", inner, "subtask_of") == outer.task
    app.tasks.cancel(inner)
    assert await running == "TASK_CANCELLED"


async def test_cancelling_the_outer_call_ends_the_inner_one(app: App, client: Client) -> None:
    outer = Context(app, Origin(local_root=True), client.session, name="outer")
    outer.task = app.tasks.create(outer, "outer")

    async def command() -> None:
        with app.tasks.cancellable(outer):
            await dispatch.call_as(outer, "VM.start", busy(app), False, False)

    running = asyncio.create_task(command())
    inner = await appears(app, "VM.start")
    app.tasks.cancel(outer.task)
    with pytest.raises(XenAPIError) as failure:
        await running
    assert failure.value.params == [outer.task] and not app.db.exists("task", inner)


async def test_cancelling_a_task_without_work_cancels_its_parts(app: App, client: Client) -> None:
    parent = await client("task.create", "parent", "")
    ctx = internal_context(app, "part")
    ctx.subtask_of = parent
    ctx.task = app.tasks.create(ctx, "part", ephemeral=False)

    async def forever() -> str:
        await asyncio.get_running_loop().create_future()
        return ""

    app.tasks.start(ctx, forever())
    await asyncio.sleep(0)
    await client("task.cancel", parent)
    assert (await finished(app, ctx.task))["status"] == "cancelled"
    assert app.db.get("task", parent, "status") == "cancelled"


async def test_a_finished_task_cannot_be_cancelled(app: App, client: Client) -> None:
    task = await client("Async.pool.sync_database")
    await finished(app, task)
    assert (await client("task.cancel", task))[0] == "OPERATION_NOT_ALLOWED"
    assert app.db.get("task", task, "status") == "success"


async def test_completion_counts_once(app: App, client: Client) -> None:
    task = await client("task.create", "mine", "")
    assert await client("task.set_status", task, "success") == ""
    app.tasks.fail(task, XenAPIError("INTERNAL_ERROR", ["too late"]))
    assert app.db.get("task", task, "status") == "success"
    assert (await client("task.set_status", task, "failure"))[0] == "OPERATION_NOT_ALLOWED"


# Tasks that clients drive


async def test_a_client_drives_its_own_task(app: App, client: Client) -> None:
    task = await client("task.create", "upload", "of an image")
    for message, value in (("set_progress", 0.25), ("set_result", "<value>x</value>"), ("set_error_info", ["A", "b"])):
        assert await client(f"task.{message}", task, value) == ""
    await client("task.add_to_other_config", task, "applies_to", "OpaqueRef:vm")
    record = app.db.record("task", task)
    assert (record["progress"], record["result"], record["error_info"]) == (0.25, "<value>x</value>", ["A", "b"])
    assert record["other_config"] == {"applies_to": "OpaqueRef:vm"} and record["name_description"] == "of an image"
    await client("task.set_status", task, "success")
    record = app.db.record("task", task)
    assert record["progress"] == 1.0 and record["finished"] != "19700101T00:00:00Z"


async def test_a_cancelled_task_takes_no_request(app: App, client: Client) -> None:
    task = await client("task.create", "upload", "")
    await client("task.cancel", task)
    async with wire(client._port) as connection:
        await connection.send(f"GET /audit_log?session_id={client.session}&task_id={task} HTTP/1.0\r\n\r\n".encode())
        answer = await connection.rest()
    assert b" 500 " in answer.split(b"\r\n")[0] and b"TASK_CANCELLED" in answer
    assert app.db.get("task", task, "status") == "cancelled"


async def test_a_request_completes_the_task_it_is_given(app: App, client: Client) -> None:
    task = await client("task.create", "download", "")
    async with wire(client._port) as connection:
        await connection.send(f"GET /audit_log?session_id={client.session}&task_id={task} HTTP/1.0\r\n\r\n".encode())
        await connection.rest()
    assert app.db.get("task", task, "status") == "success"


async def test_a_refused_request_fails_the_task_it_was_given(app: App, client: Client) -> None:
    task = await client("task.create", "download", "")
    async with wire(client._port) as connection:
        await connection.send(f"GET /audit_log?task_id={task} HTTP/1.0\r\n\r\n".encode())
        assert b" 401 " in (await connection.rest()).split(b"\r\n")[0]
    assert app.db.get("task", task, "error_info")[0] == "SESSION_AUTHENTICATION_FAILED"


# Their end


async def test_a_running_task_that_is_destroyed_goes_when_it_finishes(app: App, client: Client) -> None:
    vm = busy(app)
    task = await client("Async.VM.start", vm, False, False)
    await client("task.destroy", task)
    assert app.db.get("task", task, "current_operations") == {"task": "destroy"}
    app.tasks.cancel(task)
    await app.watch.until(task, lambda: not app.db.exists("task", task), 10)


def old(db: Store, age: float, status: str, **more: Any) -> str:
    return db.create("task", status=status, created=wire_date(time.time() - age), **more)


async def test_finished_tasks_go_after_a_while(app: App) -> None:
    task, age = old(app.db, 10, "success"), dict[str, float]()
    app.tasks.collect_garbage(1000.0, age)
    app.tasks.collect_garbage(1000.0 + 3800, age)
    assert app.db.exists("task", task)
    app.tasks.collect_garbage(1000.0 + 4000, age)
    assert not app.db.exists("task", task)


async def test_of_too_many_tasks_the_oldest_finished_go(app: App) -> None:
    age: dict[str, float] = {}
    first = [old(app.db, 0, "success") for _ in range(10)]
    app.tasks.collect_garbage(1.0, age)
    second = [old(app.db, 0, "failure") for _ in range(MOST_TASKS - 5)]
    app.tasks.collect_garbage(2.0, age)
    assert app.db.count("task") == MOST_TASKS
    assert sum(app.db.exists("task", task) for task in first) == 5 and all(app.db.exists("task", task) for task in second)


async def test_a_pending_task_that_nobody_drives_goes_after_a_day(app: App) -> None:
    stuck, moving, young = (old(app.db, age, "pending", progress=0.1) for age in (90_000, 90_000, 80_000))
    app.tasks.collect_garbage(0.0, {})
    app.db.set("task", moving, progress=0.2)
    app.tasks.collect_garbage(30.0, {})
    assert not app.db.exists("task", stuck)
    assert app.db.exists("task", moving) and app.db.exists("task", young)
    app.tasks.collect_garbage(60.0, {})
    assert not app.db.exists("task", moving)
