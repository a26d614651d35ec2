"""XenAPI classes Caller and Rate_limit: who calls, and how much they may. `xapi.server.callers` keeps the limits."""

import ipaddress
import math
from typing import Any

from xapi import errors
from xapi.classes.host import assert_here
from xapi.database.schema import NULL_REF
from xapi.server.callers import Usage
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("Caller.create")
async def create_caller(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: Caller.create. :raises XenAPIError: INVALID_VALUE, DB_UNIQUENESS_CONSTRAINT_VIOLATION."""
    agent, address = args["user_agent"], args["client_ip"]
    if address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise errors.invalid_value("client_ip", address) from None
    if not agent and not address:
        raise errors.invalid_value("user_agent", agent)
    if ctx.db.where("Caller", user_agent=agent, client_ip=address):
        raise errors.uniqueness_violation("Caller", "user_agent", f"{agent} {address}".strip())
    return ctx.db.create("Caller", **args)


@implements("Caller.destroy")
async def destroy_caller(ctx: Context, self: str) -> None:
    """XenAPI: Caller.destroy."""
    ctx.db.destroy("Caller", self)


@implements("Caller.add_group")
async def add_group(ctx: Context, self: str, group: str) -> None:
    """XenAPI: Caller.add_group. :raises XenAPIError: INVALID_VALUE for a name that is empty."""
    if not group:
        raise errors.invalid_value("group", group)
    ctx.db.add_to_set("Caller", self, "groups", group)


@implements("Caller.remove_group")
async def remove_group(ctx: Context, self: str, group: str) -> None:
    """XenAPI: Caller.remove_group."""
    ctx.db.remove_from_set("Caller", self, "groups", group)


def _group(ctx: Context, group: str) -> Usage:
    members = [ctx.app.callers.usage(row.ref) for row in ctx.db.rows("Caller") if group in row.values["groups"]]
    return Usage(sum(member.calls for member in members), sum(member.tokens for member in members))


def _caller(ctx: Context, caller: str) -> Usage:
    ctx.db.row("Caller", caller)
    return ctx.app.callers.usage(caller)


@implements("Caller.query_token_usage")
async def query_token_usage(ctx: Context, self: str) -> float:
    """XenAPI: Caller.query_token_usage."""
    return _caller(ctx, self).tokens


@implements("Caller.query_call_count")
async def query_call_count(ctx: Context, self: str) -> int:
    """XenAPI: Caller.query_call_count."""
    return _caller(ctx, self).calls


@implements("Caller.query_group_token_usage")
async def query_group_token_usage(ctx: Context, group: str) -> float:
    """XenAPI: Caller.query_group_token_usage."""
    return _group(ctx, group).tokens


@implements("Caller.query_group_call_count")
async def query_group_call_count(ctx: Context, group: str) -> int:
    """XenAPI: Caller.query_group_call_count."""
    return _group(ctx, group).calls


@implements("Caller.query_all_usage")
async def query_all_usage(ctx: Context) -> list[list[str]]:
    """XenAPI: Caller.query_all_usage: for each caller: ref, name, tokens, calls."""
    rows = [(row.ref, row.values["name_label"], ctx.app.callers.usage(row.ref)) for row in ctx.db.rows("Caller")]
    return [[ref, name, f"{used.tokens:g}", str(used.calls)] for ref, name, used in rows]


def _check(field: str, value: float) -> None:
    """:raises XenAPIError: INVALID_VALUE for what would let nothing through."""
    if not (math.isfinite(value) and value > 0.0):
        raise errors.invalid_value(field, value)


@implements("Rate_limit.create")
async def create_limit(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: Rate_limit.create. :raises XenAPIError: INVALID_VALUE."""
    for field in ("burst_size", "fill_rate"):
        _check(field, args[field])
    return ctx.db.create("Rate_limit", **args)


@implements("Rate_limit.destroy")
async def destroy_limit(ctx: Context, self: str) -> None:
    """XenAPI: Rate_limit.destroy: its callers go unlimited."""
    for caller in list(ctx.db.get("Rate_limit", self, "callers")):
        ctx.db.set("Caller", caller, rate_limit=NULL_REF)
    ctx.db.destroy("Rate_limit", self)


@implements("Rate_limit.add_caller")
async def add_caller(ctx: Context, self: str, caller: str) -> None:
    """XenAPI: Rate_limit.add_caller; a caller has one limit."""
    ctx.db.row("Rate_limit", self)
    ctx.db.set("Caller", caller, rate_limit=self)


@implements("Rate_limit.remove_caller")
async def remove_caller(ctx: Context, self: str, caller: str) -> None:
    """XenAPI: Rate_limit.remove_caller."""
    ctx.db.row("Rate_limit", self)
    if ctx.db.get("Caller", caller, "rate_limit") == self:
        ctx.db.set("Caller", caller, rate_limit=NULL_REF)


@implements("Rate_limit.set_burst_size")
async def set_burst_size(ctx: Context, self: str, value: float) -> None:
    """XenAPI: Rate_limit.set_burst_size. :raises XenAPIError: INVALID_VALUE."""
    _check("burst_size", value)
    ctx.db.set("Rate_limit", self, burst_size=value)


@implements("Rate_limit.set_fill_rate")
async def set_fill_rate(ctx: Context, self: str, value: float) -> None:
    """XenAPI: Rate_limit.set_fill_rate. :raises XenAPIError: INVALID_VALUE."""
    _check("fill_rate", value)
    ctx.db.set("Rate_limit", self, fill_rate=value)


@implements("host.get_tracked_user_agents")
async def get_tracked_user_agents(ctx: Context, self: str) -> dict[str, str]:
    """XenAPI: host.get_tracked_user_agents: the last few hundred clients: program to addresses."""
    assert_here(ctx, self)
    return ctx.app.callers.clients()
