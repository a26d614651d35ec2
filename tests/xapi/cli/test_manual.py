"""The manual page in the repository is the one that the tables make, and man can read it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.xapi.cli.conftest import REPOSITORY
from xapi.cli.commands import COMMANDS
from xapi.cli.manual import escaped, page
from xapi.cli.records import CLASSES

PAGE = REPOSITORY / "xe/xe.1"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_every_command_that_is_not_hidden_is_on_it() -> None:
    text = page()
    for name, command in COMMANDS.items():
        cls = next((cls for cls in CLASSES if name == f"{cls}-list" or name.startswith(f"{cls}-param-")), None)
        named = f".B {escaped(cls)}\n" in text if cls else f"\\fB{escaped(name)}\\fR" in text
        assert named != command.hidden, name


def test_hyphens_and_dots_are_themselves() -> None:
    assert escaped("a-b\\c") == "a\\-b\\ec" and escaped(".x") == "\\&.x"


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff here")
def test_man_reads_it_without_complaint(tmp_path: Path) -> None:
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", PAGE], capture_output=True, text=True, check=True)
    assert done.stderr == ""
