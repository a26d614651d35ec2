"""Bad input gets the original's error code or HTTP status, and nothing is left behind."""

import http.client
import json
import os
import socket
import subprocess
import xmlrpc.client
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import XenAPI

from embedded.demo import disk_device
from embedded.layout import HTTP_PORT
from tests.e2e.embedded_host import Api, EmbeddedHost, eventually, finished
from tests.e2e.guests import MIB, Guest, at_shell, disks_of, from_template, make_disk
from tests.e2e.transfers import basic, export_disk, import_disk, request

COUNTED = ("VM", "VDI", "VBD", "VIF", "SR", "PBD", "network", "VM_metrics", "console")
TEXT = {"Content-Type": "text/xml"}


def census(api: Api, host: EmbeddedHost) -> dict[str, list[str]]:
    """Return what there is: records of every class that calls could leave behind, files of disks, attached disks' servers."""
    found = {cls: sorted(getattr(api.xenapi, cls).get_all()) for cls in COUNTED}
    tasks = api.xenapi.task.get_all_records()
    found["pending tasks"] = sorted(ref for ref, task in tasks.items() if task["status"] == "pending")
    found["files"] = sorted(str(path) for path in host.storage.rglob("*") if path.is_file())
    operations = {ref: vm["current_operations"] for ref, vm in api.xenapi.VM.get_all_records().items()}
    found["operations"] = sorted(ref for ref, current in operations.items() if current)
    found["servers"] = sorted(str(process.pid) for process in host.processes() if "storage-daemon" in process.command[0])
    return found


@pytest.fixture(autouse=True)
def nothing_is_left_behind(api: Api, host: EmbeddedHost, demo: Guest) -> Iterator[None]:
    before = census(api, host)
    yield
    after: dict[str, list[str]] = {}

    def same() -> bool:
        after.update(census(api, host))
        return after == before

    try:
        # An HTTP request's own task ends after its answer.
        eventually("all is as before", same, 10)
    except AssertionError:
        assert after == before
    assert demo.state(api) == "Running"


def failure(call: Any, *arguments: object) -> list[str]:
    with pytest.raises(XenAPI.Failure) as caught:
        call(*arguments)
    return list(caught.value.details)


# -- calls --


def test_an_unknown_method(api: Api) -> None:
    assert failure(api.xenapi.VM.explode, "x") == ["MESSAGE_METHOD_UNKNOWN", "VM.explode"]


def test_a_wrong_session(host: EmbeddedHost) -> None:
    # The SDK hides what a session that it did not open is answered.
    server: Any = xmlrpc.client.ServerProxy(host.layout.http_url)
    assert server.VM.get_all("OpaqueRef:none") == {
        "Status": "Failure",
        "ErrorDescription": ["SESSION_INVALID", "OpaqueRef:none"],
    }


def test_a_wrong_password(host: EmbeddedHost) -> None:
    api = XenAPI.Session(host.layout.http_url)
    assert failure(api.login_with_password, "root", "wrong", "1.0", "tests")[:2] == ["SESSION_AUTHENTICATION_FAILED", "root"]


def test_a_missing_and_a_surplus_parameter(api: Api) -> None:
    assert failure(api.xenapi.VM.get_record) == ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "0"]
    assert failure(api.xenapi.VM.get_record, "a", "b") == ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "2"]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("VM.set_name_label", [{"a": "map"}]), ("VM.start", ["yes", []]), ("VM.set_other_config", ["no map"])],
)
def test_a_value_of_the_wrong_type(api: Api, demo: Guest, method: str, arguments: list[object]) -> None:
    assert failure(getattr(api.xenapi, method), demo.ref, *arguments)[0] == "INTERNAL_ERROR"


@pytest.mark.parametrize("value", ["maybe", ""])
def test_a_word_that_an_enumeration_lacks(api: Api, demo: Guest, value: str) -> None:
    assert failure(api.xenapi.VM.set_actions_after_crash, demo.ref, value)[0] == "INVALID_VALUE"


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("VM.get_record", ["OpaqueRef:none"], ["HANDLE_INVALID", "VM", "OpaqueRef:none"]),
        ("VM.start", ["OpaqueRef:none", False, False], ["HANDLE_INVALID", "VM", "OpaqueRef:none"]),
        ("VDI.destroy", ["OpaqueRef:none"], ["HANDLE_INVALID", "VDI", "OpaqueRef:none"]),
        ("VBD.plug", ["OpaqueRef:none"], ["HANDLE_INVALID", "VBD", "OpaqueRef:none"]),
        ("VM.get_by_uuid", ["none"], ["UUID_INVALID", "VM", "none"]),
        ("event.from", [["*"], "nonsense", 1.0], ["EVENT_FROM_TOKEN_PARSE_FAILURE", "nonsense"]),
    ],
)
def test_a_reference_to_nothing(api: Api, method: str, arguments: list[object], error: list[str]) -> None:
    assert failure(getattr(api.xenapi, method), *arguments) == error


def test_a_network_interface_on_no_network(api: Api, demo: Guest) -> None:
    record = {"VM": demo.ref, "network": "OpaqueRef:none", "device": "3", "MAC": "", "MTU": "1500", "other_config": {},
              "qos_algorithm_type": "", "qos_algorithm_params": {}}  # fmt: skip
    assert failure(api.xenapi.VIF.create, record)[:2] == ["HANDLE_INVALID", "network"]


def test_starting_a_running_vm(api: Api, demo: Guest) -> None:
    assert failure(api.xenapi.VM.start, demo.ref, False, False) == ["VM_BAD_POWER_STATE", demo.ref, "halted", "running"]
    task = api.xenapi.Async.VM.start(demo.ref, False, False)
    record = finished(api, task)
    assert record["error_info"] == ["VM_BAD_POWER_STATE", demo.ref, "halted", "running"]
    api.xenapi.task.destroy(task)


def test_resuming_a_running_vm(api: Api, demo: Guest) -> None:
    expected = ["VM_BAD_POWER_STATE", demo.ref, "suspended", "running"]
    assert failure(api.xenapi.VM.resume, demo.ref, False, False) == expected


def test_destroying_a_running_vm(api: Api, demo: Guest) -> None:
    assert failure(api.xenapi.VM.destroy, demo.ref)[0] == "VM_BAD_POWER_STATE"


def test_starting_a_template(api: Api) -> None:
    template = next(ref for ref, vm in api.xenapi.VM.get_all_records().items() if vm["is_default_template"])
    assert failure(api.xenapi.VM.start, template, False, False)[:2] == ["VM_IS_TEMPLATE", template]


def test_destroying_an_attached_disk(api: Api, demo: Guest) -> None:
    [disk] = disks_of(api, demo.ref)
    error = failure(api.xenapi.VDI.destroy, disk)
    assert error[:3] == ["VDI_IN_USE", disk, "destroy"]


def test_attaching_a_disk_where_one_is(api: Api, demo: Guest) -> None:
    [disk] = disks_of(api, demo.ref)
    assert failure(api.xenapi.VBD.create, disk_device(demo.ref, disk)) == ["DEVICE_ALREADY_EXISTS", "0"]


# -- storage --


@pytest.fixture
def little_sr(api: Api, host: EmbeddedHost, tmp_path: Path) -> Iterator[str]:
    """A storage repository with room for 8 MiB."""
    place = tmp_path / "little"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "little", str(place)], check=True, timeout=20)
    try:
        [this] = api.xenapi.host.get_all()
        config = {"location": str(place)}
        sr = api.xenapi.SR.create(this, config, "0", "little", "", "file", "user", False, {})
        try:
            yield sr
            for vdi in api.xenapi.SR.get_VDIs(sr):
                api.xenapi.VDI.destroy(vdi)
        finally:
            for pbd in api.xenapi.SR.get_PBDs(sr):
                api.xenapi.PBD.unplug(pbd)
            api.xenapi.SR.forget(sr)
    finally:
        subprocess.run(["umount", str(place)], check=True, timeout=20)


def upload(host: EmbeddedHost, disk: str, body: bytes, task: str) -> None:
    """Send *body*; how it went is the task's to say, because the answer's head goes out before the body is read."""
    with suppress(ConnectionError, http.client.HTTPException):
        import_disk(host, disk, body, task_id=task)


def test_an_upload_that_fills_the_storage(api: Api, host: EmbeddedHost, little_sr: str) -> None:
    disk = api.xenapi.VDI.create({
        "name_label": "too large", "name_description": "", "SR": little_sr, "virtual_size": str(16 * MIB), "type": "user",
        "sharable": False, "read_only": False, "other_config": {},
    })  # fmt: skip
    task = api.xenapi.task.create("upload", "more than there is room for")
    upload(host, disk, os.urandom(16 * MIB), task)
    record = finished(api, task)
    api.xenapi.task.destroy(task)
    assert record["status"] == "failure"
    assert record["error_info"][0] == "VDI_IO_ERROR"
    api.xenapi.VDI.destroy(disk)
    # What filled the storage went with the disk: there is room for others.
    another = api.xenapi.VDI.create({
        "name_label": "fits", "name_description": "", "SR": little_sr, "virtual_size": str(4 * MIB), "type": "user",
        "sharable": False, "read_only": False, "other_config": {},
    })  # fmt: skip
    content = os.urandom(4 * MIB)
    assert import_disk(host, another, content).status == 200
    assert export_disk(host, another) == content


def test_a_guest_that_fills_the_storage(api: Api, host: EmbeddedHost, demo: Guest, little_sr: str) -> None:
    """Disks grow as they are written: the guest gets an I/O error and goes on, nothing else of it suffers."""
    disk = api.xenapi.VDI.create({
        "name_label": "grows", "name_description": "", "SR": little_sr, "virtual_size": str(16 * MIB), "type": "user",
        "sharable": False, "read_only": False, "other_config": {},
    })  # fmt: skip
    vbd = api.xenapi.VBD.create({**disk_device(demo.ref, disk), "userdevice": "1", "bootable": False})
    api.xenapi.VBD.plug(vbd)
    try:
        with at_shell(api, demo) as line:
            line.run("until [ -b /dev/vdb ]; do usleep 100000; done")
            said, _ = line.attempt("dd if=/dev/urandom of=/dev/vdb bs=1M count=16 conv=fsync", 60)
            assert "error" in said.lower() or "no space" in said.lower()
            line.run("echo fine >/data/x && sync && rm /data/x")
        assert demo.state(api) == "Running"
    finally:
        api.xenapi.VBD.unplug(vbd)
        api.xenapi.VBD.destroy(vbd)


def test_a_storage_repository_where_none_can_be(api: Api, tmp_path: Path) -> None:
    [this] = api.xenapi.host.get_all()
    file = tmp_path / "file"
    file.touch()
    config = {"location": str(file)}
    error = failure(api.xenapi.SR.create, this, config, "0", "nowhere", "", "file", "user", False, {})
    assert error[0].startswith("SR_BACKEND_FAILURE"), error


def test_starting_a_vm_whose_image_file_is_missing(api: Api, host: EmbeddedHost) -> None:
    guest = from_template(api, "without its image")
    disk = make_disk(api, "missing", MIB)
    try:
        api.xenapi.VBD.create(disk_device(guest.ref, disk))
        place = api.xenapi.VDI.get_location(disk)
        # Its record lies beside it.
        file = max((path for path in host.storage.rglob(f"{place}*") if path.is_file()), key=lambda path: path.stat().st_size)
        hidden = file.with_suffix(".hidden")
        file.rename(hidden)
        try:
            error = failure(api.xenapi.VM.start, guest.ref, False, False)
            assert error[0] == "SR_BACKEND_FAILURE_46", error
            assert guest.state(api) == "Halted"
            assert not guest.record(api)["current_operations"]
            assert host.process_of(guest.uuid) is None
        finally:
            hidden.rename(file)
    finally:
        api.xenapi.VM.destroy(guest.ref)
        api.xenapi.VDI.destroy(disk)


def test_a_body_longer_than_the_disk(api: Api, host: EmbeddedHost) -> None:
    disk = make_disk(api, "short", MIB)
    task = api.xenapi.task.create("upload", "too long")
    upload(host, disk, bytes(2 * MIB), task)
    record = finished(api, task)
    api.xenapi.task.destroy(task)
    api.xenapi.VDI.destroy(disk)
    assert record["status"] == "failure"


def test_an_upload_that_breaks_off(api: Api, host: EmbeddedHost) -> None:
    disk = make_disk(api, "half", 4 * MIB)
    task = api.xenapi.task.create("upload", "broken off")
    with socket.create_connection((host.layout.address, HTTP_PORT), timeout=30) as connection:
        head = f"PUT /import_raw_vdi?vdi={disk}&format=raw&task_id={task} HTTP/1.1\r\nContent-Length: {4 * MIB}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in basic(host).items()) + "\r\n"
        connection.sendall(head.encode() + bytes(MIB))
    record = finished(api, task)
    api.xenapi.task.destroy(task)
    assert record["status"] == "failure"
    eventually("the disk is let go", lambda: "destroy" in api.xenapi.VDI.get_allowed_operations(disk), 10)
    api.xenapi.VDI.destroy(disk)


# -- bytes --


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", b"<methodCall><methodName>VM.get_all</methodName><params>"),
        ("/", b"no XML at all"),
        ("/RPC2", b""),
        ("/jsonrpc", b'{"jsonrpc": "2.0", "method": '),
        ("/jsonrpc", b"[]"),
        ("/jsonrpc", b'{"jsonrpc": "2.0", "method": 5, "id": 1}'),
    ],
)
def test_a_body_that_does_not_parse(host: EmbeddedHost, path: str, body: bytes) -> None:
    assert request(host, "POST", path, body, TEXT).status == 500


def test_bytes_that_are_no_utf_8(host: EmbeddedHost, api: Api, demo: Guest) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "VM.set_name_label", "params": [api._session, demo.ref, "NAME"]}
    body = json.dumps(call).encode().replace(b"NAME", b"\xff\xfe")
    told = json.loads(request(host, "POST", "/jsonrpc", body, TEXT).body)
    assert (told["error"]["message"], told["id"]) == ("INVALID_VALUE", 1)
    params = f"<param><value>{api._session}</value></param><param><value>{demo.ref}</value></param>"
    start = f"<?xml version='1.0'?><methodCall><methodName>VM.set_name_label</methodName><params>{params}<param><value>".encode()
    answer = request(host, "POST", "/", start + b"\xff\xfe</value></param></params></methodCall>", TEXT)
    assert b"INVALID_VALUE" in answer.body
    assert api.xenapi.VM.get_name_label(demo.ref) == "demo"


def resident_mib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def test_a_body_of_a_hundred_megabytes(host: EmbeddedHost) -> None:
    """It is refused by its announced length; who sends on is not read, and xapi's memory stays what it was."""
    xapi = host.pids()["xapi"]
    before = resident_mib(xapi)
    size = 100_000_000
    with socket.create_connection((host.layout.address, HTTP_PORT), timeout=30) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: {size}\r\n\r\n".encode())
        piece = b"x" * 65536
        try:
            for _ in range(size // len(piece)):
                connection.sendall(piece)
            answer = connection.recv(65536)
        except ConnectionError:
            answer = b""
    assert answer == b"" or answer.split()[1] in (b"413", b"500")
    with socket.create_connection((host.layout.address, HTTP_PORT), timeout=30) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: {size}\r\n\r\n".encode())
        assert connection.recv(65536).split()[1] in (b"413", b"500")
    assert host.pids()["xapi"] == xapi
    assert resident_mib(xapi) < before + 20


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/rrd_updates", 400),
        ("GET", "/vm_rrd", 400),
        ("GET", "/vm_rrd?uuid=none", 404),
        ("PUT", "/import_raw_vdi", 400),
        ("PUT", "/import_raw_vdi?vdi=none", 500),
        ("GET", "/export_raw_vdi", 400),
        ("GET", "/export_raw_vdi?vdi=none", 500),
        ("GET", "/console", 400),
        ("GET", "/console?uuid=none", 404),
        ("PUT", "/import_raw_vdi?vdi=none&format=exotic", 404),
    ],
)
def test_a_request_without_sense(host: EmbeddedHost, verb: str, path: str, status: int) -> None:
    assert request(host, verb, path).status == status
