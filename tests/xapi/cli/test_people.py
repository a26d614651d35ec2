"""What a person at a terminal gets from the server, and what programs do that ask for JSON or CSV."""

import asyncio
import csv
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from idl import cli
from tests.xapi.cli.conftest import House, Wait
from tests.xapi.cli.fake_api import Said
from tests.xe.person import xe_at_a_terminal
from xapi.cli import progress_line, suggestions
from xapi.cli.printing import painted
from xapi.server.context import Context
from xapi.server.registry import implementation

T = TypeVar("T")


def machine(house: House, uuid: str, name: str, **fields: Any) -> str:
    return house.app.db.create("VM", uuid=uuid, name_label=name, **fields)


async def person(house: House, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit code and screen of one command at a terminal."""
    started = xe_at_a_terminal(*arguments, home=house.folder, env={"XAPI_ROOT": str(house.folder), **(env or {})})
    return await asyncio.to_thread(started.ends)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["vm-lst"], "Did you mean 'vm-list'?"),
        (["vm-list", "nmae-label=x"], "Did you mean 'name-label'?"),
        (["vm-param-get", "uuid=u1", "param-name=power-stat"], "Did you mean 'power-state'?"),
        (["vbd-create", "vmuuid=1"], "Did you mean it by 'vmuuid'?"),
    ],
)
async def test_people_are_told_what_they_probably_meant(house: House, arguments: list[str], hint: str) -> None:
    machine(house, "u1", "web")
    code, shown = await person(house, *arguments)
    script = await house.xe(*arguments)
    assert (code, shown) == (1, f"{script.text}{hint}\n")


async def test_nothing_is_suggested_for_what_is_like_nothing(house: House) -> None:
    assert (await person(house, "qqqq"))[1] == (await house.xe("qqqq")).text
    assert suggestions.nearest("qqqq", ["vm-list"]) is None


async def test_power_states_have_colours_only_on_a_terminal(house: House) -> None:
    machine(house, "u1", "web", power_state="Running")
    _, shown = await person(house, "vm-list", "uuid=u1")
    script = await house.xe("vm-list", "uuid=u1")
    assert shown == script.text.replace("running", "\033[32mrunning\033[0m")
    assert (await person(house, "vm-list", "uuid=u1", env={"NO_COLOR": "1"}))[1] == script.text
    assert (await person(house, "vm-list", "uuid=u1", "params=power-state", "--minimal"))[1] == "running\n"
    assert painted([("power-state ( RO)", "strange"), ("name-label", "running")]) == [
        ("power-state ( RO)", "strange"), ("name-label", "running"),
    ]  # fmt: skip


async def test_progress_is_drawn_while_a_call_lasts_and_gone_after_it() -> None:
    frames: list[cli.Command] = []
    done = asyncio.get_running_loop().create_future()

    async def work() -> str:
        return str(await done)

    def progress() -> float:
        if len(frames) == 2:
            done.set_result("result")
        return 0.25 * (len(frames) + 1)

    assert await progress_line.shown(work(), progress, frames.append) == "result"
    texts = [frame.text for frame in frames if isinstance(frame, cli.PrintStderr)]
    assert texts == [f"\r 25% {'#' * 10:<40}", f"\r 50% {'#' * 20:<40}", f"\r 75% {'#' * 30:<40}", progress_line.ERASE]


async def test_a_quick_call_draws_nothing_and_a_failure_passes() -> None:
    async def fails() -> None:
        raise KeyError("why")

    frames: list[cli.Command] = []
    with pytest.raises(KeyError):
        await progress_line.shown(fails(), lambda: 0.0, frames.append)
    assert not frames
    assert progress_line.text(float("nan")).startswith("  0%")
    assert progress_line.text(7.0) == f"100% {'#' * 40}"


async def test_the_progress_of_a_real_call_is_its_tasks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for a slow VM.clone: the line shows what the call itself says."""
    from xapi.server import dispatch

    machine(house, "u1", "web", power_state="Halted")
    held = asyncio.Event()

    async def slow(ctx: Context, vm: str, new_name: str) -> str:
        ctx.progress(0.5)
        await held.wait()
        return vm

    assert implementation("VM.clone") is not None
    handler = dispatch.find("VM.clone")
    assert handler is not None
    monkeypatch.setattr(dispatch, "find", _instead(dispatch.find, "VM.clone", _with_run(handler, slow)))
    arguments = ("vm-clone", "uuid=u1", "new-name-label=two")
    started = xe_at_a_terminal(*arguments, home=house.folder, env={"XAPI_ROOT": str(house.folder)})
    await asyncio.to_thread(started.sees, "50% ####")
    held.set()
    code, shown = await asyncio.to_thread(started.ends)
    assert code == 0 and shown.endswith("\r\033[Ku1\n")
    assert (await house.xe(*arguments)).text == "u1\n"


def _with_run(handler: Any, run: Callable[..., Any]) -> Any:
    from dataclasses import replace

    return replace(handler, run=run)


def _instead(find: Callable[[str], T], name: str, other: T) -> Callable[[str], T]:
    return lambda asked: other if asked == name else find(asked)


async def test_json(house: House) -> None:
    machine(house, "u1", 'Grüße, "web"\n2', power_state="Running", tags=["a", "b"], other_config={"k": "v: w; x"})
    fields = "params=uuid,name-label,tags,other-config,affinity"
    outcome = await house.xe("vm-list", "uuid=u1", fields, "--json")
    assert json.loads(outcome.word) == [
        {"uuid": "u1", "name-label": 'Grüße, "web"\n2', "affinity": None, "other-config": {"k": "v: w; x"}, "tags": ["a", "b"]}
    ]
    assert json.loads((await house.xe("vm-list", "uuid=none", "--json")).word) == []
    house.app.db.create("network", uuid="n1", name_label="lan")
    assert json.loads((await house.xe("network-param-list", "uuid=n1", "--json")).word)["name-label"] == "lan"


async def test_csv(house: House) -> None:
    machine(house, "u1", 'a, "b"\nc', tags=["x", "y"])
    outcome = await house.xe("vm-list", "uuid=u1", "params=uuid,name-label,tags", "--csv")
    assert list(csv.reader(outcome.text.splitlines(keepends=True))) == [
        ["uuid", "name-label", "tags"], ["u1", 'a, "b"\nc', "x, y"],
    ]  # fmt: skip
    assert (await house.xe("vm-list", "uuid=none", "params=uuid", "--csv")).text == "uuid\n"


async def test_only_one_format(house: House) -> None:
    for switches in (["--json", "--csv"], ["--json", "--minimal"]):
        outcome = await house.xe("vm-list", *switches)
        assert (outcome.code, outcome.text) == (1, "Error: Give only one of --json, --csv and --minimal\n")


async def test_a_key_called_json_can_still_be_written(house: House) -> None:
    house.app.db.create("network", uuid="n1", name_label="lan")
    assert (await house.xe("network-param-add", "uuid=n1", "param-name=other-config", "json=yes")).code == 0
    assert (await house.xe("network-param-get", "uuid=n1", "param-name=other-config", "param-key=json")).word == "yes"


async def test_watching(house: House, until: Wait) -> None:
    ref = machine(house, "u1", "web", power_state="Halted", is_a_template=False)
    machine(house, "u2", "other", power_state="Halted", is_a_template=False)
    process = await house.start("event-wait", "class=vm", "uuid=u1", "--watch", "--json", "params=power-state,name-label")
    assert process.stdout is not None
    lines = process.stdout

    async def line() -> dict[str, str]:
        shown: dict[str, str] = json.loads(await asyncio.wait_for(lines.readline(), 60))
        return shown

    assert await line() == {"name-label": "web", "power-state": "halted"}
    house.app.db.set("VM", ref, name_description="not shown")
    house.app.db.set("VM", ref, power_state="Running")
    assert await line() == {"name-label": "web", "power-state": "running"}
    process.terminate()
    await process.wait()
    await until(lambda: not house.app.db.refs("session"))
    refused = await house.xe("event-wait", "class=vm", "--watch", "--minimal")
    assert (refused.code, refused.text[:22]) == (1, "Error: --minimal print")


def test_a_printer_without_colours_paints_nothing() -> None:
    said = Said()
    said.printer.table([[("power-state ( RO)", "running")]])
    assert "\033" not in said.out


