"""``python -m xapi.coverage``: how much of the API is answered, as a page; and, if asked, the API's reference.

``python -m xapi.coverage docs/api-coverage.md`` writes the page; with ``--reference DIR`` those of `xapi.reference` go to DIR.
"""

import argparse
from collections import Counter
from pathlib import Path

from xapi import loading, reference
from xapi.datamodel import MODEL
from xapi.datamodel.model import Impl, Message, MessageKind
from xapi.not_there_yet import NOT_THERE_YET
from xapi.server.dispatch import answer_to


def is_implicit(message: Message) -> bool:
    return message.kind is not MessageKind.CUSTOM


def missing() -> list[str]:
    """Return the messages that are neither removed from the API nor answered."""
    return [name for name, message in MODEL.messages.items() if message.impl is not Impl.REMOVED and answer_to(message) is None]


def coverage_page() -> str:
    """Return the page ``docs/api-coverage.md``."""
    absent = set(missing())
    counts = Counter(_state(message, absent) for message in MODEL.messages.values())
    lines = [
        "# What of the XenAPI is answered",
        "",
        "Made by `make docs` from the datamodel and from what is registered in `xapi/classes`; a test keeps it true.",
        "",
        f"Of {len(MODEL.messages)} messages, {counts['derived']} follow from the datamodel alone (getters, setters, records …),",
        f"{counts['written']} are implemented, {counts['removed']} have been removed from the API (MESSAGE_REMOVED) and",
        f"**{counts['absent']} are not there yet** (NOT_IMPLEMENTED).",
        "",
        "| class | derived | implemented | removed | not yet |",
        "|---|--:|--:|--:|--:|",
    ]
    for cls in MODEL.classes:
        of = Counter(_state(message, absent) for message in MODEL.messages.values() if message.cls == cls)
        if of:
            lines.append(f"| {cls} | {of['derived']} | {of['written']} | {of['removed']} | {of['absent'] or ''} |")
    lines += ["", "## Not there yet", "", "| what it belongs to | messages |", "|---|---|"]
    by_reason: dict[str, list[str]] = {}
    for name in sorted(absent):
        by_reason.setdefault(NOT_THERE_YET.get(name, "(not listed)"), []).append(name)
    lines += [f"| {reason} | {' '.join(f'`{name}`' for name in names)} |" for reason, names in sorted(by_reason.items())]
    return "\n".join(lines) + "\n"


def _state(message: Message, absent: set[str]) -> str:
    if message.impl is Impl.REMOVED:
        return "removed"
    if message.wire_name in absent:
        return "absent"
    return "derived" if is_implicit(message) and message.impl is Impl.DB else "written"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--reference", type=Path, metavar="DIR", help="where the pages of the reference go")
    arguments = parser.parse_args()
    loading.load()
    arguments.page.parent.mkdir(parents=True, exist_ok=True)
    arguments.page.write_text(coverage_page())
    if arguments.reference is not None:
        reference.write(arguments.reference)


if __name__ == "__main__":
    main()
