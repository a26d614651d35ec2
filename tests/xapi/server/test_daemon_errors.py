"""Errors of the other daemons as clients see them."""

from pathlib import Path
from typing import Any

import pytest

from idl.rpc import RpcError, Unreachable
from tests.xapi import fixture
from xapi.server.context import internal_context
from xapi.server.daemon_errors import translate

VM = "84a4564b-8778-4086-aef0-39e5da0701a3"


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("Bad_power_state", [VM, "Halted", "Running"], ["VM_BAD_POWER_STATE", "<vm>", "running", "halted"]),
        ("Failed_to_shutdown", [VM, 60.0], ["VM_SHUTDOWN_TIMEOUT", "<vm>", "60.0"]),
        ("Failed_to_start_emulator", [VM, "demo", "why"], ["FAILED_TO_START_EMULATOR", "<vm>", "demo", "why"]),
        ("Unimplemented", ["uefi"], ["NOT_IMPLEMENTED", "uefi"]),
        ("Storage_backend_error", ["SR_BACKEND_FAILURE_44", ["", "full", ""]], ["SR_BACKEND_FAILURE_44", "", "full", ""]),
        ("Cancelled", ["7"], ["TASK_CANCELLED", "DummyRef:|test|"]),
    ],
)
def test_errors_name_the_vm_by_its_ref(tmp_path: Path, name: str, params: list[Any], expected: list[str]) -> None:
    app = fixture.make(tmp_path)
    vm = app.db.create("VM", uuid=VM)
    found = translate(internal_context(app, "test"), RpcError(name, *params))
    assert found.description == [vm if word == "<vm>" else word for word in expected]


@pytest.mark.parametrize("reason", [RpcError("Surprise", 1), RpcError("Bad_power_state"), Unreachable("gone")])
def test_what_is_not_known_is_an_internal_error(tmp_path: Path, reason: RpcError | Unreachable) -> None:
    assert translate(internal_context(fixture.make(tmp_path), "test"), reason).code == "INTERNAL_ERROR"
