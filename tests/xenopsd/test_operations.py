"""Plans, as tables: which atoms an operation is made of, and what follows a domain's own end."""

import pytest

from idl.rpc import RpcError
from idl.xenops import Action, DeviceType, LocalDisk, LocalNetwork, PowerState, Vbd, Vif
from xenopsd import operations as op
from xenopsd.hypervisors.base import End

DISK = Vbd(id=("vm", "xvda"), backend=LocalDisk("/disk"))
READER = Vbd(id=("vm", "xvdb"), backend=LocalDisk("/iso"), mode="ReadOnly")
EMPTY = Vbd(id=("vm", "xvdd"), ty=DeviceType.CDROM, mode="ReadOnly")
NIC = Vif(id=("vm", "0"), position=0, mac="00:00:00:00:00:01", backend=LocalNetwork("xenbr0"))
ACTIVE, INACTIVE = True, False


def vm(power: PowerState, *vbds: Vbd, vifs: tuple[Vif, ...] = ()) -> op.Situation:
    return op.Situation("vm", power, vbds, vifs)


def test_start_plugs_devices_before_it_builds() -> None:
    assert op.start()(vm(PowerState.HALTED, DISK, vifs=(NIC,))) == (
        op.VmCreate("vm"),
        op.VbdSetActive("vm", "xvda", ACTIVE),
        op.VbdEpochBegin("vm", "xvda"),
        op.VbdPlug("vm", "xvda"),
        op.VifSetActive("vm", "0", ACTIVE),
        op.VifPlug("vm", "0"),
        op.VmBuild("vm"),
        op.VmBuilt("vm"),
    )


def test_writable_disks_come_first_and_each_kind_side_by_side() -> None:
    second = Vbd(id=("vm", "xvdc"), backend=LocalDisk("/other"))
    plan = op.start()(vm(PowerState.HALTED, READER, DISK, second))
    assert isinstance(plan[1], op.Parallel)
    assert [branch[-1] for branch in plan[1].branches] == [op.VbdPlug("vm", "xvda"), op.VbdPlug("vm", "xvdc")]
    assert plan[4] == op.VbdPlug("vm", "xvdb")


def test_an_empty_drive_has_no_epoch() -> None:
    plan = op.start()(vm(PowerState.HALTED, EMPTY))
    assert op.VbdEpochBegin("vm", "xvdd") not in plan


def test_a_clean_shutdown_asks_before_it_takes_down() -> None:
    plan = op.poweroff(30.0)(vm(PowerState.RUNNING, DISK))
    assert plan[:5] == (
        op.VmShutdownDomain("vm", 30.0),
        op.BestEffort(op.VmPause("vm")),
        op.VmStopDomain("vm"),
        op.VbdUnplug("vm", "xvda", force=True),
        op.VmDestroy("vm"),
    )
    assert op.BestEffort(op.VbdSetActive("vm", "xvda", INACTIVE)) in plan


def test_a_reboot_keeps_devices_active() -> None:
    plan = op.reboot()(vm(PowerState.RUNNING, DISK, vifs=(NIC,)))
    assert op.BestEffort(op.VbdSetActive("vm", "xvda", INACTIVE)) not in plan
    assert plan.index(op.VmDestroy("vm")) < plan.index(op.VmCreate("vm")) < plan.index(op.VmUnpause("vm"))
    assert (plan[0], plan[-1]) == (op.VmSetRebooting("vm", True), op.VmSetRebooting("vm", False))


@pytest.mark.parametrize(
    ("planner", "power"),
    [
        (op.start(), PowerState.RUNNING),
        (op.poweroff(), PowerState.HALTED),
        (op.poweroff(10.0), PowerState.HALTED),
        (op.pause(), PowerState.PAUSED),
        (op.unpause(), PowerState.RUNNING),
    ],
)
def test_there_is_nothing_to_do_for_what_is_so_already(planner: op.Planner, power: PowerState) -> None:
    assert planner(vm(power, DISK)) == ()


@pytest.mark.parametrize(
    ("planner", "power", "expected"),
    [
        (op.start(), PowerState.PAUSED, PowerState.HALTED),
        (op.start(), PowerState.SUSPENDED, PowerState.HALTED),
        (op.poweroff(10.0), PowerState.PAUSED, PowerState.RUNNING),
        (op.reboot(10.0), PowerState.PAUSED, PowerState.RUNNING),
        (op.suspend(LocalDisk("/s")), PowerState.HALTED, PowerState.RUNNING),
        (op.resume(LocalDisk("/s")), PowerState.RUNNING, PowerState.SUSPENDED),
        (op.vbd_hotplug("vm", "xvda"), PowerState.HALTED, PowerState.RUNNING),
        (op.vif_hotunplug("vm", "0", force=False), PowerState.SUSPENDED, PowerState.RUNNING),
    ],
)
def test_a_wrong_state_is_named(planner: op.Planner, power: PowerState, expected: PowerState) -> None:
    with pytest.raises(RpcError) as caught:
        planner(vm(power))
    assert (caught.value.name, caught.value.params) == ("Bad_power_state", ["vm", power, expected])


def test_a_disk_that_is_no_drive_is_not_ejected() -> None:
    with pytest.raises(RpcError, match="Media_not_ejectable"):
        op.vbd_eject("vm", "xvda")(vm(PowerState.RUNNING, DISK))


RESTART, STOP, KEEP = (Action.START,), (Action.SHUTDOWN,), (Action.PAUSE,)


@pytest.mark.parametrize(
    ("why", "wishes", "ran", "outcome"),
    [
        (End.POWEROFF, op.Reactions(STOP, RESTART, RESTART), 1000, "off"),
        (End.POWEROFF, op.Reactions(RESTART, STOP, STOP), 1000, "restart"),
        (End.REBOOT, op.Reactions(STOP, RESTART, STOP), 1000, "restart"),
        (End.REBOOT, op.Reactions(STOP, RESTART, STOP), 10, "restart later"),
        (End.REBOOT, op.Reactions(STOP, STOP, STOP), 1000, "off"),
        (End.CRASH, op.Reactions(STOP, STOP, RESTART), 1000, "restart"),
        (End.CRASH, op.Reactions(STOP, STOP, RESTART), 10, "off"),
        (End.CRASH, op.Reactions(STOP, STOP, (Action.COREDUMP, Action.START)), 1000, "restart"),
        (End.CRASH, op.Reactions(STOP, STOP, KEEP), 10, "kept"),
        (End.KILLED, op.Reactions(RESTART, RESTART, RESTART), 1000, "off"),
        (End.UNKNOWN, op.Reactions(STOP, RESTART, RESTART), 1000, "off"),
    ],
)
def test_what_follows_a_domains_own_end(why: End, wishes: op.Reactions, ran: float, outcome: str) -> None:
    plan = op.react(wishes, why, ran, 15.0)(vm(PowerState.RUNNING))
    found = "kept" if not plan else "restart" if op.VmBuild("vm") in plan else "off"
    if op.VmDelay("vm", 15.0) in plan:
        found += " later"
    assert found == outcome
