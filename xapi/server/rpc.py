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
        if head.path.startswith(JSON_PATH):
            return jsonrpc.CONTENT_TYPE, await _json(ctx, body)
        return xmlrpc.CONTENT_TYPE, await _xml(ctx, body)
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
    ctx.traceparent = headers.get("traceparent", "")
    return ctx


async def _xml(ctx: Context, body: bytes) -> bytes:
    try:
        name, params = xmlrpc.parse_call(body)
    except xmlrpc.BadText as reason:
        return xmlrpc.failure(unsendable(str(reason)).description)
    if name.startswith("system."):
        return _system(name, params)
    try:
        outcome = await _call(ctx, name, params)
        return xmlrpc.success(result_parts(outcome.type, outcome.value, "xml"))
    except Exception as reason:
        # The top of a request.
        return xmlrpc.failure(_failed(ctx, reason))


async def _json(ctx: Context, body: bytes) -> bytes:
    try:
        call = jsonrpc.parse_call(body)
    except xmlrpc.BadText as reason:
        return jsonrpc.failure(reason.args[1], unsendable(reason.args[0]).description)
    try:
        if call.method.startswith("system.isAlive"):
            return jsonrpc.success(call, [msgspec.json.encode(call.params[0] if call.params else "")])
        if call.method == "system.listMethods":
            return jsonrpc.success(call, [msgspec.json.encode(_method_names())])
        outcome = await _call(ctx, call.method, call.params)
        return jsonrpc.success(call, result_parts(outcome.type, outcome.value, "json"))
    except Exception as reason:
        # The top of a request.
        return jsonrpc.failure(call, _failed(ctx, reason))


def _failed(ctx: Context, reason: Exception) -> list[str]:
    """Return what the client is told, and count it."""
    error = dispatch.as_api_error(ctx, reason)
    ctx.app.measures.failed(ctx.name, error.code)
    return error.description


async def _call(ctx: Context, name: str, params: list[Any]) -> dispatch.Outcome:
    """Make a call that came over the network or the local socket: counted, perhaps held back, perhaps traced."""
    if not ctx.origin.local_root:
        await ctx.app.callers.admit(ctx.origin.user_agent, ctx.origin.address)
    observers = ctx.app.tracer.observers()
    if not observers:
        return await dispatch.call(ctx, name, params)
    with ctx.app.tracer.span(observers, ctx, name):
        return await dispatch.call(ctx, name, params)


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
