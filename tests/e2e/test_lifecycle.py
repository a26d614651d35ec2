"""The life of one guest through XenAPI alone, made from a template, with a real disk and a real network.

The tests share the guest and stand in the order of its life; each brings it to the state it needs.
"""

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from embedded import processes
from embedded.demo import disk_device, network_device
from embedded.layout import HTTP_PORT
from tests.e2e.embedded_host import Api, EmbeddedHost, NotInTime, finished, result_of, wait_for
from tests.e2e.guests import MIB, NULL, Guest, at_shell, destroy_guest, disks_of, from_template, make_disk, messages
from tests.e2e.terminal import BOOT_SECONDS, COUNTER, location, open_console, terminal
from tests.e2e.transfers import export_disk

pytestmark = pytest.mark.guest

COUNTERS = re.compile(COUNTER)
NOTICE_SECONDS = 1.5
"""How soon the guest's own doings must show; a second, and what a busy machine adds."""


@pytest.fixture(scope="module")
def guest(host: EmbeddedHost, golden: str, network: str) -> Iterator[Guest]:
    with host.session() as api:
        guest = from_template(api, "lifecycle")
        disk = api.xenapi.VDI.clone(golden, {})
        api.xenapi.VBD.create(disk_device(guest.ref, disk))
        api.xenapi.VIF.create(network_device(guest.ref, network))
    yield guest
    with host.session() as api:
        if guest.ref in api.xenapi.VM.get_all():
            destroy_guest(api, guest)


@pytest.fixture
def running(api: Api, guest: Guest) -> Guest:
    guest.ensure(api, "Running")
    return guest


def boots(api: Api, guest: Guest) -> int:
    """Return how often the guest's disk was booted, as the disk says."""
    with at_shell(api, guest) as line:
        return int(line.run("cat /data/boots"))


def test_a_vm_is_made_from_a_template_with_a_disk_and_an_interface(api: Api, guest: Guest, network: str) -> None:
    record = guest.record(api)
    assert (record["power_state"], record["is_a_template"]) == ("Halted", False)
    assert record["memory_static_max"] == str(128 * MIB)
    assert len(disks_of(api, guest.ref)) == 1
    [vif] = record["VIFs"]
    assert api.xenapi.VIF.get_network(vif) == network
    assert api.xenapi.VIF.get_MAC(vif).count(":") == 5
    assert "start" in record["allowed_operations"]


def test_it_starts_paused_and_runs_once_unpaused(api: Api, guest: Guest) -> None:
    guest.ensure(api, "Halted")
    api.xenapi.VM.start(guest.ref, True, False)
    assert guest.state(api) == "Paused"
    with terminal(api, guest.ref) as line:
        with pytest.raises(NotInTime):
            line.expect(".", 1.0)
        api.xenapi.VM.unpause(guest.ref)
        assert guest.state(api) == "Running"
        line.expect("boot 1 of this disk", BOOT_SECONDS)
        line.expect("demo guest ready")
        assert line.count() == 0
    record = guest.record(api)
    assert record["resident_on"] == api.xenapi.host.get_all()[0]
    assert int(record["domid"]) > 0
    assert all(api.xenapi.VBD.get_currently_attached(vbd) for vbd in record["VBDs"])
    assert all(api.xenapi.VIF.get_currently_attached(vif) for vif in record["VIFs"])


def test_the_serial_console_shows_the_counter_and_takes_commands(api: Api, running: Guest) -> None:
    with at_shell(api, running) as line:
        first = line.count()
        assert line.count() == first + 1
        assert line.run("hostname") == "demo\n"


def test_the_screen_console_speaks_rfb(api: Api, running: Guest) -> None:
    stream = open_console(api, running.ref, "rfb")
    try:
        assert stream.read_exactly(12) == b"RFB 003.008\n"
        stream.write(b"RFB 003.008\n")
        count = stream.read_exactly(1)[0]
        assert 1 in stream.read_exactly(count)  # no authentication: xapi has done it
        stream.write(b"\x01")
        assert stream.read_exactly(4) == bytes(4)
        stream.write(b"\x01")
        width, height = (int.from_bytes(stream.read_exactly(2)) for _ in range(2))
        assert (width, height) >= (640, 400)
    finally:
        stream.connection.close()


@pytest.mark.parametrize(("protocol", "greeting"), [("rfb", b"RFB 003.008\n"), ("vt100", b"counter ")])
def test_a_browser_gets_the_console_as_a_websocket(api: Api, running: Guest, protocol: str, greeting: bytes) -> None:
    with at_shell(api, running):
        pass
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = location(api, running.ref, protocol).replace("https://", "wss://", 1)
    with connect(url, subprotocols=["binary"], ssl=context, proxy=None) as browser:  # type: ignore[list-item]
        assert browser.subprotocol == "binary"
        seen = b""
        while greeting not in seen:
            data = browser.recv(timeout=30)
            assert isinstance(data, bytes)
            seen += data


def test_a_console_needs_a_session(api: Api, host: EmbeddedHost, running: Guest) -> None:
    target = location(api, running.ref, "vt100").split("&session_id=")[0].split("/", 3)[3]
    with socket.create_connection((host.layout.address, HTTP_PORT), timeout=30) as connection:
        connection.sendall(f"CONNECT /{target} HTTP/1.0\r\n\r\n".encode())
        assert b" 401 " in connection.recv(4096).splitlines()[0] + b" "


def test_a_paused_guest_stands_still_and_goes_on_where_it_was(api: Api, running: Guest) -> None:
    with at_shell(api, running) as line:
        api.xenapi.VM.pause(running.ref)
        assert running.state(api) == "Paused"
        numbers = [int(number) for number in COUNTERS.findall(line.drain(0.5))]
        with pytest.raises(NotInTime):
            line.expect("counter", 2.5)
        api.xenapi.VM.unpause(running.ref)
        assert running.state(api) == "Running"
        if numbers:
            assert line.count() == numbers[-1] + 1
        line.count()


def test_a_disk_is_plugged_used_and_unplugged_while_the_guest_runs(api: Api, running: Guest) -> None:
    disk = make_disk(api, "second disk", 8 * MIB)
    vbd = api.xenapi.VBD.create({**disk_device(running.ref, disk), "userdevice": "1", "bootable": False})
    try:
        with at_shell(api, running) as line:
            assert line.attempt("ls /dev/vdb")[1] != 0
            api.xenapi.VBD.plug(vbd)
            assert api.xenapi.VBD.get_currently_attached(vbd)
            line.run("until [ -b /dev/vdb ]; do usleep 100000; done")
            assert line.run("cat /sys/block/vdb/size").strip() == str(8 * MIB // 512)
            line.run("echo written by the guest >/dev/vdb; sync")
            api.xenapi.VBD.unplug(vbd)
            assert not api.xenapi.VBD.get_currently_attached(vbd)
            line.run("while [ -b /dev/vdb ]; do usleep 100000; done")
            line.count()
    finally:
        if api.xenapi.VBD.get_currently_attached(vbd):
            api.xenapi.VBD.unplug(vbd)
        api.xenapi.VBD.destroy(vbd)
    api.xenapi.VDI.destroy(disk)


def test_an_interface_is_plugged_and_unplugged_while_the_guest_runs(api: Api, running: Guest, internal_network: str) -> None:
    vif = api.xenapi.VIF.create({**network_device(running.ref, internal_network), "device": "1"})
    try:
        with at_shell(api, running) as line:
            api.xenapi.VIF.plug(vif)
            assert api.xenapi.VIF.get_currently_attached(vif)
            line.expect(r"eth1 is 10\.78\.\d+\.\d+", 30)
            assert line.run("cat /sys/class/net/eth1/address").strip() == api.xenapi.VIF.get_MAC(vif)
            api.xenapi.VIF.unplug(vif)
            assert not api.xenapi.VIF.get_currently_attached(vif)
            line.run("while [ -e /sys/class/net/eth1 ]; do usleep 100000; done")
    finally:
        if api.xenapi.VIF.get_currently_attached(vif):
            api.xenapi.VIF.unplug(vif)
        api.xenapi.VIF.destroy(vif)


def test_a_snapshot_of_a_disk_in_use_keeps_what_was_on_it(api: Api, host: EmbeddedHost, running: Guest) -> None:
    disk = make_disk(api, "to be kept", 8 * MIB)
    vbd = api.xenapi.VBD.create({**disk_device(running.ref, disk), "userdevice": "2", "bootable": False})
    made = []
    try:
        api.xenapi.VBD.plug(vbd)
        with at_shell(api, running) as line:
            line.run("until [ -b /dev/vdb ]; do usleep 100000; done")
            line.run("echo before the snapshot >/dev/vdb; sync")
            made.append(api.xenapi.VDI.snapshot(disk, {}))
            line.run("echo after the snapshot >/dev/vdb; sync")
            assert line.run("head -n 1 /dev/vdb") == "after the snapshot\n"
        assert api.xenapi.VDI.get_is_a_snapshot(made[0])
        assert api.xenapi.VDI.get_snapshot_of(made[0]) == disk
        assert export_disk(host, made[0]).startswith(b"before the snapshot\n")
    finally:
        if api.xenapi.VBD.get_currently_attached(vbd):
            api.xenapi.VBD.unplug(vbd)
        api.xenapi.VBD.destroy(vbd)
        for snapshot in made:
            api.xenapi.VDI.destroy(snapshot)
    assert export_disk(host, disk).startswith(b"after the snapshot\n")
    api.xenapi.VDI.destroy(disk)


def test_a_running_guest_has_its_snapshot_taken_and_does_not_notice(api: Api, running: Guest) -> None:
    with at_shell(api, running) as line:
        before = line.latest_count()
        snapshot = api.xenapi.VM.snapshot(running.ref, "kept")
        record = api.xenapi.VM.get_record(snapshot)
        assert (record["is_a_snapshot"], record["snapshot_of"]) == (True, running.ref)
        assert record["power_state"] == "Halted"
        assert snapshot in api.xenapi.VM.get_snapshots(running.ref)
        assert line.count() > before
        line.run("touch /data/written-after-the-snapshot; sync; rm /data/written-after-the-snapshot")
    disks = disks_of(api, snapshot)
    assert [api.xenapi.VDI.get_snapshot_of(disk) for disk in disks] == disks_of(api, running.ref)
    api.xenapi.VM.destroy(snapshot)
    for disk in disks:
        api.xenapi.VDI.destroy(disk)


def test_a_suspended_guest_resumes_and_counts_on(api: Api, host: EmbeddedHost, running: Guest) -> None:
    with at_shell(api, running) as line:
        line.run("echo kept >/run/in-memory")
        before = line.latest_count()
    api.xenapi.VM.suspend(running.ref)
    record = running.record(api)
    assert record["power_state"] == "Suspended"
    assert api.xenapi.VDI.get_type(record["suspend_VDI"]) == "suspend"
    assert host.process_of(running.uuid) is None
    api.xenapi.VM.resume(running.ref, False, False)
    record = running.record(api)
    assert (record["power_state"], record["suspend_VDI"]) == ("Running", NULL)
    with at_shell(api, running) as line:
        after = line.count()
        assert before < after < before + 60
        assert line.run("cat /run/in-memory") == "kept\n"


def test_a_clean_reboot_lets_the_guest_finish(api: Api, running: Guest) -> None:
    before = boots(api, running)
    api.xenapi.VM.clean_reboot(running.ref)
    assert running.state(api) == "Running"
    assert boots(api, running) == before + 1


def test_a_hard_reboot_starts_the_guest_anew(api: Api, running: Guest) -> None:
    before = boots(api, running)
    started = api.xenapi.VM_metrics.get_start_time(running.record(api)["metrics"])
    api.xenapi.VM.hard_reboot(running.ref)
    assert running.state(api) == "Running"
    assert api.xenapi.VM_metrics.get_start_time(running.record(api)["metrics"]) != started
    assert boots(api, running) == before + 1


class Watch:
    """Notes when a guest's process ends."""

    def __init__(self, host: EmbeddedHost, guest: Guest) -> None:
        process = host.process_of(guest.uuid)
        assert process is not None
        self._process = process
        self._ended: list[float] = []
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        if not processes.wait([self._process], BOOT_SECONDS):
            self._ended.append(time.monotonic())

    def seconds_until(self, moment: float) -> float:
        """Return how long after the process' end *moment* was."""
        self._thread.join()
        [ended] = self._ended
        return moment - ended


def test_a_reboot_from_inside_is_noticed_within_a_second(api: Api, host: EmbeddedHost, running: Guest) -> None:
    before = boots(api, running)
    metrics = running.record(api)["metrics"]
    started = api.xenapi.VM_metrics.get_start_time(metrics)
    with at_shell(api, running) as line:
        watch = Watch(host, running)
        line.type("reboot")
        wait_for(api, "VM", running.ref, lambda record: not record["consoles"], BOOT_SECONDS)
        noticed = watch.seconds_until(time.monotonic())
    print(f"noticed {noticed:.2f} s after the guest's process ended")
    assert noticed < NOTICE_SECONDS
    wait_for(api, "VM_metrics", metrics, lambda record: record["start_time"] != started)
    assert running.state(api) == "Running"
    assert boots(api, running) == before + 1
    assert "VM_REBOOTED" in messages(api, running).values()


def test_a_power_off_from_inside_shows_within_a_second(api: Api, host: EmbeddedHost, running: Guest) -> None:
    with at_shell(api, running) as line:
        watch = Watch(host, running)
        line.type("poweroff")
        running.reaches(api, "Halted", BOOT_SECONDS)
        noticed = watch.seconds_until(time.monotonic())
    print(f"noticed {noticed:.2f} s after the guest's process ended")
    assert noticed < NOTICE_SECONDS
    record = running.record(api)
    assert (record["resident_on"], record["domid"]) == (NULL, "-1")
    assert not any(api.xenapi.VBD.get_currently_attached(vbd) for vbd in record["VBDs"])
    assert not any(api.xenapi.VIF.get_currently_attached(vif) for vif in record["VIFs"])
    assert "VM_SHUTDOWN" in messages(api, running).values()


def test_a_clean_shutdown_as_a_task_with_events(api: Api, running: Guest) -> None:
    with at_shell(api, running):
        pass
    record = finished(api, api.xenapi.Async.VM.clean_shutdown(running.ref), BOOT_SECONDS)
    assert record["status"] == "success", record["error_info"]
    assert float(record["progress"]) == 1.0
    assert running.state(api) == "Halted"


def test_a_start_as_a_task_and_a_hard_shutdown(api: Api, host: EmbeddedHost, guest: Guest) -> None:
    guest.ensure(api, "Halted")
    assert result_of(api, api.xenapi.Async.VM.start(guest.ref, False, False)) == ""
    assert guest.state(api) == "Running"
    api.xenapi.VM.hard_shutdown(guest.ref)
    assert guest.state(api) == "Halted"
    assert host.process_of(guest.uuid) is None


def test_a_destroyed_vm_leaves_its_disk_and_nothing_else(api: Api, host: EmbeddedHost, guest: Guest) -> None:
    guest.ensure(api, "Halted")
    record = guest.record(api)
    disks = disks_of(api, guest.ref)
    api.xenapi.VM.destroy(guest.ref)
    assert guest.ref not in api.xenapi.VM.get_all()
    assert not set(record["VBDs"]) & set(api.xenapi.VBD.get_all())
    assert not set(record["VIFs"]) & set(api.xenapi.VIF.get_all())
    for disk in disks:
        place = api.xenapi.VDI.get_location(disk)
        api.xenapi.VDI.destroy(disk)
        assert not any(place in str(path) for path in host.storage.rglob("*"))
        assert not [process for process in host.processes() if any(place in word for word in process.command)]
