"""Every class of `xe` commands and what it shows: the rows of `vm`, `storage` and the other modules, by class name."""

from collections.abc import Mapping
from typing import Final

from xapi.cli.records import access, hardware, host, network, pool, pvs, storage, updates, vm, vm_parts, vm_policies
from xapi.cli.records.model import Class


def shows(names: str) -> frozenset[str]:
    """The fields of a list without ``params=``."""
    return frozenset(names.split())


_CLASSES: Final = (
    Class("pool", pool.POOL, shows("uuid name-label name-description master default-SR")),
    Class("pif", network.PIF, shows("uuid device VLAN MAC network-uuid currently-attached host-uuid")),
    Class("bond", network.BOND, shows("uuid master slaves")),
    Class("vlan", network.VLAN, shows("uuid tagged-PIF untagged-PIF tag")),
    Class("tunnel", network.TUNNEL, shows("uuid transport-PIF access-PIF status")),
    Class("vif", vm_parts.VIF, shows("uuid device vm-uuid network-uuid")),
    Class("network", network.NET, shows("uuid name-label name-description bridge")),
    Class("console", vm_parts.CONSOLE, shows("uuid vm-uuid vm-name-label protocol location")),
    Class("vm", vm.VM, shows("name-label uuid power-state"), (("is-a-template", "false"),)),
    Class(
        "template",
        vm.VM,
        shows("name-label name-description uuid"),
        (
            ("is-a-template", "true"),
            ("is-a-snapshot", "false"),
        ),
    ),
    Class("snapshot", vm.VM, shows("name-label name-description uuid is-vmss-snapshot"), (("is-a-snapshot", "true"),)),
    Class("host", host.HOST, shows("uuid name-label name-description")),
    Class("host-cpu", host.HOST_CPU, shows("uuid number vendor speed utilisation")),
    Class("host-crashdump", host.HOST_CRASHDUMP, shows("uuid timestamp size")),
    Class("patch", updates.POOL_PATCH, shows("uuid name-label name-description size hosts after-apply-guidance")),
    Class(
        "update",
        updates.POOL_UPDATE,
        shows("uuid name-label name-description version installation-size hosts after-apply-guidance"),
    ),
    Class("vdi", storage.VDI, shows("uuid name-label name-description virtual-size read-only sharable sr-uuid")),
    Class("vbd", vm_parts.VBD, shows("uuid vm-uuid vm-name-label vdi-uuid device empty")),
    Class("sr", storage.SR, shows("uuid name-label name-description host type content-type")),
    Class("sm", storage.SM, shows("uuid type name-label name-description vendor copyright configuration")),
    Class("pbd", storage.PBD, shows("uuid host-uuid sr-uuid device-config currently-attached")),
    Class("task", access.TASK, shows("uuid name-label name-description status progress")),
    Class("subject", access.SUBJECT, shows("uuid subject-identifier other-config roles")),
    Class("role", access.ROLE, shows("uuid name description")),
    Class(
        "vmss",
        vm_policies.VMSS,
        shows("uuid name-label name-description enabled type retained-snapshots frequency schedule last-run-time VMs"),
    ),
    Class("message", access.MESSAGE),
    Class("secret", access.SECRET),
    Class("appliance", vm_policies.VM_APPLIANCE),
    Class("vm-group", vm_policies.VM_GROUP, shows("uuid name-label name-description placement vm-uuids")),
    Class("pgpu", hardware.PGPU, shows("uuid pci-uuid vendor-name device-name gpu-group-uuid")),
    Class("gpu-group", hardware.GPU_GROUP, shows("uuid name-label name-description")),
    Class("vgpu", vm_parts.VGPU, shows("uuid vm-uuid device gpu-group-uuid")),
    Class("vgpu-type", hardware.VGPU_TYPE, shows("uuid vendor-name model-name max-resolution max-heads")),
    Class("drtask", storage.DR_TASK),
    Class("pvs-site", pvs.PVS_SITE, shows("uuid name-label name-description pvs-uuid pvs-server-uuids")),
    Class("pvs-server", pvs.PVS_SERVER, shows("uuid addresses pvs-site-uuid")),
    Class("pvs-proxy", pvs.PVS_PROXY, shows("uuid vif-uuid pvs-site-uuid currently-attached")),
    Class("pvs-cache-storage", pvs.PVS_CACHE_STORAGE, shows("uuid host-uuid sr-uuid pvs-site-uuid size")),
    Class("feature", host.FEATURE, shows("uuid name-label name-description enabled experimental version host-uuid")),
    Class("sdn-controller", network.SDN_CONTROLLER, shows("uuid protocol address port")),
    Class(
        "pusb",
        hardware.PUSB,
        shows("uuid path product-id product-desc vendor-id vendor-desc serial version description speed"),
    ),
    Class("usb-group", hardware.USB_GROUP, shows("uuid name-label name-description")),
    Class("vusb", vm_parts.VUSB, shows("uuid vm-uuid usb-group-uuid")),
    Class("network-sriov", network.NETWORK_SRIOV, shows("uuid requires-reboot")),
    Class(
        "cluster",
        pool.CLUSTER,
        shows(
            "uuid cluster-hosts cluster-token cluster-stack allowed-operations current-operations"
            " pool-auto-join cluster-config other-config"
        ),
    ),
    Class(
        "cluster-host",
        pool.CLUSTER_HOST,
        shows("uuid cluster host enabled allowed-operations current-operations other-config"),
    ),
    Class("certificate", access.CERTIFICATE, shows("uuid type name host not-before not-after fingerprint purpose")),
    Class(
        "repository",
        updates.REPOSITORY,
        shows("uuid name-label name-description binary-url source-url update hash gpgkey-path origin"),
    ),
    Class(
        "hostdriver-variant",
        host.DRIVER_VARIANT,
        shows("uuid driver-name name version priority host-uuid driver-uuid active selected status hw-present"),
    ),
    Class(
        "hostdriver",
        host.HOST_DRIVER,
        shows("uuid name host-uuid active-variant selected-variant variants variants-uuid"),
    ),
    Class("vtpm", vm_parts.VTPM, shows("uuid vm-uuid")),
    Class("observer", pool.OBSERVER, shows("uuid name-label name-description host-uuids endpoints enabled")),
    Class("pci", hardware.PCI, shows("uuid vendor-name device-name pci-id")),
    Class(
        "caller",
        pool.CALLER,
        shows("uuid name-label name-description user-agent client-ip last-access groups rate-limit"),
    ),
    Class("rate-limit", pool.RATE_LIMIT, shows("uuid name-label callers burst-size fill-rate")),
)

CLASSES: Final[Mapping[str, Class]] = {cls.name: cls for cls in _CLASSES}
