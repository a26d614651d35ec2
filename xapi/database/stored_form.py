"""The string form of values: what filter expressions compare with and the XML database holds.

Bools ``true``/``false``, ints decimal, floats ``%0.18g``, sets ``('a' 'b')``, maps ``(('k' 'v') …)``.
"""

from typing import Any


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def stored_form(value: Any, is_set: bool = False) -> str:
    """Return a native value's string form; *is_set* for a dict that stands for an ordered set."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return f"{value:.18g}"
        case dict() if not is_set:
            return "(" + " ".join(f"({_quote(str(k))} {_quote(stored_form(v))})" for k, v in value.items()) + ")"
        case None:
            return "()"
        case _:
            return "(" + " ".join(_quote(stored_form(item)) for item in value) + ")"
