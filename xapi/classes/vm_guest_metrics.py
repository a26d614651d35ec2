"""VM_guest_metrics: what a guest's agent says about itself, read from the keys it wrote into its store."""

import re
from collections.abc import Mapping
from typing import Any, Final

from idl.xenops import VmState
from xapi.database.schema import EPOCH, NULL_REF
from xapi.server.context import Context, now

_PV_DRIVERS: Final = {
    "major": "attr/PVAddons/MajorVersion",
    "minor": "attr/PVAddons/MinorVersion",
    "micro": "attr/PVAddons/MicroVersion",
    "build": "attr/PVAddons/BuildVersion",
    "application": "attr/PVAddons/Application",
}
_OS: Final = {
    "name": "data/os_name",
    "uname": "data/os_uname",
    "distro": "data/os_distro",
    "major": "data/os_majorver",
    "minor": "data/os_minorver",
    "spmajor": "attr/os/spmajor",
    "spminor": "attr/os/spminor",
}
_NETBIOS: Final = {"host_name": "data/host_name_dns", "dns_domain": "data/domain"}
_VIF_ADDRESS: Final = re.compile(r"^attr/(?:vif|net-sriov-vf)/(\d+)/(ipv[46])/(\d+)$")
_OLD_IPV4: Final = re.compile(r"^attr/(?:eth|xenbr|eno|ens|emp|enx)(\d+)/ip$")
_OLD_IPV6: Final = re.compile(r"^attr/(?:eth|xenbr|eno|ens|emp|enx)(\d+)/ipv6/(\d+)/addr$")
_TRISTATE: Final = {"1": "yes", "0": "no"}


def _picked(keys: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    return {name: keys[path] for name, path in wanted.items() if path in keys}


def networks(keys: Mapping[str, str]) -> dict[str, str]:
    """Return the guest's addresses: ``0/ip``, ``0/ipv4/0``, ``0/ipv6/0``."""
    found: dict[str, str] = {}
    for path in sorted(keys):
        if match := _VIF_ADDRESS.match(path):
            device, family, index = match.groups()
            found[f"{device}/{family}/{index}"] = keys[path]
            if (family, index) == ("ipv4", "0"):
                found[f"{device}/ip"] = keys[path]
    return found or _networks_of_old_agents(keys)


def _networks_of_old_agents(keys: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, value in keys.items():
        if match := _OLD_IPV4.match(path):
            found[f"{match[1]}/ip"] = found[f"{match[1]}/ipv4/0"] = value
        elif match := _OLD_IPV6.match(path):
            found[f"{match[1]}/ipv6/{match[2]}"] = value
    return found


def fields_of(keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields that follow from a guest's keys (relative to its directory)."""
    drivers = _picked(keys, _PV_DRIVERS)
    if drivers:
        drivers.setdefault("micro", "-1")
    other = {path.removeprefix("control/"): value for path, value in keys.items() if path.startswith("control/")}
    other |= _picked(keys, {"data-ts": "data/ts", "data-cant-suspend-reason": "data/cant_suspend_reason"})
    return {
        "PV_drivers_version": drivers,
        "os_version": _picked(keys, _OS),
        "netbios_name": _picked(keys, _NETBIOS),
        "other": other,
        "networks": networks(keys),
        "services": {
            path.removeprefix("data/service/"): value for path, value in keys.items() if path.startswith("data/service/")
        },
        "can_use_hotplug_vbd": _TRISTATE.get(keys.get("feature/hotplug/vbd", ""), "unspecified"),
        "can_use_hotplug_vif": _TRISTATE.get(keys.get("feature/hotplug/vif", ""), "unspecified"),
    }


def update(ctx: Context, vm: str, state: VmState) -> None:
    """Write what a live guest says; nothing said makes no row."""
    row = ctx.db.get("VM", vm, "guest_metrics")
    known = ctx.db.exists("VM_guest_metrics", row)
    if not state.guest_agent and not known:
        return
    fields = fields_of(state.guest_agent)
    fields |= {
        "live": True,
        "PV_drivers_up_to_date": state.pv_drivers_detected,
        "PV_drivers_detected": state.pv_drivers_detected,
    }
    if not known:
        row = ctx.db.create("VM_guest_metrics", last_updated=now(), **fields)
        ctx.db.set("VM", vm, guest_metrics=row)
    elif ctx.db.set("VM_guest_metrics", row, **fields):
        ctx.db.set("VM_guest_metrics", row, last_updated=now())


def ended(ctx: Context, vm: str) -> None:
    """Write that what is known about the guest is no longer live."""
    row = ctx.db.get("VM", vm, "guest_metrics")
    if ctx.db.exists("VM_guest_metrics", row):
        ctx.db.set("VM_guest_metrics", row, live=False)


def forget(ctx: Context, vm: str) -> None:
    """Drop what is known about the guest: another one is about to boot."""
    row = ctx.db.get("VM", vm, "guest_metrics")
    ctx.db.set("VM", vm, guest_metrics=NULL_REF)
    if ctx.db.exists("VM_guest_metrics", row):
        ctx.db.destroy("VM_guest_metrics", row)


def copy(ctx: Context, metrics: str) -> str:
    """Return a copy of a row, for a copy of its VM; null where there is none."""
    if not ctx.db.exists("VM_guest_metrics", metrics):
        return NULL_REF
    values = ctx.db.record("VM_guest_metrics", metrics)
    del values["uuid"]
    return ctx.db.create("VM_guest_metrics", **values | {"live": False, "last_updated": values["last_updated"] or EPOCH})
