"""The whole way: the real client, its protocol, the handler, the API, the database, and back to what a script reads."""

import asyncio
from pathlib import Path
from typing import Any

from tests.xapi import fixture
from tests.xapi.cli.conftest import House, Wait, ended
from tests.xapi.fixture import DOM0_UUID, HOST_UUID
from xapi.server.context import internal_context
from xapi.server.http import listen_unix


def machine(house: House, uuid: str, name: str, **fields: Any) -> str:
    return house.app.db.create("VM", uuid=uuid, name_label=name, **fields)


async def test_a_list_as_people_see_it(house: House) -> None:
    machine(house, "u1", "web", power_state="Running")
    outcome = await house.xe("vm-list", "name-label=web")
    assert outcome.text == ("uuid ( RO)           : u1\n     name-label ( RW): web\n    power-state ( RO): running\n\n\n")


async def test_lists_as_scripts_see_them(house: House) -> None:
    machine(house, "u1", "a, b", is_a_template=False)
    assert (await house.xe("vm-list", "--minimal", "name-label=a, b")).text == "u1\n"
    assert (await house.xe("vm-list", "--minimal", "uuid=u1", "params=name-label")).text == "a\\, b\n"
    assert (await house.xe("vm-list", "--minimal", "uuid=nothing")).text == "\n"
    assert (await house.xe("host-list", "--minimal")).word == HOST_UUID
    assert (await house.xe("vm-list", "is-control-domain=true", "--minimal")).word == DOM0_UUID


async def test_every_field_of_every_object_can_be_shown(house: House) -> None:
    for cls in ("vm", "host", "pool", "network", "task", "sr"):
        outcome = await house.xe(f"{cls}-list", "params=all", "--all")
        assert outcome.code == 0, outcome.text
    uuid = (await house.xe("pool-list", "--minimal")).word
    record = await house.xe("pool-param-list", f"uuid={uuid}")
    assert record.code == 0
    assert record.text.startswith("uuid ( RO) ") and f"master ( RO): {HOST_UUID}\n" in record.text


async def test_fields_are_read_and_written(house: House) -> None:
    house.app.db.create("network", uuid="n1", name_label="lan", bridge="b")

    async def field(command: str, *arguments: str) -> str:
        outcome = await house.xe(f"network-param-{command}", "uuid=n1", *arguments)
        assert outcome.code == 0, outcome.text
        return outcome.text

    assert await field("set", "name-description=the front door", "other-config:folder=/a:b") == ""
    assert await field("get", "param-name=name-description") == "the front door\n"
    assert await field("get", "param-name=other-config", "param-key=folder") == "/a:b\n"
    assert await field("set", "other-config:folder=/c") == ""
    assert await field("add", "param-name=other-config", "k=v") == ""
    assert await field("get", "param-name=other-config") == "folder: /c; k: v\n"
    assert await field("add", "param-name=tags", "param-key=t1") == ""
    assert await field("get", "param-name=tags") == "t1\n"
    assert await field("remove", "param-name=tags", "param-key=t1") == ""
    assert await field("clear", "param-name=other-config") == ""
    assert await field("get", "param-name=other-config") == "\n"


async def test_what_scripts_compare_when_something_is_missing(house: House) -> None:
    machine(house, "u1", "web")
    for arguments, text in (
        (["vm-param-get", "uuid=u1", "param-name=other-config", "param-key=x"], "Error: Key x not found in map\n"),
        (["vm-param-remove", "uuid=u1", "param-name=other-config", "param-key=x"], "Error: Key x is not in map\n"),
        (["vm-param-get", "uuid=u1", "param-name=x"], "Error code: Missing parameter\nError parameters: x\n"),
        (["vm-param-get", "param-name=x"], "Required parameter not found: uuid\nFor usage run: 'xe help'\n"),
        (["vm-list", "x=y"], "Error: Unknown field 'x'\n"),
        (["vm-disk-list", f"uuid={DOM0_UUID}"], "Error: No matching VMs found\n"),
        (["vm-lst"], "Unknown command: vm-lst\nFor usage run: 'xe help'\n"),
        (["a=b"], "Syntax error: \nFor usage run: 'xe help'\n"),
    ):  # fmt: skip
        outcome = await house.xe(*arguments)
        assert (outcome.code, outcome.text) == (1, text), arguments


async def test_an_api_error_names_its_objects(house: House) -> None:
    house.app.db.create("network", uuid="n1", name_label="lan", bridge="b")
    outcome = await house.xe("network-param-add", "uuid=n1", "param-name=other-config", "k=1", "k=2")
    assert (outcome.code, outcome.text) == (1, (
        "The map has this key already.\ntype: network\nparam_name: other_config\nuuid: n1 (lan)\nkey: k\n"
    ))  # fmt: skip


async def test_networks(house: House) -> None:
    uuid = (await house.xe("network-create", "name-label=lan", "name-description=wires", "--minimal")).word
    assert (await house.xe("network-list", "name-label=lan", "--minimal")).word == uuid
    assert (await house.xe("network-param-get", f"uuid={uuid}", "param-name=MTU")).word == "1500"
    unknown = await house.xe("network-destroy", "uuid=nothing")
    assert (unknown.code, unknown.text) == (1, "No object of this type has this uuid.\ntype: network\nuuid: nothing\n")


async def test_passwords(house: House) -> None:
    assert (await house.over_tcp("host-list", "--minimal")).word == HOST_UUID
    refused = await house.over_tcp("host-list", "--minimal", password="guess")
    assert (refused.code, refused.text) == (1, "Authentication failed\nFor usage run: 'xe help'\n")


async def test_no_session_is_left_over(house: House) -> None:
    await house.over_tcp("host-list")
    await house.xe("vm-param-get", "uuid=x", "param-name=uuid")
    assert house.app.db.refs("session") == []


async def test_help_needs_no_login(house: House) -> None:
    text = (await house.over_tcp("help", "vm-start", "nonsense", password="guess")).text
    assert text.startswith("command name            : vm-start\n        reqd params     : \n")
    assert "optional params : force, on, paused, <vm-selectors>\n" in text
    assert text.endswith("\n\n\nUnknown command 'nonsense'\n")


async def test_event_wait_ends_with_the_change(house: House, until: Wait) -> None:
    ref = machine(house, "u1", "web", power_state="Halted")
    process = await house.start("event-wait", "class=vm", "uuid=u1", "power-state=running")
    await until(lambda: bool(house.app.db.refs("session")))
    house.app.db.set("VM", ref, name_label="still halted")
    house.app.db.set("VM", ref, power_state="Running")
    assert (await ended(process)).text == ""


async def test_a_client_that_stops_waiting_leaves_nothing_behind(house: House, until: Wait) -> None:
    machine(house, "u1", "web", power_state="Halted")
    process = await house.start("event-wait", "class=vm", "uuid=u1", "power-state=running")
    await until(lambda: bool(house.app.db.refs("session")))
    process.kill()
    await process.wait()
    await until(lambda: not house.app.db.refs("session"))


async def test_a_task_is_cancelled(house: House) -> None:
    app = house.app
    ctx = internal_context(app, "test")
    task = ctx.task = app.tasks.create(ctx, "Async.VM.start", ephemeral=False)
    forever = asyncio.get_running_loop().create_future()

    async def work() -> str:
        await forever
        return ""

    app.tasks.start(ctx, work())
    uuid = app.db.get("task", task, "uuid")
    assert (await house.xe("task-list", f"uuid={uuid}", "params=status", "--minimal")).word == "pending"
    assert (await house.xe("task-cancel", f"uuid={uuid}")).text == ""
    assert (await house.xe("task-param-get", f"uuid={uuid}", "param-name=status")).word == "cancelled"


async def test_a_question_is_answered(house: House) -> None:
    machine(house, "u1", "web", power_state="Halted")
    outcome = await house.xe("vm-uninstall", "uuid=u1", stdin=b"no\n")
    assert (outcome.code, outcome.text) == (0, (
        "The following items are about to be destroyed\nVM : u1 (web)\n"
        "Type 'yes' to continue\nAborted (you typed: 'no')\n"
    ))  # fmt: skip
    assert (await house.xe("vm-list", "uuid=u1", "--minimal")).word == "u1"


async def test_a_file_is_sent_to_a_command_that_asks_for_it(house: House) -> None:
    (house.folder / "ca.pem").write_bytes(b"x" * 100_000)
    outcome = await house.xe("pool-install-ca-certificate", "filename=ca.pem")
    assert outcome.text.endswith("function: pool.install_ca_certificate\n")
    missing = await house.xe("pool-install-ca-certificate", "filename=none.pem")
    assert (missing.code, missing.text) == (1, "Error: File none.pem cannot be read\n")


async def test_every_command_without_parameters_ends_in_an_answer(house: House) -> None:
    """None may hang or fall over, whatever is implemented already."""
    for name in ("pool-sync-database", "pool-ha-disable", "host-all-editions", "pool-recover-slaves", "diagnostic-db-stats"):
        outcome = await house.xe(name)
        assert outcome.code in (0, 1) and "Traceback" not in outcome.text, (name, outcome.text)


async def test_text_that_is_no_ascii(house: House) -> None:
    machine(house, "u1", "web")
    await house.xe("vm-param-set", "uuid=u1", "name-label=Grüße ☃")
    assert (await house.xe("vm-list", "name-label=Grüße ☃", "--minimal")).word == "u1"


async def test_a_host_in_a_deep_folder_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / "a-folder-with-a-long-name" / ("x" * 60)
    folder.mkdir(parents=True)
    app = fixture.make(folder)
    async with listen_unix(app, app.root.xapi_socket):
        assert (await House(app, 0, folder).xe("host-list", "--minimal")).word == HOST_UUID


async def test_requests_that_are_none(house: House) -> None:
    for request, answer in (
        (b"POST /cli HTTP/1.0\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST /cli HTTP/1.0\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300000, b"HTTP/1.1 413"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(request)
        assert (await asyncio.wait_for(reader.read(), 60)).startswith(answer)
        writer.close()
