"""A whole host of stub daemons under the real supervisord, in a real network namespace, behind the real stunnel."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedded import first_start, lifecycle, namespace, processes, readiness, supervision
from embedded.layout import TLS_PORT, Host
from embedded.progress import StepFailed
from embedded.supervision import State

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
STUB = Path(__file__).with_name("stub_python.py")
PATIENCE = 60.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def interfaces() -> str:
    return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout


def pid_of(host: Host, name: str) -> int:
    return next(status.pid for status in supervision.statuses(host) if status.name == name)


def child(host: Host, room: str) -> int:
    return int((host.folder / f"{room}.child").read_text())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def stub(tmp_path: Path) -> str:
    script = tmp_path / "stub"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {STUB} "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host("host99", tmp_path / "h", "127.0.0.99")
    made.folder.mkdir()
    (made.folder / "address").write_text(made.address)
    yield made
    processes.end(processes.of_host(made), patience=10)
    namespace.remove(made.namespace)


def bring_up(host: Host, stub: str) -> None:
    first_start.write_missing(host)
    namespace.ensure(host.namespace)
    supervision.start(host, stub, lifecycle.stunnel_program())
    readiness.wait_for_all(host)


@pytest.fixture
def running(host: Host, stub: str) -> Host:
    bring_up(host, stub)
    return host


def test_every_program_runs_and_is_ready(running: Host) -> None:
    found = supervision.statuses(running)
    assert [status.name for status in found] == [*supervision.ROOMS, "stunnel"]
    assert {status.state for status in found} == {State.RUNNING}
    assert all(readiness.is_ready(running, status) for status in found)


def test_only_what_touches_the_network_is_inside_the_namespace(running: Host) -> None:
    inside = namespace.identity(running.namespace)
    assert inside is not None and inside != namespace.of_process(os.getpid())
    within = {name for name in supervision.ROOMS if namespace.of_process(pid_of(running, name)) == inside}
    assert within == {"networkd", "xenopsd", "rrdd"}


def test_a_killed_daemon_comes_back_and_its_children_never_left(running: Host) -> None:
    for room in ("sm", "xenopsd"):
        before, kept = pid_of(running, room), child(running, room)
        os.kill(before, signal.SIGKILL)
        until(lambda room=room, before=before: pid_of(running, room) not in (0, before))  # type: ignore[misc]
        assert is_alive(kept)


def test_stop_ends_everything_of_this_host_and_nothing_else(running: Host) -> None:
    machine = interfaces()
    bystander = subprocess.Popen(["sleep", "1000"])
    try:
        children = [child(running, room) for room in ("sm", "xenopsd")]
        assert all(is_alive(pid) for pid in children)
        lifecycle.stop(running)
        assert processes.of_host(running) == []
        assert not any(is_alive(pid) for pid in children)
        assert not namespace.exists(running.namespace)
        assert not readiness.accepts(running.address, TLS_PORT)
        assert bystander.poll() is None
        assert interfaces() == machine
    finally:
        bystander.kill()
        bystander.wait()


def test_after_the_supervisor_was_killed_a_start_replaces_daemons_and_keeps_their_children(running: Host, stub: str) -> None:
    supervisor = supervision.pid(running)
    assert supervisor is not None
    orphan, kept = pid_of(running, "xenopsd"), child(running, "xenopsd")
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not supervision.is_running(running))
    lifecycle.clear_what_was_left(running)
    assert not is_alive(orphan)
    bring_up(running, stub)
    assert is_alive(kept)
    assert child(running, "xenopsd") == kept


def test_tls_ends_in_stunnel_which_tells_xapi_the_clients_address(running: Host) -> None:
    context = ssl.create_default_context(cadata=running.certificate.read_text())
    with (
        socket.create_connection((running.address, TLS_PORT), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=running.address) as secure,
    ):
        client = secure.getsockname()
        secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
        reply = b"".join(iter(lambda: secure.recv(4096), b""))
    assert reply.endswith(f"PROXY TCP4 {client[0]} {running.address} {client[1]} {TLS_PORT}".encode())


def test_a_daemon_that_cannot_start_is_named_with_the_end_of_its_log(host: Host, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no such module: $2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(StepFailed, match="networkd is not ready") as failure:
        bring_up(host, str(broken))
    assert "no such module: networkd" in failure.value.why
    assert "networkd.log" in failure.value.do
