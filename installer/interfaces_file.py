"""``/etc/network/interfaces`` and its folder: stanzas of a card are put behind a mark, and brought back later (ifupdown)."""

from pathlib import Path

MARK = "#xapi-toolstack# "
FILES = (Path("/etc/network/interfaces"), Path("/etc/network/interfaces.d"))
STARTERS = ("iface", "mapping", "auto", "source", "source-directory", "no-auto-down", "no-scripts", "rename", "template")
BROUGHT_UP = ("auto", "no-auto-down")


def without(device: str, text: str) -> str:
    """Return *text* with everything about *device* commented out behind the mark (pure).

    A line ``auto eth0 eth1`` keeps what is said of others.
    """
    lines: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        words = line.split()
        if words and (words[0] in STARTERS or words[0].startswith("allow-")):
            inside = words[0] in ("iface", "mapping") and words[1:2] == [device]
            if (words[0] in BROUGHT_UP or words[0].startswith("allow-")) and device in words[1:]:
                lines.append(MARK + line)
                if others := [word for word in words[1:] if word != device]:
                    lines.append(" ".join([words[0], *others]) + "\n")
                continue
        lines.append(MARK + line if inside and words else line)
    return "".join(lines)


def with_marked(text: str) -> str:
    """Return *text* with what :func:`without` put behind the mark as it was (pure).

    A shortened ``auto`` line that follows stays: bringing an interface up twice is no mistake.
    """
    return "".join(line.removeprefix(MARK) for line in text.splitlines(keepends=True))


def comment_out(device: str) -> None:
    """Take *device* out of all files of ifupdown."""
    for path in _files():
        text = path.read_text()
        if (changed := without(device, text)) != text:
            _write(path, changed)


def uncomment() -> None:
    """Bring everything back that :func:`comment_out` took."""
    for path in _files():
        text = path.read_text()
        if (changed := with_marked(text)) != text:
            _write(path, changed)


def _files() -> list[Path]:
    main, folder = FILES
    return [path for path in (main, *sorted(folder.glob("*"))) if path.is_file()]


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text)
    draft.chmod(path.stat().st_mode & 0o777)
    draft.replace(path)
