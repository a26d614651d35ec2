"""What is stored in allowed_operations is what the rules say, whatever has happened before and in whatever order."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.xapi.classes.vm_pool import Pool
from xapi.classes import allowed_operations
from xapi.classes.allowed_operations import CONCERNS, RULES, Keeper
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.datamodel import MODEL
from xapi.errors import XenAPIError
from xapi.server.context import Context
from xapi.server.dispatch import call_as


@pytest_asyncio.fixture
async def kept(pool: Pool) -> AsyncIterator[Pool]:
    """A pool whose allowed operations are kept."""
    Keeper(pool.db)
    yield pool


def differences(pool: Pool) -> list[str]:
    """Every object whose stored operations are not those that the rules give it."""
    found = []
    for table, rule in RULES.items():
        for row in pool.db.rows(table):
            stored, right = row.values["allowed_operations"], rule(pool.db, row.ref)
            if stored != right:
                found.append(f"{table} {row.ref}: stored {stored}, right {right}")
    return found


async def turn() -> None:
    """Let what follows from the last change be written."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def test_every_class_with_operations_has_a_rule_and_is_looked_at() -> None:
    having = {cls.name for cls in MODEL.classes.values() if any(f.name == "allowed_operations" for f in cls.fields)}
    # Tasks follow what runs under them.
    assert having - {"task"} == RULES.keys()
    assert CONCERNS.keys() >= RULES.keys()


def test_every_field_that_is_looked_at_exists() -> None:
    for table, concerns in CONCERNS.items():
        known = {field.name for field in MODEL.classes[table].fields}
        assert {name for concern in concerns for name in concern.fields} <= known, table


# One change each, and what follows from it

Change = Callable[[Pool, dict[str, str]], object]


def _set(table: str, **fields: Any) -> Change:
    return lambda pool, made: pool.db.set(table, made[table], **fields)


CHANGES: dict[str, tuple[Change, str, str]] = {
    "a guest that runs": (_set("VM", power_state="Running"), "VM", "pause"),
    "its disk can be plugged": (_set("VM", power_state="Running"), "VBD", "plug"),
    "its interface can be plugged": (_set("VM", power_state="Running"), "VIF", "plug"),
    "its appliance can be stopped": (_set("VM", power_state="Running"), "VM_appliance", "clean_shutdown"),
    "a guest that is off can get a TPM": (_set("VM", power_state="Halted"), "VM", "create_vtpm"),
    "a suspended guest may be cloned where the pool allows it": (
        lambda pool, made: (
            _set("VM", power_state="Suspended")(pool, made),
            pool.db.set("pool", pool.pool, other_config={"allow_clone_suspended_vm": "true"}),
        ),
        "VM",
        "clone",
    ),
    "an empty drive takes a disc": (_set("VBD", type="CD", empty=True, VDI=NULL_REF), "VBD", "insert"),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_is_followed_by_what_it_allows(kept: Pool, name: str) -> None:
    change, table, operation = CHANGES[name]
    appliance = kept.db.create("VM_appliance", name_label="a")
    vm = await kept.vm()
    kept.db.set("VM", vm, appliance=appliance)
    disk = await kept.new_vdi()
    made = {
        "VM": vm, "VDI": disk, "VBD": await kept.vbd(vm, disk), "VIF": await kept.vif(vm), "VM_appliance": appliance,
    }  # fmt: skip
    change(kept, made)
    await turn()
    assert operation in kept.db.get(table, made[table], "allowed_operations")
    assert differences(kept) == []


async def test_an_unplugged_repository_takes_the_abilities_of_its_disks(kept: Pool) -> None:
    disk = await kept.new_vdi()
    await turn()
    assert "snapshot" in kept.db.get("VDI", disk, "allowed_operations")
    await kept.unplug()
    await turn()
    assert kept.db.get("VDI", disk, "allowed_operations") == ["forget", "force_unlock"]
    assert "plug" in kept.db.get("SR", kept.sr, "allowed_operations") and differences(kept) == []


async def test_a_snapshot_of_a_disk_needs_a_driver_that_can(kept: Pool) -> None:
    disk = await kept.new_vdi()
    driver = kept.db.where("SM", type="file")[0]
    kept.db.set("SM", driver, features={"VDI_CREATE": 1})
    await turn()
    assert "snapshot" not in kept.db.get("VDI", disk, "allowed_operations") and differences(kept) == []


async def test_guest_metrics_that_come_and_go_are_noticed(kept: Pool) -> None:
    vm = await kept.vm()
    metrics = kept.db.create("VM_guest_metrics", other={"feature-suspend": "0"})
    kept.db.set("VM", vm, power_state="Running", guest_metrics=metrics)
    await turn()
    assert "suspend" not in kept.db.get("VM", vm, "allowed_operations")
    kept.db.set("VM_guest_metrics", metrics, other={"feature-suspend": "1"})
    await turn()
    assert "suspend" in kept.db.get("VM", vm, "allowed_operations")
    kept.db.set("VM_guest_metrics", metrics, other={"feature-suspend": "0"})
    await turn()
    kept.db.destroy("VM_guest_metrics", metrics)
    await turn()
    assert "suspend" in kept.db.get("VM", vm, "allowed_operations") and differences(kept) == []


async def test_a_client_that_was_answered_finds_them_right(kept: Pool) -> None:
    """Between the answer to a write and the next read the loop has turned, however fast the client is."""
    vm = await kept.vm()
    ctx = Context(kept.app, kept.ctx().origin, session=kept.app.sessions.create(kept.ctx().origin, superuser=True))
    await call_as(ctx, "VM.add_to_blocked_operations", vm, "start", "not today")
    await asyncio.sleep(0)
    assert "start" not in await call_as(ctx, "VM.get_allowed_operations", vm)


# Any sequence of calls


class Player:
    """Plays random calls of the API against a pool; refusals are part of the game."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.done = 0
        origin = pool.ctx().origin
        self.ctx = Context(pool.app, origin, session=pool.app.sessions.create(origin, superuser=True))

    async def play(self, name: str, seed: int) -> None:
        dice = random.Random(seed)
        try:
            await getattr(self, f"play_{name}")(dice)
            self.done += 1
        except XenAPIError as refusal:
            assert refusal.code not in ("INTERNAL_ERROR", "MESSAGE_METHOD_UNKNOWN"), refusal

    def _one(self, dice: random.Random, table: str) -> str:
        return dice.choice([*self.pool.db.refs(table), NULL_REF])

    async def play_create(self, dice: random.Random) -> None:
        pool = self.pool
        vm = self._one(dice, "VM")
        match dice.choice(["VM", "VDI", "VBD", "VIF", "VM_appliance"]):
            case "VM":
                await pool.vm(name_label=f"guest {dice.random()}")
            case "VDI":
                await pool.new_vdi(sharable=dice.random() < 0.3)
            case "VBD":
                if pool.db.exists("VM", vm):
                    await pool.vbd(vm, self._one(dice, "VDI"), type=dice.choice(["Disk", "CD"]), mode=dice.choice(["RO", "RW"]))
            case "VIF":
                if pool.db.exists("VM", vm):
                    await pool.vif(vm)
            case "VM_appliance":
                await call_as(self.ctx, "VM_appliance.create", {"name_label": "a", "name_description": ""})

    async def play_power(self, dice: random.Random) -> None:
        message = dice.choice(["start", "hard_shutdown", "pause", "unpause", "suspend", "resume", "hard_reboot"])
        more = {"start": (dice.random() < 0.3, False), "resume": (False, False)}.get(message, ())
        await call_as(self.ctx, f"VM.{message}", self._one(dice, "VM"), *more)

    async def play_copy(self, dice: random.Random) -> None:
        vm = self._one(dice, "VM")
        choices: list[tuple[str, tuple[Any, ...]]] = [
            ("snapshot", ("s", [])),
            ("clone", ("c",)),
            ("checkpoint", ("k",)),
            ("destroy", ()),
        ]
        message, more = dice.choice(choices)
        await call_as(self.ctx, f"VM.{message}", vm, *more)

    async def play_disk(self, dice: random.Random) -> None:
        vdi = self._one(dice, "VDI")
        message, more = dice.choice(
            [("snapshot", ({},)), ("clone", ({},)), ("destroy", ()), ("set_sharable", (True,)), ("forget", ()),
             ("set_on_boot", ("reset",)), ("set_on_boot", ("persist",)), ("set_managed", (False,)), ("set_missing", (True,))]
        )  # fmt: skip
        await call_as(self.ctx, f"VDI.{message}", vdi, *more)

    async def play_device(self, dice: random.Random) -> None:
        cls = dice.choice(["VBD", "VIF"])
        choices: list[tuple[str, tuple[str, ...]]] = [("plug", ()), ("unplug", ()), ("destroy", ())]
        if cls == "VBD":
            choices += [("eject", ()), ("insert", (self._one(dice, "VDI"),)), ("set_mode", ("RO",))]
        message, more = dice.choice(choices)
        await call_as(self.ctx, f"{cls}.{message}", self._one(dice, cls), *more)

    async def play_settings(self, dice: random.Random) -> None:
        vm, pool = self._one(dice, "VM"), self.pool
        message, more = dice.choice(
            [("set_is_a_template", (dice.random() < 0.5,)), ("set_appliance", (self._one(dice, "VM_appliance"),)),
             ("set_blocked_operations", ({"start": "no"},)), ("set_blocked_operations", ({},)),
             ("set_platform", ({"nomigrate": "true"},)), ("set_other_config", ({"is_system_domain": "true"},)),
             ("set_HVM_boot_policy", (dice.choice(["", "BIOS order"]),)), ("set_domain_type", (dice.choice(["pv", "hvm"]),))]
        )  # fmt: skip
        await call_as(self.ctx, f"VM.{message}", vm, *more)
        if dice.random() < 0.2:
            switch = {"allow_clone_suspended_vm": "true"} if dice.random() < 0.5 else {}
            await call_as(self.ctx, "pool.set_other_config", pool.pool, switch)

    async def play_repository(self, dice: random.Random) -> None:
        pbd = self._one(dice, "PBD")
        match dice.choice(["plug", "plug", "plug", "unplug", "scan", "host", "appliance"]):
            case "scan":
                await call_as(self.ctx, "SR.scan", self.pool.sr)
            case "host":
                if dice.random() < 0.5:
                    await call_as(self.ctx, "host.disable", self.pool.host, True)
                else:
                    await call_as(self.ctx, "host.enable", self.pool.host)
            case "appliance":
                await call_as(self.ctx, "VM_appliance.destroy", self._one(dice, "VM_appliance"))
            case message:
                await call_as(self.ctx, f"PBD.{message}", pbd)


PLAYS = ("create", "create", "power", "copy", "disk", "device", "settings", "repository")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLAYS), st.integers(0, 2**32)), min_size=5, max_size=60))
def test_they_are_right_after_any_sequence_of_calls(
    tmp_path_factory: pytest.TempPathFactory, plays: list[tuple[str, int]]
) -> None:
    async def go(root: Path) -> None:
        pool = Pool(root)
        await pool.start()
        Keeper(pool.db)
        player = Player(pool)
        try:
            for name, seed in plays:
                async with asyncio.timeout(30):
                    await player.play(name, seed)
                await turn()
                assert differences(pool) == [], (name, seed)
        finally:
            await pool.stop()

    asyncio.run(go(tmp_path_factory.mktemp("pool")))


async def test_most_of_the_game_is_played(kept: Pool) -> None:
    """The random calls would prove nothing if all of them were refused."""
    player, dice = Player(kept), random.Random(5)
    for _ in range(150):
        async with asyncio.timeout(30):
            await player.play(dice.choice(PLAYS), dice.getrandbits(32))
    assert player.done > 50
    assert kept.db.count("VM") > 5 and kept.db.count("VDI") > 2 and differences(kept) == []


async def test_they_are_worked_out_when_a_keeper_comes(pool: Pool) -> None:
    vm = await pool.vm()
    pool.db.set("VM", vm, allowed_operations=[])
    Keeper(pool.db)
    assert "start" in pool.db.get("VM", vm, "allowed_operations") and differences(pool) == []


def test_a_rule_is_not_asked_where_nothing_that_it_sees_has_changed(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    vm = pool.db.create("VM", power_state="Halted")
    Keeper(pool.db)

    def rule(db: Store, ref: str) -> list[str]:
        asked.append(ref)
        return []

    monkeypatch.setattr(allowed_operations, "RULES", {**RULES, "VM": rule})
    pool.db.set("VM", vm, name_label="new name", memory_target=5)
    assert asked == []
    pool.db.set("VM", vm, power_state="Running")
    assert asked == [vm]
