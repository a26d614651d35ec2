"""The client does what the server asks, as a dialogue."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from idl import cli
from tests.xe.fake_server import REPOSITORY, Peer, Run, environment, unix_server


def test_prints_and_exits_with_the_servers_code(run: Run) -> None:
    def script(peer: Peer) -> None:
        assert peer.greet() == ["vm-list", "name-label=a b", "username=root", "password=null"]
        peer.say(cli.Print("one"), cli.PrintStderr("two"), cli.Print("three"), cli.Exit(3))

    done = run(script, args=["vm-list", "name-label=a b"])
    assert (done.code, done.out, done.err) == (3, b"one\nthree\n", "two")


def test_output_is_written_as_bytes_whatever_the_locale(run: Run) -> None:
    def script(peer: Peer) -> None:
        assert peer.greet()[1] == "x=\udcff\u00e9"
        peer.say(cli.Print("\udcff\u00e9"), cli.Exit(0))

    assert run(script, args=["x", "x=\udcff\u00e9"], env={"LC_ALL": "C.UTF-8"}).out == b"\xff\xc3\xa9\n"


def test_output_is_seen_before_the_command_ends(tmp_path: Path) -> None:
    def prompting(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Print("first"), cli.Prompt())
        assert peer.hear_blob() == b"seen"
        peer.say(cli.Exit(0))

    with (
        unix_server(tmp_path, prompting),
        subprocess.Popen(
            [sys.executable, "-m", "xe", "x"],
            env=environment(tmp_path, {"XAPI_ROOT": str(tmp_path)}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as client,
    ):
        assert client.stdout is not None and client.stdin is not None
        assert client.stdout.readline() == b"first\n"
        client.stdin.write(b"seen\n")
        client.stdin.flush()
        assert client.wait(60) == 0


def test_an_error_without_description_is_shown_with_its_parameters(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Error("SR_BACKEND_FAILURE_90", ("", "The request is missing the device parameter", "")))
        peer.say(cli.Exit(1))

    done = run(script, args=["sr-create"])
    assert done.err == ("Error code: SR_BACKEND_FAILURE_90\nError parameters: , The request is missing the device parameter, \n")
    assert done.code == 1


def test_debug_text_is_shown_only_when_asked_for(run: Run) -> None:
    def script(peer: Peer) -> None:
        assert peer.greet()[:-2] == ["x"]
        peer.say(cli.Debug("inner"), cli.Exit(1))

    def good(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Debug("inner"), cli.Exit(0))

    assert "inner" not in run(script, args=["x"]).err


@pytest.mark.parametrize(("switch", "code", "shown"), [("--debug", 0, True), ("--debug-on-fail", 0, False)])
def test_debug_switches(run: Run, switch: str, code: int, shown: bool) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Debug("inner"), cli.Exit(code))

    assert ("inner" in run(script, args=["x", switch]).err) is shown


def test_debug_on_fail_shows_when_it_fails(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Debug("inner"), cli.Exit(1))

    assert "inner\n" in run(script, args=["x", "debugonfail=true"]).err


def test_prompt_answers_with_one_line(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Print("Type 'yes' to continue"), cli.Prompt())
        assert peer.hear_blob() == b"yes"
        peer.say(cli.Exit(0))

    assert run(script, args=["vm-uninstall"], stdin=b"yes\nmore\n").code == 0


def test_prompt_without_anybody_to_answer(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Prompt())
        assert peer.read_to_end() == b""

    done = run(script, args=["vm-uninstall"])
    assert (done.code, done.err) == (1, "Lost connection to the server.\n")


def test_load_sends_a_named_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "licence").write_bytes(b"\x00data" * 50_000)

    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Load("licence"))
        assert peer.hear() == cli.Ok()
        assert peer.hear_blob() == b"\x00data" * 50_000
        peer.say(cli.Exit(0))

    assert run(script, args=["host-license-add", "license-file= ./licence "]).code == 0


@pytest.mark.parametrize("name", ["missing", "."])
def test_load_of_an_unreadable_file_fails_and_goes_on(run: Run, name: str) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Load(name))
        assert peer.hear() == cli.Failed()
        peer.say(cli.PrintStderr("no file\n"), cli.Exit(1))

    done = run(script, args=["x", f"file={name}"])
    assert (done.code, done.err) == (1, "no file\n")


@pytest.mark.parametrize(
    "command", [cli.Load("/etc/passwd"), cli.HttpGet("/etc/new", "/x"), cli.HttpPut("../../etc/passwd", "/x")]
)
def test_a_file_that_the_user_did_not_name_is_refused(run: Run, command: cli.Command) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(command)
        assert peer.read_to_end() == b""

    done = run(script, args=["vm-list", "filename=passwd", "/etc/passwd"])
    assert done.code == 1
    assert done.err.startswith("File not permitted: ")


def test_an_unknown_command_ends_the_client(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.connection.sendall(bytes.fromhex("08000000 09000000 63000000"))
        peer.read_to_end()

    done = run(script, args=["x"])
    assert done.code == 1
    assert done.err.startswith("Unhandled exception")


@pytest.mark.parametrize("message", [cli.Ok(), cli.End(), cli.Chunk(2**31 - 1)])
def test_a_message_that_only_clients_send_ends_the_client(run: Run, message: cli.Message) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(message)
        peer.read_to_end()

    assert run(script, args=["x"]).err.startswith("Unhandled exception")


def test_a_server_that_goes_away_is_a_lost_connection(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.connection.sendall(cli.encode(cli.Print("hello")) + cli.encode(cli.Exit(0))[:5])

    done = run(script, args=["x"])
    assert (done.code, done.out, done.err) == (1, b"hello\n", "Lost connection to the server.\n")


def test_a_reader_that_has_enough_is_no_traceback(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        with suppress(BrokenPipeError, ConnectionResetError):
            peer.say(*[cli.Print("y" * 60_000) for _ in range(50)])
            peer.read_to_end()

    with (
        unix_server(tmp_path, script),
        subprocess.Popen(
            [sys.executable, "-m", "xe", "x"],
            env=environment(tmp_path, {"XAPI_ROOT": str(tmp_path)}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as client,
    ):
        assert client.stdout is not None and client.stderr is not None
        client.stdout.read(10)
        client.stdout.close()
        assert client.stderr.read() == b""
        assert client.wait(60) == 1


def test_interrupt_exits_with_one(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Print("waiting"))
        peer.read_to_end()

    with (
        unix_server(tmp_path, script),
        subprocess.Popen(
            [sys.executable, "-m", "xe", "event-wait"],
            env=environment(tmp_path, {"XAPI_ROOT": str(tmp_path)}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as client,
    ):
        assert client.stdout is not None and client.stderr is not None
        assert client.stdout.readline() == b"waiting\n"
        client.send_signal(signal.SIGINT)
        assert client.wait(60) == 1
        assert client.stderr.read() == b""


IMPORT_ALL = "import sys; sys.path.insert(0, sys.argv[1]); import xe.__main__; print(*sys.modules)"


def test_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", IMPORT_ALL, REPOSITORY],
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"ssl", "asyncio", "http.client", "subprocess", "logging", "json", "hashlib", "getpass", "difflib", "rich"}
    assert heavy.isdisjoint(done.stdout.split())
