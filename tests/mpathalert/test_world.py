"""Storage paths: which changes are worth an alert, and how it reads."""

from datetime import UTC, datetime

import pytest

from idl.xenapi_client import Event
from mpathalert.paths import Health, read_paths
from mpathalert.world import Change, World

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP = "[20260102T03:04:05Z]"


def host(**other_config: str) -> Event:
    keys = {key.replace("_", "-"): value for key, value in other_config.items()}
    return Event("host", "mod", "h", {"uuid": "host-1", "name_label": "one", "other_config": keys})


def pbd(numbers: str | None) -> Event:
    other_config = {"multipathed": "true"} | ({"mpath-360a": numbers} if numbers else {})
    return Event("pbd", "mod", "p", {"uuid": "pbd-1", "host": "h", "other_config": other_config})


def world(*events: Event) -> World:
    found = World()
    for event in events:
        found.take(event, NOW)
    found.alert_sent()
    return found


def changes(of: World, *events: Event) -> list[Change]:
    return [change for event in events for change in of.take(event, NOW)]


@pytest.mark.parametrize(
    ("value", "health"),
    [("[2, 4]", Health(2, 4)), ("[2,4]", Health(2, 4)), ("[0, 4]", Health(0, 4)), ("2/4", None), ("", None), ("[a, b]", None)],
)
def test_reading_an_entry(value: str, health: Health | None) -> None:
    assert read_paths({"mpath-360a": value, "multipathed": "[1, 1]"}) == ({"360a": health} if health else {})


def test_a_broken_path_is_told_with_the_state_of_all() -> None:
    pool = world(host(mpath_boot="[2, 2]"), pbd("[4, 4]"))
    found = changes(pool, pbd("[2, 4]"), host(mpath_boot="[1, 2]"))
    pbd_line = f'{STAMP} host=host-1; host-name="one"; pbd=pbd-1; scsi_id=360a; current=2; max=4\n'
    root_line = f'{STAMP} host=host-1; host-name="one"; root=true; current=1; max=2\n'
    assert pool.alert(found, 120.0, NOW) == (
        f"Unhealthy paths:\n{pbd_line}{root_line}\nEvents received during the last 120 seconds:\n{pbd_line}{root_line}"
    )


def test_a_repair_is_told_without_unhealthy_paths() -> None:
    pool = world(host(), pbd("[2, 4]"))
    text = pool.alert(changes(pool, pbd("[4, 4]")), 120.0, NOW)
    assert text is not None
    assert text.startswith("Events received during the last 120 seconds:\n")


def test_a_break_and_repair_within_one_period_are_both_told() -> None:
    pool = world(host(), pbd("[4, 4]"))
    text = pool.alert(changes(pool, pbd("[2, 4]"), pbd("[4, 4]")), 120.0, NOW)
    assert text is not None
    assert [line.split("current=")[1] for line in text.splitlines()[1:]] == ["2; max=4", "4; max=4"]


def test_a_healthy_path_that_appears_is_not_told() -> None:
    pool = world(host(), pbd(None))
    assert pool.alert(changes(pool, pbd("[4, 4]")), 120.0, NOW) is None


def test_after_an_alert_old_breaks_are_history() -> None:
    pool = world(host(), pbd("[2, 4]"))
    assert pool.alert(changes(pool, pbd("[4, 4]")), 120.0, NOW) is not None
    pool.alert_sent()
    assert pool.alert(changes(pool, pbd("[5, 5]")), 120.0, NOW) is None


def test_other_changes_of_an_object_are_no_change_of_its_paths() -> None:
    pool = world(host(), pbd("[2, 4]"))
    assert changes(pool, pbd("[2, 4]"), host(other="x")) == []


def test_a_deleted_pbd_is_forgotten() -> None:
    pool = world(host(), pbd("[2, 4]"))
    assert changes(pool, Event("pbd", "del", "p", None)) == []
    assert list(pool.paths()) == []
