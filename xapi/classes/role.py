"""XenAPI class role: the roles, and every permission, which is a role too.

They are the same on every host and for ever, so they are answered from the datamodel and have no rows in the store;
clients are not told of them by events either.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from xapi import errors
from xapi.database.filters import predicate
from xapi.database.schema import from_model
from xapi.database.store import Row
from xapi.datamodel import MODEL, role_uuid
from xapi.datamodel.roles import INTERNAL_ROLES, Role
from xapi.server.context import Context
from xapi.server.encoding import RowRecord, RowRecords
from xapi.server.registry import implements

_CLASS = MODEL.classes["role"]

_DESCRIPTIONS: Mapping[Role, str] = {
    Role.POOL_ADMIN: "May do everything in the pool, giving roles to others included",
    Role.POOL_OPERATOR: "Manages hosts, storage and networks of the pool, but not its users",
    Role.VM_POWER_ADMIN: "Creates and manages guests, choosing their hosts and resources",
    Role.VM_ADMIN: "Creates and manages guests",
    Role.VM_OPERATOR: "Starts, stops and uses existing guests",
    Role.CLIENT_CERT: "What a client may do that has shown a certificate and no password",
    Role.READ_ONLY: "Sees everything and changes nothing",
}


def ref_of(name: str) -> str:
    """Return the ref of the role or permission of that name."""
    return f"OpaqueRef:{role_uuid(name)}"


@functools.cache
def permissions_of(role: Role) -> tuple[str, ...]:
    """Return the names of the permissions that a role has."""
    return tuple(name for name, roles in MODEL.permissions.items() if role in roles)


def _row(name: str, description: str, subroles: Iterable[str], internal: bool) -> Row:
    values = {
        "uuid": role_uuid(name),
        "name_label": name,
        "name_description": description,
        "subroles": list(subroles),
        "is_internal": internal,
    }
    return Row(ref_of(name), values, 0, ephemeral=True)


@functools.cache
def _rows() -> Mapping[str, Row]:
    """Ref -> row: the roles, then the permissions."""
    rows = [_row(role, _DESCRIPTIONS[role], map(ref_of, permissions_of(role)), role in INTERNAL_ROLES) for role in MODEL.roles]
    rows += [_row(name, "A permission", (), False) for name in MODEL.permissions]
    return {row.ref: row for row in rows}


@functools.cache
def _schema() -> Any:
    return from_model()["role"]


def find(ref: str) -> Row:
    """Return a role's or permission's row. :raises XenAPIError: HANDLE_INVALID."""
    try:
        return _rows()[ref]
    except KeyError:
        raise errors.handle_invalid("role", ref) from None


def as_role(ref: str) -> Role:
    """Return the role that *ref* means. :raises XenAPIError: ROLE_NOT_FOUND for anything else, a permission included."""
    row = _rows().get(ref)
    if row is None or row.values["name_label"] not in {role.value for role in MODEL.roles}:
        raise errors.error("ROLE_NOT_FOUND")
    return Role(row.values["name_label"])


@implements("role.get_permissions")
async def get_permissions(ctx: Context, self: str) -> list[str]:
    """XenAPI: role.get_permissions; a permission has itself."""
    row = find(self)
    return list(row.values["subroles"]) or [row.ref]


@implements("role.get_permissions_name_label")
async def get_permissions_name_label(ctx: Context, self: str) -> list[str]:
    """XenAPI: role.get_permissions_name_label."""
    return [_rows()[ref].values["name_label"] for ref in await get_permissions(ctx, self)]


@implements("role.get_by_permission")
async def get_by_permission(ctx: Context, permission: str) -> list[str]:
    """XenAPI: role.get_by_permission: the roles that have it."""
    find(permission)
    return [row.ref for row in _rows().values() if permission in row.values["subroles"]]


@implements("role.get_by_permission_name_label")
async def get_by_permission_name_label(ctx: Context, label: str) -> list[str]:
    """XenAPI: role.get_by_permission_name_label."""
    return [ref_of(role) for role in MODEL.roles if role in MODEL.permissions.get(label.lower(), ())]


@implements("role.get_all")
async def get_all(ctx: Context) -> list[str]:
    """XenAPI: role.get_all."""
    return list(_rows())


@implements("role.get_all_records")
async def get_all_records(ctx: Context) -> RowRecords:
    """XenAPI: role.get_all_records."""
    return RowRecords(_CLASS, list(_rows().values()))


_SPECIAL: Mapping[str, Callable[[Row], bool]] = {
    "subroles<>[]": lambda row: bool(row.values["subroles"]),
    "subroles=[]": lambda row: not row.values["subroles"],
}
"""Expressions outside of the language that xe's older versions send: only the roles, only the permissions."""


def _matching(expr: str) -> list[Row]:
    special = _SPECIAL.get(expr)
    if special is not None:
        return [row for row in _rows().values() if special(row)]
    try:
        keep = predicate(expr, _schema())
    except ValueError as reason:
        raise errors.invalid_value(expr, reason) from reason
    return [row for row in _rows().values() if keep(row)]


@implements("role.get_all_where")
async def get_all_where(ctx: Context, expr: str) -> list[str]:
    """XenAPI: role.get_all_where."""
    return [row.ref for row in _matching(expr)]


@implements("role.get_all_records_where")
async def get_all_records_where(ctx: Context, expr: str) -> RowRecords:
    """XenAPI: role.get_all_records_where."""
    return RowRecords(_CLASS, _matching(expr))


@implements("role.get_record")
async def get_record(ctx: Context, self: str) -> RowRecord:
    """XenAPI: role.get_record."""
    return RowRecord(_CLASS, find(self))


@implements("role.get_by_uuid")
async def get_by_uuid(ctx: Context, uuid: str) -> str:
    """XenAPI: role.get_by_uuid."""
    ref = f"OpaqueRef:{uuid}"
    if ref not in _rows():
        raise errors.uuid_invalid("role", uuid)
    return ref


@implements("role.get_by_name_label")
async def get_by_name_label(ctx: Context, label: str) -> list[str]:
    """XenAPI: role.get_by_name_label."""
    return [row.ref for row in _rows().values() if row.values["name_label"] == label]


def _getter(field: str) -> Callable[..., Any]:
    async def get(ctx: Context, self: str) -> Any:
        return find(self).values[field]

    return get


for _field in _CLASS.record_fields:
    implements(f"role.get_{_field.name}")(_getter(_field.name))
