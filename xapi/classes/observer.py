"""XenAPI class Observer: what is to be traced, by whom, and where traces go. Nothing traces yet: observers stay off."""

import re
from collections.abc import Sequence
from typing import Any

from xapi.errors import invalid_value, not_implemented
from xapi.server.context import Context
from xapi.server.registry import implements

COMPONENTS = frozenset({"xapi", "xenopsd", "xapi-clusterd", "smapi"})
_ENDPOINT = re.compile(r"bugtool|https?://[A-Za-z0-9.\[\]:-]+(/\S*)?")
_ATTRIBUTE = re.compile(r"[a-z0-9]([a-z0-9._-]{0,253}[a-z0-9])?")


def _check(*, components: Sequence[str] = (), endpoints: Sequence[str] = (), attributes: Sequence[str] = ()) -> None:
    """:raises XenAPIError: INVALID_VALUE."""
    for field, values, good in (
        ("component", components, COMPONENTS.__contains__),
        ("endpoint", endpoints, _ENDPOINT.fullmatch),
        ("attribute", attributes, _ATTRIBUTE.fullmatch),
    ):
        for value in values:
            if not good(value):
                raise invalid_value(field, value)


def _check_hosts(ctx: Context, hosts: Sequence[str]) -> None:
    for host in hosts:
        ctx.db.row("host", host)


@implements("Observer.create")
async def create(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: Observer.create. :raises XenAPIError: INVALID_VALUE; NOT_IMPLEMENTED if it is to trace at once."""
    _check(components=args["components"], endpoints=args["endpoints"], attributes=list(args["attributes"]))
    _check_hosts(ctx, args["hosts"])
    if args["enabled"]:
        raise not_implemented("Observer.set_enabled")
    return ctx.db.create("Observer", **args)


@implements("Observer.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: Observer.destroy."""
    ctx.db.destroy("Observer", self)


@implements("Observer.set_hosts")
async def set_hosts(ctx: Context, self: str, value: list[str]) -> None:
    """XenAPI: Observer.set_hosts."""
    _check_hosts(ctx, value)
    ctx.db.set("Observer", self, hosts=list(dict.fromkeys(value)))


@implements("Observer.set_attributes")
async def set_attributes(ctx: Context, self: str, value: dict[str, str]) -> None:
    """XenAPI: Observer.set_attributes. :raises XenAPIError: INVALID_VALUE."""
    _check(attributes=list(value))
    ctx.db.set("Observer", self, attributes=value)


@implements("Observer.set_endpoints")
async def set_endpoints(ctx: Context, self: str, value: list[str]) -> None:
    """XenAPI: Observer.set_endpoints. :raises XenAPIError: INVALID_VALUE."""
    _check(endpoints=value)
    ctx.db.set("Observer", self, endpoints=list(dict.fromkeys(value)))


@implements("Observer.set_components")
async def set_components(ctx: Context, self: str, value: list[str]) -> None:
    """XenAPI: Observer.set_components. :raises XenAPIError: INVALID_VALUE."""
    _check(components=value)
    ctx.db.set("Observer", self, components=list(dict.fromkeys(value)))


@implements("Observer.set_enabled")
async def set_enabled(ctx: Context, self: str, value: bool) -> None:
    """XenAPI: Observer.set_enabled. :raises XenAPIError: NOT_IMPLEMENTED to switch it on."""
    ctx.db.row("Observer", self)
    if value:
        raise not_implemented("Observer.set_enabled")
    ctx.db.set("Observer", self, enabled=False)
