"""``kill -9`` of any daemon while a guest runs: it is restarted, the guest does not notice, and soon all is true again."""

import http.client
import os
import re
import signal
import socket
import time
import xmlrpc.client

import pytest
import XenAPI

from embedded import readiness, supervision
from embedded.demo import disk_device
from embedded.layout import HTTP_PORT
from tests.e2e.embedded_host import Api, EmbeddedHost, NotInTime, eventually, finished
from tests.e2e.guests import MIB, Guest, at_shell, make_disk, messages
from tests.e2e.terminal import COUNTER, Terminal, open_console, terminal
from tests.e2e.transfers import basic

pytestmark = pytest.mark.guest

DAEMONS = ("networkd", "sm", "xenopsd", "rrdd", "perfmon", "mpathalert", "snapwatchd")
"""Those that a console's connection does not go through."""
TRUE_AGAIN_SECONDS = 10.0
LONGEST_GAP = 4.0
"""Seconds between two numbers of a guest that counts each second on a machine that is busy restarting a daemon."""
NO_ANSWER = (XenAPI.Failure, OSError, xmlrpc.client.Error, http.client.HTTPException, AssertionError)


def kill_process(pid: int) -> None:
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)


def kill(host: EmbeddedHost, name: str) -> int:
    """Kill a daemon without warning; return the process it was."""
    pid = host.pids()[name]
    kill_process(pid)
    return pid


def is_back(host: EmbeddedHost, name: str, old: int) -> bool:
    """Say whether the supervisor has started the daemon anew and it is ready."""
    status = next(status for status in supervision.statuses(host.layout) if status.name == name)
    return status.pid not in (0, old) and readiness.is_ready(host.layout, status)


def assert_true(host: EmbeddedHost, guest: Guest) -> None:
    """XenAPI says what is: the guest runs, its devices are attached, its consoles work."""
    with host.session() as api:
        record = guest.record(api)
        assert record["power_state"] == "Running"
        assert host.process_of(guest.uuid) is not None
        assert not record["current_operations"]
        assert all(api.xenapi.VBD.get_currently_attached(vbd) for vbd in record["VBDs"])
        assert all(api.xenapi.VIF.get_currently_attached(vif) for vif in record["VIFs"])
        assert all(api.xenapi.PBD.get_currently_attached(pbd) for pbd in api.xenapi.PBD.get_all())
        assert not [task for task in api.xenapi.task.get_all_records().values() if task["status"] == "pending"]
        stream = open_console(api, guest.ref, "rfb")
        try:
            assert stream.read_exactly(12, 5) == b"RFB 003.008\n"
        finally:
            stream.connection.close()


def seconds_until_true(host: EmbeddedHost, guest: Guest, name: str, old: int, since: float) -> float:
    """Wait until the daemon is back and XenAPI tells the truth; return the seconds after *since*."""
    last: list[BaseException] = []

    def settled() -> bool:
        try:
            if not is_back(host, name, old):
                return False
            assert_true(host, guest)
        except NO_ANSWER as reason:
            last[:] = [reason]
            return False
        return True

    try:
        eventually(f"{name} is back and XenAPI says what is", settled, 3 * TRUE_AGAIN_SECONDS)
    except AssertionError as late:
        raise late from (last[0] if last else None)
    return time.monotonic() - since


class Heart:
    """The guest's counter, followed from before a kill until after: each number, and no long silence."""

    def __init__(self, line: Terminal) -> None:
        self._line = line
        self.number = line.latest_count()

    def beats_on(self) -> None:
        """Read what was counted meanwhile and three numbers more: none is missing."""
        text = self._line.drain()
        for match in re.finditer(COUNTER, text):
            self._next(int(match[1]))
        for _ in range(3):
            self._next(self._line.count(LONGEST_GAP))

    def _next(self, number: int) -> None:
        assert number == self.number + 1
        self.number = number


@pytest.mark.parametrize("name", DAEMONS)
def test_a_killed_daemon_comes_back_and_the_guest_does_not_notice(api: Api, host: EmbeddedHost, demo: Guest, name: str) -> None:
    with at_shell(api, demo) as line:
        heart = Heart(line)
        begin = time.monotonic()
        old = kill(host, name)
        took = seconds_until_true(host, demo, name, old, begin)
        heart.beats_on()
        line.run("echo still writable >/data/x && sync && cat /data/x && rm /data/x")
    print(f"{name}: true again after {took:.1f} s")
    assert took < TRUE_AGAIN_SECONDS


def assert_counted_on(before: int, after: int, seconds: float) -> None:
    """The counter went on all the time; a little slower than the clock, as each round also looks at the interfaces."""
    assert 0.7 * seconds - 2 < after - before < seconds + 2


@pytest.mark.parametrize("name", ["xapi", "stunnel"])
def test_the_api_comes_back_and_the_guest_does_not_notice(host: EmbeddedHost, demo_vm: Guest, name: str) -> None:
    with host.session() as api:
        demo_vm.ensure(api, "Running")
        with at_shell(api, demo_vm) as line:
            before, then = line.latest_count(), time.monotonic()
    begin = time.monotonic()
    old = kill(host, name)
    took = seconds_until_true(host, demo_vm, name, old, begin)
    print(f"{name}: true again after {took:.1f} s")
    assert took < TRUE_AGAIN_SECONDS
    with host.session() as api, terminal(api, demo_vm.ref) as line:
        assert_counted_on(before, line.latest_count(), time.monotonic() - then)


def hears_again(host: EmbeddedHost, guest: Guest) -> None:
    with host.session() as api, at_shell(api, guest) as line:
        line.run("pidof acpid || acpid -l /dev/null")


@pytest.mark.parametrize("name", ["xapi", "xenopsd"])
def test_a_task_in_flight_fails_with_a_reason(host: EmbeddedHost, demo_vm: Guest, name: str) -> None:
    with host.session() as api:
        demo_vm.ensure(api, "Running")
        with at_shell(api, demo_vm) as line:
            line.run("killall acpid")
        task = api.xenapi.Async.VM.clean_shutdown(demo_vm.ref)
        eventually("the shutdown begins", lambda: "clean_shutdown" in operations(api, demo_vm), 20)
    try:
        begin = time.monotonic()
        old = kill(host, name)
        took = seconds_until_true(host, demo_vm, name, old, begin)
        with host.session() as api:
            record = finished(api, task, 5)
            api.xenapi.task.destroy(task)
        print(f"{name}: {record['error_info']}, true again after {took:.1f} s")
        assert record["status"] == "failure"
        assert len(record["error_info"]) == 2 and "restarted" in record["error_info"][1]
        assert took < TRUE_AGAIN_SECONDS
    finally:
        hears_again(host, demo_vm)


def operations(api: Api, guest: Guest) -> list[str]:
    return list(guest.record(api)["current_operations"].values())


def test_an_upload_in_flight_fails_with_its_task(host: EmbeddedHost) -> None:
    with host.session() as api:
        disk = make_disk(api, "half uploaded", 4 * MIB)
        task = api.xenapi.task.create("upload", "in flight")
    with socket.create_connection((host.layout.address, HTTP_PORT), timeout=30) as connection:
        head = f"PUT /import_raw_vdi?vdi={disk}&format=raw&task_id={task} HTTP/1.1\r\nContent-Length: {4 * MIB}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in basic(host).items()) + "\r\n"
        connection.sendall(head.encode())
        assert b" 200 " in connection.recv(65536)
        connection.sendall(bytes(MIB))
        old = kill(host, "xapi")
    eventually("xapi is back", lambda: is_back(host, "xapi", old), TRUE_AGAIN_SECONDS)

    def answers() -> bool:
        try:
            with host.session():
                return True
        except NO_ANSWER:
            return False

    eventually("xapi answers", answers, TRUE_AGAIN_SECONDS)
    with host.session() as api:
        assert finished(api, task, 5)["status"] == "failure"
        api.xenapi.task.destroy(task)
        eventually("the disk is free", lambda: "destroy" in api.xenapi.VDI.get_allowed_operations(disk), 10)
        api.xenapi.VDI.destroy(disk)


def test_a_disk_plugged_before_the_storage_service_died_can_be_unplugged(api: Api, host: EmbeddedHost, demo: Guest) -> None:
    disk = make_disk(api, "outlives sm", 8 * MIB)
    vbd = api.xenapi.VBD.create({**disk_device(demo.ref, disk), "userdevice": "1", "bootable": False})
    api.xenapi.VBD.plug(vbd)
    try:
        for name in ("sm", "xenopsd"):
            begin = time.monotonic()
            seconds_until_true(host, demo, name, kill(host, name), begin)
        with at_shell(api, demo) as line:
            line.run("until [ -b /dev/vdb ]; do usleep 100000; done; echo kept >/dev/vdb; sync; head -n 1 /dev/vdb")
    finally:
        api.xenapi.VBD.unplug(vbd)
        api.xenapi.VBD.destroy(vbd)
        api.xenapi.VDI.destroy(disk)


def test_a_guest_whose_process_is_killed_shows_as_halted_with_a_message(api: Api, host: EmbeddedHost, second: Guest) -> None:
    process = host.process_of(second.uuid)
    assert process is not None
    before = messages(api, second)
    begin = time.monotonic()
    kill_process(process.pid)
    second.reaches(api, "Halted", TRUE_AGAIN_SECONDS)
    print(f"Halted after {time.monotonic() - begin:.2f} s")
    news = eventually("a message", lambda: {ref: name for ref, name in messages(api, second).items() if ref not in before}, 5)
    assert list(news.values()) == ["VM_CRASHED"]
    assert not any(api.xenapi.VBD.get_currently_attached(vbd) for vbd in second.record(api)["VBDs"])
    api.xenapi.VM.start(second.ref, False, False)
    assert second.state(api) == "Running"


def settled(host: EmbeddedHost, guest: Guest) -> None:
    """Wait until what XenAPI says of a VM is what is, and nothing is going on."""
    last = ""

    def is_settled() -> bool:
        nonlocal last
        try:
            with host.session() as api:
                record = guest.record(api)
                attached = [api.xenapi.VBD.get_currently_attached(vbd) for vbd in record["VBDs"]]
        except NO_ANSWER as reason:
            last = repr(reason)
            return False
        state, process = record["power_state"], host.process_of(guest.uuid)
        last = f"{state}, disks {attached}, {process}, {record['current_operations']}"
        # Not paused: what a start had done before the kill is undone.
        as_it_is = (state == "Running") == any(attached) == (process is not None)
        return not record["current_operations"] and state in ("Running", "Halted") and as_it_is

    try:
        eventually("XenAPI says what is", is_settled, TRUE_AGAIN_SECONDS)
    except NotInTime as late:
        raise NotInTime(last) from late


MOMENTS = ("as it begins", "once the guest's process is there")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", ["xapi", "xenopsd", "sm", "networkd"])
def test_a_start_that_a_kill_interrupts_leaves_no_half_started_vm(
    host: EmbeddedHost, second_vm: Guest, name: str, moment: str
) -> None:
    with host.session() as api:
        second_vm.ensure(api, "Halted")
        task = api.xenapi.Async.VM.start(second_vm.ref, False, False)
        if moment != MOMENTS[0]:
            eventually(moment, lambda: host.process_of(second_vm.uuid) is not None, 20)
    begin = time.monotonic()
    old = kill(host, name)
    eventually(f"{name} is back", lambda: is_back(host, name, old), TRUE_AGAIN_SECONDS)
    settled(host, second_vm)
    print(f"{name} {moment}: true again after {time.monotonic() - begin:.1f} s")
    with host.session() as api:
        record = finished(api, task, 10)
        assert record["status"] in ("success", "failure")
        print(f"  {record['status']} {record['error_info']}, {second_vm.state(api)}")
        second_vm.ensure(api, "Running")
        with at_shell(api, second_vm) as line:
            line.run("test -e /data/boots && ls /sys/class/net/eth0")
        second_vm.ensure(api, "Halted")
        assert host.process_of(second_vm.uuid) is None


def test_a_guest_that_powers_off_while_nobody_looks_is_seen_to_be_halted(host: EmbeddedHost, second_vm: Guest) -> None:
    with host.session() as api:
        second_vm.ensure(api, "Running")
        with at_shell(api, second_vm):
            pass
        process = host.process_of(second_vm.uuid)
        assert process is not None
        old = kill(host, "xenopsd")
        kill_process(process.pid)
        eventually("xenopsd is back", lambda: is_back(host, "xenopsd", old), TRUE_AGAIN_SECONDS)
        second_vm.reaches(api, "Halted", TRUE_AGAIN_SECONDS)
        settled(host, second_vm)


def test_all_daemons_killed_at_once_come_back_and_the_guest_does_not_notice(host: EmbeddedHost, demo_vm: Guest) -> None:
    with host.session() as api:
        demo_vm.ensure(api, "Running")
        with at_shell(api, demo_vm) as line:
            before, then = line.latest_count(), time.monotonic()
    begin = time.monotonic()
    old = {name: kill(host, name) for name in host.pids()}
    for name, pid in old.items():
        took = seconds_until_true(host, demo_vm, name, pid, begin)
    print(f"all: true again after {took:.1f} s")
    assert took < TRUE_AGAIN_SECONDS
    with host.session() as api, at_shell(api, demo_vm) as line:
        assert_counted_on(before, line.latest_count(), time.monotonic() - then)
        line.run("echo still writable >/data/x && sync && rm /data/x")
