"""What people at a terminal get and scripts do not."""

import subprocess
import time
from pathlib import Path

import pytest

from idl import cli
from tests.xe.fake_server import Peer, Run, tcp_server, unix_server, xe
from tests.xe.person import xe_at_a_terminal

OK_HEAD = b"HTTP/1.1 200 OK\r\n"


def headers(peer: Peer, seen: list[str]) -> None:
    """Notes the request's headers and ends the command."""
    head = peer.read_head()
    seen += head[1:]
    (length,) = [int(line.split(": ")[1]) for line in head if line.startswith("content-length: ")]
    peer.read_exactly(length)
    peer.connection.sendall(cli.handshake())
    peer.read_exactly(35)
    peer.say(cli.Exit(0))


def test_a_script_sends_the_originals_headers_and_no_other(run: Run) -> None:
    seen: list[str] = []
    assert run(lambda peer: headers(peer, seen), args=["vm-list"]).code == 0
    assert [line.split(":")[0] for line in seen] == ["User-agent", "originator", "content-length"]


@pytest.mark.parametrize(
    ("env", "words"),
    [({}, "colour hints"), ({"NO_COLOR": "1"}, "hints"), ({"TERM": "dumb"}, "hints")],
)
def test_a_terminal_is_announced(tmp_path: Path, env: dict[str, str], words: str) -> None:
    seen: list[str] = []
    with unix_server(tmp_path, lambda peer: headers(peer, seen)):
        person = xe_at_a_terminal("vm-list", home=tmp_path, env={"XAPI_ROOT": str(tmp_path), **env})
        assert person.ends() == (0, "")
    assert f"terminal: {words}" in seen


def test_the_password_is_asked_for_and_not_shown(tmp_path: Path) -> None:
    given: list[str] = []

    def script(peer: Peer) -> None:
        given.extend(peer.greet())
        peer.say(cli.Exit(0))

    with tcp_server(script) as server:
        person = xe_at_a_terminal(
            "vm-list", "-s", "localhost", "-p", str(server.port), "--nossl", "-u", "admin", home=tmp_path
        )
        person.sees("Password for admin@localhost: ")
        person.types("geheim\n")
        code, shown = person.ends()
    assert code == 0 and "geheim" not in shown
    assert given == ["vm-list", "username=admin", "password=geheim"]


def slowly(peer: Peer) -> None:
    """A download of 3 MB that takes long enough for people to be told."""
    peer.read_head()
    peer.connection.sendall(OK_HEAD + b"Content-Length: 3000000\r\n\r\n")
    for _ in range(3):
        peer.connection.sendall(bytes(1_000_000))
        time.sleep(0.6)


def download(peer: Peer) -> None:
    peer.greet()
    peer.say(cli.HttpGet("out", "/export"))
    assert peer.hear() == cli.Ok()
    peer.say(cli.Print("Export succeeded"), cli.Exit(0))


def test_a_long_download_shows_how_far_it_is_and_cleans_up(tmp_path: Path) -> None:
    with unix_server(tmp_path, download, slowly):
        person = xe_at_a_terminal("vm-export", "filename=out", home=tmp_path, env={"XAPI_ROOT": str(tmp_path)})
        assert "%  " in person.sees(" left")
        code, shown = person.ends()
    assert code == 0 and shown.endswith("\r\033[KExport succeeded\n")
    assert (tmp_path / "out").stat().st_size == 3_000_000


def test_a_script_is_shown_nothing_of_it(run: Run) -> None:
    done = run(download, slowly, args=["vm-export", "filename=out"])
    assert (done.out, done.err) == (b"Export succeeded\n", "")


def make_certificate(folder: Path, name: str) -> Path:
    key, certificate, both = (folder / f"{name}.{suffix}" for suffix in ("key", "crt", "pem"))
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "2"]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both


def test_a_changed_certificate_is_asked_about_before_the_password_leaves(tmp_path: Path) -> None:
    def greet(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.Exit(0))

    def hears_nothing(peer: Peer) -> None:
        assert peer.read_to_end() == b""

    with tcp_server(greet, certificate=make_certificate(tmp_path, "one")) as server:
        port = server.port
        words = ["vm-list", "-s", "localhost", "-p", str(port), "-u", "root", "-pw", "secret"]
        assert xe(*words, home=tmp_path).code == 0
    remembered = (tmp_path / ".xe-known-hosts").read_text()
    assert remembered.startswith(f"localhost:{port} SHA256:")
    (tmp_path / ".xe-known-hosts").write_text(f"localhost:{port} SHA256:another\n")

    with tcp_server(hears_nothing, certificate=tmp_path / "one.pem") as server:
        (tmp_path / ".xe-known-hosts").write_text(f"localhost:{server.port} SHA256:another\n")
        words[4] = str(server.port)
        person = xe_at_a_terminal(*words, home=tmp_path)
        person.sees("Type 'yes' to trust it from now on: ")
        person.types("no\n")
        code, shown = person.ends()
    assert code == 1 and shown.endswith("was not accepted.\n")
    with tcp_server(greet, certificate=tmp_path / "one.pem") as server:
        (tmp_path / ".xe-known-hosts").write_text(f"localhost:{server.port} SHA256:another\n")
        words[4] = str(server.port)
        assert xe(*words, home=tmp_path).code == 0, "a script goes on, as with the original"
