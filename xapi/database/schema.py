"""The shape of the store: tables, columns and relations, as plain values.

Built from the datamodel by :func:`from_model`; tests build small ones by hand. A column's Python value is
native: str, int, float, bool, list (set) or dict (map); dates and refs are strings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xapi.datamodel import EPOCH, MODEL, NULL_REF, Model, default_value, empty_value
from xapi.datamodel.model import NO_DEFAULT, Int, Map, Option, Ref, RelationKind, Set, String, Type

__all__ = ["EPOCH", "NO_DEFAULT", "NULL_REF", "Column", "Schema", "TableSchema", "from_model", "table"]


@dataclass(frozen=True, slots=True)
class Column:
    """One field: its wire name, its database name (``name__label``), and what it holds when nothing was said."""

    name: str
    column: str
    empty: Any
    default: Any = NO_DEFAULT
    persist: bool = True
    is_ref: bool = False
    is_set: bool = False
    partner: tuple[str, str] | None = None
    """For a ref or set in a relation: the other end's (table, field)."""
    computed: bool = False
    """The set end of a one-to-many relation: never written, kept by the store."""
    type: Type = String()  # noqa: RUF009 (frozen)

    @property
    def has_int_keys(self) -> bool:
        return isinstance(self.type, Map) and isinstance(self.type.key, Int)

    @property
    def initial(self) -> Any:
        """What a new row holds here where nothing was said (not copied)."""
        return self.empty if self.default is NO_DEFAULT else self.default


@dataclass(frozen=True, slots=True)
class TableSchema:
    name: str
    columns: Mapping[str, Column]
    persist: bool = True
    events: bool = True
    has_name: bool = False
    by_column: Mapping[str, str] = field(default_factory=dict)
    """Database column name -> wire name, ``_ref`` excluded."""
    related: tuple[Column, ...] = ()
    """The columns whose far end the store keeps."""


Schema = Mapping[str, TableSchema]


def table(name: str, *columns: Column, persist: bool = True, events: bool = True) -> TableSchema:
    """Make a table's schema from its columns."""
    return TableSchema(
        name,
        {column.name: column for column in columns},
        persist,
        events,
        any(column.name == "name_label" for column in columns),
        {column.column: column.name for column in columns},
        tuple(column for column in columns if column.partner is not None and not column.computed),
    )


def _relations(model: Model) -> tuple[dict[tuple[str, str], tuple[str, str]], set[tuple[str, str]]]:
    """Return each related field's partner, and which fields are computed."""
    partners: dict[tuple[str, str], tuple[str, str]] = {}
    computed: set[tuple[str, str]] = set()
    for relation in model.relations:
        one, other = (relation.cls, relation.field), (relation.other_cls, relation.other_field)
        if one == other or relation.kind is RelationKind.UNCLASSIFIED:
            continue
        partners[one], partners[other] = other, one
        if relation.kind is RelationKind.ONE_TO_MANY:
            computed.add(other)
    return partners, computed


KEPT_BESIDE = frozenset({"message"})
"""Classes that the original keeps in files of their own; here they are rows like all others."""


SILENT = frozenset({"role"})
"""Classes whose rows are the same everywhere and for ever: clients do not expect events of them."""


def from_model(model: Model = MODEL) -> Schema:
    """Return the store's schema for every class that has rows."""
    partners, computed = _relations(model)
    schema: dict[str, TableSchema] = {}
    for cls in model.classes.values():
        if not cls.in_database and cls.name not in KEPT_BESIDE:
            continue
        columns = []
        for entry in cls.fields:
            key = (cls.name, entry.name)
            partner = None if entry.ignore_foreign_key else partners.get(key)
            columns.append(
                Column(
                    entry.name,
                    entry.column,
                    empty_value(entry.type),
                    NO_DEFAULT if entry.default is NO_DEFAULT else default_value(entry),
                    entry.persist and key not in computed,
                    isinstance(entry.type, Ref),
                    isinstance(entry.type, Set | Option),
                    partner,
                    key in computed,
                    entry.type,
                )
            )
        persist = cls.persist or cls.name in KEPT_BESIDE
        events = (cls.events or cls.name in KEPT_BESIDE) and cls.name not in SILENT
        schema[cls.name] = table(cls.name, *columns, persist=persist, events=events)
    return schema
