"""References that the store keeps in step on both sides."""

from xapi.datamodel.model import Relation, RelationKind


def _between(kind: RelationKind, a: str, b: str) -> Relation:
    cls, _, field = a.partition(".")
    other_cls, _, other_field = b.partition(".")
    return Relation(kind, cls, field, other_cls, other_field)


def _one_to_many(a: str, b: str) -> Relation:
    return _between(RelationKind.ONE_TO_MANY, a, b)


def _many_to_many(a: str, b: str) -> Relation:
    return _between(RelationKind.MANY_TO_MANY, a, b)


def _unclassified(a: str, b: str) -> Relation:
    return _between(RelationKind.UNCLASSIFIED, a, b)


RELATIONS: tuple[Relation, ...] = (
    _one_to_many("VM.snapshot_of", "VM.snapshots"),
    _one_to_many("VDI.snapshot_of", "VDI.snapshots"),
    _one_to_many("VM.parent", "VM.children"),
    _one_to_many("task.subtask_of", "task.subtasks"),
    _one_to_many("task.session", "session.tasks"),
    _one_to_many("PIF.bond_slave_of", "Bond.slaves"),
    _one_to_many("Bond.master", "PIF.bond_master_of"),
    _one_to_many("VLAN.tagged_PIF", "PIF.VLAN_slave_of"),
    _one_to_many("tunnel.access_PIF", "PIF.tunnel_access_PIF_of"),
    _one_to_many("tunnel.transport_PIF", "PIF.tunnel_transport_PIF_of"),
    _one_to_many("PBD.host", "host.PBDs"),
    _one_to_many("PBD.SR", "SR.PBDs"),
    _one_to_many("VBD.VDI", "VDI.VBDs"),
    _one_to_many("crashdump.VDI", "VDI.crash_dumps"),
    _one_to_many("VBD.VM", "VM.VBDs"),
    _one_to_many("crashdump.VM", "VM.crash_dumps"),
    _one_to_many("VIF.VM", "VM.VIFs"),
    _one_to_many("VIF.network", "network.VIFs"),
    _one_to_many("Cluster_host.cluster", "Cluster.cluster_hosts"),
    _one_to_many("PIF.host", "host.PIFs"),
    _one_to_many("PIF.network", "network.PIFs"),
    _one_to_many("VDI.SR", "SR.VDIs"),
    _one_to_many("VTPM.VM", "VM.VTPMs"),
    _one_to_many("console.VM", "VM.consoles"),
    _one_to_many("VM.resident_on", "host.resident_VMs"),
    _one_to_many("host_cpu.host", "host.host_CPUs"),
    _one_to_many("host_crashdump.host", "host.crashdumps"),
    _one_to_many("host_patch.host", "host.patches"),
    _one_to_many("host_patch.pool_patch", "pool_patch.host_patches"),
    _many_to_many("host.updates", "pool_update.hosts"),
    _unclassified("subject.roles", "subject.roles"),
    _many_to_many("role.subroles", "role.subroles"),
    _one_to_many("VM.protection_policy", "VMPP.VMs"),
    _one_to_many("VM.snapshot_schedule", "VMSS.VMs"),
    _one_to_many("VM.appliance", "VM_appliance.VMs"),
    _one_to_many("PGPU.GPU_group", "GPU_group.PGPUs"),
    _one_to_many("VGPU.GPU_group", "GPU_group.VGPUs"),
    _one_to_many("VGPU.type", "VGPU_type.VGPUs"),
    _one_to_many("VGPU.VM", "VM.VGPUs"),
    _one_to_many("VGPU.resident_on", "PGPU.resident_VGPUs"),
    _many_to_many("PGPU.supported_VGPU_types", "VGPU_type.supported_on_PGPUs"),
    _many_to_many("PGPU.enabled_VGPU_types", "VGPU_type.enabled_on_PGPUs"),
    _many_to_many("GPU_group.supported_VGPU_types", "VGPU_type.supported_on_GPU_groups"),
    _many_to_many("GPU_group.enabled_VGPU_types", "VGPU_type.enabled_on_GPU_groups"),
    _one_to_many("PCI.host", "host.PCIs"),
    _one_to_many("PGPU.host", "host.PGPUs"),
    _many_to_many("PCI.attached_VMs", "VM.attached_PCIs"),
    _one_to_many("PCI.physical_function", "PCI.virtual_functions"),
    _one_to_many("VDI.metadata_of_pool", "pool.metadata_VDIs"),
    _one_to_many("SR.introduced_by", "DR_task.introduced_SRs"),
    _one_to_many("PVS_server.site", "PVS_site.servers"),
    _one_to_many("PVS_proxy.site", "PVS_site.proxies"),
    _one_to_many("PVS_cache_storage.site", "PVS_site.cache_storage"),
    _one_to_many("PUSB.host", "host.PUSBs"),
    _one_to_many("PUSB.USB_group", "USB_group.PUSBs"),
    _one_to_many("VUSB.USB_group", "USB_group.VUSBs"),
    _one_to_many("VUSB.VM", "VM.VUSBs"),
    _one_to_many("Feature.host", "host.features"),
    _one_to_many("network_sriov.physical_PIF", "PIF.sriov_physical_PIF_of"),
    _one_to_many("network_sriov.logical_PIF", "PIF.sriov_logical_PIF_of"),
    _one_to_many("Certificate.host", "host.certificates"),
    _many_to_many("VM.groups", "VM_group.VMs"),
    _one_to_many("Driver_variant.driver", "Host_driver.variants"),
    _one_to_many("Caller.rate_limit", "Rate_limit.callers"),
)
