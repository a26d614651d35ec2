"""A client that reads only events never differs from one that reads everything."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.xapi.fixture import make
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError
from xapi.server.context import App, Origin
from xapi.server.encoding import RowRecords, result_text
from xapi.server.event_records import Subscriptions


class Watcher:
    """Follows event.from and keeps a cache, as clients do."""

    def __init__(self, app: App, classes: list[str]) -> None:
        self.app, self.classes, self.token = app, classes, ""
        self.session = app.sessions.create(Origin(), superuser=True)
        self.cache: dict[str, dict[str, Any]] = {}
        self.last_counts: dict[str, int] = {}

    async def catch_up(self) -> None:
        encoded = await self.app.events.changes(self.session, self.classes, self.token, 0.0)
        reply = json.loads(b"".join(encoded.parts("json")))
        for event in reply["events"]:
            if event["operation"] == "del":
                self.cache.pop(event["ref"], None)
            else:
                self.cache[event["ref"]] = event["snapshot"]
        self.token = reply["token"]
        self.last_counts = reply["valid_ref_counts"]


def truth(app: App) -> dict[str, dict[str, Any]]:
    """Everything there is of VMs, VBDs and VDIs, through the same encoder's eyes."""
    found: dict[str, dict[str, Any]] = {}
    for cls in ("VM", "VBD", "VDI"):
        found |= json.loads(result_text(None, RowRecords(MODEL.classes[cls], list(app.db.rows(cls))), "json"))
    return found


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["create", "rename", "attach", "destroy", "watch", "fresh"]), st.integers(0, 10**6)),
    max_size=60,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTIONS)
def test_watchers_see_what_is(tmp_path: Path, actions: list[tuple[str, int]]) -> None:
    async def play() -> None:
        app = make(tmp_path)
        watchers = [Watcher(app, ["VM", "VBD", "VDI"]), Watcher(app, ["vm", "vbd", "vdi"])]
        for action, number in actions:
            act(app, action, number)
            if action == "watch":
                await watchers[number % len(watchers)].catch_up()
            elif action == "fresh":
                watchers.append(Watcher(app, ["VM", "VBD", "VDI"]))
        # What follows from the last change is written in the next turn of the loop.
        await asyncio.sleep(0)
        for watcher in watchers:
            await watcher.catch_up()
            assert watcher.cache == truth(app)
            assert watcher.last_counts["vm"] == app.db.count("VM")

    asyncio.run(play())


def act(app: App, action: str, number: int) -> None:
    """Change something at random, repeatably."""
    db, pick = app.db, random.Random(number)
    if action == "create":
        cls = pick.choice(["VM", "VDI", "VBD"])
        links: dict[str, Any] = {"VM": pick.choice(db.refs("VM")), "VDI": pick.choice(db.refs("VDI") or ["OpaqueRef:NULL"])}
        db.create(cls, **(links if cls == "VBD" else {}))
    elif action == "rename":
        db.set("VM", pick.choice(db.refs("VM")), name_label=str(number))
    elif action == "attach" and db.refs("VBD"):
        db.set("VBD", pick.choice(db.refs("VBD")), VM=pick.choice(db.refs("VM")))
    elif action == "destroy":
        cls = pick.choice(["VDI", "VBD"])
        if db.refs(cls):
            db.destroy(cls, pick.choice(db.refs(cls)))


def test_the_whole_database_comes_with_an_empty_token(tmp_path: Path) -> None:
    async def play() -> None:
        app = make(tmp_path)
        watcher = Watcher(app, ["*"])
        await watcher.catch_up()
        assert {app.localhost, *app.db.refs("pool"), *app.db.refs("VM")} <= watcher.cache.keys()
        assert not set(app.db.refs("role")) & watcher.cache.keys()
        assert not set(app.db.refs("session")) & watcher.cache.keys()

    asyncio.run(play())


def test_a_subscription_to_one_object_hears_of_that_object_only(tmp_path: Path) -> None:
    async def play() -> None:
        app = make(tmp_path)
        one, two = app.db.create("VM"), app.db.create("VM")
        watcher = Watcher(app, [f"vm/{one}"])
        await watcher.catch_up()
        app.db.set("VM", two, name_label="other")
        app.db.set("VM", one, name_label="this")
        await watcher.catch_up()
        assert {ref: record["name_label"] for ref, record in watcher.cache.items()} == {one: "this"}

    asyncio.run(play())


def test_the_legacy_queue_tells_every_change(tmp_path: Path) -> None:
    async def play() -> None:
        app = make(tmp_path)
        session = app.sessions.create(Origin(), superuser=True)
        app.events.legacy.register(session, ["VM"])
        vm = app.db.create("VM")
        app.db.set("VM", vm, name_label="a")
        app.db.destroy("VM", vm)
        told = json.loads(b"".join((await app.events.legacy.next(session)).parts("json")))
        assert [event["operation"] for event in told] == ["add", "mod", "del"]
        app.events.legacy.unregister(session, ["VM"])
        with pytest.raises(XenAPIError, match="SESSION_NOT_REGISTERED"):
            await app.events.legacy.next(session)

    asyncio.run(play())


@pytest.mark.parametrize("word", ["", "/", "vm/", "vm/a/b"])
def test_a_subscription_that_does_not_parse_is_refused(word: str) -> None:
    with pytest.raises(XenAPIError, match="EVENT_SUBSCRIPTION_PARSE_FAILURE"):
        Subscriptions([word], ["VM"])
