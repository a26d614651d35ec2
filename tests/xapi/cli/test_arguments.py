"""How the lines of a request become parameters."""

import pytest

from xapi.cli.arguments import Arguments, parse
from xapi.cli.failures import CommandFailure, MissingParameter, SyntaxFailure
from xapi.errors import XenAPIError


@pytest.mark.parametrize(
    ("lines", "params"),
    [
        ([], []),
        (["uuid=1", "name-label=a=b", "bare"], [("uuid", "1"), ("name-label", "a=b"), ("bare", "")]),
        (["--force", "--any"], [("force", "true"), ("any", "true")]),
        (["--x=y"], [("x=y", "true")]),
        (["-u", "root", "-pw", "x", "-s", "h", "-h", "i", "-p", "1"],
         [("username", "root"), ("password", "x"), ("server", "h"), ("server", "i"), ("port", "1")]),
        (["-s", "--force"], [("server", "--force")]),
        ([""], [("", "")]),
    ],
)  # fmt: skip
def test_each_line_is_a_parameter(lines: list[str], params: list[tuple[str, str]]) -> None:
    assert parse(["vm-list", *lines]) == Arguments("vm-list", tuple(params))


@pytest.mark.parametrize("lines", [[], [""], ["a=b"], ["x", "-q", "1"], ["x", "-s"], ["x", "-"]])
def test_what_cannot_be_read_is_a_syntax_error_without_a_reason(lines: list[str]) -> None:
    with pytest.raises(SyntaxFailure, match=r"^Syntax error: $"):
        parse(lines)


def test_the_first_of_a_name_counts() -> None:
    arguments = parse(["x", "a=1", "a=2", "empty="])
    assert arguments.get("a") == "1"
    assert arguments.required("empty") == ""
    with pytest.raises(MissingParameter, match=r"^Required parameter not found: b$"):
        arguments.required("b")


def test_map_parameters_take_any_separator() -> None:
    arguments = parse(["x", "device-config:location=/a", "device-config-type=iso", "device-config:=no", "device=no"])
    assert arguments.map("device-config") == {"location": "/a", "type": "iso"}


def test_minimal_takes_exact_words_and_flags_take_many() -> None:
    assert parse(["x", "--minimal"]).minimal
    assert not parse(["x"]).minimal
    assert parse(["x", "force=Y"]).flag("force")
    with pytest.raises(XenAPIError):
        _ = parse(["x", "minimal=yes"]).minimal
    with pytest.raises(CommandFailure, match="force"):
        parse(["x", "force=maybe"]).flag("force")


def test_others_leave_out_what_every_command_has() -> None:
    arguments = parse(["x", "uuid=1", "--minimal", "name-label=a", "username=u", "params=b"])
    assert arguments.others(["params"]) == [("uuid", "1"), ("name-label", "a")]
