"""Which USB devices may be passed through, by rules in the words of ``usb-policy.conf``. Pure.

``ALLOW:`` or ``DENY:`` and conditions ``vid= pid= rel= class= sub= prot=`` in hexadecimal, all of which must hold for the
device or one of its interfaces; the first rule that fits decides, and a device that none fits is not offered.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HUB = "09"
_RULE = re.compile(r"(ALLOW|DENY)\s*:\s*(.*)", re.IGNORECASE)
_CONDITION = re.compile(r"(vid|pid|rel|class|sub|prot)\s*=\s*([0-9a-f]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Device:
    """What sysfs tells of a device; numbers are hexadecimal without a prefix."""

    path: str
    vendor: str
    vendor_name: str
    product: str
    product_name: str
    serial: str
    version: str
    speed: str
    device_class: str
    interfaces: tuple[tuple[str, str, str], ...] = ()
    """Class, sub-class and protocol of each."""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        return (self.path, self.vendor, self.product, self.serial)

    @property
    def is_hub(self) -> bool:
        return self.device_class == HUB

    def fields(self) -> dict[str, Any]:
        """Return them as fields of class PUSB."""
        try:
            speed = float(self.speed)
        except ValueError:
            speed = -1.0
        return {
            "path": self.path, "vendor_id": self.vendor, "vendor_desc": self.vendor_name, "product_id": self.product,
            "product_desc": self.product_name, "serial": self.serial, "version": self.version, "speed": speed,
            "description": " ".join(filter(None, [self.vendor_name, self.product_name, self.serial])),
            "passthrough_enabled": False,
        }  # fmt: skip

    def faces(self) -> Iterator[Mapping[str, str]]:
        """What conditions are compared with: the device itself, then each interface."""
        common = {"vid": self.vendor, "pid": self.product}
        yield {**common, "class": self.device_class}
        for cls, sub, protocol in self.interfaces:
            yield {**common, "class": cls, "sub": sub, "prot": protocol}


@dataclass(frozen=True, slots=True)
class Rule:
    allow: bool
    conditions: tuple[tuple[str, int], ...]

    def fits(self, device: Device) -> bool:
        return any(self._fits(face) for face in device.faces())

    def _fits(self, face: Mapping[str, str]) -> bool:
        return all(key in face and _number(face[key]) == wanted for key, wanted in self.conditions)


def _number(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return -1


def parse(text: str) -> list[Rule]:
    """Return the rules of a policy file; lines that are none (comments) are passed over."""
    rules = []
    for line in text.splitlines():
        found = _RULE.fullmatch(line.partition("#")[0].strip())
        if found:
            conditions = tuple((key.lower(), int(value, 16)) for key, value in _CONDITION.findall(found[2]))
            rules.append(Rule(found[1].upper() == "ALLOW", conditions))
    return rules


DEFAULT: Sequence[Rule] = parse("DENY: class=09\nDENY: class=03 sub=01\nALLOW:")
"""Everything but hubs, and keyboards and mice that a firmware uses."""


def is_allowed(device: Device, rules: Sequence[Rule]) -> bool:
    return next((rule.allow for rule in rules if rule.fits(device)), False)
