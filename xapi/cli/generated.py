"""The commands that every class has: X-list, X-param-list, -get, -set, -add, -remove and -clear."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from xapi.cli import filters, formats, other_database, reading, writing
from xapi.cli.api import Objects
from xapi.cli.arguments import Arguments
from xapi.cli.command import Command, Context
from xapi.cli.failures import CommandFailure, MissingParameter, UnknownField
from xapi.cli.formats import Format
from xapi.cli.reading import Cell
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Class, Field, Subject

ClassRun: TypeAlias = Callable[[Class, Context], Awaitable[None]]


async def subjects(cls: Class, objects: Objects) -> list[Subject]:
    """Every object of the class, in the order in which lists show them: descending by reference."""
    name = cls.record.cls
    found = await objects.all(name)
    if name == "role":  # single permissions are roles too, and nobody wants to see them
        found = {ref: record for ref, record in found.items() if record["subroles"]}
    return [Subject(objects, name, ref, found[ref]) for ref in sorted(found, reverse=True)]


async def find(cls: Class, ctx: Context) -> Subject:
    """The object of ``uuid=``. Raises XenAPIError for an unknown one."""
    name = cls.record.cls
    ref = await ctx.api.call(f"{name}.get_by_uuid", ctx.arguments.required("uuid"))
    return Subject(ctx.objects, name, ref, await ctx.api.call(f"{name}.get_record", ref))


def of_any_database(run: ClassRun) -> ClassRun:
    """The same, but ``database:`` on the command line chooses where it reads."""

    async def read(cls: Class, ctx: Context) -> None:
        async with other_database.opened(ctx) as chosen:
            await run(cls, chosen)

    return read


async def list_objects(cls: Class, ctx: Context) -> None:
    format = formats.wanted(ctx.arguments)
    everything = await subjects(cls, ctx.objects)
    given = ctx.arguments.others(["params", *formats.SWITCHES])
    wanted = [
        *cls.filters,
        *((name, text) for name, text in given if not name.startswith(other_database.PREFIX)),
    ]
    chosen = await filters.select(cls.record, everything, wanted)
    if ctx.arguments.flag("all"):
        chosen = everything
    fields = reading.shown(cls.record, chosen_fields(cls, ctx.arguments))
    print_records(ctx, format, fields, [await reading.cells(fields, subject, brief=True) for subject in chosen])


def print_records(
    ctx: Context, format: Format | None, fields: list[Field], records: list[list[Cell]], *, single: bool = False
) -> None:
    """Records for people, or in the format asked for; a `single` one is no list of one."""
    match format:
        case None:
            ctx.printer.table([[(field.label, reading.join(field, value)) for field, value in record] for record in records])
        case Format.JSON:
            ctx.printer.raw(formats.as_json(records, single=single))
        case Format.CSV:
            ctx.printer.raw(formats.as_csv(records, [field.name for field in fields]))


def chosen_fields(cls: Class, arguments: Arguments, parameter: str = "params") -> frozenset[str] | None:
    """The fields named by ``params=``, or what the class shows by itself; None: all. Unknown names do not matter."""
    text = arguments.get(parameter)
    if text is None:
        return cls.defaults
    names = frozenset(text.split(","))
    return None if "all" in names else names


async def param_list(cls: Class, ctx: Context) -> None:
    format = formats.wanted(ctx.arguments)
    subject = await find(cls, ctx)
    fields = reading.shown(cls.record, None)
    print_records(ctx, format, fields, [await reading.cells(fields, subject, brief=False)], single=True)


def named_field(cls: Class, ctx: Context) -> Field:
    """The field of ``param-name=``. Raises UnknownField."""
    name = ctx.arguments.required("param-name")
    if name not in cls.record.by_name:
        raise UnknownField(name, cls.record.by_name)
    return cls.record.by_name[name]


async def param_get(cls: Class, ctx: Context) -> None:
    subject = await find(cls, ctx)
    field = named_field(cls, ctx)
    value = await reading.value_of(field, subject)
    key = ctx.arguments.get("param-key")
    if key is None or not field.is_map:
        ctx.printer.list([reading.join(field, value)])
    elif isinstance(value, dict) and key in value:
        ctx.printer.list([value[key]])
    else:
        raise CommandFailure(f"Key {key} not found in map")


async def param_set(cls: Class, ctx: Context) -> None:
    subject = await find(cls, ctx)
    await writing.set_fields(cls.record, subject, ctx.arguments.others(["uuid"]))


async def param_add(cls: Class, ctx: Context) -> None:
    subject = await find(cls, ctx)
    field = named_field(cls, ctx)
    if field.is_map:
        if not field.can_add:
            raise CommandFailure("Parameter is read-only")
        for key, text in ctx.arguments.others(["uuid", "param-name", "param-key"]):
            await writing.add_pair(field, subject, key, text)
    elif field.is_set:
        key_given = ctx.arguments.get("param-key")
        if key_given is None:
            raise MissingParameter("param-key")
        await writing.add_member(field, subject, key_given)
    else:
        raise CommandFailure(f"Cannot add to '{field.name}': it is neither a set nor a map")


async def param_remove(cls: Class, ctx: Context) -> None:
    subject = await find(cls, ctx)
    await writing.remove_checked(named_field(cls, ctx), subject, ctx.arguments.required("param-key"))


async def param_clear(cls: Class, ctx: Context) -> None:
    subject = await find(cls, ctx)
    await writing.clear(named_field(cls, ctx), subject)


@dataclass(frozen=True, slots=True)
class Operation:
    """A suffix of the class's name, what it demands, and for which classes it exists."""

    suffix: str
    run: ClassRun
    required: tuple[str, ...]
    exists: Callable[[Field], bool]
    optional: Callable[[list[Field]], tuple[str, ...]] = lambda _: ()
    """What help names besides, from the fields that are not hidden."""


USED_MOST: Final = frozenset({"vm-list", "sr-list", "network-list"})


def _filters(fields: list[Field]) -> tuple[str, ...]:
    sets = (f"{field.name}:contains" for field in fields if field.is_set)
    return ("params", other_database.PREFIX, *(field.name for field in fields), *sets)


def _settable(fields: list[Field]) -> tuple[str, ...]:
    """Fields that are written as a whole, then maps that are written by key."""
    whole = (field.name for field in fields if field.writes.set)
    return (*whole, *(f"{field.name}:" for field in fields if field.can_set and not field.writes.set))


OPERATIONS: Final = (
    Operation("list", of_any_database(list_objects), (), lambda _: True, _filters),
    Operation("param-list", of_any_database(param_list), ("uuid",), lambda _: True, lambda _: (other_database.PREFIX,)),
    Operation(
        "param-get",
        of_any_database(param_get),
        ("uuid", "param-name"),
        lambda _: True,
        lambda _: ("param-key", other_database.PREFIX),
    ),
    Operation("param-set", param_set, ("uuid",), lambda field: field.can_set, _settable),
    Operation("param-add", param_add, ("uuid", "param-name"), lambda field: field.can_add, lambda _: ("param-key",)),
    Operation("param-remove", param_remove, ("uuid", "param-name", "param-key"), lambda field: field.can_add),
    Operation("param-clear", param_clear, ("uuid", "param-name"), lambda field: field.can_clear),
)


def commands() -> Mapping[str, Command]:
    """All of them, by name."""
    made = {}
    for cls in CLASSES.values():
        fields = [field for field in cls.record.fields if not field.hidden]
        for operation in OPERATIONS:
            if any(map(operation.exists, fields)):
                name = f"{cls.name}-{operation.suffix}"
                run = partial(operation.run, cls)
                made[name] = Command(name, run, operation.required, operation.optional(fields), standard=name in USED_MOST)
    return made
