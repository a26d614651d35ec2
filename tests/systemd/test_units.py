"""The units of installed hosts: systemd understands them, and they cover every daemon."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.supervision import ROOMS

UNITS = Path(__file__).parents[2] / "systemd"
PYTHON = "/opt/xapi-toolstack/bin/python"


def read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def unit_of(room: str) -> configparser.ConfigParser:
    found = [unit for path in UNITS.glob("*.service") if f"-m {room} " in (unit := read(path))["Service"]["ExecStart"]]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("room", ROOMS)
def test_each_daemon_has_a_unit_that_restarts_it(room: str) -> None:
    unit = unit_of(room)
    assert unit["Service"]["ExecStart"] == f"{PYTHON} -m {room} --root /"
    assert unit["Service"]["Restart"] == "always"
    assert unit["Service"]["Type"] == "notify"


@pytest.mark.parametrize("room", ["sm", "xenopsd"])
def test_what_guests_depend_on_outlives_its_daemon(room: str) -> None:
    assert unit_of(room)["Service"]["KillMode"] == "process"


def test_domains_come_after_xenstore_consoles_and_libvirt() -> None:
    after = unit_of("xenopsd")["Unit"]["After"].split()
    assert {"xenstored.service", "xenconsoled.service", "libvirtd.service"} <= set(after)


def test_the_target_wants_every_unit() -> None:
    wanted = read(UNITS / "toolstack.target")["Unit"]["Wants"].split()
    assert set(wanted) == {path.name for path in UNITS.glob("*.service")}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for path in UNITS.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_text(path.read_text().replace(PYTHON, sys.executable))
    files = sorted(str(path) for path in tmp_path.iterdir())
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *files],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    complaints = [line for line in result.stderr.splitlines() if str(tmp_path) in line]
    assert (result.returncode, complaints) == (0, [])
