"""kill -9 of a serving xapi under 200 writes a second from several clients: no acknowledged write is lost, none is half there.

``XAPI_KILL_SECONDS`` and ``XAPI_KILL_ROUNDS`` lengthen it (a minute, repeated: 60 and 5).
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from tests.xapi.database.kill_server import DATABASE
from xapi.database.journal import Journal
from xapi.database.schema import from_model
from xapi.database.store import Store

SECONDS = float(os.environ.get("XAPI_KILL_SECONDS", "5"))
ROUNDS = int(os.environ.get("XAPI_KILL_ROUNDS", "3"))


class Told:
    """What clients were told, over all rounds."""

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self.marks: dict[str, str] = {}
        self.doomed: set[str] = set()
        self.gone: set[str] = set()

    def hear(self, line: str) -> None:
        match json.loads(line):
            case ["cloned", vm, label]:
                self.labels[vm] = label
            case ["marked", vm, label]:
                self.marks[vm] = label
            case ["destroying", vm]:
                self.doomed.add(vm)
            case ["destroyed", vm]:
                self.gone.add(vm)

    @property
    def writes(self) -> int:
        return len(self.labels) + 2 * len(self.marks) + len(self.gone)


def start(module: str, *arguments: str, stdout: int | IO[str] = subprocess.PIPE) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=stdout, text=True, env=environment)


def write_and_kill(root: Path, round_: int, told: Told) -> None:
    heard = root / f"heard-{round_}"
    server = start("tests.xapi.database.kill_server", str(root))
    try:
        assert server.stdout is not None and server.stdout.readline() == "serving\n"
        # Into a file: a pipe that nobody reads would hold the clients up.
        with heard.open("w") as file:
            clients = start("tests.xapi.database.kill_clients", str(root / "var/lib/xcp/xapi"), f"r{round_}", stdout=file)
        # The load is the point: a while of it, then death at a moment that nobody chose.
        time.sleep(SECONDS)
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
    assert clients.wait(timeout=60) == 0
    for line in heard.read_text().splitlines():
        told.hear(line)


def assert_nothing_is_lost_or_half_there(store: Store, told: Told) -> None:
    here = set(store.refs("VM"))
    assert told.labels.keys() - told.doomed <= here
    assert not told.gone & here
    for vm in told.labels.keys() & here:
        assert store.get("VM", vm, "name_label") == told.labels[vm]
    for vm in told.marks.keys() & here:
        assert store.get("VM", vm, "name_description") == told.marks[vm]
        assert store.get("VM", vm, "other_config")["mark"] == told.marks[vm]
    metrics = {store.get("VM", vm, "metrics") for vm in here if not store.get("VM", vm, "is_default_template")}
    assert {"OpaqueRef:NULL"} >= metrics - set(store.refs("VM_metrics")), "a machine without the row of its metrics"
    assert set(store.refs("VM_metrics")) <= metrics, "a row of metrics without its machine"


def test_kills_under_load_lose_nothing_and_halve_nothing(tmp_path: Path) -> None:
    told = Told()
    for round_ in range(ROUNDS):
        before = told.writes
        write_and_kill(tmp_path, round_, told)
        rate = (told.writes - before) / SECONDS
        print(f"round {round_}: {rate:.0f} acknowledged writes a second")
        assert rate > 50, "hardly any load"
        assert_nothing_is_lost_or_half_there(Store(from_model(), Journal(tmp_path / DATABASE)), told)
