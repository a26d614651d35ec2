"""The whole XenAPI as data: `MODEL`. Tables, records, dispatch, RBAC, events and xe follow from it.

To add a field or message, declare it in its family's module; to add a class, also list it here. The order of `CLASSES`
is the order in which clients see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from xapi.datamodel import (
    cluster,
    credentials,
    diagnostics,
    gpu,
    hardware,
    host,
    limits,
    network,
    pool,
    pvs,
    session,
    storage,
    task,
    updates,
    vm,
    vm_devices,
    vm_policies,
)
from xapi.datamodel.alerts import ALERTS
from xapi.datamodel.defaults import EPOCH, NULL_REF, default_value, empty_value
from xapi.datamodel.derive import messages_of, permissions
from xapi.datamodel.enums import ENUMS
from xapi.datamodel.errors import ERRORS
from xapi.datamodel.http_actions import HTTP_ACTIONS
from xapi.datamodel.model import Class, HttpAction, Message, Permission, Relation, Release
from xapi.datamodel.relations import RELATIONS
from xapi.datamodel.releases import API_VERSION, API_VERSION_VENDOR, RELEASES, SCHEMA_VERSION
from xapi.datamodel.roles import ROLES, Role, allowed_roles, role_uuid

__all__ = [
    "EPOCH",
    "MODEL",
    "NULL_REF",
    "Model",
    "allowed_roles",
    "default_value",
    "empty_value",
    "role_uuid",
]

CLASSES: tuple[Class, ...] = (
    session.session, session.auth, session.subject, session.role, task.task, task.event, pool.pool, updates.pool_patch,
    updates.pool_update, vm.VM, vm.VM_metrics, vm.VM_guest_metrics, vm_policies.VMPP, vm_policies.VMSS,
    vm_policies.VM_appliance, vm_policies.DR_task, host.host, host.host_crashdump, updates.host_patch,
    host.host_metrics, hardware.host_cpu, network.network, network.VIF, network.VIF_metrics, network.PIF,
    network.PIF_metrics, network.Bond, network.VLAN, storage.SM, storage.SR, storage.sr_stat, storage.probe_result,
    storage.LVHD, storage.VDI, vm_devices.VBD, vm_devices.VBD_metrics, storage.PBD, vm_devices.crashdump,
    vm_devices.VTPM, vm_devices.console, session.user, diagnostics.data_source, task.blob, task.message,
    credentials.secret, network.tunnel, network.network_sriov, hardware.PCI, gpu.PGPU, gpu.GPU_group, gpu.VGPU,
    gpu.VGPU_type, pvs.PVS_site, pvs.PVS_server, pvs.PVS_proxy, pvs.PVS_cache_storage, diagnostics.Feature,
    network.SDN_controller, storage.vdi_nbd_server_info, hardware.PUSB, hardware.USB_group, hardware.VUSB,
    cluster.Cluster, cluster.Cluster_host, credentials.Certificate, diagnostics.Diagnostics, updates.Repository,
    diagnostics.Observer, vm_policies.VM_group, hardware.Host_driver, hardware.Driver_variant, limits.Caller,
    limits.Rate_limit,
)


class Model:
    """Everything declared, by name. What is derived is derived on first use, once."""

    def __init__(self) -> None:
        self.classes: Mapping[str, Class] = MappingProxyType({cls.name: cls for cls in CLASSES})
        self.enums: Mapping[str, tuple[str, ...]] = MappingProxyType(ENUMS)
        self.errors: Mapping[str, tuple[str, ...] | None] = MappingProxyType(ERRORS)
        self.relations: tuple[Relation, ...] = RELATIONS
        self.roles: tuple[Role, ...] = ROLES
        self.http_actions: Mapping[str, HttpAction] = MappingProxyType({a.name: a for a in HTTP_ACTIONS})
        self.alerts: Mapping[str, int] = MappingProxyType(ALERTS)
        self.releases: tuple[Release, ...] = RELEASES
        self.api_version = API_VERSION
        self.api_version_vendor = API_VERSION_VENDOR
        self.schema_version = SCHEMA_VERSION

    @cached_property
    def messages(self) -> Mapping[str, Message]:
        """Wire name (``VM.start``) -> message, implicit ones included, class by class."""
        return MappingProxyType({m.wire_name: m for cls in CLASSES for m in messages_of(cls)})

    @cached_property
    def permissions(self) -> Mapping[str, frozenset[Role]]:
        """Permission (``vm.start``, ``vm.add_to_other_config/key:pci``, ``http/get_export``) -> roles that have it."""
        return MappingProxyType(
            {name: allowed_roles(demand.role, demand.role_extra) for name, demand in self.demands.items()}
        )

    @cached_property
    def demands(self) -> Mapping[str, Permission]:
        """Permission -> the least role it needs, and roles that have it besides."""
        return MappingProxyType({p.name: p for p in permissions(self.messages.values(), HTTP_ACTIONS)})


MODEL = Model()
