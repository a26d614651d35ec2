"""The edge that reads and sets a card's offload and speed.

pyroute2's ioctl interface is used directly: its netlink one opens sockets that this daemon does not need.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from pyroute2.ethtool.ioctl import EthtoolError, IoctlEthtool

from networkd import command
from networkd.errors import CommandFailed
from networkd.offload import FEATURES


def read_offload(device: str) -> dict[str, bool]:
    """Return what can be changed on *device* and how it is now; empty where the driver does not say."""
    try:
        with contextlib.closing(IoctlEthtool(device)) as ethtool:
            features = ethtool.get_features()
            present = {}
            for key, names in FEATURES.items():
                changeable = [bool(features.is_active(name)) for name in _changeable(features, names)]
                if changeable:
                    present[key] = any(changeable)
            return present
    except (EthtoolError, OSError):
        return {}


def set_offload(device: str, values: Mapping[str, bool]) -> None:
    """Turn offloads on or off.

    :raises CommandFailed: when the driver refuses.
    """
    try:
        with contextlib.closing(IoctlEthtool(device)) as ethtool:
            features = ethtool.get_features()
            for key, enable in values.items():
                for name in _changeable(features, FEATURES[key]):
                    features.set_value(name, enable)
            ethtool.set_features(features)
    except (EthtoolError, OSError) as error:
        raise CommandFailed(f"ethtool -K {device} {dict(values)}: {error}") from error


def _changeable(features: Any, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in features and features.is_available(name)]


def read_speed(device: str) -> int:
    """Return the link's speed in Mbit/s, 0 when unknown (link down, virtual devices)."""
    try:
        with contextlib.closing(IoctlEthtool(device)) as ethtool:
            speed = int(ethtool.get_cmd().speed)
    except (EthtoolError, OSError):
        return 0
    # The driver says "unknown" with all bits set; the field holds 16 of them.
    return 0 if speed >= 0xFFFF else speed


def set_link(device: str, settings: Mapping[str, str]) -> None:
    """Apply speed, duplex, autoneg and advertise with ``ethtool -s``.

    :raises CommandFailed: when the driver refuses or ethtool is not installed.
    """
    words = [word for key, value in settings.items() for word in (key, value)]
    command.run(["ethtool", "-s", device, *words])
