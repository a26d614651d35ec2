"""XenAPI over HTTP: a POSTed body to the reply's body, for both protocols. Transport faults are `HttpError`."""

import time
from typing import Any

import msgspec

from xapi import errors
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError
from xapi.server import dispatch, jsonrpc, xmlrpc
from xapi.server.context import App, Context, Origin
from xapi.server.encoding import escape, result_parts, xml_array
from xapi.server.forwarding import gate
from xapi.server.http_types import Head, HttpError
from xapi.server.marshal import unsendable

MAX_BODY = 300 * 1024
JSON_PATH = "/jsonrpc"


def is_rpc(head: Head) -> bool:
    """Whether a request is a XenAPI call: a POST to anything that is not another handler's."""
    return head.method == "POST" and not head.target.startswith(("/cli", "/services", "/remote_db_access"))


async def answer(app: App, origin: Origin, head: Head, body: bytes) -> tuple[str, bytes]:
    """Return (content type, body) of the reply. :raises HttpError: 500, the body is not a call."""
    ctx = _context(app, origin, head)
    began = time.perf_counter()
    try:
        if gate.GENERATION in head.headers:
            await gate.arrive(ctx, head)
        if head.path.startswith(JSON_PATH):
            return jsonrpc.CONTENT_TYPE, await _json(ctx, head, body)
        return xmlrpc.CONTENT_TYPE, await _xml(ctx, head, body)
    except xmlrpc.BadRequest as reason:
        raise HttpError(500, str(reason)) from reason
    finally:
        app.measures.called(ctx.name, time.perf_counter() - began)


def _context(app: App, origin: Origin, head: Head) -> Context:
    ctx = Context(app, origin)
    headers = head.headers
    task = headers.get("task-id")
    if task and app.db.exists("task", task):
        ctx.task = task
    parent = headers.get("subtask-of")
    if parent and app.db.exists("task", parent):
        ctx.subtask_of = parent
    prefix = "x-http-other-config-"
    ctx.other_config = {f"http:{key[len(prefix) :]}": value for key, value in headers.items() if key.startswith(prefix)}
    return ctx


async def _xml(ctx: Context, head: Head, body: bytes) -> bytes:
    try:
        name, params = xmlrpc.parse_call(body)
    except xmlrpc.BadText as reason:
        return xmlrpc.failure(unsendable(str(reason)).description)
    if name.startswith("system."):
        return _system(name, params)
    try:
        if gate.relays(ctx.app, ctx.origin, dispatch.message_of(name)):
            return (await gate.relay(ctx.app, head, body))[1]
        await _admit(ctx)
        outcome = await dispatch.call(ctx, name, params)
        return xmlrpc.success(result_parts(outcome.type, outcome.value, "xml"))
    except Exception as reason:
        # The top of a request.
        return xmlrpc.failure(_failed(ctx, reason))


async def _json(ctx: Context, head: Head, body: bytes) -> bytes:
    try:
        call = jsonrpc.parse_call(body)
    except xmlrpc.BadText as reason:
        return jsonrpc.failure(reason.args[1], unsendable(reason.args[0]).description)
    try:
        if call.method.startswith("system.isAlive"):
            return jsonrpc.success(call, [msgspec.json.encode(call.params[0] if call.params else "")])
        if call.method == "system.listMethods":
            return jsonrpc.success(call, [msgspec.json.encode(_method_names())])
        if gate.relays(ctx.app, ctx.origin, dispatch.message_of(call.method)):
            return (await gate.relay(ctx.app, head, body))[1]
        await _admit(ctx)
        outcome = await dispatch.call(ctx, call.method, call.params)
        return jsonrpc.success(call, result_parts(outcome.type, outcome.value, "json"))
    except Exception as reason:
        # The top of a request.
        return jsonrpc.failure(call, _failed(ctx, reason))


def _failed(ctx: Context, reason: Exception) -> list[str]:
    """Return what the client is told, and count it."""
    error = dispatch.as_api_error(ctx, reason)
    ctx.app.measures.failed(ctx.name, error.code)
    return error.description


async def _admit(ctx: Context) -> None:
    """Hold the call back if its caller may make only so many."""
    if not ctx.origin.local_root:
        await ctx.app.callers.admit(ctx.origin.user_agent, ctx.origin.address)


def _method_names() -> list[str]:
    names = list(MODEL.messages)
    return names + [f"Async.{name}" for name, message in MODEL.messages.items() if message.is_async]


def _system(name: str, params: list[Any]) -> bytes:
    """Answer what is the dispatcher's own: no session, no Status."""
    if name == "system.listMethods":
        return xmlrpc.bare(xml_array(f"<value>{escape(method)}</value>" for method in _method_names()))
    if name.startswith("system.isAlive"):
        return xmlrpc.bare(f"<value>{escape(str(params[0])) if params else ''}</value>")
    unknown: XenAPIError = errors.message_method_unknown(name)
    return xmlrpc.failure(unknown.description)
