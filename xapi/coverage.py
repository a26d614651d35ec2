"""``python -m xapi.coverage``: how much of the API is answered, as a page; and the API's reference, made from the datamodel.

``python -m xapi.coverage docs/api-coverage.md`` writes the page; with ``--reference DIR`` a page per class goes to DIR.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from xapi import loading
from xapi.datamodel import MODEL
from xapi.datamodel.model import NO_DEFAULT, Class, Impl, Message, MessageKind
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


def class_page(cls: Class) -> str:
    """Return a class's reference: its fields and the messages that clients may call."""
    return "\n".join([f"# {cls.name}", "", cls.doc, "", *_fields(cls), *_messages(cls)]) + "\n"


def _fields(cls: Class) -> Iterator[str]:
    if not cls.record_fields:
        return
    yield from ("## Fields", "", "| field | type | | default | |", "|---|---|---|---|---|")
    for field in cls.record_fields:
        default = "" if field.default is NO_DEFAULT else f"`{field.default!r}`"
        state = "" if field.state == "published" else f" ({field.state})"
        yield f"| `{field.name}` | {field.type} | {field.qualifier} | {default} | {field.doc}{state} |"
    yield ""


def _messages(cls: Class) -> Iterator[str]:
    yield from ("## Messages", "")
    for message in (m for m in MODEL.messages.values() if m.cls == cls.name and not m.hide_from_docs):
        params = ", ".join(
            f"{param.name}: {param.type}" + ("" if param.default is NO_DEFAULT else f" = {param.default!r}")
            for param in message.params
        )
        answer = "" if message.result is None else f" → {message.result}"
        notes = [
            f"least role {message.role}",
            "also Async" if message.is_async else "",
            message.state if message.state != "published" else "",
        ]
        if message.wire_name in NOT_THERE_YET:
            notes.append(f"not there yet: {NOT_THERE_YET[message.wire_name]}")
        yield f"* `{message.wire_name}({params}){answer}`: {'; '.join(filter(None, [message.doc, *notes]))}"
        if message.errors:
            yield f"  Errors: {', '.join(message.errors)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--reference", type=Path, metavar="DIR", help="where a page for every class goes")
    arguments = parser.parse_args()
    loading.load()
    arguments.page.parent.mkdir(parents=True, exist_ok=True)
    arguments.page.write_text(coverage_page())
    if arguments.reference is not None:
        arguments.reference.mkdir(parents=True, exist_ok=True)
        for cls in MODEL.classes.values():
            (arguments.reference / f"{cls.name}.md").write_text(class_page(cls))


if __name__ == "__main__":
    main()
