"""Values as users type them and as they are shown. Pure.

Parsers take the parameter's name for their message. The forgiving ones raise CommandFailure; the exact ones, which the
original leaves to its language's own parsers, raise the same INTERNAL_ERROR that scripts know from there.
"""

import re
from typing import Final

from xapi.cli.failures import CommandFailure
from xapi.errors import internal_error

_TRUE: Final = frozenset({"true", "t", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0"})

_UNITS: Final = {"": 0, "b": 0, "bytes": 0} | {
    spelling: power for power, letter in enumerate("kmgt", start=1) for spelling in (letter, f"{letter}b", f"{letter}ib")
}
_SIZE: Final = re.compile(r"([0-9]+)[ \t]*([a-z]*)", re.IGNORECASE)
_INTEGER: Final = re.compile(r"(-?)(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|0[uU][0-9_]+|[0-9][0-9_]*)")

NOT_IN_DATABASE: Final = "<not in database>"


def require_text(value: object) -> None:
    """Raises CommandFailure if a text in the value is no UTF-8 (the protocol names no charset)."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise CommandFailure(f"Not valid UTF-8: {value.encode('utf-8', 'backslashreplace').decode()}") from error
    elif isinstance(value, dict):
        for key, item in value.items():
            require_text(key)
            require_text(item)
    elif isinstance(value, list):
        for item in value:
            require_text(item)


def boolean(name: str, text: str) -> bool:
    """``true t yes y 1`` and their opposites, in any case."""
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CommandFailure(f"Failed to parse parameter '{name}': expecting 'true' or 'false', not '{text}'")


def exact_boolean(name: str, text: str) -> bool:
    """``true`` or ``false``. Raises XenAPIError."""
    if text not in ("true", "false"):
        raise internal_error(f"Failure: '{name}' must be a boolean (true or false)")
    return text == "true"


def field_boolean(name: str, text: str) -> bool:
    """``true`` or ``false``. Raises CommandFailure."""
    if text not in ("true", "false"):
        raise CommandFailure(f"Failed to parse parameter '{name}': expecting 'true' or 'false', not '{text}'")
    return text == "true"


def _integer(text: str) -> int | None:
    """64-bit, decimal or 0x / 0o / 0b, with underscores."""
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    digits = match[2].replace("_", "")
    if digits[1:2] in ("u", "U"):
        digits = digits[2:]
    base = {"x": 16, "o": 8, "b": 2}.get(digits[1:2].lower(), 10)
    try:
        number = int(match[1] + digits, base)
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**63 else None


def integer(name: str, text: str) -> int:
    """Raises CommandFailure."""
    number = _integer(text)
    if number is None:
        raise CommandFailure(f"Failed to parse parameter '{name}': expecting an integer, not '{text}'")
    return number


def exact_integer(name: str, text: str) -> int:
    """Raises XenAPIError."""
    number = _integer(text)
    if number is None:
        raise internal_error("Failure: Int64.of_string")
    return number


def exact_float(name: str, text: str) -> float:
    """Raises XenAPIError."""
    try:
        return float(text)
    except ValueError:
        raise internal_error(f"Failure: '{name}' must be a floating-point number") from None


def size(name: str, text: str) -> int:
    """Bytes from a number and an optional unit; every unit is a power of 1024. Raises CommandFailure."""
    match = _SIZE.fullmatch(text.strip())
    power = _UNITS.get(match[2].lower()) if match else None
    if match is None or power is None:
        raise CommandFailure(
            f"Failed to parse parameter '{name}': expecting a number with an optional unit"
            f" (bytes, KiB, MiB, GiB, TiB), not '{text}'"
        )
    number = int(match[1]) << (10 * power)
    if number >= 2**63:
        raise CommandFailure(f"Failed to parse parameter '{name}': '{text}' is too large")
    return number


def words(text: str) -> list[str]:
    """Split at commas; the empty text is the empty list."""
    return text.split(",") if text else []


def trimmed_words(_name: str, text: str) -> list[str]:
    """Split at commas, blanks around each word dropped, and empty words too."""
    return [word for word in (piece.strip() for piece in text.split(",")) if word]


def integers(name: str, text: str) -> list[int]:
    return [integer(name, word) for word in words(text)]


def show_boolean(value: bool) -> str:
    return "true" if value else "false"


def show_float(value: float) -> str:
    return f"{value:.3f}"
