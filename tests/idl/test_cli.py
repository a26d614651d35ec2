"""The thin-CLI protocol on the wire, byte for byte."""

import json
from pathlib import Path

import pytest

from idl import cli

# Worked out by hand from the layout: length, envelope, tag, body.
GOLDEN: list[tuple[cli.Message, str]] = [
    (cli.Print("hi"), "0e000000 09000000 00000000 02000000 6869"),
    (cli.Print("é"), "0e000000 09000000 00000000 02000000 c3a9"),
    (cli.PrintStderr("no\n"), "0f000000 09000000 10000000 03000000 6e6f0a"),
    (cli.Debug(""), "0c000000 09000000 0f000000 00000000"),
    (cli.Load("/a"), "0e000000 09000000 01000000 02000000 2f61"),
    (cli.Prompt(), "08000000 09000000 03000000"),
    (cli.Exit(1), "0c000000 09000000 04000000 01000000"),
    (cli.Exit(-1), "0c000000 09000000 04000000 ffffffff"),
    (cli.Error("E", ("x", "")), "1a000000 09000000 0e000000 01000000 45 02000000 01000000 78 00000000"),
    (cli.HttpGet("", "/e"), "12000000 09000000 0c000000 00000000 02000000 2f65"),
    (cli.HttpPut("f", "/i"), "13000000 09000000 0d000000 01000000 66 02000000 2f69"),
    (cli.HttpConnect("/c"), "0e000000 09000000 11000000 02000000 2f63"),
    (cli.Ok(), "08000000 0a000000 05000000"),
    (cli.Failed(), "08000000 0a000000 06000000"),
    (cli.Wait(), "08000000 0a000000 12000000"),
    (cli.Chunk(70000), "0c000000 0b000000 07000000 70110100"),
    (cli.End(), "08000000 0b000000 08000000"),
]

VECTORS = [p for parent in Path(__file__).parents if (p := parent / "shared/xe/vectors.json").exists()]


def frame(*numbers: int, tail: bytes = b"") -> bytes:
    payload = b"".join(n.to_bytes(4, "little", signed=True) for n in numbers) + tail
    return len(payload).to_bytes(4, "little") + payload


def messages(data: bytes) -> list[cli.Message | cli.Data]:
    decoder = cli.Decoder()
    decoder.feed(data)
    return list(decoder)


@pytest.mark.parametrize(("message", "wire"), GOLDEN)
def test_every_message_has_its_bytes(message: cli.Message, wire: str) -> None:
    assert cli.encode(message) == bytes.fromhex(wire)
    assert messages(bytes.fromhex(wire))[0] == message


def test_recorded_frames_are_reproduced() -> None:
    if not VECTORS:
        pytest.skip("no recorded frames on this machine")
    vectors = json.loads(VECTORS[0].read_text())
    assert cli.handshake().hex() == vectors["handshake"]
    for name, wire in vectors["frames"]:
        data = bytes.fromhex(wire)
        (message,) = messages(data)
        assert not isinstance(message, cli.Data)
        assert cli.encode(message) == data, name
        assert type(message).__name__.upper() == name.split()[0].upper()


def test_bytes_that_are_not_utf8_survive() -> None:
    wire = frame(9, 0, 2, tail=b"\xff\xfe")
    (message,) = messages(wire)
    assert isinstance(message, cli.Print)
    assert cli.encode(message) == wire


def test_a_stream_is_cut_into_messages_one_byte_at_a_time() -> None:
    sent: list[cli.Message] = [cli.Ok(), cli.Chunk(5), cli.End(), cli.Wait(), cli.Chunk(0), cli.End()]
    wire = b"".join(cli.encode(m) + (b"hello" if m == cli.Chunk(5) else b"") for m in sent)
    decoder = cli.Decoder()
    received: list[cli.Message | cli.Data] = []
    for i in range(len(wire)):
        decoder.feed(wire[i : i + 1])
        received += decoder
    assert b"".join(m.data for m in received if isinstance(m, cli.Data)) == b"hello"
    assert [m for m in received if not isinstance(m, cli.Data)] == sent
    assert decoder.idle


def test_a_cut_message_is_noticed() -> None:
    decoder = cli.Decoder()
    decoder.feed(cli.encode(cli.Exit(0))[:-1])
    assert list(decoder) == []
    assert not decoder.idle


@pytest.mark.parametrize(
    "wire",
    [
        frame(9),  # no message tag
        frame(9, 0, 99),  # a string longer than its frame
        frame(9, 0, -1),  # a negative length
        frame(9, 4, 0, 0),  # bytes left over
        frame(9, 14, 0, 2**30),  # a list longer than its frame
        frame(11, 7, -5),  # a negative chunk
        b"\xff\xff\xff\xff",  # a negative frame
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_malformed_frames_are_refused(wire: bytes) -> None:
    with pytest.raises(cli.ProtocolError):
        messages(wire)


@pytest.mark.parametrize("tag", [2, 5, 10, 11, 19])
def test_unknown_command_tags_are_named(tag: int) -> None:
    with pytest.raises(cli.UnknownTag) as caught:
        messages(frame(9, tag))
    assert (caught.value.kind, caught.value.tag) == ("command", tag)


def test_handshake_is_35_bytes_and_read_back() -> None:
    assert len(cli.handshake()) == cli.HANDSHAKE_SIZE == 35
    assert cli.parse_handshake(cli.handshake()) == cli.Version(0, 2)
    assert cli.parse_handshake(cli.handshake(0, 1)).takes_heartbeats is False
    with pytest.raises(cli.ProtocolError):
        cli.parse_handshake(b"HTTP/1.1 500 Internal Server Error\r\n")


def test_request_carries_one_argument_per_line() -> None:
    assert cli.request(["vm-list", "name-label=a b"], traceparent="00-1") == (
        b"POST /cli HTTP/1.0\r\nUser-agent: xe-cli/Unix/0.2\r\noriginator: cli\r\ntraceparent: 00-1\r\n"
        b"content-length: 22\r\n\r\nvm-list\nname-label=a b"
    )


def test_request_body_is_read_back() -> None:
    assert cli.parse_request(b"vm-list\r\nuuid=1") == cli.Request(("vm-list", "uuid=1"))
    assert cli.parse_request(b"session_id=OpaqueRef:1\r\nvm-list") == cli.Request(("vm-list",), "OpaqueRef:1")
