"""A client that reads only events never differs from one that reads everything: through random writes, with other watchers,
after falling asleep, after losing its connection, and after the toolstack was killed and started again."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.xapi.fixture import make
from xapi.database.journal import Journal
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError
from xapi.server.context import App, Context, Origin
from xapi.server.dispatch import call
from xapi.server.encoding import Encoded, RowRecords, result_text

CLASSES = ("VM", "VBD", "VDI", "VIF", "SR", "pool", "host", "message", "task", "network")
Cache = dict[str, dict[str, Any]]


def truth(app: App, classes: tuple[str, ...] = CLASSES) -> Cache:
    """Everything there is, by reading it."""
    found: Cache = {}
    for cls in classes:
        found |= json.loads(result_text(None, RowRecords(MODEL.classes[cls], list(app.db.rows(cls))), "json"))
    return found


class Follower:
    """A client of event.from: a cache, a token, and the rule that a count that differs means to begin anew."""

    def __init__(self, app: App, classes: tuple[str, ...] = CLASSES) -> None:
        self.classes, self.token = classes, ""
        self.cache: dict[str, Cache] = {cls.lower(): {} for cls in classes}
        self.refetched = 0
        self.connect(app)

    def connect(self, app: App) -> None:
        """Log in again; the cache and the token stay."""
        self.app = app
        self.session = app.sessions.create(Origin(), superuser=True)

    @property
    def all(self) -> Cache:
        return {ref: record for records in self.cache.values() for ref, record in records.items()}

    async def ask(self, timeout: float) -> dict[str, Any]:
        outcome = await call(Context(self.app, Origin()), "event.from", [self.session, list(self.classes), self.token, timeout])
        assert isinstance(outcome.value, Encoded)
        answer: dict[str, Any] = json.loads(b"".join(outcome.value.parts("json")))
        return answer

    async def catch_up(self, timeout: float = 0.0) -> None:
        answer = await self.ask(timeout)
        self.learn(answer)
        counts = answer["valid_ref_counts"]
        if any(len(records) != counts[cls] for cls, records in self.cache.items() if cls != "message"):
            # Deletions were forgotten: the other side remembers a few hundred only, and none across a restart.
            self.refetched += 1
            self.cache, self.token = {cls: {} for cls in self.cache}, ""
            self.learn(await self.ask(0.0))

    def learn(self, answer: dict[str, Any]) -> None:
        assert answer["token"] >= self.token
        self.token = answer["token"]
        for event in answer["events"]:
            records = self.cache[event["class"]]
            if event["operation"] == "del":
                assert "snapshot" not in event
                records.pop(event["ref"], None)
            else:
                known = event["ref"] in records
                assert known == (event["operation"] == "mod") or event["operation"] == "add", event
                records[event["ref"]] = event["snapshot"]


def write(app: App, dice: random.Random) -> None:
    """Change something at random."""
    db = app.db
    match dice.choice(["create", "create", "set", "set", "link", "destroy", "touch", "task", "message", "burst"]):
        case "create":
            cls = dice.choice(["VM", "VDI", "VBD", "VIF", "SR", "network"])
            links: dict[str, dict[str, Any]] = {
                "VBD": {"VM": dice.choice(db.refs("VM")), "VDI": dice.choice([*db.refs("VDI"), "OpaqueRef:NULL"])},
                "VIF": {"VM": dice.choice(db.refs("VM")), "network": dice.choice([*db.refs("network"), "OpaqueRef:NULL"])},
                "VDI": {"SR": dice.choice([*db.refs("SR"), "OpaqueRef:NULL"])},
            }
            db.create(cls, **links.get(cls, {}))
        case "set":
            cls = dice.choice(["VM", "VDI", "SR", "network", "pool"])
            if db.refs(cls):
                db.set(cls, dice.choice(db.refs(cls)), other_config={"k": str(dice.random())})
        case "link":
            if db.refs("VBD"):
                db.set("VBD", dice.choice(db.refs("VBD")), VM=dice.choice(db.refs("VM")), currently_attached=dice.random() < 0.5)
        case "destroy":
            cls = dice.choice(["VM", "VDI", "VBD", "VIF", "SR", "network", "message", "task"])
            doomed = [ref for ref in db.refs(cls) if cls != "VM" or not db.get("VM", ref, "is_control_domain")]
            if doomed:
                db.destroy(cls, dice.choice(doomed))
        case "touch":
            db.touch("VM", dice.choice(db.refs("VM")))
        case "task":
            db.create("task", ephemeral=dice.random() < 0.5, status="pending")
        case "message":
            db.create("message", name="N", cls="VM", obj_uuid="u", timestamp="20260101T00:00:00Z", body=str(dice.random()))
        case "burst":
            refs = [db.create("VM") for _ in range(dice.randrange(600))] if dice.random() < 0.1 else [db.create("VM")]
            for ref in refs:
                db.destroy("VM", ref)


KINDS = ["write"] * 6 + ["follow", "follow", "turn", "park", "fresh", "reconnect", "restart"]
ACTIONS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 10**9)),
    max_size=80,
)


class World:
    """An app on a real journal that can be killed, and its followers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.followers: list[Follower] = []

    def start(self) -> None:
        self.journal = Journal(self.root / "state.sqlite")
        store = Store(from_model(), self.journal, durable_tables=["task"])
        self.journal.start()
        self.app = make(self.root, store)
        self.app.tasks.fail_those_in_flight()

    async def kill(self) -> None:
        """End without a word, with all that was answered on disk."""
        await self.app.db.durable()
        await self.journal.stop()

    async def act(self, action: str, number: int) -> None:
        dice = random.Random(number)
        one = dice.choice(self.followers)
        match action:
            case "write":
                write(self.app, dice)
            case "follow":
                await one.catch_up()
            case "turn":
                await asyncio.sleep(0)
            case "park":
                # It waits while something is written, then has to have all of it.
                waiting = asyncio.create_task(one.catch_up(10.0))
                await asyncio.sleep(0)
                self.app.db.touch("pool", self.app.db.refs("pool")[0])
                await waiting
            case "fresh":
                self.followers.append(Follower(self.app))
            case "reconnect":
                self.app.sessions.destroy(one.session)
                with pytest.raises(XenAPIError, match="SESSION_INVALID"):
                    await one.catch_up()
                one.connect(self.app)
            case "restart":
                await self.kill()
                self.start()
                for follower in self.followers:
                    follower.connect(self.app)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTIONS)
def test_followers_never_differ_from_readers(tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int]]) -> None:
    async def play() -> None:
        world = World(tmp_path_factory.mktemp("xapi"))
        world.start()
        world.followers = [Follower(world.app), Follower(world.app, ("VM", "VBD")), Follower(world.app)]
        try:
            for action, number in actions:
                await world.act(action, number)
            await asyncio.sleep(0)
            for follower in world.followers:
                await follower.catch_up()
                assert follower.all == truth(world.app, follower.classes)
        finally:
            await world.kill()

    asyncio.run(play())


async def test_fields_that_begin_blank_after_a_restart_are_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.start()
    vm = world.app.db.create("VM", power_state="Halted", current_operations={"t": "start"})
    await asyncio.sleep(0)
    follower = Follower(world.app)
    await follower.catch_up()
    assert follower.all[vm]["current_operations"] == {"t": "start"}
    await world.kill()
    world.start()
    follower.connect(world.app)
    await follower.catch_up()
    assert follower.all == truth(world.app) and follower.all[vm]["current_operations"] == {}
    await world.kill()


async def test_a_change_in_the_turn_in_which_the_wait_ends_is_told_then_or_next(tmp_path: Path) -> None:
    app = make(tmp_path)
    await asyncio.sleep(0)
    follower = Follower(app)
    await follower.catch_up()
    for _ in range(50):
        waiting = asyncio.create_task(follower.catch_up(0.0))
        asyncio.get_running_loop().call_soon(app.db.create, "VM")
        await waiting
        await asyncio.sleep(0)
    await follower.catch_up()
    assert follower.all == truth(app) and follower.refetched == 0


async def test_the_idiom_of_inject(tmp_path: Path) -> None:
    """What was written before an injection has been seen once a token lies behind the injection's."""
    app = make(tmp_path)
    follower = Follower(app)
    await follower.catch_up()
    vm = app.db.create("VM", name_label="the last write")
    ctx = Context(app, Origin())
    barrier = (await call(ctx, "event.inject", [follower.session, "pool", app.db.refs("pool")[0]])).value
    async with asyncio.timeout(5):
        while follower.token <= barrier:
            await follower.catch_up(5.0)
    assert follower.all[vm]["name_label"] == "the last write"
    for cls, ref in (("nothing", "x"), ("VM", "OpaqueRef:none"), ("VM", app.localhost)):
        with pytest.raises(XenAPIError) as refusal:
            await call(Context(app, Origin()), "event.inject", [follower.session, cls, ref])
        assert refusal.value.description == ["HANDLE_INVALID", cls, ref]


# The shape of an answer


async def answer(app: App, classes: list[str], token: str = "", timeout: Any = 0.0) -> dict[str, Any]:
    session = app.sessions.create(Origin(), superuser=True)
    outcome = await call(Context(app, Origin()), "event.from", [session, classes, token, timeout])
    result: dict[str, Any] = json.loads(b"".join(outcome.value.parts("json")))
    return result


async def test_tokens_are_padded_and_compare_as_text(tmp_path: Path) -> None:
    app = make(tmp_path)
    first = (await answer(app, ["*"]))["token"]
    app.db.create("VM")
    second = (await answer(app, ["*"], first))["token"]
    assert len(first) == 41 and first[20] == "," and second > first
    for bad in ("x", "1", "1,2,3", "-1,0", "0x1,0", "1, 2", "9" * 30 + ",0"):
        with pytest.raises(XenAPIError) as refusal:
            await answer(app, ["*"], bad)
        assert refusal.value.description == ["EVENT_FROM_TOKEN_PARSE_FAILURE", bad]


async def test_every_table_is_counted_whatever_was_subscribed(tmp_path: Path) -> None:
    app = make(tmp_path)
    app.db.create("VM")
    counts = (await answer(app, ["host"]))["valid_ref_counts"]
    tables = {cls.name.lower() for cls in MODEL.classes.values() if cls.in_database}
    assert counts.keys() == tables
    assert all(count == app.db.count(name) for name in MODEL.classes if (count := counts.get(name.lower())) is not None)
    assert counts["role"] == 0 and counts["vm"] == 2


async def test_messages_come_first_and_without_a_number(tmp_path: Path) -> None:
    app = make(tmp_path)
    token = (await answer(app, ["*"]))["token"]
    vm = app.db.create("VM")
    message = app.db.create("message", name="N", cls="VM")
    events = (await answer(app, ["*"], token))["events"]
    assert (events[0]["class"], events[0]["id"], events[0]["operation"], events[0]["ref"]) == ("message", "0", "add", message)
    assert events[1]["ref"] == vm and int(events[1]["id"]) > 0 and {event["timestamp"] for event in events} == {"0.0"}


async def test_additions_come_before_changes_before_deletions(tmp_path: Path) -> None:
    app = make(tmp_path)
    gone, kept = app.db.create("VM"), app.db.create("VM")
    token = (await answer(app, ["VM"]))["token"]
    app.db.destroy("VM", gone)
    app.db.set("VM", kept, name_label="x")
    app.db.set("VM", kept, name_label="y")
    new, brief = app.db.create("VM"), app.db.create("VM")
    app.db.destroy("VM", brief)
    events = (await answer(app, ["vm"], token))["events"]
    assert [(event["operation"], event["ref"]) for event in events] == [("add", new), ("mod", kept), ("del", gone)]
    assert events[1]["snapshot"]["name_label"] == "y" and {event["class"] for event in events} == {"vm"}


async def test_partners_count_as_modified(tmp_path: Path) -> None:
    app = make(tmp_path)
    vm, other, disk = app.db.create("VM"), app.db.create("VM"), app.db.create("VDI")
    await asyncio.sleep(0)
    token = (await answer(app, ["*"]))["token"]
    vbd = app.db.create("VBD", VM=vm, VDI=disk)
    first = await answer(app, ["VM", "VBD", "VDI"], token)
    told = {(event["operation"], event["ref"]) for event in first["events"]}
    assert told == {("add", vbd), ("mod", vm), ("mod", disk)}
    app.db.set("VBD", vbd, VM=other)
    await asyncio.sleep(0)
    second = await answer(app, ["VM"], first["token"])
    assert {event["ref"]: event["snapshot"]["VBDs"] for event in second["events"]} == {vm: [], other: [vbd]}


@pytest.mark.parametrize("timeout", [0, 0.0, -5.0, "0", "0.01"])
async def test_nothing_new_is_an_empty_answer_with_a_token(tmp_path: Path, timeout: Any) -> None:
    app = make(tmp_path)
    await asyncio.sleep(0)
    token = (await answer(app, ["*"]))["token"]
    again = await answer(app, ["VM"], token, timeout)
    assert again["events"] == [] and again["token"] >= token


@pytest.mark.parametrize("timeout", [float("nan"), float("inf"), 1e300])
async def test_an_odd_timeout_waits(tmp_path: Path, timeout: float) -> None:
    app = make(tmp_path)
    await asyncio.sleep(0)
    token = (await answer(app, ["*"]))["token"]
    waiting = asyncio.create_task(answer(app, ["VM"], token, timeout))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    vm = app.db.create("VM")
    assert [event["ref"] for event in (await waiting)["events"]] == [vm]


async def test_a_session_that_ends_wakes_all_of_its_calls(tmp_path: Path) -> None:
    app = make(tmp_path)
    await asyncio.sleep(0)
    session = app.sessions.create(Origin(), superuser=True)
    app.events.legacy.register(session, ["VM"])
    token = (await answer(app, ["*"]))["token"]
    calls = [call(Context(app, Origin()), "event.from", [session, ["VM"], token, 60.0]) for _ in range(3)]
    calls.append(call(Context(app, Origin()), "event.next", [session]))
    waiting = [asyncio.create_task(one) for one in calls]
    await asyncio.sleep(0.01)
    app.sessions.destroy(session)
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, XenAPIError) and outcome.description == ["SESSION_INVALID", session]
    assert app.events.waiting == 0
