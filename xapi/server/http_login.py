"""Who asks for an HTTP handler: a session, the pool's secret, or a name and password; and the session made for that."""

import base64
import binascii
import contextlib
from collections.abc import AsyncIterator

from xapi.database.schema import NULL_REF
from xapi.datamodel.model import HttpAction
from xapi.errors import XenAPIError
from xapi.server.authentication import is_pool_secret
from xapi.server.context import Context
from xapi.server.dispatch import call_as
from xapi.server.http_registry import guard
from xapi.server.http_types import HttpError, Request
from xapi.server.sessions import assert_http_permitted


@contextlib.asynccontextmanager
async def authenticated(ctx: Context, action: HttpAction, request: Request) -> AsyncIterator[None]:
    """Find out who asks; a session made for Basic authentication ends with the block.

    Order: session, pool secret, Basic. Without any: 401. :raises HttpError: 401, 403.
    """
    if not action.rbac_check:
        yield
        return
    sessions = ctx.app.sessions
    made = NULL_REF
    session = request.parameter("session_id")
    secret = request.parameter("pool_secret")
    basic = request.headers.get("authorization", "")
    try:
        if session:
            sessions.check(session)
            ctx.session = session
        elif request.origin.local_root:
            made = ctx.session = sessions.create(request.origin, superuser=True)
        elif secret:
            if not is_pool_secret(ctx.app, secret):
                raise _unauthorised(ctx, action, request)
            made = ctx.session = sessions.create(request.origin, superuser=True, pool=True)
        elif basic.lower().startswith("basic "):
            made = ctx.session = await _basic_login(ctx, action, request, basic[6:])
        else:
            raise _unauthorised(ctx, action, request)
        assert_http_permitted(ctx, guard(action.name), arguments=request.arguments)
        yield
    except XenAPIError as reason:
        if reason.code in _NOT_LOGGED_IN:
            raise _unauthorised(ctx, action, request) from reason
        _fail_given_task(ctx, request, reason)
        if reason.code == "RBAC_PERMISSION_DENIED":
            raise HttpError(403, error_text(reason)) from reason
        raise HttpError(500, error_text(reason)) from reason
    finally:
        if made != NULL_REF:
            sessions.destroy(made)


_NOT_LOGGED_IN = frozenset({"SESSION_INVALID", "SESSION_AUTHENTICATION_FAILED", "SESSION_AUTHORIZATION_FAILED"})


def _unauthorised(ctx: Context, action: HttpAction, request: Request) -> HttpError:
    # Whoever waits for the task only must hear of it too.
    _fail_given_task(ctx, request, XenAPIError("SESSION_AUTHENTICATION_FAILED", [action.name, "log in first"]))
    return HttpError(401, "log in first", {"WWW-Authenticate": f'Basic realm="{action.name}"'})


def error_text(reason: XenAPIError) -> str:
    return f"{reason.code}: [ {'; '.join(reason.params)} ]"


async def _basic_login(ctx: Context, action: HttpAction, request: Request, encoded: str) -> str:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _unauthorised(ctx, action, request) from None
    family = "IPv6" if ":" in ctx.origin.address else "IPv4"
    originator = f"{family} {ctx.origin.address} using Basic auth"
    session: str = await call_as(ctx, "session.login_with_password", user, password, "", originator)
    return session


def _fail_given_task(ctx: Context, request: Request, reason: XenAPIError) -> None:
    task = request.parameter("task_id")
    if task and ctx.db.exists("task", task):
        ctx.app.tasks.fail(task, reason)
