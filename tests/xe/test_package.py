"""``pip install ./xe`` on a machine that has nothing of the toolstack."""

import shutil
import subprocess
import sys
from pathlib import Path

from idl import cli
from tests.xe.fake_server import REPOSITORY, Peer, unix_server


def test_the_client_installs_and_runs_alone(tmp_path: Path) -> None:
    for room in ("xe", "idl"):  # a copy, since a build leaves files next to the sources
        shutil.copytree(REPOSITORY / room, tmp_path / "source" / room, ignore=shutil.ignore_patterns("__pycache__"))
    wheel: list[str | Path] = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", tmp_path]
    subprocess.run([*wheel, tmp_path / "source/xe"], check=True, capture_output=True)
    (built,) = tmp_path.glob("*.whl")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True, capture_output=True)
    subprocess.run([venv / "bin/pip", "install", "--no-index", built], check=True, capture_output=True)

    def script(peer: Peer) -> None:
        assert peer.greet()[0] == "vm-list"
        peer.say(cli.Print("installed"), cli.Exit(0))

    with unix_server(tmp_path, script):
        done = subprocess.run(
            [venv / "bin/xe", "vm-list"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"XAPI_ROOT": str(tmp_path), "HOME": str(tmp_path)},
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "installed\n", "")
    assert (venv / "share/man/man1/xe.1").read_text().startswith(".\\\" Made by")
    assert "complete -F _xe xe" in (venv / "share/bash-completion/completions/xe").read_text()
    installed = {path.name for path in (venv / "lib").glob("python3*/site-packages/*") if path.suffix == ""}
    assert {"xe", "idl"} <= installed
    assert not installed & {"xapi", "xenopsd", "sm", "networkd", "rrdd", "aiohttp", "msgspec"}
