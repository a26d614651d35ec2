"""How the client finds a server, and what it says about those that are none."""

import subprocess
from pathlib import Path

import pytest

from idl import cli
from tests.xe.fake_server import Peer, Run, tcp_server, xe
from xe.connection import Target, target, target_of_url
from xe.options import Invocation


@pytest.mark.parametrize(
    ("invocation", "expected"),
    [
        (Invocation(("x",)), Target(unix="/var/lib/xcp/xapi", host="127.0.0.1", port=80)),
        (Invocation(("x",), port=8080), Target(unix="/var/lib/xcp/xapi", host="127.0.0.1", port=8080)),
        (Invocation(("x",), root="var/host1"), Target(unix="var/host1/var/lib/xcp/xapi")),
        (Invocation(("x",), root="/h/", port=81), Target(unix="/h/var/lib/xcp/xapi", host="127.0.0.1", port=81)),
        (Invocation(("x",), root="/"), Target(unix="/var/lib/xcp/xapi")),
        (Invocation(("x",), server="localhost"), Target(host="localhost", port=443, tls=True)),
        (Invocation(("x",), server="h", port=8443, root="/r"), Target(host="h", port=8443, tls=True)),
        (Invocation(("x",), server="h", tls=False), Target(host="h", port=80)),
        (Invocation(("x",), server="[::1]", tls=False), Target(host="::1", port=80)),
    ],
)
def test_where_the_command_goes(invocation: Invocation, expected: Target) -> None:
    assert target(invocation) == expected


LOCAL = Target(unix="/s", host="127.0.0.1", port=80)
REMOTE = Target(host="h", port=8443, tls=True)


@pytest.mark.parametrize(
    ("command", "url", "expected"),
    [
        (LOCAL, "/export?uuid=1", (LOCAL, "/export?uuid=1")),
        (REMOTE, "/export?uuid=1", (REMOTE, "/export?uuid=1")),
        (LOCAL, "https://other/export?a=b", (Target(host="other", port=443, tls=True), "/export?a=b")),
        (LOCAL, "https://[::1]:8443/x", (Target(host="::1", port=8443, tls=True), "/x")),
        (LOCAL, "https:///x", (LOCAL, "/x")),
        (Target(host="h", port=81), "https://other/x", (Target(host="other", port=81), "/x")),
    ],
)
def test_where_a_transfer_goes(command: Target, url: str, expected: tuple[Target, str]) -> None:
    assert target_of_url(command, url) == expected


def hello(peer: Peer) -> None:
    peer.greet()
    peer.say(cli.Print("hello"), cli.Exit(0))


def test_plain_tcp(tmp_path: Path) -> None:
    with tcp_server(hello) as server:
        assert xe("x", "-s", "localhost", "-p", str(server.port), "--nossl", home=tmp_path).out == b"hello\n"


def test_tcp_when_nobody_is_at_the_socket(tmp_path: Path) -> None:
    with tcp_server(hello) as server:
        done = xe("x", "-p", str(server.port), home=tmp_path, env={"XAPI_ROOT": str(tmp_path)})
    assert done.out == b"hello\n"


def test_tls_with_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        assert peer.greet() == ["x", "username=me", "password=secret"]
        peer.say(cli.Print("hello"), cli.Exit(0))

    certificate = tmp_path / "server.pem"
    files = ["-keyout", str(certificate), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=nobody", *files],
        check=True,
        capture_output=True,
    )
    certificate.write_text(certificate.read_text() + (tmp_path / "cert.pem").read_text())
    with tcp_server(script, certificate=certificate) as server:
        done = xe("x", "-s", "localhost", "-p", str(server.port), "-u", "me", "-pw", "secret", home=tmp_path)
    assert (done.code, done.out) == (0, b"hello\n")


def test_tls_to_a_server_that_speaks_plain(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.connection.recv(1000)
        peer.connection.sendall(b"what?\n" * 10)

    with tcp_server(script) as server:
        done = xe("x", "-s", "localhost", "-p", str(server.port), home=tmp_path)
    assert (done.code, done.err) == (1, "Unable to contact server. Please check server and port settings.\n")


def test_nobody_listens(tmp_path: Path, free_port: int) -> None:
    done = xe("x", "-s", "localhost", "-p", str(free_port), home=tmp_path)
    assert (done.code, done.err) == (1, "Error: Connection refused (calling connect )\n")


def test_a_host_in_a_folder_that_does_not_run(tmp_path: Path) -> None:
    done = xe("x", home=tmp_path, env={"XAPI_ROOT": str(tmp_path)})
    assert (done.code, done.err) == (1, "Error: No such file or directory (calling connect )\n")


def test_unknown_host_name(tmp_path: Path) -> None:
    done = xe("x", "-s", "no-such-host.invalid", home=tmp_path)
    assert (done.code, done.err) == (1, "Host 'no-such-host.invalid' not found.\n")


@pytest.mark.parametrize(
    ("answer", "message", "usage"),
    [
        (b"", "Unable to contact server. Please check server and port settings.\n", False),
        (b"HTTP/1.1 413 Too large\r\n\r\n", "Server internal error.\n", False),
        (b"XenSource thin", "Lost connection to the server.\n", False),
        (
            b"220 mail.example.org ESMTP ready, have a nice day\r\n",
            "No management agent answers at this address.\n",
            True,
        ),
        (b"short", "No management agent answers at this address.\n", True),
        (cli.handshake(1, 0), "Protocol version mismatch: ", True),
    ],
)
def test_what_answers_is_no_xapi(run: Run, answer: bytes, message: str, usage: bool) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.connection.sendall(answer)

    done = run(script, args=["x"])
    assert done.code == 1
    assert done.err.startswith(message)
    assert ("Usage: xe" in done.err) is usage


def test_a_server_that_refuses_a_request_without_reading_it(run: Run) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(b"HTTP/1.1 413 Too large\r\n\r\n")

    done = run(script, args=["x", *(f"a{n}={'x' * 100_000}" for n in range(10))])
    assert (done.code, done.err) == (1, "Server internal error.\n")
