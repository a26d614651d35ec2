"""VMs, VBDs and VIFs of the store as the records the domain manager takes. Pure: rows (by wire name) in, records out."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from idl.xenops import (
    Action,
    BuildType,
    DeviceType,
    Direct,
    DirectBoot,
    Disk,
    Hvm,
    HvmInfo,
    Indirect,
    IndirectBoot,
    LocalNetwork,
    Locked,
    LockedMode,
    Pv,
    Pvh,
    PvInfo,
    PvInPvh,
    SchedulerParams,
    Uefi,
    UefiFirmware,
    Vbd,
    Vif,
    Vm,
)
from xapi.errors import invalid_value, value_not_supported

Row = Mapping[str, Any]

PLATFORM_KEYS: Final = frozenset(
    {
        "acpi",
        "acpi_s3",
        "acpi_s4",
        "apic",
        "cores-per-socket",
        "device-model",
        "device_id",
        "featureset",
        "hpet",
        "mmio_size_mib",
        "nested-virt",
        "nx",
        "pae",
        "parallel",
        "pv-kernel-max-size",
        "pv-postinstall-kernel-max-size",
        "pv-postinstall-ramdisk-max-size",
        "pv-ramdisk-max-size",
        "revision",
        "tsc_mode",
        "usb",
        "usb_tablet",
        "vcpu-unrestricted",
        "vga",
        "viridian",
        "viridian_reference_tsc",
        "viridian_time_ref_count",
        "xenguest",
    }
)
"""Platform keys that reach the domain manager; others are for xapi or for clients."""

_ON_EXIT: Final[Mapping[str, list[Action]]] = {
    "destroy": [Action.SHUTDOWN],
    "restart": [Action.START],
    "preserve": [Action.PAUSE],
    "coredump_and_destroy": [Action.COREDUMP, Action.SHUTDOWN],
    "coredump_and_restart": [Action.COREDUMP, Action.START],
    "soft_reboot": [Action.SOFT_REBOOT],
}

_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


def boolean(settings: Mapping[str, str], key: str, default: bool) -> bool:
    """Read ``true/1/false/0`` in any letter case.

    :raises XenAPIError: INVALID_VALUE for anything else.
    """
    text = settings.get(key)
    if text is None:
        return default
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise invalid_value(f"platform:{key}", text)


def domain_type(vm: Row) -> str:
    """Return the VM's kind of domain, derived from its boot settings where it was left open."""
    declared: str = vm["domain_type"]
    if declared != "unspecified":
        return declared
    return "hvm" if vm["HVM_boot_policy"] else "pv"


def vm_record(vm: Row, bootable: list[Disk]) -> Vm:
    """Return the configuration of *vm*; *bootable* are the disks a PV boot loader looks into.

    :raises XenAPIError: INVALID_VALUE, VALUE_NOT_SUPPORTED where the settings make no VM.
    """
    _check_cores(vm)
    balloons = domain_type(vm) != "pv_in_pvh"
    return Vm(
        id=vm["uuid"],
        name=vm["name_label"],
        xsdata={key: value for key, value in vm["xenstore_data"].items() if key.startswith(("vm-data", "FIST"))},
        platformdata=_platform(vm),
        bios_strings=dict(vm["bios_strings"]),
        ty=_build_type(vm, bootable),
        memory_static_max=vm["memory_static_max"],
        memory_dynamic_max=vm["memory_dynamic_max"] if balloons else vm["memory_static_max"],
        memory_dynamic_min=vm["memory_dynamic_min"] if balloons else vm["memory_static_max"],
        vcpu_max=vm["VCPUs_max"],
        vcpus=vm["VCPUs_at_startup"],
        scheduler_params=_scheduler(vm["VCPUs_params"], vm["VCPUs_max"]),
        on_crash=_ON_EXIT.get(vm["actions_after_crash"], [Action.SHUTDOWN]),
        on_shutdown=_ON_EXIT[vm["actions_after_shutdown"]],
        on_reboot=_ON_EXIT[vm["actions_after_reboot"]],
        on_softreboot=_ON_EXIT[vm["actions_after_softreboot"]],
        has_vendor_device=vm["has_vendor_device"],
        generation_id=vm["generation_id"] or None,
    )


def _check_cores(vm: Row) -> None:
    cores = vm["platform"].get("cores-per-socket")
    if cores is not None and (not cores.isdigit() or int(cores) == 0):
        raise invalid_value("platform:cores-per-socket", cores)
    if cores is not None and vm["VCPUs_max"] % int(cores):
        raise value_not_supported("platform:cores-per-socket", cores, "VCPUs_max must be a multiple of this field")


def _platform(vm: Row) -> dict[str, str]:
    platform = {key: value for key, value in vm["platform"].items() if key in PLATFORM_KEYS}
    tsc_mode = platform.get("tsc_mode", "0")
    if tsc_mode not in ("0", "1", "2", "3"):
        raise invalid_value("platform:tsc_mode", tsc_mode)
    usb = boolean(platform, "usb", True)
    tablet = usb and boolean(platform, "usb_tablet", True)
    return platform | {"usb": str(usb).lower(), "usb_tablet": str(tablet).lower()}


def _build_type(vm: Row, bootable: list[Disk]) -> BuildType:
    match domain_type(vm):
        case "hvm":
            return Hvm(_hvm(vm))
        case "pvh":
            return Pvh(_pv(vm, bootable))
        case "pv_in_pvh":
            return PvInPvh(_pv(vm, bootable))
        case _:
            return Pv(_pv(vm, bootable))


def _hvm(vm: Row) -> HvmInfo:
    platform, boot = vm["platform"], vm["HVM_boot_params"]
    firmware: Literal["Bios"] | UefiFirmware
    match boot.get("firmware", "bios"):
        case "bios":
            firmware = "Bios"
        case "uefi":
            firmware = UefiFirmware(Uefi())
        case other:
            raise invalid_value("HVM_boot_params:firmware", other)
    video_ram = platform.get("videoram", "4")
    if not video_ram.isdigit():
        raise invalid_value("platform:videoram", video_ram)
    return HvmInfo(
        shadow_multiplier=vm["HVM_shadow_multiplier"],
        timeoffset=platform.get("timeoffset", "0"),
        video_mib=int(video_ram),
        video="Standard_VGA" if platform.get("vga") == "std" else "Cirrus",
        acpi=boolean(platform, "acpi", True),
        serial=platform.get("hvm_serial", "pty"),
        keymap=platform.get("keymap"),
        boot_order=boot.get("order") or "cd",
        firmware=firmware,
    )


def _pv(vm: Row, bootable: list[Disk]) -> PvInfo:
    boot: Direct | Indirect
    if vm["PV_bootloader"]:
        boot = Indirect(
            IndirectBoot(
                bootloader=vm["PV_bootloader"],
                extra_args=vm["PV_args"],
                legacy_args=vm["PV_legacy_args"],
                bootloader_args=vm["PV_bootloader_args"],
                devices=bootable,
            )
        )
    else:
        boot = Direct(DirectBoot(kernel=vm["PV_kernel"], cmdline=vm["PV_args"], ramdisk=vm["PV_ramdisk"] or None))
    return PvInfo(boot=boot, framebuffer=boolean(vm["platform"], "pvfb", True))


def _scheduler(params: Mapping[str, str], vcpus: int) -> SchedulerParams:
    """Read weight and cap, and the masks: one for all vCPUs, or one per vCPU separated by ``;``."""
    try:
        masks = [[int(cpu) for cpu in mask.split(",")] for mask in params.get("mask", "").split(";") if mask]
        priority = (int(params.get("weight", "256")), int(params.get("cap", "0")))
    except ValueError:
        raise invalid_value("VCPUs_params", ", ".join(f"{key}={value}" for key, value in params.items())) from None
    affinity = [masks[vcpu] if vcpu < len(masks) else masks[0] for vcpu in range(vcpus)] if masks else []
    return SchedulerParams(priority=priority if params.keys() & {"weight", "cap"} else None, affinity=affinity)


_DEVICE_TYPES: Final = {"CD": DeviceType.CDROM, "Disk": DeviceType.DISK, "Floppy": DeviceType.FLOPPY}


def vbd_record(vbd: Row, vm_uuid: str, device: str, position: str, disk: Disk | None, persistent: bool) -> Vbd:
    """Return a VBD's configuration; *device* is its name (``xvda``), *position* its number, *disk* None for an empty drive."""
    return Vbd(
        id=(vm_uuid, device),
        position=position,
        mode="ReadOnly" if vbd["mode"] == "RO" else "ReadWrite",
        backend=disk,
        ty=_DEVICE_TYPES[vbd["type"]],
        bootable=vbd["bootable"],
        unpluggable=vbd["unpluggable"],
        qos=dict(vbd["qos_algorithm_params"]) if vbd["qos_algorithm_type"] == "ionice" else {},
        persistent=persistent,
    )


def locking_mode(vif: Row, network_default: str) -> Literal["Unlocked", "Disabled"] | Locked:
    """Return how the VIF's traffic is filtered; ``network_default`` asks its network."""
    match vif["locking_mode"]:
        case "locked":
            return Locked(LockedMode(list(vif["ipv4_allowed"]), list(vif["ipv6_allowed"])))
        case "disabled":
            return "Disabled"
        case "unlocked":
            return "Unlocked"
        case _:
            return "Disabled" if network_default == "disabled" else "Unlocked"


def vif_record(vif: Row, vm_uuid: str, network: Row) -> Vif:
    """Return a VIF's configuration on *network*'s bridge."""
    locking = locking_mode(vif, network["default_locking_mode"])
    return Vif(
        id=(vm_uuid, vif["device"]),
        position=int(vif["device"]),
        mac=vif["MAC"],
        carrier=locking != "Disabled",
        mtu=vif["MTU"] or network["MTU"] or 1500,
        rate=_rate(vif),
        backend=LocalNetwork(network["bridge"]),
        other_config=dict(vif["other_config"]),
        locking_mode=locking,
    )


def _rate(vif: Row) -> tuple[int, int] | None:
    params = vif["qos_algorithm_params"]
    if vif["qos_algorithm_type"] != "ratelimit" or "kbps" not in params:
        return None
    try:
        return int(params["kbps"]), int(params.get("timeslice_us", "50000"))
    except ValueError:
        raise invalid_value("qos_algorithm_params", params["kbps"]) from None
