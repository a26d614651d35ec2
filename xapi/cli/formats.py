"""Lists and records for programs: ``--json`` and ``--csv`` of X-list and X-param-list.

A value is the text that `xe` shows; a set is an array and a map an object in JSON, and what points nowhere is null.
The switches travel as parameters like any other, so that every client can give them.
"""

import csv
import io
import json
from collections.abc import Sequence
from enum import Enum
from typing import Final

from xapi.cli.arguments import Arguments
from xapi.cli.failures import CommandFailure
from xapi.cli.reading import Cell, join
from xapi.cli.records.model import Value
from xapi.cli.values import NOT_IN_DATABASE

Json = str | list[str] | dict[str, str] | None


class Format(Enum):
    JSON = "json"
    CSV = "csv"


SWITCHES: Final = frozenset(format.value for format in Format)
"""Names that are no filters of a list."""


def wanted(arguments: Arguments) -> Format | None:
    """Raises CommandFailure if more than one way of printing is asked for."""
    asked = [format for format in Format if arguments.flag(format.value)]
    if len(asked) + arguments.minimal > 1:
        raise CommandFailure("Give only one of --json, --csv and --minimal")
    return asked[0] if asked else None


def as_json(records: Sequence[Sequence[Cell]], *, single: bool) -> str:
    """An array of objects, or one object."""
    objects = [{field.name: _plain(value) for field, value in record} for record in records]
    return json.dumps(objects[0] if single else objects, ensure_ascii=False, indent=2)


def as_json_line(record: Sequence[Cell]) -> str:
    """One object on a line of its own."""
    return json.dumps({field.name: _plain(value) for field, value in record}, ensure_ascii=False)


def _plain(value: Value) -> Json:
    return None if value == NOT_IN_DATABASE else value


def as_csv(records: Sequence[Sequence[Cell]], names: Sequence[str]) -> str:
    """A line of names, then a line for each record; quoted where a value needs it (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for record in records:
        writer.writerow([join(field, value) for field, value in record])
    return text.getvalue().removesuffix("\n")
