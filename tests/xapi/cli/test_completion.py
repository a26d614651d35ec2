"""Completion in bash, with the real client against a running server."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.xapi.cli.conftest import REPOSITORY, House
from tests.xapi.fixture import DOM0_UUID, HOST_UUID
from tests.xe.person import Person, at_a_terminal
from xapi.cli import enum_texts
from xapi.cli.commands import COMMANDS
from xapi.cli.records import CLASSES
from xapi.datamodel import MODEL

FILE = REPOSITORY / "xe/completions/xe"
BREAKS = " \\t\\n\"\\'><=;|&(:"
DRIVER = f"""
source {FILE}
COMP_LINE=$1 COMP_POINT=${{#1}} COMP_WORDBREAKS=$'{BREAKS}'
_xe
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

Offers = Callable[[str], Awaitable[list[str]]]

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The client as ``xe`` in a folder for PATH."""
    script = tmp_path / "bin/xe"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m xe "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture
def offers(house: House, program: Path) -> Offers:
    """What bash is offered for a line, the part that is there already left out where readline wants that."""
    folder = house.folder
    env = {
        "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(folder), "PYTHONPATH": str(REPOSITORY),
        "XAPI_ROOT": str(folder),
    }  # fmt: skip

    async def offered(line: str) -> list[str]:
        process = await asyncio.create_subprocess_exec(
            "bash", "--norc", "-c", DRIVER, "driver", line, env=env, cwd=folder, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            out, _ = await process.communicate()
        return sorted(filter(None, out.decode().split("\n")))

    return offered


async def test_commands_come_in_groups_and_then_by_name(offers: Offers) -> None:
    groups = await offers("xe ")
    assert {"vm-", "host-", "sr-", "console"} <= set(groups) and "vm-start" not in groups
    assert await offers("xe vm-st") == ["vm-start"]
    assert await offers("xe help vm-sta") == ["vm-start"]
    assert "vm-param-get" in await offers("xe vm-p")


async def test_parameters_that_are_demanded_come_first_and_given_ones_do_not_come_again(offers: Offers) -> None:
    assert await offers("xe vbd-create ") == ["device=", "vm-uuid="]
    assert await offers("xe vbd-create vm-uuid=1 ") == ["device="]
    assert await offers("xe vbd-create vm-uuid=1 device=1 ") == ["bootable=", "mode=", "type=", "unpluggable=", "vdi-uuid="]
    assert await offers("xe vm-start ") == ["force=", "on=", "paused=", "vm="]
    assert await offers("xe vm-start name-l") == ["name-label="]
    assert "--minimal" in await offers("xe vm-list --m")


async def test_uuids_are_of_the_class_that_is_meant(house: House, offers: Offers) -> None:
    house.app.db.create("VM", uuid="11aa", name_label="web, one", is_a_template=False)
    house.app.db.create("VM", uuid="11bb", name_label="tpl", is_a_template=True)
    assert await offers("xe vm-start uuid=11") == ["11aa"]
    assert await offers("xe template-param-get uuid=11") == ["11bb"]
    assert await offers("xe vm-param-list uuid=") == ['11aa  "web, one"', f"{DOM0_UUID}  Control domain on host: vm"]
    assert await offers("xe pif-list host-uuid=") == [HOST_UUID]
    assert await offers("xe vbd-create vm-uuid=11a") == ["11aa"]
    assert await offers("xe vm-disk-list uuid=11") == ["11aa"]
    assert "web\\,\\ one" in await offers("xe vm-start vm=web")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("vbd-create type=", ["CD", "Disk", "Floppy"]),
        ("vbd-create mode=", ["RO", "RW"]),
        ("vm-list power-state=", ["halted", "paused", "running", "suspended"]),
        ("bond-set-mode mode=", ["active-backup", "balance-slb", "lacp"]),
        ("vm-param-set actions-after-crash=pre", ["preserve"]),
        ("vm-list is-a-snapshot=", ["false", "true"]),
        ("vmss-create frequency=", ["daily", "hourly", "weekly"]),
        ("vm-param-get param-name=power", ["power-state"]),
        ("vm-param-add param-name=ta", ["tags"]),
        ("vm-param-add param-name=power", []),
        ("vm-list params=uuid,name-l", ["uuid,name-label"]),
        ("vm-param-set VCPUs-params:", ["cap=", "mask=", "weight="]),
    ],
)
async def test_values_and_fields(offers: Offers, line: str, words: list[str]) -> None:
    assert await offers(f"xe {line}") == words


async def test_files(house: House, offers: Offers) -> None:
    (house.folder / "disk.vhd").touch()
    assert await offers("xe vdi-import filename=dis") == ["disk.vhd"]


async def test_connection_options_are_used_for_asking(house: House, offers: Offers) -> None:
    assert await offers("xe -s nowhere.invalid vm-st") == []
    assert await offers(f"xe -s localhost -p {house.port} --nossl vm-st") == ["vm-start"]


async def test_a_person_presses_tab(house: House, program: Path, tmp_path: Path) -> None:
    """The real thing: readline, our function, the client and the server."""
    house.app.db.create("VM", uuid="11aa", name_label="web", is_a_template=False)
    env = {"PATH": f"{program.parent}:{os.environ['PATH']}", "XAPI_ROOT": str(house.folder), "PS1": "ready> "}

    def typing() -> None:
        person: Person = at_a_terminal(["bash", "--norc", "--noprofile", "-i"], house.folder, env)
        try:
            person.sees("ready> ")
            person.types(f"bind 'set enable-bracketed-paste off'; source {FILE}\n")
            person.sees("ready> ")
            person.types("xe vm-param-g\t")
            person.sees("xe vm-param-get ")
            person.types("uu\t")
            person.sees("uuid=")
            person.types("11\t")
            person.sees("aa ")
            person.types("param-name=name-l\t")
            person.sees("abel")
            person.types("\n")
            person.sees("web\n")
            person.types("exit\n")
            person.ends()
        except BaseException:
            person.leaves()
            raise

    await asyncio.to_thread(typing)


def test_the_fixed_words_are_values_that_the_server_takes() -> None:
    rows = re.findall(r"^ {8}([^)\n]+)\) echo (.+) ;;$", FILE.read_text(), re.MULTILINE)
    assert len(rows) > 20
    fields = {
        field.name: MODEL.classes[cls.record.cls].by_name[field.source].type
        for cls in CLASSES.values() for field in cls.record.fields
        if isinstance(field.source, str) and "." not in field.source
    }  # fmt: skip
    for patterns, words in rows:
        for pattern in patterns.split(" | "):
            command, _, name = pattern.partition(":")
            assert any(re.fullmatch(command.replace("*", ".*"), known) for known in COMMANDS), pattern
            kind = fields.get(name)
            if command == "*" and kind is not None and hasattr(kind, "name"):
                for word in words.split():
                    assert word in MODEL.enums[kind.name] or enum_texts.parse(kind.name, name, word), (pattern, word)
