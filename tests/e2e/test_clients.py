"""Clients that nobody here wrote: the official SDK, plain and in TLS, its tasks and events; curl with Basic auth."""

import os
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as ET
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import XenAPI

from tests.e2e.embedded_host import Api, EmbeddedHost, eventually, finished, result_of, wait_for
from tests.e2e.guests import MIB, Guest, make_disk
from tests.e2e.transfers import export_disk, get, import_disk, request

DISK = 8 * MIB


@pytest.fixture
def disk(api: Api) -> Iterator[str]:
    vdi = make_disk(api, "transferred", DISK)
    yield vdi
    api.xenapi.VDI.destroy(vdi)


@pytest.fixture
def content() -> bytes:
    """A disk's content with data, holes and data at the very end."""
    return os.urandom(MIB) + bytes(4 * MIB) + os.urandom(MIB // 2) + bytes(2 * MIB) + os.urandom(MIB // 2)


# -- the official SDK --


def test_the_sdk_works_over_tls(host: EmbeddedHost) -> None:
    api = XenAPI.Session(host.layout.tls_url, ignore_ssl=True)
    api.xenapi.login_with_password("root", host.password, "1.0", "tests")
    try:
        [pool] = api.xenapi.pool.get_all()
        [this] = api.xenapi.host.get_all()
        assert api.xenapi.pool.get_master(pool) == this
        assert api.xenapi.host.get_enabled(this)
    finally:
        api.xenapi.session.logout()


def test_the_local_socket_lets_root_in_without_a_password(host: EmbeddedHost) -> None:
    socket_path = host.layout.root.under("/var/lib/xcp/xapi")
    call = (
        "<?xml version='1.0'?><methodCall><methodName>session.login_with_password</methodName><params>"
        "<param><value><string>root</string></value></param><param><value><string></string></value></param>"
        "</params></methodCall>"
    )
    # fmt: off
    reply = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "30", "--unix-socket", str(socket_path),
         "--data-binary", call, "http://localhost/"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout
    # fmt: on
    assert "<value>Success</value>" in reply and "OpaqueRef:" in reply


def test_the_password_file_is_for_root_alone(host: EmbeddedHost) -> None:
    assert host.layout.root_password.stat().st_mode & 0o777 == 0o600


def test_every_class_with_records_gives_them(host: EmbeddedHost, api: Api) -> None:
    """Some clients call every get_all_records that system.listMethods names."""
    asked = 0
    server: Any = xmlrpc.client.ServerProxy(host.layout.http_url)
    for method in server.system.listMethods():
        if method.endswith(".get_all_records") and not method.startswith("Async."):
            try:
                getattr(api.xenapi, method)()
            except XenAPI.Failure as failure:
                assert failure.details[0] == "MESSAGE_REMOVED", (method, failure.details)
            asked += 1
    assert asked > 40


def test_an_asynchronous_call_is_a_task_with_a_result(api: Api, disk: str) -> None:
    task = api.xenapi.Async.VDI.copy(disk, api.xenapi.VDI.get_SR(disk))
    record = finished(api, task)
    assert (record["status"], float(record["progress"])) == ("success", 1.0)
    assert record["name_label"] == "Async.VDI.copy"
    copy = result_of(api, task)
    assert api.xenapi.VDI.get_virtual_size(copy) == str(DISK)
    api.xenapi.VDI.destroy(copy)


def test_a_failed_task_says_why(api: Api) -> None:
    record = finished(api, api.xenapi.Async.VM.start("OpaqueRef:none", False, False))
    assert (record["status"], record["error_info"]) == ("failure", ["HANDLE_INVALID", "VM", "OpaqueRef:none"])


def test_a_waiting_event_from_tells_a_change_at_once(host: EmbeddedHost, api: Api, demo: Guest) -> None:
    delays = []
    with host.session() as waiter:
        event_from = getattr(waiter.xenapi.event, "from")
        token = event_from(["vm"], "", 0.0)["token"]
        for number in range(5):
            arrived: list[tuple[float, dict[str, Any]]] = []

            def wait(since: str, into: list[tuple[float, dict[str, Any]]]) -> None:
                batch = event_from(["vm"], since, 30.0)
                into.append((time.monotonic(), batch))

            thread = threading.Thread(target=wait, args=(token, arrived))
            thread.start()
            api.xenapi.VM.set_name_description(demo.ref, f"change {number}")
            written = time.monotonic()
            thread.join(60)
            [(when, batch)] = arrived
            delays.append(when - written)
            token = batch["token"]
            [event] = [event for event in batch["events"] if event["ref"] == demo.ref]
            assert (event["class"], event["operation"]) == ("vm", "mod")
            assert event["snapshot"]["name_description"] == f"change {number}"
    assert sorted(delays)[2] < 0.25


def test_events_tell_of_a_record_from_birth_to_death(api: Api) -> None:
    event_from = getattr(api.xenapi.event, "from")
    token = event_from(["vdi"], "", 0.0)["token"]
    vdi = make_disk(api, "short-lived", MIB)
    wait_for(api, "VDI", vdi, lambda record: record["name_label"] == "short-lived")
    seen = event_from(["vdi"], token, 10.0)
    assert ("add", vdi) in [(event["operation"], event["ref"]) for event in seen["events"]]
    api.xenapi.VDI.destroy(vdi)
    seen = event_from(["vdi"], seen["token"], 10.0)
    assert ("del", vdi) in [(event["operation"], event["ref"]) for event in seen["events"]]


# -- bytes over HTTP --


@pytest.mark.parametrize("form", ["raw", "qcow2", "vhd"])
def test_a_disk_comes_back_as_it_was_sent(
    host: EmbeddedHost, api: Api, disk: str, content: bytes, form: str, request: pytest.FixtureRequest
) -> None:
    assert import_disk(host, disk, content).status == 200
    image = export_disk(host, disk, form)
    other = make_disk(api, "the other", DISK)
    request.addfinalizer(lambda: destroy_disk(host, other))
    answer = import_disk(host, other, image, form)
    assert answer.status == 200
    assert export_disk(host, other) == content


def destroy_disk(host: EmbeddedHost, vdi: str) -> None:
    with host.session() as api:
        api.xenapi.VDI.destroy(vdi)


def test_an_exported_qcow2_is_one_that_qemu_accepts(host: EmbeddedHost, disk: str, content: bytes, tmp_path: Path) -> None:
    assert import_disk(host, disk, content).status == 200
    file, raw = tmp_path / "disk.qcow2", tmp_path / "disk.raw"
    file.write_bytes(export_disk(host, disk, "qcow2"))
    subprocess.run(["qemu-img", "check", str(file)], check=True, capture_output=True, timeout=60)
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(file), str(raw)], check=True, capture_output=True, timeout=60)
    assert raw.read_bytes() == content


def test_an_upload_under_a_clients_task_completes_the_task(host: EmbeddedHost, api: Api, disk: str, content: bytes) -> None:
    task = api.xenapi.task.create("upload", "of a test")
    answer = import_disk(host, disk, content, task_id=task)
    assert answer.status == 200
    assert result_of(api, task) == disk


@pytest.mark.parametrize(
    ("path", "query"),
    [("/rrd_updates", {"start": "0"}), ("/host_rrd", {}), ("/vm_rrd", {"uuid": "x"}), ("/export_raw_vdi", {"vdi": "x"})],
)
def test_without_credentials_there_is_a_challenge(host: EmbeddedHost, path: str, query: dict[str, str]) -> None:
    answer = request(host, "GET", path, headers={}, query=query)
    assert answer.status == 401
    assert (answer.headers["WWW-Authenticate"] or "").startswith("Basic realm=")


def test_metrics_with_basic_authentication(host: EmbeddedHost, demo: Guest) -> None:
    updates = ET.fromstring(get(host, "/rrd_updates", start=str(int(time.time()) - 60), host="true").body)
    assert updates.tag == "xport" and updates.find("meta/legend/entry") is not None
    for path, query in (("/host_rrd", {}), ("/vm_rrd", {"uuid": demo.uuid})):
        assert ET.fromstring(get(host, path, **query).body).tag == "rrd"

        # A guest that has just been started is sampled for the first time within five seconds.
        def sources(path: str = path, query: dict[str, str] = query) -> list[str | None]:
            return [ds.findtext("name") for ds in ET.fromstring(get(host, path, **query).body).findall("ds")]

        assert "cpu0" in eventually(f"{path} has sources", sources, 20)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_does_all_that_scripts_do(host: EmbeddedHost, disk: str, content: bytes, demo: Guest, tmp_path: Path) -> None:
    """Over TLS, as scripts do it, with the credentials on the command line."""
    url = host.layout.tls_url

    def curl(*words: str) -> bytes:
        # fmt: off
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", "--insecure", "--max-time", "60",
             "--user", f"root:{host.password}", *words],
            capture_output=True, timeout=90, check=False,
        )
        # fmt: on
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    file, back = tmp_path / "disk.raw", tmp_path / "back.raw"
    file.write_bytes(content)
    curl("--upload-file", str(file), f"{url}/import_raw_vdi?vdi={disk}&format=raw")
    curl("--output", str(back), f"{url}/export_raw_vdi?vdi={disk}&format=raw")
    assert back.read_bytes() == content
    assert b"<xport>" in curl(f"{url}/rrd_updates?start={int(time.time()) - 60}&host=true")
    assert b"<rrd>" in curl(f"{url}/host_rrd")
    assert b"<rrd>" in curl(f"{url}/vm_rrd?uuid={demo.uuid}")
