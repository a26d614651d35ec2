"""Offload settings by ethtool's short names (pure): which kernel features each means, which wishes make sense."""

from collections.abc import Mapping

FEATURES: Mapping[str, tuple[str, ...]] = {
    "rx": ("rx-checksum",),
    "tx": ("tx-checksum-ipv4", "tx-checksum-ip-generic", "tx-checksum-ipv6"),
    "sg": ("tx-scatter-gather",),
    "tso": ("tx-tcp-segmentation", "tx-tcp6-segmentation"),
    "gso": ("tx-generic-segmentation",),
    "gro": ("rx-gro",),
    "lro": ("rx-lro",),
}
"""Short name -> the kernel's features. (ufo is gone from kernels.)"""

WORDS = {"on": True, "true": True, "off": False, "false": False}


def wanted_offload(settings: Mapping[str, str]) -> dict[str, bool]:
    """Return the settings that mean something: known short names with on/off/true/false."""
    return {key: WORDS[value] for key, value in settings.items() if key in FEATURES and value in WORDS}
