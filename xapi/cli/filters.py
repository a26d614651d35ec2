"""Which objects a command line means: ``name=value`` conditions on the texts of their fields.

A name is, in this order: a field; ``field:key`` with a set or map field; ``longest-field-key``, the older spelling.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xapi.cli import reading
from xapi.cli.failures import CommandFailure, UnknownFilter
from xapi.cli.records.model import Field, RecordType, Subject
from xapi.errors import XenAPIError


@dataclass(frozen=True, slots=True)
class Target:
    """What a name on the command line stands for. `key` is None for the plain field."""

    field: Field
    key: str | None = None


def resolve(record: RecordType, name: str) -> Target:
    """Raises CommandFailure for a name that means nothing."""
    field = record.by_name.get(name)
    if field is not None:
        return Target(field)
    if ":" in name:
        prefix, _, key = name.partition(":")
        field = record.by_name.get(prefix)
        if field is not None and (field.is_set or field.is_map):
            return Target(field, key)
        raise unknown(record, name)
    older = [field for field in record.fields if name.startswith(field.name + "-")]
    for candidates in ([f for f in older if f.is_map], [f for f in older if f.is_set]):
        if candidates:
            longest = max(candidates, key=lambda field: len(field.name))
            return Target(longest, name[len(longest.name) + 1 :])
    raise unknown(record, name)


def unknown(record: RecordType, name: str) -> CommandFailure:
    return UnknownFilter(name, record.by_name)


@dataclass(frozen=True, slots=True)
class Condition:
    target: Target
    value: str

    async def holds(self, subject: Subject) -> bool:
        """Raises XenAPIError if a plain field cannot be read; a set or map that cannot does not match."""
        field, key = self.target.field, self.target.key
        if key is None:
            text = await reading.text_of(field, subject)
            return text.lower() == self.value.lower() if field.ignore_case else text == self.value
        try:
            value = await reading.value_of(field, subject)
        except XenAPIError:
            return False
        if isinstance(value, dict):
            return value.get(key) == self.value
        return isinstance(value, list) and self.value in value


def condition(record: RecordType, name: str, value: str) -> Condition:
    """Raises CommandFailure for an unknown name, and for a set asked anything but ``contains``."""
    target = resolve(record, name)
    if target.key is not None and target.field.is_set and target.key != "contains":
        raise CommandFailure(f"The set '{target.field.name}' can only be asked for '{target.field.name}:contains'")
    return Condition(target, value)


async def select(record: RecordType, subjects: Sequence[Subject], filters: Iterable[tuple[str, str]]) -> list[Subject]:
    """The subjects that match every filter, in their order.

    Without subjects even a wrong name is accepted, as scripts that list an empty class expect.
    """
    if not subjects:
        return []
    conditions = [condition(record, name, value) for name, value in filters]
    chosen = []
    for subject in subjects:
        for wanted in conditions:
            if not await wanted.holds(subject):
                break
        else:
            chosen.append(subject)
    return chosen
