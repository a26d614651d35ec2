"""The console: bytes both ways through a real pseudo-terminal, Ctrl-] as the way out."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

from idl import cli
from tests.xe.fake_server import Peer, Run, environment, unix_server

OK_HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


def connect(peer: Peer) -> None:
    assert peer.read_head() == ["CONNECT /console?uuid=1 HTTP/1.0", "content-length: 0"]
    peer.connection.sendall(OK_HEAD)


def command(peer: Peer) -> None:
    peer.greet()
    peer.say(cli.HttpConnect("/console?uuid=1"))
    assert peer.hear() == cli.Ok()
    peer.say(cli.Exit(0))


def test_keys_go_out_and_output_comes_in(run: Run) -> None:
    def console(peer: Peer) -> None:
        connect(peer)
        assert peer.read_exactly(3) == b"ls\r"
        peer.connection.sendall(b"a b c")

    done = run(command, console, args=["console"], stdin=b"ls\r")
    assert (done.code, done.out) == (0, b"a b c")


def test_the_last_keys_before_the_escape_still_arrive(run: Run) -> None:
    def console(peer: Peer) -> None:
        connect(peer)
        assert peer.read_to_end() == b"reboot\r"

    assert run(command, console, args=["console"], stdin=b"reboot\r\x1dnot this").code == 0


def test_output_with_the_header_is_not_lost(run: Run) -> None:
    def console(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(OK_HEAD + b"login: ")

    assert run(command, console, args=["console"]).out == b"login: "


def test_no_such_console(run: Run) -> None:
    def console(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")

    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.HttpConnect("/console"))
        assert peer.hear() == cli.Failed()
        peer.say(cli.Exit(1))

    done = run(script, console, args=["console"])
    assert (done.code, done.err) == (1, "Server replied with error 404 Not Found\n")


def test_a_terminal_is_raw_survives_a_broken_connection_and_is_put_back(tmp_path: Path) -> None:
    def broken(peer: Peer) -> None:
        connect(peer)
        peer.connection.sendall(b"first")

    def mended(peer: Peer) -> None:
        connect(peer)
        peer.connection.sendall(b"second")
        assert peer.read_exactly(2) == b"\x03z"
        peer.read_to_end()

    master, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    with (
        unix_server(tmp_path, command, broken, mended),
        subprocess.Popen(
            [sys.executable, "-m", "xe", "console"],
            env=environment(tmp_path, {"XAPI_ROOT": str(tmp_path)}),
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as client,
    ):
        assert client.stdout is not None and client.stderr is not None
        assert os.read(client.stdout.fileno(), 100) == b"first"
        assert os.read(client.stdout.fileno(), 100) == b"second"
        os.write(master, b"\x03z\x1d")
        assert client.wait(60) == 0
        assert b"trying again" in client.stderr.read()
    assert termios.tcgetattr(terminal) == before
    os.close(master)
    os.close(terminal)
