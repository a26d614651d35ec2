"""Sessions: who is logged in, what they may do, when they end.

Rows of class ``session`` live in memory only: a restart of the toolstack logs everybody out, as in the original.
"""

import asyncio
import secrets
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from xapi import errors
from xapi.database.schema import NULL_REF
from xapi.datamodel import MODEL, allowed_roles
from xapi.datamodel.model import Message
from xapi.datamodel.roles import Role
from xapi.errors import XenAPIError
from xapi.server.context import Context, Origin, now, wire_date

if TYPE_CHECKING:
    from xapi.server.context import App

INACTIVE_LIMIT = 86400.0
MOST_NAMED = 500
MOST_ANONYMOUS = 200


def track_id(session: str) -> str:
    """Return what stands for a session in logs: never the session itself."""
    return uuid.uuid5(uuid.NAMESPACE_OID, session).hex


class Sessions:
    """The sessions of this pool."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._last_used: OrderedDict[str, float] = OrderedDict()
        self._roles: dict[str, frozenset[Role]] = {}
        self._on_end: list[Callable[[str], None]] = []

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
    ) -> str:
        """Make a session and return its ref (from a secure random source: knowing it is being logged in)."""
        db = self._app.db
        ref = f"OpaqueRef:{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}"
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
            client_certificate=False,
        )
        self._roles[ref] = roles
        self._last_used[ref] = time.monotonic()
        self._make_room(ref, originator)
        return ref

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
        if self._app.db.exists("session", session):
            self._app.db.destroy("session", session)
        for callback in self._on_end:
            callback(session)

    def is_superuser(self, session: str) -> bool:
        """Whether RBAC does not apply: local root and the pool itself."""
        values = self._app.db.row("session", session).values
        return bool(values["is_local_superuser"] or values["pool"])

    def roles(self, session: str) -> frozenset[Role]:
        return self._roles.get(session, frozenset())

    def collect_garbage(self) -> None:
        """End sessions not used for a day, and show in the rows when the others were."""
        db, oldest = self._app.db, time.monotonic() - INACTIVE_LIMIT
        for session in [ref for ref, used in self._last_used.items() if used < oldest]:
            self.destroy(session)
        for session, used in self._last_used.items():
            db.set("session", session, last_active=wire_date(time.time() - (time.monotonic() - used)))

    def _make_room(self, newest: str, originator: str) -> None:
        """Keep the sessions of one originator within bounds, ending the least recently used."""
        db = self._app.db
        most = MOST_NAMED if originator else MOST_ANONYMOUS
        if len(self._last_used) <= most:
            return
        same = [ref for ref in self._last_used if db.row("session", ref).values["originator"] == originator]
        for ref in same[: max(0, len(same) - most)]:
            if ref != newest:
                self.destroy(ref)


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
        raise errors.rbac_permission_denied(permission, "No permission in user session")


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


def assert_http_permitted(ctx: Context, name: str) -> None:
    """Check the session's role for the HTTP handler *name*. :raises XenAPIError: RBAC_PERMISSION_DENIED."""
    action = MODEL.http_actions[name]
    sessions = ctx.app.sessions
    if not action.rbac_check or ctx.session == NULL_REF or sessions.is_superuser(ctx.session):
        return
    if not allowed_roles(action.role, action.role_extra) & sessions.roles(ctx.session):
        raise errors.rbac_permission_denied(f"http/{name}", "No permission in user session")


async def login_failed(ctx: Context, user: str, reason: str) -> XenAPIError:
    """Return the error for a refused login, after the pause that slows guessing down."""
    await asyncio.sleep(ctx.app.config.number("login-failure-delay", 5.0))
    # Declared without parameters; the original sends these two.
    return XenAPIError("SESSION_AUTHENTICATION_FAILED", [user, reason])
