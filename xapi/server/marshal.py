"""Values from the wire as the datamodel's types: lenient where clients are, exact in what comes out.

Parsers of both protocols deliver str, int, float, bool, list, dict or None; :func:`native` turns that into the native
value of a declared type or says why not.
"""

import datetime
import functools
import re
from collections.abc import Callable
from typing import Any

from xapi.datamodel import MODEL, default_value
from xapi.datamodel.model import (
    NO_DEFAULT,
    Bool,
    Class,
    DateTime,
    Enum,
    Float,
    Int,
    Map,
    Option,
    Record,
    Ref,
    Set,
    String,
    Type,
)
from xapi.errors import XenAPIError, internal_error

Convert = Callable[[Any], Any]

_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,20}")
_INT64 = range(-(2**63), 2**63)


def _shown(value: Any) -> str:
    """Return a wire value as the original shows it in errors: ``I(0)``, ``S(text)``, ``Enum[…]``."""
    match value:
        case bool():
            return f"B({str(value).lower()})"
        case int():
            return f"I({value})"
        case float():
            return f"F({value:g})"
        case str():
            return f"S({value[:80]})"
        case list():
            return f"Enum[{';'.join(map(_shown, value[:3]))}]"
        case dict():
            return f"Dict{{{';'.join(f'{key}:{_shown(item)}' for key, item in list(value.items())[:3])}}}"
        case _:
            return "N"


def _wrong(expected: str, found: Any) -> XenAPIError:
    return internal_error(f"Failure(\"Expected {expected}, got '{_shown(found)[:120]}'\")")


def _invalid(text: str) -> XenAPIError:
    return XenAPIError("INVALID_VALUE", [text[:200]])


_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What no XML document can hold: stored once, it would break every later answer that tells of it."""


def unsendable(text: str) -> XenAPIError:
    """Return the error for text that is not the UTF-8 that XML takes."""
    return XenAPIError("INVALID_VALUE", ["Invalid UTF-8 string in parameter", _UNSENDABLE.sub("\ufffd", text[:200])])


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong("string", value)
    if _UNSENDABLE.search(value) is not None:
        raise unsendable(value)
    return value


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _wrong("int", value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()) is None:
        raise _wrong("int", value)
    try:
        number = int(value)
    except ValueError:
        raise _wrong("int", value) from None
    if number not in _INT64:
        raise _wrong("64-bit int", value)
    return number


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _wrong("float", value)
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise _wrong("float", value) from None


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong("bool", value)


def _datetime(value: Any) -> str:
    """Return ``YYYYMMDDThh:mm:ssZ``; other zones are kept as they were given."""
    if not isinstance(value, str):
        raise _wrong("datetime", value)
    match = _DATE.fullmatch(value.strip())
    if match is None:
        raise _invalid(value)
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        datetime.datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59))
    except ValueError:
        raise _invalid(value) from None
    return f"{year}{month}{day}T{hour}:{minute}:{second}{zone or 'Z'}"


def _enum(name: str) -> Convert:
    words = {word.lower(): word for word in MODEL.enums[name]}

    def convert(value: Any) -> str:
        found = words.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise _invalid(str(value))
        return found

    return convert


def _set(of: Type) -> Convert:
    item = native(of)

    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong("array", value)
        return [item(entry) for entry in value]

    return convert


def _map(key: Type, of: Type) -> Convert:
    key_of, value_of = native(key), native(of)

    def convert(value: Any) -> dict[Any, Any]:
        # An empty map comes as an empty array from some languages.
        if value == []:
            return {}
        if not isinstance(value, dict):
            raise _wrong("struct", value)
        return {key_of(k): value_of(v) for k, v in value.items()}

    return convert


def _record(name: str) -> Convert:
    cls = MODEL.classes.get(name)

    def convert(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong("struct", value)
        if cls is None:
            return value
        return {
            field.name: native(field.type)(value[field.name]) if field.name in value else default_value(field)
            for field in cls.record_fields
        }

    return convert


def _option(of: Type) -> Convert:
    inner = native(of)
    return lambda value: None if value is None else inner(value)


@functools.cache
def native(type: Type) -> Convert:
    """Return the function that turns a parsed wire value into *type*'s native value.

    It raises `XenAPIError`: INVALID_VALUE for a bad enum or date, INTERNAL_ERROR for another shape.
    """
    match type:
        case String() | Ref():
            return _string
        case Int():
            return _int
        case Float():
            return _float
        case Bool():
            return _bool
        case DateTime():
            return _datetime
        case Enum(name):
            return _enum(name)
        case Set(of):
            return _set(of)
        case Map(key, of):
            return _map(key, of)
        case Record(name):
            return _record(name)
        case Option(of):
            return _option(of)


def constructor_arguments(cls: Class, given: Any) -> dict[str, Any]:
    """Return the fields of a ``create`` call's struct: RW and StaticRO ones, with defaults for what is missing."""
    if not isinstance(given, dict):
        raise _wrong("struct", given)
    values = {}
    for field in cls.constructor_fields:
        if field.name in given:
            values[field.name] = native(field.type)(given[field.name])
        elif field.default is NO_DEFAULT:
            raise internal_error(f"Dispatcher_FieldNotFound({field.name})")
        else:
            values[field.name] = default_value(field)
    return values
