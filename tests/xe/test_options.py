"""Which of the arguments are the client's own, and which value wins."""

from collections.abc import Mapping

import pytest

from xe.errors import ClientError
from xe.options import DebugOutput, Information, Invocation, parse, split_extra


def invocation(*argv: str, env: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None) -> Invocation:
    result = answer(*argv, env=env, files=files)
    assert isinstance(result, Invocation)
    return result


def answer(*argv: str, env: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None) -> Invocation | Information:
    def read_file(path: str) -> str:
        if path not in (files or {}):
            raise FileNotFoundError(2, "No such file or directory", path)
        return (files or {})[path]

    return parse(argv, {"HOME": "/home/u", **(env or {})}, read_file)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["vm-list"], Invocation(("vm-list",))),
        (["vm-list", "--minimal", "a=b=c"], Invocation(("vm-list", "--minimal", "a=b=c"))),
        (["-s", "h", "vm-list", "-u", "me", "-pw", "x"], Invocation(("vm-list",), "h", None, "me", "x")),
        (["vm-list", "server=h", "port=1", "username=", "password="], Invocation(("vm-list",), "h", 1, "", "")),
        (["-h", "h", "x", "--nossl"], Invocation(("x",), "h", tls=False)),
        (["x", "nossl=false"], Invocation(("x",))),
        (["x", "--debug"], Invocation(("x",), debug=DebugOutput.ALWAYS)),
        (["x", "debug=perhaps"], Invocation(("x",))),
        (["x", "--debug-on-fail"], Invocation(("x",), debug=DebugOutput.ON_FAILURE)),
        (["x", "--traceparent", "t"], Invocation(("x",), traceparent="t")),
        (["x", "device-config:username=u"], Invocation(("x", "device-config:username=u"))),
        (["x", "-s"], Invocation(("x", "-s"))),
        (["x", "-server", "h"], Invocation(("x", "-server", "h"))),
        (["x", "-s", "a", "-s", "b"], Invocation(("x",), "b")),
    ],
)
def test_connection_options_are_taken_out_wherever_they_stand(argv: list[str], expected: Invocation) -> None:
    assert invocation(*argv) == expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], Information.USAGE),
        (["-s", "h"], Information.USAGE),
        (["--help"], Information.USAGE),
        (["vm-list", "-help"], Information.USAGE),
        (["-version"], Information.VERSION),
    ],
)
def test_questions_that_need_no_server(argv: list[str], expected: Information) -> None:
    assert answer(*argv) is expected


@pytest.mark.parametrize("argv", [["x", "-p", "65536"], ["x", "port=-1"], ["x", "port=http"], ["x", "nossl=True"]])
def test_values_that_make_no_sense_show_the_usage(argv: list[str]) -> None:
    with pytest.raises(ClientError) as caught:
        answer(*argv)
    assert caught.value.usage


RC = {"/home/u/.xe": "server=rc\nusername=rc\n\npassword=rc\nport=3\nall=true\n"}
EXTRA = {"XE_EXTRA_ARGS": "server=extra,username=extra,--minimal"}


def test_the_command_line_beats_extra_arguments_beat_the_home_file() -> None:
    assert invocation("x", "server=own", env=EXTRA, files=RC) == Invocation(
        ("x", "--minimal", "all=true"), "own", 3, "extra", "rc"
    )


def test_traceparent_of_the_environment_loses_only_to_the_command_line() -> None:
    env = {"TRACEPARENT": "env", "XE_EXTRA_ARGS": "traceparent=extra"}
    assert invocation("x", env=env).traceparent == "env"
    assert invocation("x", "traceparent=own", env=env).traceparent == "own"


def test_a_home_file_with_a_bad_line_is_ignored_with_a_warning() -> None:
    result = invocation("x", files={"/home/u/.xe": "server=h\nnonsense\n"})
    assert result == Invocation(("x",))
    assert "nonsense" in result.warnings[0]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", []),
        ("a,b", ["a", "b"]),
        (",a,,b,", ["a", "b"]),
        (r"a\,b,c", ["a,b", "c"]),
        (r"a\b\\c", ["abc"]),
        ("-s,host,--minimal", ["-s", "host", "--minimal"]),
    ],
)
def test_extra_arguments_are_split_at_commas(text: str, items: list[str]) -> None:
    assert split_extra(text) == items


def test_password_file() -> None:
    result = invocation("x", "-pwf", "/f", files={"/f": "me\nse cret\n"})
    assert (result.username, result.password) == ("me", "se cret")


@pytest.mark.parametrize("files", [{}, {"/f": "only one line"}])
def test_password_file_that_cannot_serve(files: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="password file /f"):
        invocation("x", "passwordfile=/f", files=files)


def test_a_host_in_a_folder() -> None:
    assert invocation("x", env={"XAPI_ROOT": "var/host1"}).root == "var/host1"
    assert invocation("x", env={"XAPI_ROOT": ""}).root is None


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["vm-param-set", "name-label=a\nforce=true"], r"name-label=a\\nforce=true"),
        (["vm-list\n"], r"vm-list\\n"),
        (["vm-list", "-pw", "a\nusername=root"], "password$"),
        (["vm-list", "-u", "a\nb"], "username$"),
    ],
)
def test_line_breaks_are_refused_before_anything_is_sent(argv: list[str], shown: str) -> None:
    with pytest.raises(ClientError, match=f"^Error: xe cannot send line breaks: {shown}"):
        parse(argv, {}, lambda path: "")
