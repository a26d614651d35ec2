"""XenAPI class message: alerts. Rows of their own table, newest kept."""

from collections.abc import Callable
from typing import Any

from xapi import errors
from xapi.database.filters import predicate
from xapi.database.store import Row
from xapi.datamodel import MODEL
from xapi.server.context import Context, now
from xapi.server.encoding import RowRecord, RowRecords
from xapi.server.registry import implements

MOST_MESSAGES = 10_000
_TABLE_OF = {word: {"pool": "pool", "host": "host"}.get(word.lower(), word) for word in MODEL.enums["cls"]}


def send(ctx: Context, name: str, cls: str, uuid: str, body: str = "", priority: int | None = None) -> str:
    """Raise an alert about an object. *priority* is the name's own where it is not given (1 most urgent … 5)."""
    if priority is None:
        priority = MODEL.alerts.get(name, 3)
    ref = ctx.db.create("message", name=name, priority=priority, cls=cls, obj_uuid=uuid, timestamp=now(), body=body)
    if ctx.db.count("message") > MOST_MESSAGES:
        ctx.db.destroy("message", next(ctx.db.rows("message")).ref)
    return ref


def _rows(ctx: Context) -> list[Row]:
    return sorted(ctx.db.rows("message"), key=lambda row: row.created, reverse=True)


def _records(rows: list[Row]) -> RowRecords:
    return RowRecords(MODEL.classes["message"], rows)


@implements("message.create")
async def create(ctx: Context, name: str, priority: int, cls: str, obj_uuid: str, body: str) -> str:
    """XenAPI: message.create. :raises XenAPIError: UUID_INVALID where the object does not exist."""
    table = _TABLE_OF[cls]
    if table in ctx.db.schema:
        ctx.db.by_uuid(table, obj_uuid)
    return send(ctx, name, cls, obj_uuid, body, priority)


@implements("message.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: message.destroy."""
    ctx.db.destroy("message", self)


@implements("message.destroy_many")
async def destroy_many(ctx: Context, messages: list[str]) -> None:
    """XenAPI: message.destroy_many."""
    for message in messages:
        ctx.db.row("message", message)
    for message in messages:
        ctx.db.destroy("message", message)


@implements("message.destroy_all")
async def destroy_all(ctx: Context, filters: dict[str, str]) -> None:
    """XenAPI: message.destroy_all: those of which every field in *filters* has that text (``name``, ``priority``, ``cls``,
    ``obj_uuid``, ``body``); ``before`` and ``after`` limit the date.

    :raises XenAPIError: INVALID_VALUE for a filter that is none.
    """
    for key in filters:
        if key not in _FILTERS:
            raise errors.invalid_value("filters", key)
    for row in ctx.db.rows("message"):
        if all(_FILTERS[key](row.values, wanted) for key, wanted in filters.items()):
            ctx.db.destroy("message", row.ref)


_FILTERS: dict[str, Callable[[dict[str, Any], str], bool]] = {
    "name": lambda values, wanted: values["name"] == wanted,
    "priority": lambda values, wanted: str(values["priority"]) == wanted,
    "cls": lambda values, wanted: values["cls"].lower() == wanted.lower(),
    "obj_uuid": lambda values, wanted: values["obj_uuid"] == wanted,
    "body": lambda values, wanted: values["body"] == wanted,
    "before": lambda values, wanted: values["timestamp"] < wanted,
    "after": lambda values, wanted: values["timestamp"] > wanted,
}


@implements("message.get")
async def get(ctx: Context, cls: str, obj_uuid: str, since: str) -> RowRecords:
    """XenAPI: message.get: an object's alerts since a date."""
    return _records(
        [
            row
            for row in _rows(ctx)
            if row.values["cls"] == cls and row.values["obj_uuid"] == obj_uuid and row.values["timestamp"] >= since
        ]
    )


@implements("message.get_since")
async def get_since(ctx: Context, since: str) -> RowRecords:
    """XenAPI: message.get_since."""
    return _records([row for row in _rows(ctx) if row.values["timestamp"] >= since])


@implements("message.get_all")
async def get_all(ctx: Context) -> list[str]:
    """XenAPI: message.get_all, newest first."""
    return [row.ref for row in _rows(ctx)]


@implements("message.get_all_records")
async def get_all_records(ctx: Context) -> RowRecords:
    """XenAPI: message.get_all_records."""
    return _records(_rows(ctx))


@implements("message.get_all_records_where")
async def get_all_records_where(ctx: Context, expr: str) -> Any:
    """XenAPI: message.get_all_records_where."""
    try:
        keep = predicate(expr, ctx.db.schema["message"])
    except ValueError as reason:
        raise errors.invalid_value(expr, reason) from reason
    return _records([row for row in _rows(ctx) if keep(row)])


@implements("message.get_record")
async def get_record(ctx: Context, self: str) -> RowRecord:
    """XenAPI: message.get_record."""
    return RowRecord(MODEL.classes["message"], ctx.db.row("message", self))


@implements("message.get_by_uuid")
async def get_by_uuid(ctx: Context, uuid: str) -> str:
    """XenAPI: message.get_by_uuid."""
    return ctx.db.by_uuid("message", uuid)
