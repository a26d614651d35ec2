"""XenAPI class subject: users and groups of an external directory, and the roles given to them."""

from typing import Any

from xapi import errors
from xapi.classes import login
from xapi.classes import role as roles
from xapi.datamodel.roles import DEFAULT_SUBJECT_ROLE, INTERNAL_ROLES, Role
from xapi.server.context import Context
from xapi.server.registry import implements


def roles_of(ctx: Context, subject: str) -> frozenset[Role]:
    """Return the roles of a subject."""
    return login.roles_of(ctx, [subject])


@implements("subject.create")
async def create(ctx: Context, record: dict[str, Any]) -> str:
    """XenAPI: subject.create. :raises XenAPIError: SUBJECT_ALREADY_EXISTS.

    A new subject administers the pool until its roles are changed: what the original does where roles are not licensed,
    and what scripts written for it rely on.
    """
    identifier = record["subject_identifier"]
    if ctx.db.where("subject", subject_identifier=identifier):
        raise errors.error("SUBJECT_ALREADY_EXISTS")
    return ctx.db.create(
        "subject",
        subject_identifier=identifier,
        other_config=dict(record["other_config"]),
        roles=[roles.ref_of(DEFAULT_SUBJECT_ROLE)],
    )


@implements("subject.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: subject.destroy: its sessions end with it."""
    ctx.db.row("subject", self)
    for session in ctx.db.where("session", subject=self):
        ctx.app.sessions.destroy(session)
    ctx.db.destroy("subject", self)


@implements("subject.add_to_roles")
async def add_to_roles(ctx: Context, self: str, role: str) -> None:
    """XenAPI: subject.add_to_roles; sessions that exist keep what they may do.

    :raises XenAPIError: ROLE_NOT_FOUND, ROLE_ALREADY_EXISTS.
    """
    ctx.db.row("subject", self)
    if roles.as_role(role) in INTERNAL_ROLES:
        raise errors.error("ROLE_NOT_FOUND")
    if role in ctx.db.get("subject", self, "roles"):
        raise errors.error("ROLE_ALREADY_EXISTS")
    ctx.db.add_to_set("subject", self, "roles", role)


@implements("subject.remove_from_roles")
async def remove_from_roles(ctx: Context, self: str, role: str) -> None:
    """XenAPI: subject.remove_from_roles. :raises XenAPIError: ROLE_NOT_FOUND where the subject does not have it."""
    if role not in ctx.db.get("subject", self, "roles"):
        raise errors.error("ROLE_NOT_FOUND")
    ctx.db.remove_from_set("subject", self, "roles", role)


@implements("subject.get_permissions_name_label")
async def get_permissions_name_label(ctx: Context, self: str) -> list[str]:
    """XenAPI: subject.get_permissions_name_label: of all its roles together."""
    names: dict[str, None] = {}
    for role in sorted(roles_of(ctx, self)):
        names.update(dict.fromkeys(roles.permissions_of(role)))
    return list(names)
