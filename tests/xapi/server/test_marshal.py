"""Wire values as native ones: what is taken, what it becomes, what is refused and how."""

from typing import Any

import pytest

from xapi.datamodel.model import Bool, DateTime, Enum, Float, Int, Map, Ref, Set, String, Type
from xapi.errors import XenAPIError
from xapi.server.marshal import inferred, native


@pytest.mark.parametrize(
    ("type_", "given", "taken"),
    [
        (Int(), 5, 5),
        (Int(), "-5", -5),
        (Int(), " +7 ", 7),
        (Float(), "1.5", 1.5),
        (Float(), 2, 2.0),
        (Bool(), True, True),
        (Enum("on_normal_exit"), "DESTROY", "destroy"),
        (Map(String(), Int()), {"a": "1"}, {"a": 1}),
        (Map(Int(), Float()), {"1": 0.5}, {1: 0.5}),
        (Map(String(), String()), [], {}),
        (DateTime(), "20260102T03:04:05Z", "20260102T03:04:05Z"),
        (DateTime(), "2026-01-02T03:04:05", "20260102T03:04:05Z"),
        (DateTime(), "20260102T03:04:05.678Z", "20260102T03:04:05Z"),
        (DateTime(), "20260102T00:30:00+01:00", "20260101T23:30:00Z"),
        (DateTime(), "20260101T23:30:00-0100", "20260102T00:30:00Z"),
        (DateTime(), "20161231T23:59:60Z", "20161231T23:59:59Z"),
        (DateTime(), "00010101T00:00:00Z", "00010101T00:00:00Z"),
    ],
)
def test_what_is_taken(type_: Type, given: Any, taken: Any) -> None:
    converted = native(type_)(given)
    assert converted == taken and type(converted) is type(taken)


@pytest.mark.parametrize(
    ("type_", "given", "refusal"),
    [
        (Int(), "1_0", ["INTERNAL_ERROR", "Failure(\"Expected int, got 'S(1_0)'\")"]),
        (Int(), "\u0661", ["INTERNAL_ERROR", "Failure(\"Expected int, got 'S(\u0661)'\")"]),
        (Int(), True, ["INTERNAL_ERROR", "Failure(\"Expected int, got 'B(true)'\")"]),
        (Int(), 2**63, ["INTERNAL_ERROR", f"Failure(\"Expected 64-bit int, got 'I({2**63})'\")"]),
        (Bool(), "true", ["INTERNAL_ERROR", "Failure(\"Expected bool, got 'S(true)'\")"]),
        (String(), None, ["INTERNAL_ERROR", "Failure(\"Expected string, got 'N'\")"]),
        (Ref("VM"), ["x"], ["INTERNAL_ERROR", "Failure(\"Expected string, got 'Enum[S(x)]'\")"]),
        (Set(String()), {"a": 1.5}, ["INTERNAL_ERROR", "Failure(\"Expected array, got 'Dict{a:F(1.5)}'\")"]),
        (String(), "a\x00", ["INVALID_VALUE", "Invalid UTF-8 string in parameter", "a\ufffd"]),
        (Enum("on_normal_exit"), "dance", ["INVALID_VALUE", "dance"]),
        (DateTime(), "yesterday", ["INVALID_VALUE", "yesterday"]),
        (DateTime(), "20261301T00:00:00Z", ["INVALID_VALUE", "20261301T00:00:00Z"]),
        (DateTime(), "00010101T00:00:00+01:00", ["INVALID_VALUE", "00010101T00:00:00+01:00"]),
    ],
)
def test_what_is_refused(type_: Type, given: Any, refusal: list[str]) -> None:
    with pytest.raises(XenAPIError) as caught:
        native(type_)(given)
    assert caught.value.description == refusal


def test_types_are_found_for_what_no_declaration_describes() -> None:
    assert inferred({"a": ["x"]}) == Map(String(), Set(String()))
    assert inferred([]) == Set(String())
    with pytest.raises(XenAPIError):
        inferred(["a", 1])
