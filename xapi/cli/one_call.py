"""Commands that are one API call each, as rows: the message, and which of the command's parameters is which of its own.

The words of a row stand in the order of the message's parameters; how a text becomes a value, and a result a text,
follows from their types in the datamodel. A word is

- ``name``: a required parameter; ``[name]``: one that may be left out; ``[name=text]``: the same, read as that text;
- ``name:``: a map, ``name:key=value``; ``%name``: a size with an optional unit;
- ``@name``: the object of that uuid, or the pool, or the host that answers; ``@[name]`` if ``help`` is to show it;
- ``!name:``: a map that ``help`` shows in another way; ``~name``: a name that may be written in any case.
"""

import enum
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from xapi.cli import reading, values
from xapi.cli.command import Command, Context
from xapi.cli.failures import CommandFailure
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, on_each
from xapi.cli.writing import parse_item
from xapi.datamodel import MODEL, empty_value
from xapi.datamodel.model import NO_DEFAULT, Bool, Int, Map, Param, Ref, Set, Type

_WORD: Final = re.compile(
    r"(?P<own>@)?(?P<silent>!)?(?P<open>\[)?(?P<size>%)?(?P<any>~)?(?P<name>[A-Za-z0-9_-]+)(?P<map>:)?"
    r"(?:=(?P<default>[^\]]*))?\]?"
)


class Shows(enum.Enum):
    """What is said of the result."""

    NOTHING = "nothing"
    LIST = "one line for each item, uuids for references"
    MESSAGE = "a text that --minimal drops"
    TABLE = "a map as one record"
    RAW = "a text in any mode"


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a row."""

    name: str
    required: bool
    is_map: bool = False
    is_size: bool = False
    is_own: bool = False
    any_case: bool = False
    documented: bool = True
    default: str | None = None

    @property
    def label(self) -> str:
        return self.name + (":" if self.is_map else "")


def read_word(text: str) -> Word:
    match = _WORD.fullmatch(text)
    assert match is not None, f"cannot read '{text}'"
    optional = bool(match["open"] or match["own"] or match["map"])
    return Word(
        match["name"],
        required=not optional,
        is_map=bool(match["map"]),
        is_size=bool(match["size"]),
        is_own=bool(match["own"]),
        any_case=bool(match["any"]),
        documented=bool(match["open"]) or not (match["own"] or match["silent"]),
        default=match["default"],
    )


async def value_of(ctx: Context, word: Word, kind: Type, otherwise: object = NO_DEFAULT) -> Any:
    """The API value of a parameter. Raises the failures of commands."""
    if isinstance(kind, Map):
        pairs = ctx.arguments.map(word.name)
        return {await _item(ctx, word, kind.key, k): await _item(ctx, word, kind.value, v) for k, v in pairs.items()}
    text = ctx.arguments.get(word.name, any_case=word.any_case)
    if text is None:
        text = word.default
    if text is None and word.is_own:
        return await _own(ctx, kind)
    if text is None:
        return empty_value(kind) if otherwise is NO_DEFAULT else otherwise
    if isinstance(kind, Set):
        return [await _item(ctx, word, kind.of, piece) for piece in values.words(text)]
    return await _item(ctx, word, kind, text)


async def _item(ctx: Context, word: Word, kind: Type, text: str) -> Any:
    if isinstance(kind, Bool):
        return values.boolean(word.name, text)
    if isinstance(kind, Int) and word.is_size:
        return values.size(word.name, text)
    return await parse_item(ctx.objects, word.name, kind, text)


async def _own(ctx: Context, kind: Type) -> str:
    """The pool, or the host on which the command runs."""
    assert isinstance(kind, Ref) and kind.cls in ("pool", "host")
    if kind.cls == "pool":
        return next(iter(await ctx.objects.all("pool")))
    host: str = await ctx.api.call("session.get_this_host", ctx.session)
    return host


async def show(ctx: Context, shows: Shows, kind: Type | None, result: Any) -> None:
    """Prints a result in the way of the row."""
    if kind is None or shows is Shows.NOTHING:
        return
    value = await reading.show(ctx.objects, kind, result)
    if shows is Shows.TABLE:
        assert isinstance(value, dict)
        ctx.printer.table([list(value.items())])
    elif shows is Shows.LIST:
        ctx.printer.list([value] if isinstance(value, str) else value)
    elif shows is Shows.MESSAGE:
        ctx.printer.message(str(value))
    else:
        ctx.printer.raw(str(value))


Values: TypeAlias = Callable[[Context], Awaitable[list[Any]]]


def _reader(words: list[Word], params: tuple[Param, ...]) -> Values:
    async def read(ctx: Context) -> list[Any]:
        return [await value_of(ctx, word, param.type, param.default) for word, param in zip(words, params, strict=False)]

    return read


def _documented(
    words: list[Word], also: tuple[str, ...] = (), order: str = ""
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that help shows: required ones, others; in the API's order, but for those that `order` names."""
    shown = dict.fromkeys(word for word in words if word.documented)
    required = [word.label for word in shown if word.required]
    optional = [*(word.label for word in shown if not word.required), *also]
    places = order.split()

    def place(label: str) -> int:
        return places.index(label) if label in places else len(places)

    return tuple(sorted(required, key=place)), tuple(sorted(optional, key=place))


def call(
    name: str,
    message: str,
    spec: str = "",
    shows: Shows = Shows.NOTHING,
    *,
    also: tuple[str, ...] = (),
    order: str = "",
    only_forced: str = "",
    hidden: bool = False,
    local_session: bool = False,
    never_forward: bool | None = None,
) -> Command:
    """A command that is one call. `also` are further parameters that help shows; `only_forced` is said without --force.

    `order`: names that are demanded and shown in another order than the message has them. What works with a session
    of this host alone is not forwarded to the coordinator, if `never_forward` does not say otherwise.
    """
    words = [read_word(text) for text in spec.split()]
    declared = MODEL.messages[message]
    assert declared.required_params <= len(words) <= len(declared.params), name
    read = _reader(words, declared.params)

    async def run(ctx: Context) -> None:
        _require_force(ctx, only_forced)
        result = await ctx.api.call(message, *await read(ctx))
        await show(ctx, shows, declared.result, result)

    required, optional = _documented(words, also, order)
    here = local_session if never_forward is None else never_forward
    return Command(name, run, required, optional, hidden=hidden, local_session=local_session, never_forward=here)


def _require_force(ctx: Context, reason: str) -> None:
    if reason and not ctx.arguments.flag("force"):
        raise CommandFailure(reason)


def on_selected(
    name: str,
    message: str,
    spec: str = "",
    shows: Shows = Shows.NOTHING,
    *,
    selection: Selection,
    also: tuple[str, ...] = (),
    by_name: bool = False,
    by_uuid: bool = False,
    **flags: bool,
) -> Command:
    """A command that is the same call to every object chosen; `spec` leaves out the object, the first parameter.

    Some of them demand the filter ``host=`` (`by_name`), others ``uuid=`` (`by_uuid`, and help then shows no filters).
    """
    words = [read_word(text) for text in spec.split()]
    declared = MODEL.messages[message]
    read = _reader(words, declared.params[1:])
    choose = replace(selection, not_filters=selection.not_filters | {word.name for word in words})

    async def run(ctx: Context) -> None:
        given = await read(ctx)

        async def act(subject: Subject) -> Any:
            return await ctx.api.call(message, subject.ref, *given)

        for result in await on_each(ctx, choose, act):
            await show(ctx, shows, declared.result, result)

    required, optional = _documented(words, also)
    demanded = (selection.cls,) if by_name else ("uuid",) if by_uuid else ()
    selects = "" if by_uuid else selection.cls
    return Command(name, run, (*demanded, *required), optional, selects=selects, **flags)


def create(name: str, cls: str, *, hidden: bool = False, shows: Shows = Shows.LIST, **fields: str) -> Command:
    """A command that makes an object: API field -> word. What it leaves out is the datamodel's default or empty."""
    declared = MODEL.classes[cls]
    words = {field: read_word(text) for field, text in fields.items()}

    async def run(ctx: Context) -> None:
        record = {field.name: empty_value(field.type) for field in declared.constructor_fields if field.default is NO_DEFAULT}
        for field, word in words.items():
            if word.is_map or word.required or word.default is not None or ctx.arguments.get(word.name) is not None:
                record[field] = await value_of(ctx, word, declared.by_name[field].type)
        ref = await ctx.api.call(f"{cls}.create", record)
        await show(ctx, shows, Ref(cls), ref)

    required, optional = _documented(list(words.values()))
    return Command(name, run, required, optional, hidden=hidden)
