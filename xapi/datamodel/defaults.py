"""The values that stand for nothing: a database column never written, a field created without being given."""

from __future__ import annotations

import copy

from xapi.datamodel.enums import ENUMS
from xapi.datamodel.model import (
    NO_DEFAULT,
    Bool,
    DateTime,
    Enum,
    Field,
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

EPOCH = "19700101T00:00:00Z"
NULL_REF = "OpaqueRef:NULL"


def empty_value(type: Type) -> object:
    """What an empty column of the type means. Sets and maps are fresh and the caller's; a record is an empty struct
    and an option is None."""
    match type:
        case String():
            return ""
        case Int():
            return 0
        case Float():
            return 0.0
        case Bool():
            return False
        case DateTime():
            return EPOCH
        case Enum(name):
            return ENUMS[name][0]
        case Ref():
            return NULL_REF
        case Set():
            return []
        case Map() | Record():
            return {}
        case Option():
            return None


def default_value(field: Field) -> object:
    """The declared default, a fresh copy, or the empty value where none is declared."""
    if field.default is NO_DEFAULT:
        return empty_value(field.type)
    return copy.copy(field.default)
