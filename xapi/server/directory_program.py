"""Directories that are executables: ``/etc/xapi.d/extauth/<type> <method>``, JSON on both sides.

The method is the first argument, its parameters are an object on standard input, and what it prints is
``{"result": …}`` or ``{"error": "refused" | "unresolved" | "service", "message": …, "kind": …}``:

=====================  ============================  ==========================================
``authenticate``       ``user``, ``password``        the subject's identifier
``identifier``         ``name``                      the subject's identifier
``information``        ``identifier``                an object of strings, with ``subject-name``
``groups``             ``identifier``                a list of identifiers
``enable``             ``config``, ``service``       the settings to keep
``disable``            ``config``                    anything
``start``                                            anything
=====================  ============================  ==========================================
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from idl.paths import Root
from xapi.server.directory import DirectoryError, Refused, ServiceFailure, Unresolved

PLACE = "/etc/xapi.d/extauth"
TIMEOUT = 120.0
T = TypeVar("T")


class _Answer(msgspec.Struct):
    result: Any = None
    error: str = ""
    message: str = ""
    kind: str = ""


def program(root: Root, kind: str) -> Path | None:
    """Return the executable for directories of type *kind*, if there is one."""
    try:
        # Looked for among what is there: the name is a client's.
        found = next((path for path in root.under(PLACE).iterdir() if path.name == kind), None)
    except OSError:
        return None
    return found if found is not None and found.is_file() and os.access(found, os.X_OK) else None


class ProgramDirectory:
    """Implements `xapi.server.directory.Directory`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def authenticate(self, user: str, password: str) -> str:
        return await self._ask("authenticate", str, user=user, password=password)

    async def identifier(self, name: str) -> str:
        return await self._ask("identifier", str, name=name)

    async def information(self, identifier: str) -> dict[str, str]:
        return await self._ask("information", dict[str, str], identifier=identifier)

    async def groups(self, identifier: str) -> list[str]:
        return await self._ask("groups", list[str], identifier=identifier)

    async def enable(self, config: Mapping[str, str], service: str) -> dict[str, str]:
        return await self._ask("enable", dict[str, str], config=dict(config), service=service)

    async def disable(self, config: Mapping[str, str]) -> None:
        await self._ask("disable", object, config=dict(config))

    async def start(self) -> None:
        await self._ask("start", object)

    async def _ask(self, method: str, wanted: type[T], **params: Any) -> T:
        """Run the program once. :raises DirectoryError: what it answered, or ServiceFailure where it answered nothing good."""
        try:
            process = await asyncio.create_subprocess_exec(
                str(self._path),
                method,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as reason:
            raise ServiceFailure(f"{self._path.name} cannot be run: {reason.strerror}") from reason
        try:
            async with asyncio.timeout(TIMEOUT):
                out, err = await _converse(process, msgspec.json.encode(params))
        except TimeoutError:
            raise ServiceFailure(f"{self._path.name} {method} did not end within {TIMEOUT:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            answer = msgspec.json.decode(out, type=_Answer)
            if answer.error:
                raise _failure(answer)
            return msgspec.convert(answer.result, wanted)
        except msgspec.MsgspecError as reason:
            said = err.decode(errors="replace").strip() or str(reason)
            raise ServiceFailure(f"{self._path.name} {method} (exit code {process.returncode}): {said}") from reason


async def _converse(process: asyncio.subprocess.Process, question: bytes) -> tuple[bytes, bytes]:
    """Return what a program writes, read or not what it is asked."""
    try:
        return await process.communicate(question)
    except RuntimeError:
        # How uvloop says that the program has ended before it read all.
        return await process.communicate()


def _failure(answer: _Answer) -> DirectoryError:
    match answer.error:
        case "refused":
            return Refused(answer.message)
        case "unresolved":
            return Unresolved(answer.message)
        case _:
            return ServiceFailure(answer.message, answer.kind)
