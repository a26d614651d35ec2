"""Starting what runs changes nothing; stopping leaves nothing; the next start finds all as it was."""

import os
import signal
from pathlib import Path

import pytest

from embedded import namespace, processes, supervision
from tests.e2e.embedded_host import Api, EmbeddedHost
from tests.e2e.guests import Guest, at_shell

pytestmark = pytest.mark.guest


def test_starting_a_running_host_says_so_and_changes_nothing(host: EmbeddedHost, demo: Guest) -> None:
    before = host.pids()
    said = host.start()
    assert f"{host.layout.name} is running already; nothing to start" in said
    assert "runs already" in said
    assert host.pids() == before
    guest = host.process_of(demo.uuid)
    assert guest is not None


def test_the_hint_tells_where_and_how(host: EmbeddedHost, demo: Guest) -> None:
    said = host.start()
    for word in (host.layout.http_url, host.layout.tls_url, str(host.layout.root_password), demo.uuid, "vm-list", "Running"):
        assert word in said, word


def test_the_status_names_every_daemon_and_the_guest(host: EmbeddedHost, demo: Guest) -> None:
    said = host.command("status", 30)
    for name in ("networkd", "sm", "xenopsd", "rrdd", "xapi", "perfmon", "mpathalert", "snapwatchd", "stunnel"):
        [line] = [line for line in said.splitlines() if line.split()[:1] == [name]]
        assert line.split()[1] == "ready", line
    assert f"guest demo ({demo.uuid}): Running" in said


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def test_the_daemons_fit_in_their_memory(host: EmbeddedHost, demo: Guest) -> None:
    used = {name: resident_mb(pid) for name, pid in host.pids().items() if name != "stunnel"}
    print(used)
    assert len(used) == 8
    assert sum(used.values()) <= 400


def test_a_killed_supervisor_is_started_again_beside_the_running_guest(host: EmbeddedHost, demo_vm: Guest) -> None:
    with host.session() as api:
        demo_vm.ensure(api, "Running")
        with at_shell(api, demo_vm) as line:
            before = line.latest_count()
    guest = host.process_of(demo_vm.uuid)
    pid = supervision.pid(host.layout)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    said = host.start()
    assert "Daemons left by a killed supervisor" in said
    assert host.process_of(demo_vm.uuid) == guest
    with host.session() as api:
        assert demo_vm.state(api) == "Running"
        with at_shell(api, demo_vm) as line:
            assert line.latest_count() > before


def test_a_stopped_host_leaves_nothing_and_starts_as_it_was(host: EmbeddedHost, demo_vm: Guest) -> None:
    with host.session() as api:
        demo_vm.ensure(api, "Running")
        api.xenapi.VM.set_name_description(demo_vm.ref, "told before the stop")
        with at_shell(api, demo_vm) as line:
            before = int(line.run("cat /data/boots"))
    try:
        host.stop()
        assert not host.processes()
        assert not processes.leftover_mounts(host.layout.folder)
        assert not namespace.exists(host.layout.namespace)
        assert "is not running" in host.stop()
    finally:
        host.start()
    with host.session() as api:
        assert_as_it_was(api, demo_vm)
        with at_shell(api, demo_vm) as line:
            assert int(line.run("cat /data/boots")) == before + 1


def assert_as_it_was(api: Api, guest: Guest) -> None:
    record = guest.record(api)
    assert (record["power_state"], record["name_description"]) == ("Running", "told before the stop")
