"""What is printed when something went wrong, frame by frame."""

import pytest

from idl import cli
from xapi.cli.failure_report import frames
from xapi.cli.failures import (
    CommandFailure,
    LoginRefused,
    MissingParameter,
    SyntaxFailure,
    UnknownCommand,
    UnknownField,
)
from xapi.cli.selectors import SeveralFailed
from xapi.datamodel.error_texts import ERROR_TEXTS
from xapi.errors import XenAPIError, error

HINT = "For usage run: 'xe help'\n"
NAMES = {"OpaqueRef:1": "u1 (web)", "OpaqueRef:2": "u2"}


def shown(failure: Exception) -> tuple[str, str]:
    """Standard output and standard error as the client writes them."""
    out, err = "", ""
    for frame in frames(failure, lambda param: NAMES.get(param, param)):
        match frame:
            case cli.Print(text):
                out += text + "\n"
            case cli.PrintStderr(text):
                err += text
            case cli.Error(code, params):
                err += f"Error code: {code}\nError parameters: {', '.join(params)}\n"
    return out, err


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (CommandFailure("Key k not found in map"), "Error: Key k not found in map\n"),
        (UnknownCommand("x"), "Unknown command: x\n" + HINT),
        (SyntaxFailure(), "Syntax error: \n" + HINT),
        (MissingParameter("uuid"), "Required parameter not found: uuid\n" + HINT),
        (LoginRefused("root"), "Authentication failed\n" + HINT),
        (LoginRefused(""), "Username/password must be specified\n" + HINT),
        (UnknownField("x"), "Error code: Missing parameter\nError parameters: x\n"),
        (error("DEVICE_ALREADY_DETACHED", "OpaqueRef:2"), "The device is not currently attached\ndevice: u2\n"),
        (
            XenAPIError("SR_BACKEND_FAILURE_90", ["", "The request is missing the device parameter", ""]),
            "Error code: SR_BACKEND_FAILURE_90\nError parameters: , The request is missing the device parameter, \n",
        ),
    ],
)
def test_failures(failure: Exception, text: str) -> None:
    assert shown(failure) == ("", text)


@pytest.mark.parametrize(
    ("code", "params", "lines"),
    [
        ("VM_BAD_POWER_STATE", ["OpaqueRef:1", "running", "halted"], ["vm: u1 (web)", "expected: running", "actual: halted"]),
        ("NO_HOSTS_AVAILABLE", ["one", "two"], ["<extra>: one", "<extra>: two"]),
        ("UUID_INVALID", ["VM"], ["type: VM", "uuid: <unknown>"]),
        ("VMS_FAILED_TO_COOPERATE", ["OpaqueRef:1", "OpaqueRef:2"], ["VM: u1 (web)", "VM: u2"]),
    ],
)
def test_parameters_of_api_errors(code: str, params: list[str], lines: list[str]) -> None:
    assert shown(XenAPIError(code, params)) == ("", "\n".join([ERROR_TEXTS[code], *lines]) + "\n")


def test_failures_of_several_objects_go_to_standard_output() -> None:
    failure = SeveralFailed([("u1", error("VM_IS_TEMPLATE", "OpaqueRef:1")), ("u2", CommandFailure("no disk"))])
    assert shown(failure) == (
        f"operation failed on u1: {ERROR_TEXTS['VM_IS_TEMPLATE']}\nvm: u1 (web)\noperation failed on u2: no disk\n",
        "",
    )
