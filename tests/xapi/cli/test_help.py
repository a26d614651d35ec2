"""``xe help``: shown to people, and cut apart by completion."""

import pytest

from tests.xapi.cli.fake_api import Said
from xapi.cli.arguments import parse
from xapi.cli.commands import COMMANDS
from xapi.cli.descriptions import DESCRIPTIONS, description
from xapi.cli.help_texts import filled, show


def said(*lines: str) -> str:
    arguments = parse(["help", *lines])
    output = Said(minimal=arguments.minimal)
    show(arguments, output.printer, COMMANDS)
    output.printer.finish()
    return output.out


def test_every_command_is_described_and_nothing_else_is() -> None:
    assert all(description(name) for name in COMMANDS)
    assert set(DESCRIPTIONS) <= set(COMMANDS)


def test_lines_are_indented_and_end_in_time() -> None:
    words = [f"command-{number}" for number in range(20)]
    lines = filled(words).split("\n")
    assert all(line.startswith("    command-") and len(line) <= 4 + 74 + 2 for line in lines)
    assert ", ".join(line.strip().removesuffix(",") for line in lines) == ", ".join(words)


def test_the_short_list_has_what_is_used_most() -> None:
    assert "vm-start" in said() and "vm-list" in said()
    assert "host-reboot" not in said()


def test_the_long_list_has_everything_but_what_is_hidden() -> None:
    shown = said("--all", "--minimal").strip().split(",")
    assert shown == sorted(name for name, command in COMMANDS.items() if not command.hidden)
    hosts, vms, others = said("--all").partition("All commands:\n")[2].split("\n    \n")
    assert hosts.split()[0] == "host-all-editions," and vms.split()[0] == "vm-assert-can-be-recovered,"
    assert others.split()[0] == "appliance-assert-can-be-recovered,"


@pytest.mark.parametrize(
    ("name", "required", "optional"),
    [
        ("vm-start", "", "force, on, paused, <vm-selectors>"),
        ("bond-create", "network-uuid, pif-uuids", "mac, mode, properties:"),
        ("sr-data-source-query", "data-source", "<sr-selectors>"),
        ("vbd-param-get", "uuid, param-name", "param-key, database:"),
        ("bond-param-set", "uuid", "properties:"),
        ("gpu-group-list", "", ""),
    ],
)
def test_one_command(name: str, required: str, optional: str) -> None:
    first, second, third, fourth = said(name).strip().split("\n")
    assert first == f"command name            : {name}"
    assert second == f"        reqd params     : {required}"
    assert third.startswith(f"        optional params : {optional}")
    assert fourth == f"        description     : {description(name)}"


def test_filters_of_lists_are_shown() -> None:
    (line,) = [line for line in said("vm-list").split("\n") if "optional" in line]
    names = line.partition(": ")[2].split(", ")
    assert names[:3] == ["params", "database:", "uuid"] and names[-1] == "tags:contains" and "NVRAM" not in names


def test_several_and_unknown_ones() -> None:
    assert said("nonsense", "vm-stop") == "Unknown command 'nonsense'\nUnknown command 'vm-stop'\n"
    assert said("vm-start", "--minimal") == "vm-start\n"
