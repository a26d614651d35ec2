"""A client of the thin CLI protocol inside the test's own process: a command costs milliseconds instead of a process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from idl import cli
from xapi.server.context import App

PATIENCE = 60.0
BLOCK = 65536


@dataclass
class Talk:
    """What the server said to one command. Files are answered with `content`, questions with `answer`."""

    answer: str = "no"
    content: bytes = b"content"
    moves_files: bool = False
    frames: list[cli.Message | cli.Data] = field(default_factory=list)

    @property
    def code(self) -> int:
        last = self.frames[-1]
        assert isinstance(last, cli.Exit), f"the command ended with {last}"
        return last.code

    @property
    def out(self) -> str:
        return "".join(frame.text + "\n" for frame in self.frames if isinstance(frame, cli.Print))

    @property
    def err(self) -> str:
        return "".join(_error_text(frame) for frame in self.frames)

    @property
    def asked_for(self) -> list[str]:
        """The kinds of what the client had to do itself, in order."""
        wanted = (cli.Load, cli.Prompt, cli.HttpGet, cli.HttpPut, cli.HttpConnect)
        return [type(frame).__name__ for frame in self.frames if isinstance(frame, wanted)]

    def reply(self, frame: cli.Message | cli.Data) -> bytes:
        match frame:
            case cli.Load():
                return cli.encode(cli.Ok()) + _blob(self.content)
            case cli.Prompt():
                return _blob(cli.text_to_bytes(self.answer))
            case cli.HttpGet() | cli.HttpPut() | cli.HttpConnect():
                return cli.encode(cli.Ok() if self.moves_files else cli.Failed())
        return b""


def _error_text(frame: cli.Message | cli.Data) -> str:
    match frame:
        case cli.PrintStderr(text):
            return text
        case cli.Error(code, params):
            return f"Error code: {code}\nError parameters: {', '.join(params)}\n"
    return ""


def _blob(data: bytes) -> bytes:
    return cli.encode(cli.Chunk(len(data))) + data + cli.encode(cli.End())


async def talk(app: App, lines: Sequence[str], how: Talk | None = None, *, patience: float = PATIENCE) -> Talk:
    """Runs one command over the root socket. Raises TimeoutError, EOFError."""
    how = how or Talk()
    reader, writer = await asyncio.open_unix_connection(str(app.root.xapi_socket))
    try:
        async with asyncio.timeout(patience):
            await _converse(reader, writer, lines, how)
    finally:
        writer.close()
    return how


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lines: Sequence[str], how: Talk) -> None:
    writer.write(cli.request((*lines, "username=root", "password=null")))
    assert await reader.readexactly(cli.HANDSHAKE_SIZE) == cli.handshake()
    writer.write(cli.handshake())
    decoder = cli.Decoder()
    while data := await reader.read(BLOCK):
        decoder.feed(data)
        for frame in decoder:
            how.frames.append(frame)
            writer.write(how.reply(frame))
            if isinstance(frame, cli.Exit):
                return
    raise EOFError(f"{lines[0]} ended without an exit code")
