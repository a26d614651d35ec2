"""``xe`` as a person types it: a process of its own, the thin-CLI protocol over TLS, the output scripts read."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.demo import disk_device, network_device
from embedded.layout import CHECKOUT
from tests.e2e.embedded_host import Api, EmbeddedHost
from tests.e2e.guests import MIB, Guest, at_shell, disks_of, from_template
from tests.e2e.terminal import BOOT_SECONDS

pytestmark = pytest.mark.guest

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def template(host: EmbeddedHost, golden: str, network: str) -> Iterator[str]:
    """A template with the demo image as its disk; its uuid."""
    with host.session() as api:
        guest = from_template(api, "demo template")
        disk = api.xenapi.VDI.clone(golden, {})
        api.xenapi.VBD.create({**disk_device(guest.ref, disk), "other_config": {"owner": ""}})
        api.xenapi.VIF.create(network_device(guest.ref, network))
        api.xenapi.VM.set_is_a_template(guest.ref, True)
    yield guest.uuid
    with host.session() as api:
        api.xenapi.VM.destroy(guest.ref)
        api.xenapi.VDI.destroy(disk)


@pytest.fixture(scope="module")
def installed(host: EmbeddedHost, template: str) -> Iterator[str]:
    """A VM that ``xe vm-install`` made; its uuid."""
    uuid = host.xe("vm-install", "new-name-label=by xe", f"template={template}").strip()
    yield uuid
    if host.xe("vm-list", f"uuid={uuid}", "--minimal").strip():
        host.xe("vm-uninstall", f"uuid={uuid}", "force=true")


def state(host: EmbeddedHost, uuid: str) -> str:
    return host.xe("vm-param-get", f"uuid={uuid}", "param-name=power-state").strip()


def guest_of(api: Api, uuid: str) -> Guest:
    return Guest(api.xenapi.VM.get_by_uuid(uuid), uuid)


def test_vm_list_prints_records_in_the_originals_form(host: EmbeddedHost, demo: Guest) -> None:
    shown = host.xe("vm-list", "name-label=demo")
    assert shown == (f"uuid ( RO)           : {demo.uuid}\n     name-label ( RW): demo\n    power-state ( RO): running\n\n\n")
    assert host.xe("vm-list", "name-label=demo", "--minimal") == f"{demo.uuid}\n"
    assert demo.uuid in host.xe("vm-list", "--minimal").strip().split(",")


def test_on_the_host_itself_xe_needs_no_password(host: EmbeddedHost, demo: Guest) -> None:
    # fmt: off
    shown = subprocess.run(
        [sys.executable, "-m", "xe", "vm-list", "name-label=demo", "--minimal"],
        cwd=CHECKOUT, env={**os.environ, "XAPI_ROOT": str(host.layout.folder)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True,
    ).stdout
    # fmt: on
    assert shown == f"{demo.uuid}\n"


def test_vm_param_list_shows_every_field(host: EmbeddedHost, demo: Guest) -> None:
    shown = host.xe("vm-param-list", f"uuid={demo.uuid}")
    fields = dict(re.findall(r"^ *([A-Za-z0-9-]+) \([ MS]R[OW]\)(?: \[DEPRECATED\])? *: ?(.*)$", shown, re.MULTILINE))
    assert fields["uuid"] == demo.uuid
    assert fields["power-state"] == "running"
    assert fields["memory-static-max"] == str(128 * MIB)
    assert len(fields) > 60


def test_vm_param_set_changes_what_param_get_reads(host: EmbeddedHost, demo: Guest) -> None:
    host.xe("vm-param-set", f"uuid={demo.uuid}", "name-description=set by xe", "other-config:key=value")
    assert host.xe("vm-param-get", f"uuid={demo.uuid}", "param-name=name-description") == "set by xe\n"
    assert host.xe("vm-param-get", f"uuid={demo.uuid}", "param-name=other-config", "param-key=key") == "value\n"
    host.xe("vm-param-remove", f"uuid={demo.uuid}", "param-name=other-config", "param-key=key")
    shown = host.xe("vm-param-get", f"uuid={demo.uuid}", "param-name=other-config", "param-key=key", status=1)
    assert shown.strip() == "Error: Key key not found in map"


def test_a_vm_is_installed_from_a_template(host: EmbeddedHost, installed: str) -> None:
    assert re.fullmatch(UUID, installed)
    assert state(host, installed) == "halted"
    assert host.xe("vm-list", f"uuid={installed}", "params=name-label", "--minimal") == "by xe\n"


def test_vm_disk_list_shows_the_disk(host: EmbeddedHost, api: Api, installed: str) -> None:
    shown = host.xe("vm-disk-list", f"uuid={installed}")
    assert shown.startswith("Disk 0 VBD:\nuuid ( RO)")
    assert "Disk 0 VDI:\n" in shown
    [disk] = disks_of(api, guest_of(api, installed).ref)
    only = host.xe("vm-disk-list", f"uuid={installed}", "vbd-params=", "--minimal").strip()
    assert only == api.xenapi.VDI.get_uuid(disk)


def test_the_life_of_a_vm_by_xe(host: EmbeddedHost, api: Api, installed: str) -> None:
    guest = guest_of(api, installed)
    host.xe("vm-start", f"uuid={installed}")
    assert state(host, installed) == "running"
    with at_shell(api, guest) as line:
        first = int(line.run("cat /data/boots"))
    host.xe("vm-reboot", f"uuid={installed}")
    assert state(host, installed) == "running"
    with at_shell(api, guest) as line:
        assert int(line.run("cat /data/boots")) == first + 1
        counted = line.latest_count()
    host.xe("vm-suspend", f"uuid={installed}")
    assert state(host, installed) == "suspended"
    host.xe("vm-resume", f"uuid={installed}")
    assert state(host, installed) == "running"
    with at_shell(api, guest) as line:
        assert line.count() > counted
    host.xe("vm-shutdown", f"uuid={installed}")
    assert state(host, installed) == "halted"


def test_starting_a_running_vm_says_what_is_wrong(host: EmbeddedHost, demo: Guest) -> None:
    shown = host.xe("vm-start", f"uuid={demo.uuid}", status=1)
    assert "halted" in shown and "running" in shown and demo.uuid in shown


def test_an_uninstalled_vm_takes_its_disk_along(host: EmbeddedHost, api: Api, installed: str) -> None:
    [disk] = disks_of(api, guest_of(api, installed).ref)
    uuid = api.xenapi.VDI.get_uuid(disk)
    host.xe("vm-uninstall", f"uuid={installed}", "force=true")
    assert host.xe("vm-list", f"uuid={installed}", "--minimal").strip() == ""
    assert host.xe("vdi-list", f"uuid={uuid}", "--minimal").strip() == ""


def test_a_disk_by_xe_from_creation_to_destruction(host: EmbeddedHost, tmp_path: Path) -> None:
    sr = host.xe("sr-list", "content-type=user", "type=file", "--minimal").strip().split(",")[0]
    vdi = host.xe("vdi-create", f"sr-uuid={sr}", "name-label=by xe", "virtual-size=4MiB").strip()
    content = os.urandom(4 * MIB)
    sent, received = tmp_path / "sent", tmp_path / "received"
    sent.write_bytes(content)
    host.xe("vdi-import", f"uuid={vdi}", f"filename={sent}", "format=raw")
    assert host.xe("vdi-export", f"uuid={vdi}", f"filename={received}", "format=raw") == ""
    assert received.read_bytes() == content
    snapshot = host.xe("vdi-snapshot", f"uuid={vdi}").strip()
    clone = host.xe("vdi-clone", f"uuid={vdi}").strip()
    copy = host.xe("vdi-copy", f"uuid={vdi}", f"sr-uuid={sr}").strip()
    host.xe("vdi-resize", f"uuid={copy}", f"disk-size={8 * MIB}")
    assert host.xe("vdi-param-get", f"uuid={copy}", "param-name=virtual-size") == f"{8 * MIB}\n"
    assert host.xe("vdi-param-get", f"uuid={snapshot}", "param-name=is-a-snapshot") == "true\n"
    for uuid in (snapshot, clone, copy, vdi):
        host.xe("vdi-destroy", f"uuid={uuid}")
        assert host.xe("vdi-list", f"uuid={uuid}", "--minimal").strip() == ""


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("sr-list", ("uuid", "name-label", "name-description", "host", "type", "content-type")),
        ("network-list", ("uuid", "name-label", "name-description", "bridge")),
        ("host-list", ("uuid", "name-label", "name-description")),
    ],
)
def test_lists_show_the_originals_fields(host: EmbeddedHost, command: str, fields: tuple[str, ...]) -> None:
    first = host.xe(command).split("\n\n\n")[0]
    assert tuple(line.split("(")[0].strip() for line in first.strip().splitlines()) == fields


def test_event_wait_returns_when_it_has_happened(host: EmbeddedHost, api: Api, demo: Guest) -> None:
    command = host.xe_command("event-wait", "class=vm", f"uuid={demo.uuid}", "power-state=paused")
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as waiting:
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(1.5)
            api.xenapi.VM.pause(demo.ref)
            assert waiting.wait(20) == 0
        finally:
            waiting.kill()
            demo.ensure(api, "Running")


def test_the_console_on_a_terminal(host: EmbeddedHost, demo: Guest) -> None:
    """The counter comes, what is typed arrives, and Ctrl-] ends it."""
    master, slave = pty.openpty()
    try:
        command = host.xe_command("console", f"uuid={demo.uuid}")
        with subprocess.Popen(command, cwd=CHECKOUT, stdin=slave, stdout=slave, stderr=slave) as process:
            try:
                read_until(master, rb"counter \d+", BOOT_SECONDS)
                os.write(master, b"echo ty''ped\r")
                read_until(master, rb"typed", 30)
                os.write(master, b"\x1d")
                assert process.wait(20) == 0
            finally:
                process.kill()
    finally:
        os.close(slave)
        os.close(master)


def read_until(terminal: int, pattern: bytes, seconds: float) -> None:
    deadline, seen = time.monotonic() + seconds, b""
    while not re.search(pattern, seen):
        left = deadline - time.monotonic()
        assert left > 0 and select.select([terminal], [], [], left)[0], f"{pattern!r} did not come: {seen[-500:]!r}"
        seen += os.read(terminal, 4096)
