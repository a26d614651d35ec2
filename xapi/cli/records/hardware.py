"""Rows of PCI and USB devices and physical GPUs."""

from typing import Final

from xapi.cli.records import computed
from xapi.cli.records.model import RecordType, mrw, ro, rw, sro, srw

PGPU: Final = RecordType(
    "PGPU",
    (
        ro("uuid"),
        ro("pci-uuid", "PCI"),
        ro("vendor-name", "PCI.vendor_name"),
        ro("device-name", "PCI.device_name"),
        ro("dom0-access"),
        ro("is-system-display-device"),
        rw("gpu-group-uuid", "GPU_group"),
        ro("gpu-group-name-label", "GPU_group.name_label"),
        ro("host-uuid", "host"),
        ro("host-name-label", "host.name_label"),
        ro("pci-id", "PCI.pci_id"),
        sro("dependencies", "PCI.dependencies.pci_id"),
        mrw("other-config"),
        ro("supported-VGPU-types"),
        srw("enabled-VGPU-types", settable=True),
        ro("resident-VGPUs"),
    ),
)

GPU_GROUP: Final = RecordType(
    "GPU_group",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        sro("VGPU-uuids", "VGPUs"),
        sro("PGPU-uuids", "PGPUs"),
        mrw("other-config"),
        ro("enabled-VGPU-types", computed.gpu_group_enabled_VGPU_types),
        ro("supported-VGPU-types", computed.gpu_group_supported_VGPU_types),
        rw("allocation-algorithm"),
    ),
)

VGPU_TYPE: Final = RecordType(
    "VGPU_type",
    (
        ro("uuid"),
        ro("vendor-name"),
        ro("model-name"),
        ro("framebuffer-size"),
        ro("max-heads"),
        ro("max-resolution", computed.vgpu_type_max_resolution),
        ro("supported-on-PGPUs"),
        ro("enabled-on-PGPUs"),
        ro("supported-on-GPU-groups"),
        ro("enabled-on-GPU-groups"),
        ro("VGPU-uuids", "VGPUs"),
        ro("experimental"),
        ro("compatible-types-in-vm"),
    ),
)

PUSB: Final = RecordType(
    "PUSB",
    (
        ro("uuid"),
        ro("usb-group-uuid", "USB_group"),
        ro("host-uuid", "host"),
        ro("host-name-label", "host.name_label"),
        ro("path"),
        ro("vendor-id"),
        ro("vendor-desc"),
        ro("product-id"),
        ro("product-desc"),
        ro("serial"),
        ro("version"),
        ro("description"),
        ro("speed"),
        rw("passthrough-enabled"),
    ),
)

USB_GROUP: Final = RecordType(
    "USB_group",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        sro("VUSB-uuids", "VUSBs"),
        sro("PUSB-uuids", "PUSBs"),
        mrw("other-config"),
    ),
)

PCI: Final = RecordType(
    "PCI",
    (
        ro("uuid"),
        ro("vendor-name"),
        ro("device-name"),
        ro("driver-name"),
        ro("host-uuid", "host"),
        ro("host-name-label", "host.name_label"),
        ro("pci-id"),
        sro("dependencies", "dependencies.pci_id"),
        mrw("other-config"),
    ),
)
