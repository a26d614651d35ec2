"""The API's reference, made from the datamodel: Markdown pages, one per class, and an index, enumerations, errors, roles."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from xapi.datamodel import MODEL, allowed_roles
from xapi.datamodel.enums import WORDS
from xapi.datamodel.error_texts import ERROR_TEXTS, UNDECLARED_TEXTS
from xapi.datamodel.model import (
    NO_DEFAULT,
    Class,
    Enum,
    Field,
    Lifecycle,
    Map,
    Message,
    MessageKind,
    Option,
    Param,
    Qualifier,
    Record,
    Ref,
    Set,
    State,
    Type,
)
from xapi.datamodel.roles import Role
from xapi.not_there_yet import NOT_THERE_YET

_WHO_WRITES: Mapping[Qualifier, str] = {
    Qualifier.RW: "clients",
    Qualifier.STATIC_RO: "its constructor",
    Qualifier.DYNAMIC_RO: "the system",
}


def pages() -> dict[str, str]:
    """Return file name -> page, all of it."""
    made = {f"{cls.name}.md": class_page(cls) for cls in MODEL.classes.values()}
    return made | {"index.md": _index(), "enums.md": _enums(), "errors.md": _errors(), "roles.md": _roles()}


def write(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (directory / name).write_text(text)


def class_page(cls: Class) -> str:
    """Return a class's page: its fields and the messages that clients may call."""
    lines = [f"# {cls.name}", "", cls.doc, "", f"*{_since(cls.lifecycle)}.* [All classes](index.md)", ""]
    messages = [m for m in MODEL.messages.values() if m.cls == cls.name and not m.hide_from_docs]
    lines += [*_fields(cls), *_declared([m for m in messages if m.kind is MessageKind.CUSTOM])]
    lines += _derived([m for m in messages if m.kind is not MessageKind.CUSTOM])
    return "\n".join(lines) + "\n"


def _fields(cls: Class) -> Iterator[str]:
    if not cls.record_fields:
        return
    yield from ("## Fields", "", "| field | type | written by | default | |", "|---|---|---|---|---|")
    for field in cls.record_fields:
        yield f"| `{field.name}` | {_linked(field.type)} | {_writer(field)} | {_default(field.default)} | {_field_words(field)} |"
    yield ""


def _writer(field: Field) -> str:
    writer = _WHO_WRITES[field.qualifier]
    return f"{writer} ({field.setter_role})" if field.setter_role is not None else writer


def _field_words(field: Field) -> str:
    notes = [_cell(field.doc)]
    if field.state is not State.PUBLISHED:
        notes.append(f"*({field.state})*")
    if not field.persist:
        notes.append("*Not kept over restarts.*")
    return " ".join(notes)


def _declared(messages: list[Message]) -> Iterator[str]:
    if messages:
        yield from ("## Messages", "")
    for message in messages:
        yield from (f"### {message.name}", "", f"`{signature(message)}`", "", message.doc, "")
        if message.params:
            yield from (f"* `{param.name}` ({_linked(param.type)}): {_param_words(param)}" for param in message.params)
            yield ""
        yield from (" ".join(_facts(message)), "")


def signature(message: Message) -> str:
    """Return how a message is called, without its session: ``VM.start(vm: ref VM, …) → type``."""
    params = ", ".join(
        f"{param.name}: {param.type}" + ("" if param.default is NO_DEFAULT else f" = {param.default!r}")
        for param in message.params
    )
    return f"{message.wire_name}({params})" + ("" if message.result is None else f" → {message.result}")


def _param_words(param: Param) -> str:
    return param.doc + (f" Since {param.since}." if param.since else "")


def _facts(message: Message) -> Iterator[str]:
    yield f"Role: {_role(message.role)}{''.join(f', {extra}' for extra in message.role_extra)}."
    if not message.needs_session:
        yield "Needs no session."
    if message.is_async:
        yield "Also `Async`."
    if message.errors:
        yield f"Errors, among others: {', '.join(f'[{code}](errors.md#{code.lower()})' for code in message.errors)}."
    yield f"{_since(message.lifecycle)}."
    if message.wire_name in NOT_THERE_YET:
        yield f"**Not there yet**: {NOT_THERE_YET[message.wire_name]}."


def _role(role: Role) -> str:
    return "only root and the pool itself" if role is Role.LOCAL_ROOT else f"[{role}](roles.md)"


def _derived(messages: list[Message]) -> Iterator[str]:
    """The messages that follow from the fields, a line each."""
    if not messages:
        return
    yield from ("## Messages that follow from the class and its fields", "", "| message | | role |", "|---|---|---|")
    for message in messages:
        yield f"| `{_short(message)}` | {_cell(message.doc)} | {_role(message.role)} |"


def _short(message: Message) -> str:
    result = "" if message.result is None else f" → {message.result}"
    return f"{message.name}({', '.join(param.name for param in message.params)}){result}"


def _linked(type: Type) -> str:
    """Return a type's notation with a link to what it names."""
    match type:
        case Enum(name):
            return f"enum [{name}](enums.md#{name})"
        case Ref(cls) | Record(cls) if cls in MODEL.classes:
            return f"{str(type).split()[0]} [{cls}]({cls}.md)"
        case Set(of):
            return f"set {_linked(of)}"
        case Option(of):
            return f"option {_linked(of)}"
        case Map(key, of):
            return f"map {_linked(key)} {_linked(of)}"
    return str(type)


def _default(value: object) -> str:
    return "" if value is NO_DEFAULT else f"`{value!r}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _since(lifecycle: Lifecycle) -> str:
    steps = [f"{change} in {release}" for change, release in lifecycle]
    return ", ".join(steps)[:1].upper() + ", ".join(steps)[1:] if steps else "In every release"


def _index() -> str:
    lines = [
        f"# XenAPI {MODEL.api_version}",
        "",
        "Made by `make docs` from `xapi/datamodel`. Every message takes a session first, unless its page says otherwise;",
        "`Async.<message>` answers at once with a task where a page says so. See also the",
        "[enumerations](enums.md), the [errors](errors.md) and the [roles](roles.md).",
        "",
        "| class | |",
        "|---|---|",
    ]
    lines += [f"| [{cls.name}]({cls.name}.md) | {_cell(cls.doc)} |" for cls in MODEL.classes.values()]
    return "\n".join(lines) + "\n"


def _enums() -> str:
    lines = ["# Enumerations", "", "[All classes](index.md)", ""]
    for name, words in WORDS.items():
        lines += [f"## {name}", "", *(f"* `{word}`: {meaning}" for word, meaning in words.items()), ""]
    return "\n".join(lines)


def _errors() -> str:
    texts = {**UNDECLARED_TEXTS, **ERROR_TEXTS}
    lines = ["# Errors", "", "Code, parameters, meaning. [All classes](index.md)", ""]
    for code, params in sorted(MODEL.errors.items()):
        given = f"Parameters: {', '.join(f'`{param}`' for param in params)}." if params else ""
        lines += [f"## {code}", "", f"{texts[code]} {given}".strip(), ""]
    return "\n".join(lines)


def _roles() -> str:
    lines = ["# Roles", "", "A role may do what the ones after it may do. [All classes](index.md)", ""]
    for role in MODEL.roles:
        count = sum(role in allowed_roles(message.role, message.role_extra) for message in MODEL.messages.values())
        lines.append(f"* `{role}`: {count} of {len(MODEL.messages)} messages")
    guarded = sorted(name for name in MODEL.permissions if "/key:" in name)
    lines += ["", "Some keys of maps have permissions of their own, which replace the message's:", ""]
    lines += [f"* `{name}`: {MODEL.demands[name].role}" for name in guarded]
    return "\n".join(lines) + "\n"
