"""The table of commands against the recorded facts about the original's, where those are present.

Every difference is printed; a difference that is meant has its reason in EXPLAINED. (test_records.py does the same
for the fields of each class.)
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.cli.fake_api import ScriptedClient, run_command
from tests.xapi.cli.test_every_command import MORE, WORDS, GenerousApi
from xapi.cli.command import CommandExit
from xapi.cli.commands import COMMANDS
from xapi.cli.failures import CommandFailure, MissingParameter
from xapi.cli.selectors import SeveralFailed
from xapi.errors import XenAPIError

FACTS = [p for parent in Path(__file__).parents if (p := parent / "shared/xe/commands.json").exists()]

EXPLAINED: dict[tuple[str, str], str] = {}
"""(command, what differs) -> why."""

Known = dict[str, Any]


def _flagged(known: Known) -> str:
    return next((flag.removesuffix("-selectors") for flag in known["flags"] if flag.endswith("-selectors")), "")


PROPERTIES: dict[str, tuple[Callable[[str], object], Callable[[Known], object]]] = {
    "required": (lambda name: list(COMMANDS[name].required), lambda known: known["reqd"]),
    "optional": (lambda name: list(COMMANDS[name].optional), lambda known: known["optn"]),
    "hidden": (lambda name: COMMANDS[name].hidden, lambda known: "hidden" in known["flags"]),
    "standard": (lambda name: COMMANDS[name].standard, lambda known: "standard" in known["flags"]),
    "never forwarded": (lambda name: COMMANDS[name].never_forward, lambda known: "neverforward" in known["flags"]),
    "session": (lambda name: COMMANDS[name].local_session, lambda known: known["session"] == "local"),
    "selectors": (lambda name: COMMANDS[name].selects, _flagged),
}


@pytest.fixture(scope="module")
def facts() -> dict[str, Known]:
    if not FACTS:
        pytest.skip("no recorded facts on this machine")
    return {known["name"]: known for known in json.loads(FACTS[0].read_text())["commands"]}


def test_the_commands_are_the_recorded_ones(facts: dict[str, Known]) -> None:
    assert sorted(COMMANDS) == sorted(facts)


def test_every_property_of_every_command_is_the_recorded_one(facts: dict[str, Known]) -> None:
    differences = list(_differences(facts))
    for name, what, ours, theirs in differences:
        print(f"{name}: {what}: {ours}, recorded: {theirs} ({EXPLAINED.get((name, what), 'NOT EXPLAINED')})")
    assert {(name, what) for name, what, *_ in differences} == set(EXPLAINED)


def _differences(facts: dict[str, Known]) -> Iterator[tuple[str, str, object, object]]:
    for name, known in facts.items():
        for what, (ours, theirs) in PROPERTIES.items():
            if ours(name) != theirs(known):
                yield name, what, ours(name), theirs(known)


# How commands choose their objects is no row of a table, so it is tried out.


async def failure(name: str, api: GenerousApi, *more: str) -> str:
    """Why a command fails, in words; empty if it does its work."""
    given = [f"{word}={WORDS.get(word, '1')}" for word in COMMANDS[name].required]
    client = ScriptedClient("yes", "yes")
    client.files["1"] = b"content"
    # `--force` is a word like any other here: some commands want it before they look at anything.
    lines = [name, *more, *(word for word in MORE.get(name, []) if word.partition("=")[0] != "uuid"), *given, "--force"]
    try:
        await run_command(COMMANDS, *lines, api=api, client=client)
    except (CommandFailure, MissingParameter, XenAPIError, CommandExit, SeveralFailed) as reason:
        return str(reason) or type(reason).__name__
    return ""


LOOKS_FOR_A_CD_FIRST = {"vm-cd-add", "vm-cd-insert"}
"""No disc image exists here; test_commands.py has them."""


def selecting(facts: dict[str, Known]) -> Iterator[tuple[str, Known]]:
    return ((name, known["select"]) for name, known in facts.items() if "select" in known)


def house(cls: str, **values: object) -> GenerousApi:
    api = GenerousApi()
    api.objects["task"]["OpaqueRef:task"]["status"] = "success"
    row = api.objects[{"vm": "VM", "host": "host", "sr": "SR"}[cls]].popitem()[1]
    api.objects[{"vm": "VM", "host": "host", "sr": "SR"}[cls]] = {"OpaqueRef:VM": row | values}
    return api


async def test_commands_choose_among_the_recorded_kinds_of_vms(facts: dict[str, Known]) -> None:
    wrong = []
    for name, select in selecting(facts):
        if select["class"] != "vm":
            continue
        for field, allowed in (("is_control_domain", "control_domains"), ("is_a_template", "templates")):
            refused = "No matching VMs" in await failure(name, house("vm", **{field: True}))
            if refused == (select.get(allowed) in (True, "pool_migrate form only")) and name not in LOOKS_FOR_A_CD_FIRST:
                wrong.append(f"{name}: a VM with {field} is {'refused' if refused else 'accepted'}")
    assert not wrong, "\n".join(wrong)


async def test_commands_leave_out_the_recorded_filters(facts: dict[str, Known]) -> None:
    wrong = []
    for name, select in selecting(facts):
        for word in select["not_a_filter"]:
            if "Unknown field" in (said := await failure(name, house(select["class"]), f"{word}=1")):
                wrong.append(f"{name}: {word} is taken for a filter: {said}")
        said = await failure(name, house(select["class"]), "nonsense=1")
        if "Unknown field 'nonsense'" not in said and name not in LOOKS_FOR_A_CD_FIRST:
            wrong.append(f"{name}: nonsense is not taken for a filter: {said}")
    assert not wrong, "\n".join(wrong)


async def test_commands_take_several_objects_as_recorded(facts: dict[str, Known]) -> None:
    wrong = []
    for name, select in selecting(facts):
        api = house(select["class"])
        rows = api.objects[{"vm": "VM", "host": "host", "sr": "SR"}[select["class"]]]
        rows["OpaqueRef:other"] = next(iter(rows.values())) | {"uuid": "1"}
        said = await failure(name, api)
        kind = "use --multiple" if "--multiple" in said else "works on one" if "works on one" in said else "fine"
        expected = {True: "use --multiple", False: "works on one", "always": "fine"}[select["multiple"]]
        if kind != expected and name not in LOOKS_FOR_A_CD_FIRST:
            wrong.append(f"{name}: several are {kind}, recorded {select['multiple']} ({said})")
    assert not wrong, "\n".join(wrong)


def test_files_and_questions_are_asked_for_as_recorded(facts: dict[str, Known]) -> None:
    """The commands that need the client for more than printing are known; each has a test of its own."""
    assert sum("client_io" in known for known in facts.values()) == 39
