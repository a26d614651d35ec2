"""Names and numbers of guests' disks: ``userdevice`` as clients write it, its position, and the name a guest sees. Pure."""

import re
from typing import Final

AUTODETECT: Final = "autodetect"
MOST_DISKS: Final = 255
MOST_INTERFACES: Final = 7
_LINUX_NAME: Final = re.compile(r"^(xvd|hd|sd|vd)([a-z]{1,2})(\d*)$")
_FLOPPY: Final = re.compile(r"^fd([ab])$")


def position_of(userdevice: str) -> int | None:
    """Return the disk number that *userdevice* (``0``, ``xvda``, ``hdc``) means, or None if it means none."""
    if userdevice.isdigit() and userdevice.isascii():
        number = int(userdevice)
        return number if number < MOST_DISKS else None
    match = _LINUX_NAME.match(userdevice)
    if match is None or match[3]:
        return None
    number = 0
    for letter in match[2]:
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1 if number <= MOST_DISKS else None


def name_of(position: int) -> str:
    """Return the name a guest's disk number has: ``xvda`` for 0, ``xvdaa`` for 26."""
    letters = ""
    number = position + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return f"xvd{letters}"


def is_valid(userdevice: str) -> bool:
    """Return whether a VBD may have *userdevice*."""
    return userdevice == AUTODETECT or position_of(userdevice) is not None or _FLOPPY.match(userdevice) is not None


def free_disk_positions(taken: set[int], hvm: bool) -> list[int]:
    """Return the disk numbers a VM can still use. For fully virtualised guests number 3 comes last: guests and tools expect
    the CD drive there."""
    free = [position for position in range(MOST_DISKS) if position not in taken]
    if hvm and 3 in free:
        free.remove(3)
        free.append(3)
    return free


def free_interface_positions(taken: set[int]) -> list[int]:
    """Return the interface numbers a VM can still use."""
    return [position for position in range(MOST_INTERFACES) if position not in taken]
