from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from xapi import errors
from xapi.datamodel.errors import ERRORS
from xapi.errors import XenAPIError, error


def named_errors() -> list[Callable[..., XenAPIError]]:
    functions = inspect.getmembers(errors, inspect.isfunction)
    return [f for _, f in functions if f is not error and f.__module__ == errors.__name__]


def test_parameters_are_strings_after_the_code() -> None:
    raised = error("SR_FULL", 1 << 30, 10)
    assert raised.description == ["SR_FULL", "1073741824", "10"]
    assert str(raised) == "SR_FULL(1073741824, 10)"


def test_an_undeclared_code_is_our_mistake() -> None:
    with pytest.raises(TypeError, match="NO_SUCH_CODE"):
        error("NO_SUCH_CODE")


@pytest.mark.parametrize("params", [(), ("VM",), ("VM", "OpaqueRef:1", "extra")])
def test_a_wrong_parameter_count_is_our_mistake(params: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match="HANDLE_INVALID takes 2 parameters"):
        error("HANDLE_INVALID", *params)


def test_codes_without_declared_parameters_take_any() -> None:
    assert error("VM_IS_SNAPSHOT", "OpaqueRef:1", "more").params == ["OpaqueRef:1", "more"]


def test_a_foreign_code_passes_through() -> None:
    assert XenAPIError("SR_BACKEND_FAILURE_46", ["", "device in use"]).description == [
        "SR_BACKEND_FAILURE_46",
        "",
        "device in use",
    ]


@pytest.mark.parametrize("build", named_errors(), ids=lambda build: str(build.__name__))
def test_each_named_error_fits_its_declaration(build: Callable[..., XenAPIError]) -> None:
    given = [str(number) for number, _ in enumerate(_parameters(build))]
    raised = build(*given)
    assert raised.code in ERRORS
    assert raised.params == given


def _parameters(build: Callable[..., XenAPIError]) -> list[str]:
    signature = inspect.signature(build)
    return [p.name for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_POSITIONAL]
