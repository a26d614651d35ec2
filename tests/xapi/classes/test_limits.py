"""Callers are counted, and held back as their limits say; nobody else is."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.xapi.classes.client import Client
from tests.xapi.fixture import serving, wire, xml_call
from xapi.errors import XenAPIError
from xapi.planning.token_bucket import Bucket, take


@pytest.fixture
async def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


def test_a_burst_goes_through_then_calls_queue() -> None:
    bucket = Bucket(2.0, 100.0)
    assert [take(bucket, 2.0, 1.0, 1.0, 100.0, 60.0) for _ in range(4)] == [0.0, 0.0, 1.0, 2.0]
    assert take(bucket, 2.0, 1.0, 1.0, 103.0, 60.0) == 0.0
    assert take(bucket, 2.0, 1.0, 1.0, 1000.0, 60.0) == 0.0, "never more than the burst"
    assert [take(bucket, 2.0, 1.0, 1.0, 1000.0, 0.5) for _ in range(3)] == [0.0, None, None]


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({}, ["INVALID_VALUE", "user_agent", ""]),
        ({"client_ip": "here"}, ["INVALID_VALUE", "client_ip", "here"]),
        ({"user_agent": "known"}, ["DB_UNIQUENESS_CONSTRAINT_VIOLATION", "Caller", "user_agent", "known"]),
    ],
)
async def test_callers_that_cannot_be(client: Client, given: dict[str, str], refused: list[str]) -> None:
    await client("Caller.create", {"user_agent": "known"})
    assert await client("Caller.create", given) == refused


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
async def test_limits_that_let_nothing_or_everything_through(client: Client, value: float) -> None:
    assert (await client("Rate_limit.create", {"burst_size": value, "fill_rate": 1.0}))[0] == "INVALID_VALUE"
    limit = await client("Rate_limit.create", {"burst_size": 1.0, "fill_rate": 1.0})
    assert (await client("Rate_limit.set_fill_rate", limit, value))[0] == "INVALID_VALUE"
    assert (await client("Rate_limit.set_burst_size", limit, value))[0] == "INVALID_VALUE"


async def test_calls_are_counted_by_caller_and_group(client: Client) -> None:
    one, other = [await client("Caller.create", {"user_agent": name, "name_label": name}) for name in ("one", "other")]
    for caller in (one, other):
        await client("Caller.add_group", caller, "backup")
    for _ in range(3):
        await client.app.callers.admit("one", "192.0.2.1")
    await client.app.callers.admit("stranger", "192.0.2.2")
    assert await client("Caller.query_call_count", one) == 3 and await client("Caller.query_call_count", other) == 0
    assert await client("Caller.query_group_token_usage", "backup") == 3.0
    await client("Caller.remove_group", one, "backup")
    assert await client("Caller.query_group_call_count", "backup") == 0
    assert [one, "one", "3", "3"] in await client("Caller.query_all_usage")
    assert await client("host.get_tracked_user_agents", client.host) == {"one": "192.0.2.1", "stranger": "192.0.2.2"}
    assert await client("Caller.get_last_access", one) > "2026"


async def test_a_limit_is_shared_and_taken_away(client: Client) -> None:
    limit = await client("Rate_limit.create", {"burst_size": 1.0, "fill_rate": 10.0})
    callers = [await client("Caller.create", {"user_agent": name}) for name in ("one", "other")]
    for caller in callers:
        await client("Rate_limit.add_caller", limit, caller)
    admit, began = client.app.callers.admit, time.monotonic()
    await asyncio.gather(admit("one", ""), admit("other", ""), admit("one", ""))
    assert time.monotonic() - began >= 0.19
    await client("Rate_limit.remove_caller", limit, callers[1])
    assert await client("Rate_limit.get_callers", limit) == [callers[0]]
    await client("Rate_limit.destroy", limit)
    assert await client("Caller.get_rate_limit", callers[0]) == "OpaqueRef:NULL"


async def test_who_would_wait_too_long_is_told(client: Client) -> None:
    limit = await client("Rate_limit.create", {"burst_size": 1.0, "fill_rate": 0.01})
    await client("Rate_limit.add_caller", limit, await client("Caller.create", {"user_agent": "one"}))
    await client.app.callers.admit("one", "")
    with pytest.raises(XenAPIError, match="TOO_MANY_PENDING_TASKS"):
        await client.app.callers.admit("one", "")


async def test_limits_hold_at_the_door(client: Client) -> None:
    limit = await client("Rate_limit.create", {"burst_size": 1.0, "fill_rate": 0.01})
    await client("Rate_limit.add_caller", limit, await client("Caller.create", {"user_agent": "greedy/1.0"}))
    call = xml_call("session.get_this_host", client.ctx.session, client.ctx.session)
    async with serving(client.app) as port, wire(port) as connection:
        answers = [await connection.post(call, more="User-Agent: greedy/1.0\r\n") for _ in range(2)]
        assert b"Success" in answers[0] and b"TOO_MANY_PENDING_TASKS" in answers[1]
        assert b"Success" in await connection.post(call, more="User-Agent: modest/1.0\r\n")
