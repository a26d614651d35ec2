"""The hypervisor drivers, and which one a host uses."""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from idl.config import Config, ConfigError
from idl.dom0 import CAPABILITIES, is_control_domain
from idl.paths import Root
from xenopsd.hypervisors.base import Hypervisor


class Driver(StrEnum):
    XEN = "xen"
    QEMU = "qemu"
    SIMULATOR = "simulator"


def detect(capabilities: Path = CAPABILITIES) -> Driver:
    """Return ``xen`` on a control domain, else ``qemu``."""
    return Driver.XEN if is_control_domain(capabilities) else Driver.QEMU


# A driver's module is imported when it is chosen: libvirt reads where to log from the environment, once, at import.


def _xen(root: Root, config: Config) -> Hypervisor:
    from xenopsd.hypervisors.xen import Xen

    return Xen(root)


def _qemu(root: Root, config: Config) -> Hypervisor:
    log = root.under("/var/log/xenopsd-libvirt.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("LIBVIRT_LOG_OUTPUTS", f"3:file:{log}")
    from xenopsd.hypervisors.qemu import Qemu

    accelerator = config.text("accelerator", "tcg")
    if accelerator not in ("tcg", "kvm"):
        raise ConfigError(f"accelerator: expected tcg or kvm, found {accelerator!r}")
    return Qemu(root, accelerator)


def _simulator(root: Root, config: Config) -> Hypervisor:
    from xenopsd.hypervisors.simulator import Simulator

    return Simulator(root)


DRIVERS: Mapping[str, Callable[[Root, Config], Hypervisor]] = {
    Driver.XEN: _xen,
    Driver.QEMU: _qemu,
    Driver.SIMULATOR: _simulator,
}


def choose(root: Root, config: Config) -> Hypervisor:
    """Return the driver that ``hypervisor`` in the configuration names, or that this machine suggests."""
    wanted = config.text("hypervisor", detect())
    try:
        make = DRIVERS[wanted]
    except KeyError:
        raise ConfigError(f"hypervisor: expected one of {', '.join(DRIVERS)}, found {wanted!r}") from None
    return make(root, config)
