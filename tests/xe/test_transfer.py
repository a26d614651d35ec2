"""Files over a second connection, against a server that checks every byte."""

from pathlib import Path

import pytest

from idl import cli
from tests.xe.fake_server import Peer, Run, Script, tcp_server, xe
from xe.transfer import Heartbeat

CONTENT = bytes(range(256)) * 1000
OK_HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


def command(message: cli.Command, answer: cli.Message, code: int = 0) -> Script:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(message)
        assert peer.hear() == answer
        if code >= 0:
            peer.say(cli.Exit(code))

    return script


def test_download_makes_a_private_file(run: Run, tmp_path: Path) -> None:
    def get(peer: Peer) -> None:
        assert peer.read_head() == ["GET /export?uuid=1 HTTP/1.0"]
        peer.connection.sendall(OK_HEAD + CONTENT)

    done = run(command(cli.HttpGet("out.xva", "/export?uuid=1"), cli.Ok()), get, args=["vm-export", "filename=out.xva"])
    assert done.code == 0
    assert (tmp_path / "out.xva").read_bytes() == CONTENT
    assert (tmp_path / "out.xva").stat().st_mode & 0o777 == 0o600


def test_download_to_standard_output(run: Run) -> None:
    def get(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(OK_HEAD + CONTENT)

    assert run(command(cli.HttpGet("", "/export"), cli.Ok()), get, args=["vm-export", "filename="]).out == CONTENT


def test_download_never_overwrites(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious")

    def get(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(OK_HEAD)

    done = run(command(cli.HttpGet("out", "/export"), cli.Failed(), -1), get, args=["vm-export", "filename=out"])
    assert (done.code, done.err) == (1, "Operation failed. Error: out: File exists\n")
    assert (tmp_path / "out").read_text() == "precious"


def test_redirects_are_followed(run: Run, tmp_path: Path) -> None:
    def other_host(peer: Peer) -> None:
        assert peer.read_head() == ["GET /export?b HTTP/1.0"]
        peer.connection.sendall(OK_HEAD + b"there")

    def redirect(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /export?b\r\n\r\n")

    done = run(command(cli.HttpGet("out", "/export?a"), cli.Ok()), redirect, other_host, args=["vm-export", "filename=out"])
    assert done.code == 0
    assert (tmp_path / "out").read_bytes() == b"there"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 500 no\r\n\r\n", b"HTTP/1.1 401 who\r\n\r\n", b"", b"garbage\r\n\r\n"])
def test_a_refused_download_leaves_the_message_to_the_server(run: Run, tmp_path: Path, answer: bytes) -> None:
    def get(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(answer)

    done = run(command(cli.HttpGet("out", "/export"), cli.Failed(), 1), get, args=["vm-export", "filename=out"])
    assert (done.code, done.err) == (1, "")
    assert not (tmp_path / "out").exists()


def test_upload_waits_for_the_answer_before_the_body(run: Run, tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(CONTENT)

    def put(peer: Peer) -> None:
        assert peer.read_head() == ["PUT /import?x HTTP/1.0", f"Content-length: {len(CONTENT)}"]
        peer.connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.connection.recv(1)
        peer.connection.settimeout(60)
        peer.connection.sendall(OK_HEAD)
        assert peer.read_to_end() == CONTENT

    done = run(command(cli.HttpPut("disk", "/import?x"), cli.Ok()), put, args=["vdi-import", "filename=disk"])
    assert done.code == 0


def test_upload_of_a_pipe_has_no_length(run: Run, tmp_path: Path) -> None:
    def put(peer: Peer) -> None:
        assert peer.read_head() == ["PUT /import HTTP/1.0"]
        peer.connection.sendall(OK_HEAD)
        assert peer.read_to_end() == b"streamed"

    done = run(
        command(cli.HttpPut("/dev/stdin", "/import"), cli.Ok()),
        put,
        args=["vm-import", "filename=/dev/stdin"],
        stdin=b"streamed",
    )
    assert done.code == 0


def test_upload_of_a_missing_file_never_connects(run: Run) -> None:
    done = run(command(cli.HttpPut("gone", "/import"), cli.Failed(), -1), args=["vm-import", "filename=gone"])
    assert (done.code, done.err) == (1, "Operation failed. Error: gone: No such file or directory\n")


def test_a_server_that_goes_away_during_an_upload_says_why(run: Run, tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"\0" * 50_000_000)

    def put(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(OK_HEAD)
        peer.read_exactly(100_000)

    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.HttpPut("disk", "/import"))
        assert peer.hear() == cli.Failed()
        peer.say(cli.PrintStderr("The SR is full\n"), cli.Exit(1))

    done = run(script, put, args=["vdi-import", "filename=disk"])
    assert (done.code, done.err) == (1, "The SR is full\n")


def test_a_url_with_a_host_goes_there(tmp_path: Path) -> None:
    def get(peer: Peer) -> None:
        assert peer.read_head() == ["GET /export HTTP/1.0"]
        peer.connection.sendall(OK_HEAD + b"x")

    with (
        tcp_server(get) as other,
        tcp_server(command(cli.HttpGet("", f"https://127.0.0.1:{other.port}/export"), cli.Ok())) as server,
    ):
        done = xe("x", "-s", "localhost", "-p", str(server.port), "--nossl", home=tmp_path)
    assert (done.code, done.out) == (0, b"x")


def test_heartbeats_come_after_the_protocols_interval() -> None:
    now = 0.0
    beats: list[float] = []
    heartbeat = Heartbeat(lambda: beats.append(now), clock=lambda: now)
    for moment in (0.0, 299.0, 300.0, 301.0, 599.0, 600.0):
        now = moment
        heartbeat.tick()
    assert beats == [300.0, 600.0]


def test_a_download_that_breaks_off_leaves_no_file(run: Run, tmp_path: Path) -> None:
    def get(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.HttpGet("out", "/export"))
        assert peer.hear() == cli.Failed()
        peer.say(cli.PrintStderr("The disk broke\n"), cli.Exit(1))

    done = run(script, get, args=["vdi-export", "filename=out"])
    assert (done.code, done.err) == (1, "The disk broke\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("vanishes", [False, True])
def test_a_download_that_the_server_calls_failed_leaves_no_file(run: Run, tmp_path: Path, vanishes: bool) -> None:
    """The stream's end shows nothing: the server knows whether it was whole."""

    def get(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(OK_HEAD + b"half")

    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.HttpGet("out", "/export"))
        assert peer.hear() == cli.Ok()
        if not vanishes:
            peer.say(cli.PrintStderr("The disk broke\n"), cli.Exit(1))

    done = run(script, get, args=["vdi-export", "filename=out"])
    assert done.code == 1
    assert done.err == ("Lost connection to the server.\n" if vanishes else "The disk broke\n")
    assert not (tmp_path / "out").exists()


def test_files_that_were_exported_before_one_failed_stay(run: Run, tmp_path: Path) -> None:
    def get(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(OK_HEAD + CONTENT)

    def script(peer: Peer) -> None:
        peer.greet()
        for name in ("one", "two"):
            peer.say(cli.HttpGet(name, "/export"))
            assert peer.hear() == cli.Ok()
            if name == "one":
                peer.say(cli.Print("Export succeeded"))
        peer.say(cli.PrintStderr("The second broke\n"), cli.Exit(1))

    assert run(script, get, get, args=["vm-export", "a=one", "b=two"]).code == 1
    assert (tmp_path / "one").read_bytes() == CONTENT
    assert not (tmp_path / "two").exists()


def test_a_server_that_goes_away_altogether_during_an_upload(run: Run, tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(bytes(50_000_000))

    def put(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(OK_HEAD)
        peer.read_exactly(100_000)

    def script(peer: Peer) -> None:
        peer.greet()
        peer.say(cli.HttpPut("disk", "/import"))
        peer.read_exactly(1)

    done = run(script, put, args=["vdi-import", "filename=disk"])
    assert (done.code, done.err) == (1, "Lost connection to the server.\n")


def test_redirects_without_end_are_given_up(run: Run) -> None:
    def again(peer: Peer) -> None:
        peer.read_head()
        peer.connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /export\r\n\r\n")

    done = run(command(cli.HttpGet("out", "/export"), cli.Failed(), 1), *[again] * 10, args=["vm-export", "filename=out"])
    assert done.code == 1
