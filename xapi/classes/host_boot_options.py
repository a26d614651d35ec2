"""Settings of a host's hypervisor and kernel: how deep processors sleep, whether its screen shows a console, debug keys,
where logs go, which PCI devices dom0 keeps its hands off."""

import re
from pathlib import Path

from xapi import errors
from xapi.classes.command import checked
from xapi.classes.host import assert_here
from xapi.classes.host_machine import if_installed, set_boot_options, write_setting
from xapi.planning.dom0_access import after_toggle, hidden_devices, hiding_option, state
from xapi.server.context import Context
from xapi.server.registry import implements

TIMEOUT = 30.0
XEN = Path("/proc/xen/capabilities")
SYSLOG_FILE = "/etc/rsyslog.d/xapi-remote.conf"
HIDDEN_FILE = "/etc/modprobe.d/xapi-pciback.conf"
PCI_DRIVERS = "/sys/bus/pci/drivers/pciback"
_CSTATE = re.compile(r"\d{1,3}(,\d{1,3})?", re.ASCII)
_DESTINATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}|\[[0-9a-fA-F:]+\](:\d+)?")
_KEYS = re.compile(r"[\x21-\x7e]{1,64}")


@implements("host.set_max_cstate")
async def set_max_cstate(ctx: Context, self: str, value: str) -> None:
    """XenAPI: host.set_max_cstate: ``C`` or ``C,S``, nothing for no limit. :raises XenAPIError: INVALID_VALUE."""
    assert_here(ctx, self)
    if value and not _CSTATE.fullmatch(value):
        raise errors.invalid_value("max_cstate", value)
    option = f'GRUB_CMDLINE_XEN="$GRUB_CMDLINE_XEN max_cstate={value}"\n' if value else ""
    await set_boot_options(ctx, "xapi-max-cstate", option)
    if XEN.exists():
        await if_installed(ctx, "xenpm", "set-max-cstate", *(value.split(",") if value else ["unlimited"]))
    ctx.db.set("host", self, max_cstate=value)


@implements("host.set_numa_affinity_policy")
async def set_numa_affinity_policy(ctx: Context, self: str, value: str) -> None:
    """XenAPI: host.set_numa_affinity_policy."""
    ctx.db.set("host", self, numa_affinity_policy=value)


@implements("host.enable_display")
async def enable_display(ctx: Context, host: str) -> str:
    """XenAPI: host.enable_display: from the next boot on; returns the state until then and after."""
    return await _set_display(ctx, host, wanted=True)


@implements("host.disable_display")
async def disable_display(ctx: Context, host: str) -> str:
    """XenAPI: host.disable_display: from the next boot on; returns the state until then and after."""
    return await _set_display(ctx, host, wanted=False)


async def _set_display(ctx: Context, host: str, *, wanted: bool) -> str:
    assert_here(ctx, host)
    after = after_toggle(ctx.db.get("host", host, "display"), wanted=wanted)
    option = "" if wanted else 'GRUB_CMDLINE_XEN="$GRUB_CMDLINE_XEN console=com1 vga="\n'
    await set_boot_options(ctx, "xapi-display", option)
    ctx.db.set("host", host, display=after)
    return after


@implements("host.send_debug_keys")
async def send_debug_keys(ctx: Context, host: str, keys: str) -> None:
    """XenAPI: host.send_debug_keys; what the hypervisor answers is in its messages.

    :raises XenAPIError: INVALID_VALUE, OPERATION_NOT_ALLOWED where there is no Xen.
    """
    assert_here(ctx, host)
    if not _KEYS.fullmatch(keys):
        raise errors.invalid_value("keys", keys)
    if not XEN.exists() or not ctx.app.root.is_installed_host:
        raise errors.operation_not_allowed("this host's hypervisor has no debug keys")
    await checked("xl", "debug-keys", keys, timeout=TIMEOUT)


@implements("host.syslog_reconfigure")
async def syslog_reconfigure(ctx: Context, host: str) -> None:
    """XenAPI: host.syslog_reconfigure: logs go to ``logging:syslog_destination`` too. :raises XenAPIError: INVALID_VALUE."""
    assert_here(ctx, host)
    destination = ctx.db.get("host", host, "logging").get("syslog_destination", "")
    if destination and not _DESTINATION.fullmatch(destination):
        raise errors.invalid_value("logging:syslog_destination", destination)
    write_setting(ctx, SYSLOG_FILE, f"*.* @{destination}\n" if destination else "")
    await if_installed(ctx, "systemctl", "restart", "rsyslog")


# PCI devices


def _hidden(ctx: Context) -> list[str]:
    """Return the addresses that dom0 is to keep its hands off at the next boot."""
    path = ctx.app.root.under(HIDDEN_FILE)
    return hidden_devices(path.read_text()) if path.is_file() else []


def _status(ctx: Context, pci: str) -> str:
    row = ctx.db.row("PCI", pci).values
    assert_here(ctx, row["host"])
    hidden_now = (ctx.app.root.under(PCI_DRIVERS) / row["pci_id"]).exists() if row["pci_id"] else False
    return state(hidden_now=hidden_now, hidden_next=row["pci_id"] in _hidden(ctx))


@implements("PCI.get_dom0_access_status")
async def get_dom0_access_status(ctx: Context, self: str) -> str:
    """XenAPI: PCI.get_dom0_access_status."""
    return _status(ctx, self)


async def _set_access(ctx: Context, pci: str, *, wanted: bool) -> str:
    row = ctx.db.row("PCI", pci).values
    _status(ctx, pci)
    hidden = [address for address in _hidden(ctx) if address != row["pci_id"]]
    if not wanted:
        hidden.append(row["pci_id"])
    write_setting(ctx, HIDDEN_FILE, hiding_option(hidden))
    await if_installed(ctx, "update-initramfs", "-u")
    after = _status(ctx, pci)
    for pgpu in ctx.db.where("PGPU", PCI=pci):
        ctx.db.set("PGPU", pgpu, dom0_access=after)
    return after


@implements("PCI.disable_dom0_access")
async def disable_dom0_access(ctx: Context, self: str) -> str:
    """XenAPI: PCI.disable_dom0_access."""
    return await _set_access(ctx, self, wanted=False)


@implements("PCI.enable_dom0_access")
async def enable_dom0_access(ctx: Context, self: str) -> str:
    """XenAPI: PCI.enable_dom0_access."""
    return await _set_access(ctx, self, wanted=True)


@implements("PGPU.disable_dom0_access")
async def disable_pgpu_access(ctx: Context, self: str) -> str:
    """XenAPI: PGPU.disable_dom0_access (deprecated)."""
    return await _set_access(ctx, ctx.db.get("PGPU", self, "PCI"), wanted=False)


@implements("PGPU.enable_dom0_access")
async def enable_pgpu_access(ctx: Context, self: str) -> str:
    """XenAPI: PGPU.enable_dom0_access (deprecated)."""
    return await _set_access(ctx, ctx.db.get("PGPU", self, "PCI"), wanted=True)
