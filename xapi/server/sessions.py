"""Sessions: who is logged in, what they may do, when they end.

Rows of class ``session`` live in memory only: a restart of the toolstack logs everybody out, as in the original. Local
sessions have no row at all: only this process knows them, so they work while the pool's database is out of reach.
"""

import functools
import secrets
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from xapi import errors
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.datamodel import MODEL, allowed_roles
from xapi.datamodel.model import Message
from xapi.datamodel.roles import Role
from xapi.errors import XenAPIError
from xapi.server import audit
from xapi.server.context import Context, Origin, now, wire_date

if TYPE_CHECKING:
    from xapi.server.context import App

INACTIVE_LIMIT = 86400.0
MOST_NAMED = 500
MOST_ANONYMOUS = 400
DENIED = "No permission in user session"


class Group(NamedTuple):
    """Sessions that share a limit, and the limit."""

    kind: str
    name: str
    most: int


def group_of(originator: str, user_name: str, pool: bool) -> Group:
    """Return the group in which a session counts: one careless client must not log the others out."""
    if pool:
        return Group("pool", "", MOST_ANONYMOUS)
    if user_name not in ("", "root"):
        return Group("user", user_name, MOST_NAMED)
    if originator:
        return Group("originator", originator, MOST_NAMED)
    return Group("anonymous", "", MOST_ANONYMOUS)


@functools.cache
def permissions_of(roles: frozenset[Role]) -> tuple[str, ...]:
    """Return the names of all permissions that the roles have together."""
    return tuple(name for name, allowed in MODEL.permissions.items() if allowed & roles)


class Sessions:
    """The sessions of this pool."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._last_used: OrderedDict[str, float] = OrderedDict()
        self._roles: dict[str, frozenset[Role]] = {}
        self._local: set[str] = set()
        self._groups: dict[Group, OrderedDict[str, None]] = {}
        self._on_end: list[Callable[[str], None]] = []
        self.other_databases: dict[str, Store] = {}
        """What sessions read that are not about this pool."""

    def on_end(self, callback: Callable[[str], None]) -> None:
        """Have *callback* told of every session that ends."""
        self._on_end.append(callback)

    def create(
        self,
        origin: Origin,
        *,
        superuser: bool,
        pool: bool = False,
        user_name: str = "",
        originator: str = "",
        subject: str = NULL_REF,
        user_sid: str = "",
        roles: frozenset[Role] = frozenset(),
        parent: str = NULL_REF,
        client_certificate: bool = False,
    ) -> str:
        """Make a session and return its ref.

        *roles* count for sessions that are neither a superuser's nor the pool's; they are fixed until the session ends.
        *parent* is the session under which this one was asked for.
        """
        db = self._app.db
        ref = _new_ref()
        db.create(
            "session",
            ref,
            this_host=self._app.localhost,
            last_active=now(),
            validation_time=now(),
            pool=pool,
            is_local_superuser=superuser,
            auth_user_name=user_name,
            auth_user_sid=user_sid,
            subject=subject,
            originator=originator,
            client_certificate=client_certificate,
            parent=parent,
            rbac_permissions=list(permissions_of(roles)),
        )
        self._roles[ref] = roles
        self._last_used[ref] = time.monotonic()
        self._make_room(ref)
        return ref

    def create_local(self) -> str:
        """Make a session that only this process knows and that may do everything; return its ref."""
        ref = _new_ref()
        self._local.add(ref)
        self._last_used[ref] = time.monotonic()
        surplus = len(self._local) - MOST_ANONYMOUS
        if surplus > 0:
            for oldest in sorted(self._local - {ref}, key=self._last_used.__getitem__)[:surplus]:
                self.destroy(oldest)
        return ref

    def is_local(self, session: str) -> bool:
        return session in self._local

    def check(self, session: str) -> None:
        """Note that *session* is used. :raises XenAPIError: SESSION_INVALID."""
        if session not in self._last_used:
            raise errors.session_invalid(session)
        self._last_used[session] = time.monotonic()
        self._last_used.move_to_end(session)

    def destroy(self, session: str) -> None:
        """End a session: its waiting event calls are woken."""
        self._last_used.pop(session, None)
        self._roles.pop(session, None)
        self.other_databases.pop(session, None)
        self._local.discard(session)
        if self._app.db.exists("session", session):
            self._groups.get(self._group(session), OrderedDict()).pop(session, None)
            self._app.db.destroy("session", session)
        for callback in self._on_end:
            callback(session)

    def is_superuser(self, session: str) -> bool:
        """Whether RBAC does not apply: local root and the pool itself."""
        if session in self._local:
            return True
        values = self._app.db.row("session", session).values
        return bool(values["is_local_superuser"] or values["pool"])

    def roles(self, session: str) -> frozenset[Role]:
        return self._roles.get(session, frozenset())

    def collect_garbage(self) -> None:
        """End sessions not used for a day whose work is done, and show in the rows when the others were used last."""
        db, limit = self._app.db, self._app.config.number("inactive_session_timeout", INACTIVE_LIMIT)
        oldest = time.monotonic() - limit
        for session in [ref for ref, used in self._last_used.items() if used < oldest and not self._works(ref)]:
            self.destroy(session)
        for session, used in self._last_used.items():
            if session not in self._local:
                db.set("session", session, last_active=wire_date(time.time() - (time.monotonic() - used)))

    def _group(self, session: str) -> Group:
        values = self._app.db.row("session", session).values
        return group_of(values["originator"], values["auth_user_name"], values["pool"])

    def _make_room(self, newest: str) -> None:
        """Keep the newest session's group within its bounds, ending its oldest; those whose tasks still run are spared."""
        group = self._group(newest)
        members = self._groups.setdefault(group, OrderedDict())
        members[newest] = None
        surplus = len(members) - group.most
        if surplus <= 0:
            return
        unused = sorted((ref for ref in members if ref != newest and not self._works(ref)), key=self._last_used.__getitem__)
        for ref in unused[:surplus]:
            self.destroy(ref)

    def _works(self, session: str) -> bool:
        """Whether a task of the session, or of one that it was made under, is unfinished."""
        db, seen = self._app.db, set[str]()
        while session not in seen and db.exists("session", session):
            if any(db.get("task", task, "status") == "pending" for task in db.get("session", session, "tasks")):
                return True
            seen.add(session)
            session = db.get("session", session, "parent")
        return False


def _new_ref() -> str:
    """Return a ref from a secure random source: knowing it is being logged in."""
    return f"OpaqueRef:{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}"


def has_permission(ctx: Context, permission: str) -> bool:
    """Whether the call's session may do what *permission* (as in `MODEL.permissions`) stands for."""
    sessions = ctx.app.sessions
    if ctx.session == NULL_REF or sessions.is_superuser(ctx.session):
        return True
    return bool(MODEL.permissions[permission] & sessions.roles(ctx.session))


def assert_permitted(ctx: Context, message: Message, key: str | None = None) -> None:
    """Check the session's role against what *message* demands; *key* is the map key it adds or removes.

    :raises XenAPIError: RBAC_PERMISSION_DENIED [permission; text].
    """
    sessions = ctx.app.sessions
    if ctx.session == NULL_REF or sessions.is_superuser(ctx.session):
        return
    permission, allowed = message.permission, allowed_roles(message.role, message.role_extra)
    guarded = _guarded_key(message, key)
    if guarded is not None:
        permission, allowed = f"{permission}/key:{guarded}", allowed_roles(message.map_key_roles[guarded])
    if not allowed & sessions.roles(ctx.session):
        raise _denied(ctx, "API", message.wire_name, permission)


def _denied(ctx: Context, kind: str, action: str, permission: str, arguments: Sequence[str] = ()) -> XenAPIError:
    audit.record(ctx, kind, action, f"ERROR:RBAC_PERMISSION_DENIED: {permission}", arguments, allowed=False)
    return errors.rbac_permission_denied(permission, DENIED)


def _guarded_key(message: Message, key: str | None) -> str | None:
    """Return the declared key (perhaps ending in ``*``) that covers *key*, or None."""
    if key is None:
        return None
    for guarded in message.map_key_roles:
        if key.lower() == guarded.lower():
            return guarded
        if guarded.endswith("*") and key.lower().startswith(guarded[:-1].lower()):
            return guarded
    return None


POLLED = frozenset({"rrd_updates", "vm_rrd", "host_rrd", "sr_rrd", "get_vm_rrds", "get_host_rrds", "get_root", "post_cli"})
"""Handlers that are asked all the time, or whose calls log themselves: not in the audit log unless refused."""


def assert_http_permitted(
    ctx: Context, name: str, sub_action: str | None = None, arguments: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Check the session's role for the HTTP handler *name*, or for one of its sub-actions. *arguments* are the request's, for
    the audit log.

    :raises XenAPIError: RBAC_PERMISSION_DENIED.
    """
    permission = f"http/{name}" if sub_action is None else f"http/{name}/{sub_action}"
    if not MODEL.http_actions[name].rbac_check:
        return
    if not has_permission(ctx, permission):
        raise _denied(ctx, "HTTP", permission, permission, audit.pairs(arguments))
    # What local root does is not audited, as in the original: he could write the log too.
    if sub_action is None and name not in POLLED and not ctx.origin.local_root:
        audit.record(ctx, "HTTP", permission, "OK", audit.pairs(arguments))
