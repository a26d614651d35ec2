"""Linux key codes for "magic SysRq" keys."""

from idl.rpc import RpcError
from idl.xenops import Problem

LEFT_ALT = 56
SYSRQ = 99
HOLD_MS = 100

# Rows of the keyboard, each with the code of its first key (linux/input-event-codes.h).
_ROWS = (("1234567890", 2), ("qwertyuiop", 16), ("asdfghjkl", 30), ("zxcvbnm", 44))
_CODES = {key: first + offset for row, first in _ROWS for offset, key in enumerate(row)}


def keycodes(key: str) -> list[int]:
    """Return the keys to press together for SysRq *key*, a letter or digit."""
    try:
        return [LEFT_ALT, SYSRQ, _CODES[key.lower()]]
    except KeyError:
        raise RpcError(Problem.INTERNAL_ERROR, f"no SysRq key {key!r}") from None
