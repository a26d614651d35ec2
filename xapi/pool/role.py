"""This host's role in its pool: the file ``/etc/xensource/pool.conf`` in its three forms.

Read once per process: changing the role always means a restart.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

_SUPPORTER: Final = "slave:"


@dataclass(frozen=True, slots=True)
class Coordinator:
    """This host answers for its pool (``master``)."""


@dataclass(frozen=True, slots=True)
class Supporter:
    """Another host does (``slave:<address>``)."""

    coordinator: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Nobody knows: only the emergency calls are answered (``broken``)."""


Role: TypeAlias = Coordinator | Supporter | Broken


def parse(text: str) -> Role:
    """Return the role that the file's text names; whatever cannot be understood is `Broken`."""
    word = text.strip()
    if word == "master":
        return Coordinator()
    if word.startswith(_SUPPORTER) and word != _SUPPORTER:
        return Supporter(word.removeprefix(_SUPPORTER).strip())
    return Broken()


def text_of(role: Role) -> str:
    """Return the file's text for a role."""
    match role:
        case Coordinator():
            return "master"
        case Supporter(address):
            return f"{_SUPPORTER}{address}"
        case Broken():
            return "broken"


def read(file: Path) -> Role:
    """Return the role in *file*; a file that cannot be read means `Broken`."""
    try:
        return parse(file.read_text())
    except (OSError, UnicodeDecodeError):
        return Broken()


def write(file: Path, role: Role) -> None:
    """Write the role, whole or not at all."""
    replace(file, text_of(role), 0o644)


def replace(file: Path, text: str, mode: int = 0o600) -> None:
    """Write a small file whole or not at all, safe on disk when this returns, with *mode* from the start."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.rename(file)
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
