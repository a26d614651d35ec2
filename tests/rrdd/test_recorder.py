"""Who is recorded, from when to when, and what of them."""

from math import inf

import pytest

from idl.rpc import RpcError
from rrdd.metric import HOST, Kind, Metric, Owner, OwnerKind, Reading
from rrdd.recorder import FORGOTTEN_AFTER, Recorder
from rrdd.ring import Cf

VM = Owner(OwnerKind.VM, "f0d3c7c1-9a6a-4b8e-8f0e-000000000001")
SR = Owner(OwnerKind.SR, "f0d3c7c1-9a6a-4b8e-8f0e-000000000002")
LEVEL = Metric("level", Kind.GAUGE, "B", 0.0, default=True, description="A level")
SPARE = Metric("spare", Kind.GAUGE, "B", 0.0, 10.0)
COUNTER = Metric("counter", Kind.DERIVE, "B/s", 0.0, default=True)


def recorder(*owners: Owner) -> Recorder:
    made = Recorder()
    for owner in owners:
        made.adopt(owner, made.blank(owner, 1000.0), 1000.0)
    return made


def step(made: Recorder, now: float, *values: tuple[Metric, float], owner: Owner = VM, domid: int = 1) -> None:
    made.step(now, [Reading(owner, metric, value, now) for metric, value in values], {VM.uuid: domid})


def test_a_vm_counts_only_where_its_domain_is() -> None:
    readings = [Reading(owner, LEVEL, 1.0, 1000.0) for owner in (HOST, VM, SR)]
    assert recorder().newcomers(readings, []) == {HOST, SR}
    assert recorder(HOST).newcomers(readings, [VM.uuid]) == {VM, SR}


def test_standard_metrics_are_recorded_at_once_others_when_asked_for() -> None:
    made = recorder(VM)
    for now in (1000.0, 1005.0):
        step(made, now, (LEVEL, 3.0), (SPARE, 4.0))
    assert made.query(VM, "level") == 3.0
    with pytest.raises(RpcError, match="Datasource_missing"):
        made.query(VM, "spare")
    made.enable(VM, "spare")
    for now in (1010.0, 1015.0):
        step(made, now, (LEVEL, 3.0), (SPARE, 4.0))
    assert made.query(VM, "spare") == 4.0
    made.forget(VM, "spare")
    step(made, 1020.0, (LEVEL, 3.0), (SPARE, 4.0))
    assert made.owned[VM].archive.column("spare") is None
    with pytest.raises(RpcError, match="Datasource_missing"):
        made.enable(VM, "nonsense")


def test_what_could_be_recorded_is_told_with_its_limits() -> None:
    made = recorder(VM)
    step(made, 1000.0, (LEVEL, 3.0), (SPARE, 4.0))
    level, spare = sorted(made.possible(VM), key=lambda source: source.name)
    assert (level.enabled, level.standard, level.min, level.max, level.units) == (True, True, 0.0, None, "B")
    assert (spare.enabled, spare.standard, spare.max) == (False, False, 10.0)
    assert made.possible(SR) == []


def test_a_recorded_metric_that_is_not_reported_is_unknown() -> None:
    made = recorder(VM)
    for now in (1000.0, 1005.0):
        step(made, now, (LEVEL, 3.0))
    step(made, 1010.0)
    assert made.query(VM, "level") is None


def test_a_new_domain_of_the_same_vm_counts_from_zero() -> None:
    made = recorder(VM)
    step(made, 1000.0, (COUNTER, 500.0), domid=1)
    step(made, 1005.0, (COUNTER, 1000.0), domid=1)
    step(made, 1010.0, (COUNTER, 50.0), domid=2)
    assert made.query(VM, "counter") == 10.0
    step(made, 1015.0, (COUNTER, 150.0), domid=2)
    assert made.query(VM, "counter") == 20.0


def test_a_metric_that_changes_its_description_is_recorded_by_the_new_one() -> None:
    made = recorder(VM)
    step(made, 1000.0, (LEVEL, 3.0))
    step(made, 1005.0, (Metric("level", Kind.GAUGE, "B", 0.0, 2.0, default=True), 3.0))
    assert made.query(VM, "level") is None
    assert made.owned[VM].archive.sources[0].max == 2.0
    assert made.owned[VM].possible["level"].max < inf


def test_a_vm_without_a_domain_departs_after_longer_than_a_reboot_takes() -> None:
    made = recorder(VM)
    step(made, 1000.0, (LEVEL, 3.0))
    step(made, 1000.0 + FORGOTTEN_AFTER)
    assert made.departed(1000.0 + FORGOTTEN_AFTER) == []
    assert made.departed(1001.0 + FORGOTTEN_AFTER) == [VM]


def test_minimum_and_maximum_are_kept_of_the_host_and_where_asked() -> None:
    made = Recorder()
    assert {ring.shape.cf for ring in made.blank(HOST, 0.0).rings} == {Cf.AVERAGE, Cf.MIN, Cf.MAX}
    assert {ring.shape.cf for ring in made.blank(VM, 0.0).rings} == {Cf.AVERAGE}
    assert {ring.shape.cf for ring in Recorder(use_min_max=True).blank(VM, 0.0).rings} == {Cf.AVERAGE, Cf.MIN, Cf.MAX}
