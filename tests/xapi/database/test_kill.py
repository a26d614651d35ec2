"""kill -9 loses nothing that was acknowledged, and never leaves half of a change."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xapi.database.journal import Damaged, Journal
from xapi.database.schema import from_model
from xapi.database.store import Store

WRITER = """
import asyncio, sys
from pathlib import Path
from xapi.database.journal import Journal
from xapi.database.schema import from_model
from xapi.database.store import Store

async def client(store, name):
    number = 0
    while True:
        number += 1
        # Two rows that belong together: a machine and its metrics.
        label = f"{name}-{number}"
        metrics = store.create("VM_metrics", uuid="")
        store.create("VM", name_label=label, metrics=metrics)
        await store.durable()
        print(label, flush=True)

async def main():
    journal = Journal(Path(sys.argv[1]))
    store = Store(from_model(), journal)
    journal.start()
    await asyncio.gather(*(client(store, f"client{n}-{sys.argv[2]}") for n in range(4)))

asyncio.run(main())
"""


def test_kills_lose_no_acknowledged_write(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for generation in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "db"), str(generation)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        for _ in range(150):
            acknowledged.add(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        acknowledged |= {line.strip() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")}
        process.wait()

        store = Store(from_model(), Journal(tmp_path / "db"))
        labels = {row.values["name_label"] for row in store.rows("VM")}
        assert acknowledged <= labels
        assert all(store.exists("VM_metrics", row.values["metrics"]) for row in store.rows("VM"))
        assert store.count("VM") == store.count("VM_metrics")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(Damaged, match="restore it"):
        Store(from_model(), Journal(tmp_path / "db"))


async def test_a_full_disk_is_said_and_healed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db")
    store = Store(from_model(), journal)
    journal.start()
    store.create("VM", name_label="first")
    await store.durable()
    limit = journal._database.execute("PRAGMA page_count").fetchone()[0]
    journal._database.execute(f"PRAGMA max_page_count = {limit}")
    vm = store.create("VM", name_description="x" * 100_000)
    with pytest.raises(RuntimeError, match="full"):
        await store.durable()
    journal._database.execute("PRAGMA max_page_count = 1000000")
    await store.durable()
    await journal.stop()
    assert Store(from_model(), Journal(tmp_path / "db")).exists("VM", vm)
