"""The fields that are no plain path through the datamodel, one function each.

Functions that raise are caught by the row's ``failed`` value where it has one.
"""

import hashlib
import math
from collections.abc import Iterable
from typing import Any, Final

from xapi.cli import values
from xapi.cli.api import Object
from xapi.cli.records.model import Compute, Subject, Value
from xapi.cli.values import NOT_IN_DATABASE
from xapi.errors import XenAPIError

KIB: Final = 1024
INCONSISTENT: Final = "<inconsistent>"
UNKNOWN: Final = "<unknown>"


async def _uuids(subject: Subject, cls: str, refs: Iterable[str]) -> list[str]:
    found = [await subject.objects.get(cls, ref) for ref in refs]
    return [NOT_IN_DATABASE if record is None else str(record["uuid"]) for record in found]


def _answer(method: str, *params: object) -> Compute:
    """The plain answer of a message of the object."""

    async def compute(subject: Subject) -> Value:
        answer = await subject.call(method, *params)
        return [str(item) for item in answer] if isinstance(answer, list) else str(answer)

    return compute


def _answered_refs(method: str, cls: str) -> Compute:
    async def compute(subject: Subject) -> Value:
        return await _uuids(subject, cls, await subject.call(method))

    return compute


def _rate(owner: str, owner_cls: str, source: str) -> Compute:
    """A data source of the owner in KiB/s; `source` has the object's device in it."""

    async def compute(subject: Subject) -> Value:
        name = source.format(device=subject.record["device"])
        rate = await subject.objects.api.call(f"{owner_cls}.query_data_source", subject.record[owner], name)
        return values.show_float(rate / KIB)

    return compute


def _refs_in_strings(attribute: str, cls: str) -> Compute:
    async def compute(subject: Subject) -> Value:
        return await _uuids(subject, cls, subject.record[attribute])

    return compute


# Virtual machines

vm_allowed_VBD_devices: Final = _answer("get_allowed_VBD_devices")
vm_allowed_VIF_devices: Final = _answer("get_allowed_VIF_devices")
vm_possible_hosts: Final = _answered_refs("get_possible_hosts", "host")


async def vm_memory_target(subject: Subject) -> Value:
    try:
        target = await subject.call("query_data_source", "memory_target")
    except XenAPIError as error:
        if error.code != "VM_BAD_POWER_STATE":
            raise
        return "0"
    # A VM that has only just started has been measured no time yet.
    return str(int(target)) if math.isfinite(target) else UNKNOWN


async def vm_last_boot_record(subject: Subject) -> Value:
    return f"'{subject.record['last_booted_record']}'"


async def vm_VCPUs_utilisation(subject: Subject) -> Value:
    metrics = await subject.follow("metrics", "VM_metrics")
    count = int(metrics["VCPUs_number"]) if metrics else 0
    return {str(number): values.show_float(await subject.call("query_data_source", f"cpu{number}")) for number in range(count)}


async def vm_cooperative(subject: Subject) -> Value:
    return values.show_boolean(await subject.call("get_cooperative"))


async def vbd_vdi_name_label(subject: Subject) -> Value:
    if subject.record["empty"]:
        return "<EMPTY>"
    vdi = await subject.follow("VDI", "VDI")
    return NOT_IN_DATABASE if vdi is None else str(vdi["name_label"])


async def vbd_attachable(subject: Subject) -> Value:
    try:
        await subject.call("assert_attachable")
    except XenAPIError as error:
        return f"false (error: {error.code}: [ {'; '.join(error.params)} ])"
    return "true"


vbd_io_read_kbs: Final = _rate("VM", "VM", "vbd_{device}_read")
vbd_io_write_kbs: Final = _rate("VM", "VM", "vbd_{device}_write")
vif_io_read_kbs: Final = _rate("VM", "VM", "vif_{device}_rx")
vif_io_write_kbs: Final = _rate("VM", "VM", "vif_{device}_tx")


async def vgpu_type_model_name(subject: Subject) -> Value:
    vgpu_type = await subject.follow("type", "VGPU_type")
    return NOT_IN_DATABASE if vgpu_type is None else str(vgpu_type["model_name"])


async def vgpu_compatibility_metadata(subject: Subject) -> Value:
    return [f"{key}:({len(value)} bytes)" for key, value in subject.record["compatibility_metadata"].items()]


async def vtpm_secret(subject: Subject) -> Value:
    contents = str(await subject.call("get_contents")).encode()
    digest = hashlib.md5(contents, usedforsecurity=False).hexdigest()
    return f"MD5={digest} size={len(contents)} bytes"


async def vmss_VMs(subject: Subject) -> Value:
    found = [await subject.objects.get("VM", ref) for ref in await subject.call("get_VMs")]
    return NOT_IN_DATABASE if None in found else [str(vm["uuid"]) for vm in found if vm is not None]


# Storage


async def sr_host(subject: Subject) -> Value:
    pbds = subject.record["PBDs"]
    if len(pbds) > 1:
        return "<shared>"
    pbd = await subject.objects.get("PBD", pbds[0]) if pbds else None
    host = await subject.objects.get("host", pbd["host"]) if pbd else None
    return NOT_IN_DATABASE if host is None else str(host["name_label"])


async def vdi_metadata_of_pool(subject: Subject) -> Value:
    pools = await subject.objects.all("pool")
    pool = pools.get(subject.record["metadata_of_pool"])
    if pool is not None:
        return str(pool["uuid"])
    return str(await subject.call("read_database_pool_uuid")) or NOT_IN_DATABASE


# Network

pif_io_read_kbs: Final = _rate("host", "host", "pif_{device}_rx")
pif_io_write_kbs: Final = _rate("host", "host", "pif_{device}_tx")
network_sriov_remaining_capacity: Final = _answer("get_remaining_capacity")


async def pif_speed(subject: Subject) -> Value:
    metrics = await subject.follow("metrics", "PIF_metrics")
    return NOT_IN_DATABASE if metrics is None else f"{metrics['speed']} Mbit/s"


async def pif_duplex(subject: Subject) -> Value:
    metrics = await subject.follow("metrics", "PIF_metrics")
    if metrics is None:
        return NOT_IN_DATABASE
    if metrics["duplex"]:
        return "full"
    return "half" if metrics["carrier"] else "unknown"


# Hosts

host_memory_free_computed: Final = _answer("compute_free_memory")
host_ha_statefiles: Final = _refs_in_strings("ha_statefiles", "VDI")


async def host_cpu_utilisation(subject: Subject) -> Value:
    source = f"cpu{subject.record['number']}"
    api = subject.objects.api
    return values.show_float(await api.call("host.query_data_source", subject.record["host"], source))


async def _variants(subject: Subject) -> list[Object]:
    """The variants of a host's driver, the one of highest priority first."""
    found = [await subject.objects.get("Driver_variant", ref) for ref in subject.record["variants"]]
    return sorted((v for v in found if v is not None), key=lambda v: float(v["priority"]), reverse=True)


def _variant_name(attribute: str) -> Compute:
    async def compute(subject: Subject) -> Value:
        chosen = subject.record[attribute]
        if chosen not in subject.record["variants"]:
            return "<none>"
        variant = await subject.objects.get("Driver_variant", chosen)
        return "<none>" if variant is None else str(variant["name"])

    return compute


host_driver_active_variant: Final = _variant_name("active_variant")
host_driver_selected_variant: Final = _variant_name("selected_variant")


async def host_driver_variants(subject: Subject) -> Value:
    return [f"{variant['name']}/{variant['version']}" for variant in await _variants(subject)]


async def host_driver_variants_dev_status(subject: Subject) -> Value:
    return [f"{variant['name']}={variant['status']}" for variant in await _variants(subject)]


async def host_driver_variants_uuid(subject: Subject) -> Value:
    return [f"{variant['name']}/{variant['uuid']}" for variant in await _variants(subject)]


async def host_driver_variants_hw_present(subject: Subject) -> Value:
    return [str(variant["name"]) for variant in await _variants(subject) if variant["hardware_present"]]


async def driver_variant_priority(subject: Subject) -> Value:
    return f"{float(subject.record['priority']):5.1f}"


def _is_chosen(attribute: str) -> Compute:
    async def compute(subject: Subject) -> Value:
        driver = await subject.follow("driver", "Host_driver")
        return values.show_boolean(driver is not None and driver[attribute] == subject.ref)

    return compute


driver_variant_active: Final = _is_chosen("active_variant")
driver_variant_selected: Final = _is_chosen("selected_variant")


# The pool

pool_ha_statefiles: Final = _refs_in_strings("ha_statefiles", "VDI")


async def pool_supported_sr_types(subject: Subject) -> Value:
    return [str(name) for name in await subject.objects.api.call("SR.get_supported_types")]


async def pool_vswitch_controller(subject: Subject) -> Value:
    return str(subject.record["vswitch_controller"]) or "<not set>"


async def pool_license_state(subject: Subject) -> Value:
    return {str(key): str(value) for key, value in (await subject.call("get_license_state")).items()}


async def pool_https_only(subject: Subject) -> Value:
    hosts = await subject.objects.all("host")
    return values.show_boolean(all(host["https_only"] for host in hosts.values()))


def _agreed(attribute: str) -> Compute:
    """What all hosts have in common."""

    async def compute(subject: Subject) -> Value:
        hosts = await subject.objects.all("host")
        found: list[Any] = [host[attribute] for host in hosts.values()]
        if not found or any(value != found[0] for value in found):
            return INCONSISTENT
        return values.show_boolean(found[0]) if isinstance(found[0], bool) else str(found[0])

    return compute


pool_ssh_enabled: Final = _agreed("ssh_enabled")
pool_ssh_enabled_timeout: Final = _agreed("ssh_enabled_timeout")
pool_ssh_expiry: Final = _agreed("ssh_expiry")
pool_console_idle_timeout: Final = _agreed("console_idle_timeout")
pool_ssh_auto_mode: Final = _agreed("ssh_auto_mode")


async def caller_rate_limit(subject: Subject) -> Value:
    return str(subject.record["rate_limit"])


async def rate_limit_callers(subject: Subject) -> Value:
    return [str(ref) for ref in subject.record["callers"]]


# Others

gpu_group_enabled_VGPU_types: Final = _answered_refs("get_enabled_VGPU_types", "VGPU_type")
gpu_group_supported_VGPU_types: Final = _answered_refs("get_supported_VGPU_types", "VGPU_type")


async def vgpu_type_max_resolution(subject: Subject) -> Value:
    return f"{subject.record['max_resolution_x']}x{subject.record['max_resolution_y']}"


async def subject_roles(subject: Subject) -> Value:
    found = [await subject.objects.get("role", ref) for ref in await subject.call("get_roles")]
    return NOT_IN_DATABASE if None in found else [str(role["name_label"]) for role in found if role is not None]
