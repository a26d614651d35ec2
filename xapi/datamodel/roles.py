"""Roles of role-based access control, from the most to the least powerful, and who passes a demand for one."""

from __future__ import annotations

import enum
import hashlib
import uuid
from functools import cache


class Role(enum.StrEnum):
    POOL_ADMIN = "pool-admin"
    POOL_OPERATOR = "pool-operator"
    VM_POWER_ADMIN = "vm-power-admin"
    VM_ADMIN = "vm-admin"
    VM_OPERATOR = "vm-operator"
    CLIENT_CERT = "client-cert"
    READ_ONLY = "read-only"
    LOCAL_ROOT = "local-root"
    """Not a role anybody can have: demands a local superuser's or the pool's own session."""


POOL_ADMIN = Role.POOL_ADMIN
POOL_OPERATOR = Role.POOL_OPERATOR
VM_POWER_ADMIN = Role.VM_POWER_ADMIN
VM_ADMIN = Role.VM_ADMIN
VM_OPERATOR = Role.VM_OPERATOR
CLIENT_CERT = Role.CLIENT_CERT
READ_ONLY = Role.READ_ONLY
LOCAL_ROOT = Role.LOCAL_ROOT

ROLES: tuple[Role, ...] = tuple(role for role in Role if role is not Role.LOCAL_ROOT)
INTERNAL_ROLES: frozenset[Role] = frozenset({Role.CLIENT_CERT})
DEFAULT_SUBJECT_ROLE = Role.POOL_ADMIN

_POOL_ADMIN_UUID = "0165f154-ba3e-034e-6b27-5d271af109ba"


@cache
def allowed_roles(least: Role, extra: tuple[Role, ...] = ()) -> frozenset[Role]:
    """The roles that pass where `least` is demanded. The internal client-cert, though above read-only in order,
    is let in only where read-only is or where `extra` names it."""
    if least is Role.LOCAL_ROOT:
        return frozenset(extra)
    above = ROLES[: ROLES.index(least) + 1]
    internal = frozenset() if least is Role.READ_ONLY else INTERNAL_ROLES
    return (frozenset(above) - internal) | frozenset(extra)


def role_uuid(name: str) -> str:
    """The fixed uuid of the role or permission of that name: the MD5 of the name, pool-admin's excepted."""
    if name == Role.POOL_ADMIN:
        return _POOL_ADMIN_UUID
    return str(uuid.UUID(bytes=hashlib.md5(name.encode(), usedforsecurity=False).digest()))
