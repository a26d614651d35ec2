"""What a storage repository allows, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from xapi.planning.sr_operations import REQUIRED_FEATURE, Sr, allowed, problem

PLAIN = Sr("sr", features=frozenset(REQUIRED_FEATURE.values()))


@pytest.mark.parametrize(
    ("operation", "sr", "expected"),
    [
        ("scan", {}, []),
        ("scan", {"attached": False}, ["SR_NOT_ATTACHED", "sr"]),
        ("scan", {"attached": False, "has_pbds": False}, ["SR_HAS_NO_PBDS", "sr"]),
        ("destroy", {}, ["SR_HAS_PBD", "sr"]),
        ("forget", {}, ["SR_HAS_PBD", "sr"]),
        ("destroy", {"attached": False}, []),
        ("destroy", {"attached": False, "has_pbds": False}, ["SR_HAS_NO_PBDS", "sr"]),
        ("forget", {"attached": False, "has_pbds": False}, []),
        ("vdi_create", {"features": frozenset()}, ["SR_OPERATION_NOT_SUPPORTED", "sr"]),
        ("vdi_create", {"operations": (("t", "vdi_clone"),)}, []),
        ("vdi_create", {"operations": (("t", "scan"),)}, ["OTHER_OPERATION_IN_PROGRESS", "SR", "sr", "scan", "t"]),
        ("scan", {"operations": (("t", "vdi_create"),)}, ["OTHER_OPERATION_IN_PROGRESS", "SR", "sr", "vdi_create", "t"]),
        ("plug", {"operations": (("t", "plug"),), "attached": False}, []),
        ("unplug", {"operations": (("t", "plug"),)}, ["OTHER_OPERATION_IN_PROGRESS", "SR", "sr", "plug", "t"]),
    ],
)
def test_refusals(operation: str, sr: dict[str, Any], expected: list[str]) -> None:
    found = problem(replace(PLAIN, **sr), operation)
    assert ([] if found is None else found.description) == expected


def test_an_attached_repository_does_not_offer_to_be_destroyed() -> None:
    assert not {"destroy", "forget"} & set(allowed(PLAIN))
    assert {"scan", "unplug", "vdi_create"} <= set(allowed(PLAIN))
    assert set(allowed(replace(PLAIN, attached=False))) == {"destroy", "forget", "plug", "unplug", "pbd_create", "pbd_destroy"}
