"""The string form of values: what filter expressions compare with and the XML database holds.

Bools ``true``/``false``, ints decimal, floats ``%0.18g``, sets ``('a' 'b')``, maps ``(('k' 'v') …)``.
"""

import re
from typing import Any

from xapi.datamodel.model import Bool, Float, Int, Map, Option, Set, Type

MAX_DEPTH = 20


class BadForm(ValueError):
    """Text that is not a value of the type it should be."""


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


def native_form(text: str, type: Type) -> Any:
    """Return the value of *type* whose string form is *text*. :raises BadForm: it is none."""
    match type:
        case Bool():
            return text == "true"
        case Int():
            return _number(int, text)
        case Float():
            return _number(float, text)
        case Set(of):
            return [native_form(_atom(item), of) for item in _items(text)]
        case Map(key, of):
            return {native_form(k, key): native_form(v, of) for k, v in map(_pair, _items(text))}
        case Option(of):
            items = _items(text)
            return native_form(_atom(items[0]), of) if items else None
        case _:
            return text


def _number(kind: type[int] | type[float], text: str) -> int | float:
    try:
        return kind(text) if text else kind(0)
    except ValueError:
        raise BadForm(f"not a number: {text[:40]!r}") from None


_Expression = str | list[Any]

_TOKEN = re.compile(
    r"""(?:\s|;[^\n]*(?:\n|$))*(?:(?P<mark>[()])|'(?P<one>(?:[^'\\]|\\.)*)'|"(?P<two>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s()'";]+))""",
    re.S,
)
_ESCAPED = re.compile(r"\\(.)", re.S)


def _items(text: str) -> list[_Expression]:
    """Parse an s-expression that is a list: quoted strings (with ``\\``), bare symbols, ``;`` comments."""
    stack: list[list[_Expression]] = [[]]
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadForm(f"unexpected text at character {position} of {text[:40]!r}")
        position = match.end()
        match match["mark"]:
            case "(":
                stack.append([])
            case ")":
                if len(stack) < 2:
                    raise BadForm(f"a ) too many in {text[:40]!r}")
                inner = stack.pop()
                stack[-1].append(inner)
            case _:
                quoted = match["one"] if match["one"] is not None else match["two"]
                stack[-1].append(match["bare"] if quoted is None else _ESCAPED.sub(r"\1", quoted))
        if len(stack) > MAX_DEPTH:
            raise BadForm("nested too deeply")
    if len(stack) == 1 and not stack[0]:
        return []
    if len(stack) != 1 or len(stack[0]) != 1 or not isinstance(stack[0][0], list):
        raise BadForm(f"not one list: {text[:40]!r}")
    return stack[0][0]


def _atom(item: _Expression) -> str:
    if isinstance(item, str):
        return item
    raise BadForm("a list where a string should be")


def _pair(item: _Expression) -> tuple[str, str]:
    match item:
        case [str(key), str(value)]:
            return key, value
    raise BadForm("a map's element is no pair")
