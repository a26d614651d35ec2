"""The templates every pool begins with. Which there are is data; making them is idempotent and happens at start-up."""

import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from xapi.classes.vm_lifecycle import refresh
from xapi.database.schema import NULL_REF
from xapi.datamodel import MODEL, default_value
from xapi.planning.memory import MIB
from xapi.server.context import Context

GIB: Final = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of guest: how much it needs at least, how it boots, what can be asked of it at most."""

    label: str
    name: str
    description: str
    uuid: str = ""
    """Fixed where clients know it; else derived from the label, so that it is the same everywhere."""
    min_memory: int = 1 * GIB
    max_memory: int = 1536 * GIB
    max_vcpus: int = 64
    boot_order: str = "cdn"
    firmware: str = "bios"
    disk: int = 0
    """Size of the first disk in bytes, 0 for none."""
    platform: dict[str, str] = field(default_factory=dict)
    other_config: dict[str, str] = field(default_factory=dict)


_PLATFORM: Final = {"nx": "true", "acpi": "1", "apic": "true", "pae": "true", "hpet": "true"}
_LINUX: Final = {"vga": "std", "videoram": "8", "viridian": "false", "device_id": "0001"}
_WINDOWS: Final = {
    "vga": "std",
    "videoram": "8",
    "viridian": "true",
    "viridian_time_ref_count": "true",
    "viridian_reference_tsc": "true",
    "device_id": "0002",
}
_INSTALLS_FROM: Final = {"install-methods": "cdrom,nfs,http,ftp", "linux_template": "true"}
_FROM_CD: Final = {"install-methods": "cdrom"}


def _linux(label: str, name: str, version: str, **more: Any) -> Template:
    settings: dict[str, Any] = {"disk": 10 * GIB, "platform": _LINUX, "other_config": _INSTALLS_FROM} | more
    return Template(label, f"{name} {version}", f"A guest that runs {name} {version}", **settings)


def _windows(label: str, name: str, **more: Any) -> Template:
    settings: dict[str, Any] = {"min_memory": 2 * GIB, "disk": 32 * GIB, "platform": _WINDOWS, "other_config": _FROM_CD} | more
    return Template(label, name, f"A guest that runs {name}; boots from UEFI firmware", firmware="uefi", **settings)


TEMPLATES: Final = (
    Template(
        "other-install-media",
        "Other install media",
        "For any operating system: installs from a CD, boots from BIOS. Add disks and network interfaces as needed.",
        uuid="552bce37-51b2-445d-84f2-5f33fa112d7e",
        min_memory=128 * MIB,
        max_memory=128 * GIB,
        max_vcpus=32,
        boot_order="dc",
        platform={"viridian": "true"},
        other_config=_FROM_CD,
    ),
    Template(
        "debian-demo-guest",
        "Debian demo guest",
        "A very small Linux guest that boots from its first disk; for trying things out",
        min_memory=128 * MIB,
        max_memory=16 * GIB,
        max_vcpus=8,
        platform=_LINUX,
        other_config={"linux_template": "true"},
    ),
    _linux("debian-11", "Debian Bullseye", "11"),
    _linux("debian-12", "Debian Bookworm", "12"),
    _linux("debian-13", "Debian Trixie", "13"),
    _linux("ubuntu-20.04", "Ubuntu Focal Fossa", "20.04"),
    _linux("ubuntu-22.04", "Ubuntu Jammy Jellyfish", "22.04"),
    _linux("ubuntu-24.04", "Ubuntu Noble Numbat", "24.04"),
    _linux("almalinux-8", "AlmaLinux", "8", min_memory=2 * GIB),
    _linux("almalinux-9", "AlmaLinux", "9", min_memory=2 * GIB),
    _linux("rocky-8", "Rocky Linux", "8", min_memory=2 * GIB),
    _linux("rocky-9", "Rocky Linux", "9", min_memory=2 * GIB),
    _linux("rhel-8", "Red Hat Enterprise Linux", "8", min_memory=2 * GIB),
    _linux("rhel-9", "Red Hat Enterprise Linux", "9", min_memory=2 * GIB),
    _linux("oel-8", "Oracle Linux", "8", min_memory=2 * GIB),
    _linux("sles-15-64bit", "SUSE Linux Enterprise", "15"),
    _windows("windows-10-64bit", "Windows 10 (64-bit)"),
    _windows("windows-11", "Windows 11", min_memory=4 * GIB, disk=64 * GIB),
    _windows("windows-server-2019-64bit", "Windows Server 2019 (64-bit)"),
    _windows("windows-server-2022-64bit", "Windows Server 2022 (64-bit)"),
)

_NAMESPACE: Final = uuid.UUID("6f2c1c0e-8d2b-4f3b-9c1e-2d9b1f0a7c55")


def uuid_of(template: Template) -> str:
    return template.uuid or str(uuid.uuid5(_NAMESPACE, template.label))


def recommendations(template: Template) -> str:
    """Return what clients read to know a template's limits."""
    fields = {
        "memory-static-max": template.max_memory,
        "vcpus-max": template.max_vcpus,
        "has-vendor-device": "false",
        "supports-bios": "yes" if template.firmware == "bios" else "no",
        "supports-uefi": "yes" if template.firmware == "uefi" else "no",
    }
    lines = []
    for name, value in fields.items():
        attribute = "max" if name.endswith("-max") else "value"
        lines.append(f'<restriction field="{name}" {attribute}="{value}"/>')
    lines += ['<restriction property="number-of-vbds" max="255"/>', '<restriction property="number-of-vifs" max="7"/>']
    return f"<restrictions>{''.join(lines)}</restrictions>"


def record(template: Template) -> dict[str, Any]:
    """Return the VM row of a template."""
    size = 2 * template.min_memory
    other_config = template.other_config | {"mac_seed": uuid_of(template), "default_template": "true"}
    if template.disk:
        other_config["disks"] = (
            f'<provision><disk device="0" size="{template.disk}" sr="" bootable="true" type="system"/></provision>'
        )
    defaults = {entry.name: default_value(entry) for entry in MODEL.classes["VM"].constructor_fields}
    return defaults | {
        "uuid": uuid_of(template),
        "name_label": template.name,
        "name_description": template.description,
        "is_a_template": True,
        "is_default_template": True,
        "reference_label": template.label,
        "user_version": 1,
        "affinity": NULL_REF,
        "memory_static_min": template.min_memory,
        "memory_dynamic_min": size,
        "memory_dynamic_max": size,
        "memory_static_max": size,
        "memory_target": 0,
        "VCPUs_max": 1,
        "VCPUs_at_startup": 1,
        "actions_after_shutdown": "destroy",
        "actions_after_reboot": "restart",
        "actions_after_crash": "restart",
        "HVM_boot_policy": "BIOS order",
        "HVM_boot_params": {"order": template.boot_order, "firmware": template.firmware},
        "HVM_shadow_multiplier": 1.0,
        "platform": _PLATFORM | template.platform,
        "other_config": other_config,
        "recommendations": recommendations(template),
        "domain_type": "hvm",
        "has_vendor_device": False,
        "domid": -1,
        "generation_id": "",
    }


def create_default_templates(ctx: Context) -> None:
    """Make the templates that are not there yet; those a user changed stay as they are."""
    known = {row.values["uuid"] for row in ctx.db.rows("VM")}
    for template in TEMPLATES:
        if uuid_of(template) not in known:
            refresh(ctx, ctx.db.create("VM", **record(template)))
