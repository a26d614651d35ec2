"""event.register, event.next and event.unregister, as clients of the first years use them."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.fixture import make
from xapi.errors import XenAPIError
from xapi.server import legacy_events
from xapi.server.audit import track_id
from xapi.server.context import App, Context, Origin
from xapi.server.dispatch import call
from xapi.server.encoding import Encoded


class Client:
    def __init__(self, app: App) -> None:
        self.app = app
        self.session = app.sessions.create(Origin(), superuser=True)

    async def __call__(self, name: str, *params: Any) -> Any:
        value = (await call(Context(self.app, Origin()), f"event.{name}", [self.session, *params])).value
        return json.loads(b"".join(value.parts("json"))) if isinstance(value, Encoded) else value


@pytest.fixture
async def app(tmp_path: Path) -> App:
    app = make(tmp_path)
    await asyncio.sleep(0)
    return app


@pytest.fixture
async def client(app: App) -> Client:
    return Client(app)


async def test_every_change_is_an_event_with_what_was_true_then(app: App, client: Client) -> None:
    await client("register", ["vm"])
    vm = app.db.create("VM", name_label="first")
    app.db.set("VM", vm, name_label="second")
    app.db.create("VBD", VM=vm)
    app.db.destroy("VM", vm)
    events = await client("next")
    assert [event["operation"] for event in events] == ["add", "mod", "mod", "del"]
    assert [event["snapshot"]["name_label"] for event in events[:3]] == ["first", "second", "second"]
    assert [len(event["snapshot"]["VBDs"]) for event in events[:3]] == [0, 0, 1]
    assert "snapshot" not in events[3] and {event["ref"] for event in events} == {vm}
    assert all(abs(float(event["timestamp"]) - time.time()) < 60 for event in events)
    assert {event["class"] for event in events} == {"vm"}


async def test_ids_rise_for_all_clients_alike(app: App, client: Client) -> None:
    other = Client(app)
    await client("register", ["*"])
    await other("register", ["VM"])
    coming = await client("get_current_id")
    app.db.create("VM")
    app.db.create("VDI")
    mine, theirs = await client("next"), await other("next")
    assert [int(event["id"]) for event in mine] == [coming, coming + 1]
    assert theirs == mine[:1]
    # Changes that nobody registered for count too.
    await client("unregister", ["*"])
    app.db.create("VDI")
    assert await client("get_current_id") == coming + 3


async def test_next_waits_for_something_relevant(app: App, client: Client) -> None:
    await client("register", ["VDI"])
    waiting = asyncio.create_task(client("next"))
    app.db.create("VM")
    await asyncio.sleep(0.01)
    assert not waiting.done()
    disk = app.db.create("VDI")
    assert [event["ref"] for event in await waiting] == [disk]


async def test_subscriptions_are_widened_and_taken_back_one_by_one(app: App, client: Client) -> None:
    await client("register", ["VM", "VDI"])
    await client("register", ["network"])
    await client("unregister", ["vm"])
    app.db.create("VM")
    disk, network = app.db.create("VDI"), app.db.create("network")
    assert {event["ref"] for event in await client("next")} == {disk, network}
    await client("unregister", ["VDI", "network"])
    with pytest.raises(XenAPIError) as refusal:
        await client("next")
    assert refusal.value.description == ["SESSION_NOT_REGISTERED", f"trackid={track_id(client.session)}"]


async def test_who_never_registered_is_told(client: Client) -> None:
    with pytest.raises(XenAPIError, match="SESSION_NOT_REGISTERED"):
        await client("next")
    assert await client("unregister", ["VM"]) is None


async def test_who_falls_behind_loses_events_and_is_told_once(app: App, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy_events, "MOST_BYTES", 50_000)
    quick = Client(app)
    await client("register", ["VM"])
    await quick("register", ["VM"])
    for _ in range(30):
        app.db.create("VM")
        assert len(await quick("next")) == 1
    with pytest.raises(XenAPIError, match="EVENTS_LOST"):
        await client("next")
    vm = app.db.create("VM")
    assert [event["ref"] for event in await client("next")] == [vm]


async def test_the_pools_heartbeat_is_for_legacy_clients_only(app: App, client: Client) -> None:
    await client("register", ["pool"])
    generation = app.db.generation
    app.events.heartbeat()
    (beat,) = await client("next")
    assert (beat["class"], beat["operation"]) == ("pool", "mod")
    assert app.db.generation == generation
