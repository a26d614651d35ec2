"""Names and numbers of disks: ``xvda`` is position 0, as in ``VBD.userdevice``."""

import re
from collections.abc import Iterable

from idl.rpc import RpcError
from idl.xenops import Problem, Vbd

_NAME = re.compile(r"(?:xvd|hd|sd|vd)([a-z]+)")


def letters(position: int) -> str:
    """Return the letters of a disk's position: 0 ``a``, 25 ``z``, 26 ``aa``."""
    text = ""
    number = position + 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("a") + digit) + text
    return text


def position_of(device: str) -> int | None:
    """Return the position that ``xvdb``, ``hdb`` or ``1`` names; None for anything else."""
    if device.isdigit():
        return int(device)
    found = _NAME.fullmatch(device)
    if found is None:
        return None
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1


def position(vbd: Vbd) -> int:
    """Return where a VBD sits: its ``position``, else what its id says; ``Internal_error`` if neither says."""
    for name in (vbd.position, vbd.id[1]):
        if name is not None and (found := position_of(name)) is not None:
            return found
    raise RpcError(Problem.INTERNAL_ERROR, f"VBD {vbd.id[1]} has no position")


def first_free(taken: Iterable[Vbd]) -> str:
    """Return the first position that no VBD of *taken* has."""
    used = {position(vbd) for vbd in taken}
    return str(next(number for number in range(len(used) + 1) if number not in used))
