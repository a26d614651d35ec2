"""X-param-set, -add, -remove and -clear: from texts on the command line to the API calls that write a field."""

from collections.abc import Sequence
from typing import Any

from xapi.cli import enum_texts, filters, reading, values
from xapi.cli.api import Objects
from xapi.cli.failures import CommandFailure
from xapi.cli.records.model import Field, RecordType, Subject
from xapi.datamodel import MODEL, NULL_REF
from xapi.datamodel.model import Bool, Enum, Float, Int, Map, Ref, Set, Type
from xapi.errors import XenAPIError


def _type(field: Field, cls: str) -> Type | None:
    """The API type behind a row; None if it is computed."""
    return MODEL.classes[cls].by_name[field.source].type if isinstance(field.source, str) else None


async def parse(field: Field, subject: Subject, text: str) -> Any:
    """The API value of a whole field. Raises CommandFailure, XenAPIError."""
    if field.parse is not None:
        return field.parse(field.name, text)
    kind = _type(field, subject.cls)
    if isinstance(kind, Ref) and field.nullable and not text:
        return NULL_REF
    if isinstance(kind, Set):
        return [await parse_item(subject.objects, field.name, kind.of, word) for word in values.words(text)]
    return text if kind is None else await parse_item(subject.objects, field.name, kind, text)


async def parse_item(objects: Objects, name: str, kind: Type, text: str) -> Any:
    """The API value of one text: references are given as uuids."""
    if isinstance(kind, Ref):
        return await objects.api.call(f"{kind.cls}.get_by_uuid", text)
    if isinstance(kind, Enum):
        return enum_texts.parse(kind.name, name, text)
    if isinstance(kind, Bool):
        return values.field_boolean(name, text)
    if isinstance(kind, Int):
        return values.integer(name, text)
    if isinstance(kind, Float):
        return values.exact_float(name, text)
    return text


async def set_fields(record: RecordType, subject: Subject, params: Sequence[tuple[str, str]]) -> None:
    """Applies every pair in order, each by its own call, without a way back; whole maps last.

    Raises CommandFailure, XenAPIError.
    """
    whole_maps: dict[str, dict[str, str]] = {}
    for name, text in params:
        target = filters.resolve(record, name)
        if target.key is None:
            await _set_plain(target.field, subject, text)
        elif target.field.is_set:
            raise CommandFailure(f"Cannot param-set on set fields such as '{target.field.name}'; use param-add")
        elif target.field.writes.set_map:
            _require_key(target.field, target.key)
            whole_maps.setdefault(target.field.name, {})[target.key] = text
        else:
            await _set_key(target.field, subject, target.key, text)
    for name, pairs in whole_maps.items():
        await subject.call(str(record.by_name[name].writes.set_map), dict(reversed(pairs.items())))


def _require_key(field: Field, key: str) -> None:
    if field.keys is not None and key not in field.keys:
        raise CommandFailure(f"Failed to add parameter '{key}': expecting one of {', '.join(sorted(field.keys))}")


async def _set_plain(field: Field, subject: Subject, text: str) -> None:
    if field.writes.set is not None:
        await subject.call(field.writes.set, await parse(field, subject, text))
    elif field.is_map and field.can_add:
        raise CommandFailure(f"Field '{field.name}' is a map: use {field.name}:key=value")
    else:
        raise CommandFailure(f"Field '{field.name}' is read-only.")


async def _set_key(field: Field, subject: Subject, key: str, text: str) -> None:
    if field.writes.set_in_map is not None:
        await subject.call(field.writes.set_in_map, key, text)
        return
    if not field.can_add:
        raise CommandFailure(f"Field '{field.name}' is read-only.")
    # A key that is not there is removed without harm, and the record read at the start may be out of date by now.
    await remove(field, subject, key)
    await add_pair(field, subject, key, text)


async def add_pair(field: Field, subject: Subject, key: str, text: str) -> None:
    """Adds to a map; a key that is there already is the API's error."""
    if field.writes.add is None:
        raise CommandFailure("Parameter is read-only")
    _require_key(field, key)
    if field.writes.add == field.writes.set_map:  # no message to add one: write the whole map
        await subject.call(field.writes.add, {key: text} | _stored(field, subject))
    else:
        await subject.call(field.writes.add, await _key(field, subject, key), text)


async def add_member(field: Field, subject: Subject, text: str) -> None:
    """Adds to a set."""
    if field.writes.add is None:
        raise CommandFailure("Parameter is read-only")
    member = await _member(field, subject, text)
    if field.writes.add == field.writes.set:  # no message to add one: write the whole set
        present = _stored(field, subject)
        await subject.call(field.writes.add, present if member in present else [*present, member])
    else:
        await subject.call(field.writes.add, member)


async def remove_checked(field: Field, subject: Subject, text: str) -> None:
    """Removes a member or key that has to be there. Raises CommandFailure."""
    if not (field.is_set or field.is_map):
        raise CommandFailure(f"Cannot remove parameters from field '{field.name}'")
    if field.writes.remove is None:
        raise CommandFailure("Parameter is read-only")
    present = await reading.value_of(field, subject)
    if isinstance(present, str) or text not in present:
        raise CommandFailure(f"Key {text} is not in {'the set' if field.is_set else 'map'}")
    await remove(field, subject, text)


async def remove(field: Field, subject: Subject, text: str) -> None:
    """Removes a member of a set or a key of a map."""
    assert field.writes.remove is not None
    member = await _member(field, subject, text) if field.is_set else await _key(field, subject, text)
    argument = member
    if field.writes.remove == field.writes.set:  # no message to remove one: write what is left
        argument = [item for item in _stored(field, subject) if item != member]
    elif field.writes.remove == field.writes.set_map:
        argument = {key: item for key, item in _stored(field, subject).items() if key != member}
    await subject.call(field.writes.remove, argument)


def _stored(field: Field, subject: Subject) -> Any:
    """The API value of a field that is written as a whole."""
    assert isinstance(field.source, str)
    return subject.record[field.source]


async def clear(field: Field, subject: Subject) -> None:
    """Empties a field by the first way that fits. Raises CommandFailure, XenAPIError."""
    if field.is_set and field.writes.remove is not None and field.writes.remove == field.writes.set:
        await subject.call(field.writes.remove, [])
    elif field.is_set and field.writes.remove is not None:
        for member in await reading.value_of(field, subject):
            await remove(field, subject, member)
    elif field.writes.clear_map is not None:
        await subject.call(field.writes.clear_map, {})
    elif field.writes.set_map is not None:
        await subject.call(field.writes.set_map, {})
    elif field.is_map and field.writes.remove is not None:
        for key in await reading.value_of(field, subject):
            await remove(field, subject, key)
    elif field.writes.set is not None:
        try:
            await subject.call(field.writes.set, await parse(field, subject, ""))
        except (CommandFailure, XenAPIError) as error:
            raise CommandFailure("Cannot clear this parameter") from error
    else:
        raise CommandFailure("Cannot clear this parameter")


async def _member(field: Field, subject: Subject, text: str) -> Any:
    kind = _type(field, subject.cls)
    return await parse_item(subject.objects, field.name, kind.of, text) if isinstance(kind, Set) else text


async def _key(field: Field, subject: Subject, text: str) -> Any:
    kind = _type(field, subject.cls)
    return await parse_item(subject.objects, field.name, kind.key, text) if isinstance(kind, Map) else text
