"""The commands that every class has: X-list, X-param-list, -get, -set, -add, -remove and -clear."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from xapi.cli import filters, reading, writing
from xapi.cli.api import Api, Objects
from xapi.cli.arguments import Arguments
from xapi.cli.failures import CommandFailure, MissingParameter, UnknownField
from xapi.cli.printing import Printer
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Class, Field, Subject

Run: TypeAlias = Callable[[Arguments, Api, Printer], Awaitable[None]]
"""A command: does its work through the API and says what came of it through the printer."""

ClassRun: TypeAlias = Callable[[Class, Arguments, Api, Printer], Awaitable[None]]


async def subjects(cls: Class, objects: Objects) -> list[Subject]:
    """Every object of the class, in the order in which lists show them: descending by reference."""
    name = cls.record.cls
    found = await objects.all(name)
    if name == "role":  # single permissions are roles too, and nobody wants to see them
        found = {ref: record for ref, record in found.items() if record["subroles"]}
    return [Subject(objects, name, ref, found[ref]) for ref in sorted(found, reverse=True)]


async def find(cls: Class, arguments: Arguments, api: Api) -> Subject:
    """The object of ``uuid=``. Raises XenAPIError for an unknown one."""
    objects = Objects(api)
    ref = await api.call(f"{cls.record.cls}.get_by_uuid", arguments.required("uuid"))
    record = await objects.get(cls.record.cls, ref)
    if record is None:  # gone since
        record = await api.call(f"{cls.record.cls}.get_record", ref)
    return Subject(objects, cls.record.cls, ref, record)


async def list_objects(cls: Class, arguments: Arguments, api: Api, printer: Printer) -> None:
    everything = await subjects(cls, Objects(api))
    wanted = [
        *cls.filters,
        *((name, text) for name, text in arguments.others(["params"]) if not name.startswith("database:")),
    ]
    chosen = await filters.select(cls.record, everything, wanted)
    if arguments.flag("all"):
        chosen = everything
    fields = chosen_fields(cls, arguments)
    printer.table([await reading.row(cls.record, subject, fields, brief=True) for subject in chosen])


def chosen_fields(cls: Class, arguments: Arguments, parameter: str = "params") -> frozenset[str] | None:
    """The fields named by ``params=``, or what the class shows by itself; None: all. Unknown names do not matter."""
    text = arguments.get(parameter)
    if text is None:
        return cls.defaults
    names = frozenset(text.split(","))
    return None if "all" in names else names


async def param_list(cls: Class, arguments: Arguments, api: Api, printer: Printer) -> None:
    subject = await find(cls, arguments, api)
    printer.table([await reading.row(cls.record, subject, None, brief=False)])


def named_field(cls: Class, arguments: Arguments) -> Field:
    """The field of ``param-name=``. Raises UnknownField."""
    name = arguments.required("param-name")
    if name not in cls.record.by_name:
        raise UnknownField(name)
    return cls.record.by_name[name]


async def param_get(cls: Class, arguments: Arguments, api: Api, printer: Printer) -> None:
    subject = await find(cls, arguments, api)
    field = named_field(cls, arguments)
    value = await reading.value_of(field, subject)
    key = arguments.get("param-key")
    if key is None or not field.is_map:
        printer.list([reading.join(field, value)])
    elif isinstance(value, dict) and key in value:
        printer.list([value[key]])
    else:
        raise CommandFailure(f"Key {key} not found in map")


async def param_set(cls: Class, arguments: Arguments, api: Api, _printer: Printer) -> None:
    subject = await find(cls, arguments, api)
    await writing.set_fields(cls.record, subject, arguments.others(["uuid"]))


async def param_add(cls: Class, arguments: Arguments, api: Api, _printer: Printer) -> None:
    subject = await find(cls, arguments, api)
    field = named_field(cls, arguments)
    if field.is_map:
        if not field.can_add:
            raise CommandFailure("Parameter is read-only")
        for key, text in arguments.others(["uuid", "param-name", "param-key"]):
            await writing.add_pair(field, subject, key, text)
    elif field.is_set:
        key_given = arguments.get("param-key")
        if key_given is None:
            raise MissingParameter("param-key")
        await writing.add_member(field, subject, key_given)
    else:
        raise CommandFailure(f"Cannot add to '{field.name}': it is neither a set nor a map")


async def param_remove(cls: Class, arguments: Arguments, api: Api, _printer: Printer) -> None:
    subject = await find(cls, arguments, api)
    await writing.remove_checked(named_field(cls, arguments), subject, arguments.required("param-key"))


async def param_clear(cls: Class, arguments: Arguments, api: Api, _printer: Printer) -> None:
    subject = await find(cls, arguments, api)
    await writing.clear(named_field(cls, arguments), subject)


@dataclass(frozen=True, slots=True)
class Operation:
    """A suffix of the class's name, what it demands, and for which classes it exists."""

    suffix: str
    run: ClassRun
    required: tuple[str, ...]
    exists: Callable[[Field], bool]


OPERATIONS: Final = (
    Operation("list", list_objects, (), lambda _: True),
    Operation("param-list", param_list, ("uuid",), lambda _: True),
    Operation("param-get", param_get, ("uuid", "param-name"), lambda _: True),
    Operation("param-set", param_set, ("uuid",), lambda field: field.can_set),
    Operation("param-add", param_add, ("uuid", "param-name"), lambda field: field.can_add),
    Operation("param-remove", param_remove, ("uuid", "param-name", "param-key"), lambda field: field.can_add),
    Operation("param-clear", param_clear, ("uuid", "param-name"), lambda field: field.can_clear),
)


def generated() -> Mapping[str, tuple[tuple[str, ...], Run]]:
    """Command name -> required parameters and what it does."""
    return {
        f"{cls.name}-{operation.suffix}": (operation.required, partial(operation.run, cls))
        for cls in CLASSES.values()
        for operation in OPERATIONS
        if any(operation.exists(field) for field in cls.record.fields if not field.hidden)
    }
