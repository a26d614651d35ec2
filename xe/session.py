"""The conversation of one command: does what the server asks until it says with which code to exit."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from idl import cli
from xe import transfer
from xe.connection import BLOCK, Channel, Target
from xe.errors import ClientError, ConnectionLost, TransferFailed
from xe.files import NamedFiles
from xe.progress import Meter, on_terminal
from xe.terminal import Console

Log = Callable[[str], None]


class Session:
    """Carries out the server's commands on this machine.

    `where` is the server, for second connections; `named` the files that it may ask for; `log` gets the debug text.
    """

    def __init__(self, channel: Channel, where: Target, named: NamedFiles, log: Log) -> None:
        self._channel = channel
        self._where = where
        self._named = named
        self._log = log
        self._stdout: BinaryIO = sys.stdout.buffer
        self._unjudged = ""
        """The file fetched last, until the server has said whether it is whole: a download's end shows nothing."""

    def run(self) -> int:
        """The exit code. Raises ClientError, cli.ProtocolError."""
        code = 1
        try:
            code = self._obey_all()
        finally:
            if code and self._unjudged:
                with suppress(OSError):
                    os.unlink(self._unjudged)  # noqa: PTH108
        return code

    def _obey_all(self) -> int:
        while True:
            message = self._channel.receive(before_waiting=self._stdout.flush)
            if not isinstance(message, cli.Print):
                # Both streams often end in one pipe or terminal: keep the order in which the server wrote.
                self._stdout.flush()
            code = self._obey(message)
            if code is not None:
                return code

    def _obey(self, message: cli.Message | cli.Data) -> int | None:
        match message:
            case cli.Print(text):
                self._stdout.write(cli.text_to_bytes(text) + b"\n")
                self._unjudged = ""
            case cli.PrintStderr(text):
                _write_error(text)
            case cli.Debug(text):
                self._log(text)
            case cli.Error(code, params):
                _write_error(f"Error code: {code}\nError parameters: {', '.join(params)}\n")
            case cli.Exit(code):
                return code
            case cli.Prompt():
                self._prompt()
            case cli.Load(filename):
                self._load(filename)
            case cli.HttpGet(filename, url):
                if filename:
                    self._named.require(filename)
                return self._download(filename, url)
            case cli.HttpPut(filename, url):
                self._named.require(filename)
                meter = Meter(on_terminal())
                return self._move(lambda beat: transfer.upload(self._where, url, filename, beat, meter))
            case cli.HttpConnect(url):
                return self._move(lambda beat: self._console(url, beat))
            case _:
                raise cli.ProtocolError(f"the server sent {type(message).__name__}, which only clients send")
        return None

    def _download(self, filename: str, url: str) -> int | None:
        meter = Meter(on_terminal() if filename or not self._stdout.isatty() else None)

        def fetch(beat: transfer.Heartbeat) -> None:
            transfer.download(self._where, url, filename, self._stdout, beat, meter)
            self._unjudged = filename

        return self._move(fetch)

    def _prompt(self) -> None:
        line = sys.stdin.buffer.readline()
        if not line:
            raise ConnectionLost
        data = line.removesuffix(b"\n")
        self._channel.send_raw(cli.encode(cli.Chunk(len(data))) + data + cli.encode(cli.End()))

    def _load(self, filename: str) -> None:
        self._named.require(filename)
        try:
            file = open(filename, "rb")  # noqa: PTH123, SIM115  (pathlib costs start-up time; closed just below)
        except OSError as error:
            self._log(f"{filename}: {error.strerror}")
            self._channel.send(cli.Failed())
            return
        with file:
            self._send_file(file)

    def _send_file(self, file: BinaryIO) -> None:
        try:
            left = os.fstat(file.fileno()).st_size
            data = file.read(min(BLOCK, left))
        except OSError as error:  # a directory opens but does not read
            self._log(str(error))
            self._channel.send(cli.Failed())
            return
        if left >= 2**31:
            self._log(f"a file of {left} bytes is too large to load")
            self._channel.send(cli.Failed())
            return
        self._channel.send(cli.Ok(), cli.Chunk(left))
        while data:
            self._channel.send_raw(data)
            left -= len(data)
            data = file.read(min(BLOCK, left))
        if left:
            # The size is promised and the bytes are not there: the only honest end is to break off.
            raise ConnectionLost
        self._channel.send(cli.End())

    def _move(self, move: Callable[[transfer.Heartbeat], None]) -> int | None:
        """Runs one transfer and tells the server how it went; an exit code if the client has to stop."""
        try:
            move(transfer.Heartbeat(self._beat))
        except transfer.Refused as error:
            if error.status == 404:
                _write_error(f"Server replied with error {error}\n")
            self._not_moved(str(error))
        except transfer.Broken as error:
            # The server knows better why, and is about to say so.
            self._not_moved(f"the transfer's connection broke: {error}")
        except TransferFailed as error:
            _write_error(f"Operation failed. Error: {error}\n")
            self._channel.send(cli.Failed())
            return 1
        except ConnectionLost:
            raise
        except ClientError:
            with suppress(ConnectionLost):  # what went wrong first is the better message
                self._channel.send(cli.Failed())
            raise
        else:
            self._channel.send(cli.Ok())
        return None

    def _not_moved(self, reason: str) -> None:
        self._log(reason)
        self._channel.send(cli.Failed())

    def _console(self, url: str, heartbeat: transfer.Heartbeat) -> None:
        Console(sys.stdin.fileno(), sys.stdout.fileno(), heartbeat).run(self._where, url)

    def _beat(self) -> None:
        if self._channel.version.takes_heartbeats:
            self._channel.send(cli.Wait())


def _write_error(text: str) -> None:
    sys.stderr.buffer.write(cli.text_to_bytes(text))
    sys.stderr.buffer.flush()
