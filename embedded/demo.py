"""The demo guest, made and started through XenAPI alone, with the official Python SDK.

What it makes carries a mark in ``other_config``, by which it is found again: a second run finds the disk,
the network and the VM, and only starts the VM if it does not run.
"""

import http.client
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from xml.parsers.expat import ExpatError

import XenAPI

from embedded.guest_image.build import GuestImage
from embedded.layout import Host
from embedded.progress import Step, StepFailed

MARK = "embedded_demo"
NAME = "demo"
TEMPLATE = "Other install media"
MEMORY_BYTES = 128 * 1024 * 1024
DISK_BYTES = 30 * 1024 * 1024
UPLOAD_SECONDS = 120
DO = "The logs of xapi, sm and xenopsd are in the host's folder, under var/log; `make run` tries again."

CALL_SECONDS = 120.0
# What a call to a toolstack that is not well can end with.
NO_ANSWER = (XenAPI.Failure, OSError, xmlrpc.client.Error, http.client.HTTPException, ExpatError)

Api = Any  # the SDK is a dynamic proxy


class PatientTransport(xmlrpc.client.Transport):
    """A call that is not answered ends with an error instead of never."""

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = CALL_SECONDS
        return connection


@contextmanager
def session(host: Host) -> Iterator[Api]:
    """Log in as root; log out at the end."""
    api = XenAPI.Session(host.http_url, transport=PatientTransport())
    api.xenapi.login_with_password("root", host.root_password.read_text().strip(), "1.0", "make run")
    try:
        yield api
    finally:
        api.xenapi.session.logout()


def ensure_running(host: Host, image: GuestImage) -> str:
    """Make what is missing of the demo guest, start it, and return its uuid."""
    with Step("Demo guest") as step:
        try:
            with session(host) as api:
                vm, made = find_or_make(api, host, image, step)
                started = start(api, vm)
                step.done("made and started" if made else "started" if started else "runs already")
                return str(api.xenapi.VM.get_uuid(vm))
        except XenAPI.Failure as failure:
            raise StepFailed(f"XenAPI says {' '.join(map(str, failure.details))}", DO) from failure
        except NO_ANSWER as error:
            raise StepFailed(f"talking to {host.http_url}: {error}", DO) from error


def find_or_make(api: Api, host: Host, image: GuestImage, step: Step) -> tuple[str, bool]:
    """Return the demo VM, and whether it was made now."""
    if vm := marked(api.xenapi.VM.get_all_records(), "is_a_template"):
        return vm, False
    step.doing("importing its disk")
    disk = marked(api.xenapi.VDI.get_all_records()) or import_disk(api, host, image)
    step.doing("making the VM")
    return make_vm(api, disk), True


def marked(records: Mapping[str, Mapping[str, Any]], unless: str = "") -> str | None:
    """Return the reference of the record with our mark; one whose field *unless* is true does not count."""
    for reference, record in records.items():
        if MARK in record["other_config"] and not record.get(unless) and not record.get("is_a_snapshot"):
            return reference
    return None


def import_disk(api: Api, host: Host, image: GuestImage) -> str:
    """Create the VDI and upload the image into it; the VDI is marked only when it is whole."""
    vdi = api.xenapi.VDI.create({
        "name_label": "demo disk",
        "name_description": "A small Linux built from Debian packages",
        "SR": storage(api),
        "virtual_size": str(DISK_BYTES),
        "type": "user",
        "sharable": False,
        "read_only": False,
        "other_config": {},
    })
    try:
        upload(api, host, vdi, image.qcow2)
        api.xenapi.VDI.add_to_other_config(vdi, MARK, "disk")
    except BaseException:
        api.xenapi.VDI.destroy(vdi)
        raise
    return str(vdi)


def storage(api: Api) -> str:
    """Return the pool's default SR, or the first one that keeps disks in files."""
    pool = next(iter(api.xenapi.pool.get_all_records().values()))
    records = api.xenapi.SR.get_all_records()
    if pool["default_SR"] in records:
        return str(pool["default_SR"])
    for reference, record in records.items():
        if record["type"] in ("file", "ext", "nfs") and record["PBDs"]:
            return str(reference)
    raise StepFailed("there is no storage repository for the disk", DO)


def upload(api: Api, host: Host, vdi: str, file: Path) -> None:
    """PUT *file* (QCOW2) to xapi's import handler as the content of *vdi*."""
    uuid = quote(api.xenapi.VDI.get_uuid(vdi))
    target = f"/import_raw_vdi?session_id={quote(api._session)}&vdi={uuid}&format=qcow2"
    url = urlsplit(host.http_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=UPLOAD_SECONDS)
    try:
        with file.open("rb") as body:
            connection.request("PUT", target, body, {"Content-Length": str(file.stat().st_size)})
            reply = connection.getresponse()
            text = reply.read().decode(errors="replace")
        if reply.status != http.client.OK:
            raise StepFailed(f"/import_raw_vdi answered {reply.status} {reply.reason}\n    {text[:300]}", DO)
    finally:
        connection.close()


def make_vm(api: Api, disk: str) -> str:
    """Clone and provision the template, give the clone the disk and a network interface; undone on failure."""
    templates = api.xenapi.VM.get_by_name_label(TEMPLATE)
    if not templates:
        raise StepFailed(f"there is no template {TEMPLATE!r}", DO)
    vm = api.xenapi.VM.clone(templates[0], NAME)
    try:
        api.xenapi.VM.provision(vm)
        size = str(MEMORY_BYTES)
        api.xenapi.VM.set_memory_limits(vm, size, size, size, size)
        api.xenapi.VM.set_name_description(vm, "Counts on its serial console, powers off when asked")
        api.xenapi.VM.set_HVM_boot_params(vm, {"order": "c"})
        api.xenapi.VBD.create(disk_device(vm, disk))
        api.xenapi.VIF.create(network_device(vm, network(api)))
        api.xenapi.VM.add_to_other_config(vm, MARK, "guest")
    except BaseException:
        api.xenapi.VM.destroy(vm)
        raise
    return str(vm)


def disk_device(vm: str, disk: str) -> dict[str, object]:
    """Return the VBD record of the guest's one disk."""
    return {
        "VM": vm, "VDI": disk, "userdevice": "0", "bootable": True, "mode": "RW", "type": "Disk",
        "unpluggable": True, "empty": False, "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {},
    }  # fmt: skip


def network_device(vm: str, of: str) -> dict[str, object]:
    """Return the VIF record of the guest's one interface."""
    return {
        "VM": vm, "network": of, "device": "0", "MAC": "", "MTU": "1500", "other_config": {},
        "qos_algorithm_type": "", "qos_algorithm_params": {},
    }  # fmt: skip


def network(api: Api) -> str:
    """Return the demo's internal network, made if need be."""
    if found := marked(api.xenapi.network.get_all_records()):
        return found
    record = {"name_label": "demo network", "name_description": "Internal to this host", "MTU": "1500"}
    return str(api.xenapi.network.create({**record, "tags": [], "other_config": {MARK: "network"}}))


def start(api: Api, vm: str) -> bool:
    """Bring the VM to Running from whatever state it is in; return False if it was."""
    match api.xenapi.VM.get_power_state(vm):
        case "Halted":
            api.xenapi.VM.start(vm, False, False)
        case "Suspended":
            api.xenapi.VM.resume(vm, False, False)
        case "Paused":
            api.xenapi.VM.unpause(vm)
        case _:
            return False
    return True


def shut_down_guests(host: Host, patience: float) -> None:
    """Ask every running guest to shut down; those that have not after *patience* seconds are powered off."""
    with session(host) as api:
        tasks = {
            vm: api.xenapi.Async.VM.shutdown(vm)
            for vm, record in api.xenapi.VM.get_all_records().items()
            if record["power_state"] in ("Running", "Paused") and not record["is_control_domain"]
        }
        deadline = time.monotonic() + patience
        for task in tasks.values():
            while api.xenapi.task.get_status(task) == "pending" and time.monotonic() < deadline:
                time.sleep(0.2)
        for vm in tasks:
            if api.xenapi.VM.get_power_state(vm) != "Halted":
                api.xenapi.VM.hard_shutdown(vm)


def guests(host: Host) -> list[tuple[str, str, str]]:
    """Return (name, power state, uuid) of every guest."""
    with session(host) as api:
        return [
            (record["name_label"], record["power_state"], record["uuid"])
            for record in api.xenapi.VM.get_all_records().values()
            if not (record["is_a_template"] or record["is_control_domain"] or record["is_a_snapshot"])
        ]
