"""Guests made as clients make them: a template's clone, a disk with the demo image, a network interface."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from embedded.demo import TEMPLATE, disk_device, network_device, storage
from embedded.guest_image.build import GuestImage
from tests.e2e.embedded_host import Api, EmbeddedHost, Record, wait_for
from tests.e2e.terminal import BOOT_SECONDS, Terminal, terminal
from tests.e2e.transfers import imported

MEMORY_BYTES = 128 * 1024 * 1024
DISK_BYTES = 30 * 1024 * 1024
MIB = 1024 * 1024
NULL = "OpaqueRef:NULL"


@dataclass(frozen=True, slots=True)
class Guest:
    """A VM by reference; the session comes with each use, because sessions do not outlive restarts."""

    ref: str
    uuid: str

    def record(self, api: Api) -> Record:
        return dict(api.xenapi.VM.get_record(self.ref))

    def state(self, api: Api) -> str:
        return str(api.xenapi.VM.get_power_state(self.ref))

    def reaches(self, api: Api, state: str, seconds: float = 60.0) -> Record:
        """Wait for the event that says so."""
        return wait_for(api, "VM", self.ref, lambda record: record["power_state"] == state, seconds)

    def ensure(self, api: Api, state: str) -> None:
        """Bring the guest to Running or Halted, whatever state an earlier test left it in."""
        found = self.state(api)
        if state == "Running" and found != state:
            match found:
                case "Halted":
                    api.xenapi.VM.start(self.ref, False, False)
                case "Paused":
                    api.xenapi.VM.unpause(self.ref)
                case "Suspended":
                    api.xenapi.VM.resume(self.ref, False, False)
        elif state == "Halted" and found != state:
            api.xenapi.VM.hard_shutdown(self.ref)
        self.reaches(api, state)


@contextmanager
def at_shell(api: Api, guest: Guest) -> Iterator[Terminal]:
    """Sit at the serial line of a running guest whose shell answers; the guest is booting at worst."""
    with terminal(api, guest.ref) as line:
        line.count(BOOT_SECONDS)
        line.attempt("true")
        yield line


def make_disk(api: Api, name: str, size: int) -> str:
    """Return a new empty VDI of *size* bytes in the default storage repository."""
    return str(
        api.xenapi.VDI.create({
            "name_label": name, "name_description": "", "SR": storage(api), "virtual_size": str(size), "type": "user",
            "sharable": False, "read_only": False, "other_config": {},
        })
    )  # fmt: skip


def golden_disk(api: Api, host: EmbeddedHost, image: GuestImage) -> str:
    """Return a VDI with the demo image, uploaded as QCOW2, of which guests get clones."""
    disk = make_disk(api, "golden", DISK_BYTES)
    imported(host, disk, image.qcow2, "qcow2")
    return disk


def from_template(api: Api, name: str) -> Guest:
    """Clone the default template and provision the clone, with 128 MiB of memory."""
    [template] = api.xenapi.VM.get_by_name_label(TEMPLATE)
    vm = api.xenapi.VM.clone(template, name)
    size = str(MEMORY_BYTES)
    api.xenapi.VM.set_memory_limits(vm, size, size, size, size)
    api.xenapi.VM.provision(vm)
    api.xenapi.VM.set_HVM_boot_params(vm, {"order": "c"})
    return Guest(vm, api.xenapi.VM.get_uuid(vm))


def make_guest(api: Api, name: str, golden: str, network: str) -> Guest:
    """Return a halted guest with a clone of the *golden* disk and an interface on *network*."""
    guest = from_template(api, name)
    disk = api.xenapi.VDI.clone(golden, {})
    api.xenapi.VDI.set_name_label(disk, f"{name} disk")
    api.xenapi.VBD.create(disk_device(guest.ref, disk))
    api.xenapi.VIF.create(network_device(guest.ref, network))
    return guest


def disks_of(api: Api, vm: str) -> list[str]:
    """Return the VDIs of a VM."""
    records = [api.xenapi.VBD.get_record(vbd) for vbd in api.xenapi.VM.get_VBDs(vm)]
    return [record["VDI"] for record in records if record["VDI"] != NULL and record["type"] == "Disk"]


def destroy_guest(api: Api, guest: Guest) -> None:
    """Remove a guest with its disks, whatever state it is in."""
    guest.ensure(api, "Halted")
    disks = disks_of(api, guest.ref)
    api.xenapi.VM.destroy(guest.ref)
    for disk in disks:
        api.xenapi.VDI.destroy(disk)


def make_network(api: Api, name: str) -> str:
    """Return a new network that no interface of the host is on."""
    record = {"name_label": name, "name_description": "", "MTU": "1500", "tags": [], "other_config": {}}
    return str(api.xenapi.network.create(record))


def messages(api: Api, guest: Guest) -> dict[str, str]:
    """Return the alerts about a guest: reference -> name."""
    found = api.xenapi.message.get_all_records()
    return {ref: record["name"] for ref, record in found.items() if record["obj_uuid"] == guest.uuid}
