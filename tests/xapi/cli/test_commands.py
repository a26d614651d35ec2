"""Commands as the API calls that they make and the texts that they print."""

import json
from pathlib import Path

import pytest

from idl import cli
from tests.xapi.cli.fake_api import FakeApi, ScriptedClient, full, run_command
from xapi.cli.commands import COMMANDS
from xapi.cli.failures import CommandFailure
from xapi.cli.selectors import SeveralFailed
from xapi.errors import error

FACTS = [p for parent in Path(__file__).parents if (p := parent / "shared/xe/commands.json").exists()]


def database() -> FakeApi:
    api = FakeApi(
        VM={
            "vm1": {"uuid": "u1", "name_label": "web", "power_state": "Halted", "VBDs": ["b1", "b2"],
                    "consoles": ["c1", "c2"], "snapshots": ["s1"]},
            "vm2": {"uuid": "u2", "name_label": "web", "power_state": "Running"},
            "dom0": {"uuid": "u0", "name_label": "Control domain", "is_control_domain": True},
            "t1": {"uuid": "ut", "name_label": "Debian", "is_a_template": True,
                   "other_config": {"disks": '<provision><disk device="0" size="1" sr=""/></provision>'}},
            "s1": {"uuid": "us", "name_label": "before", "is_a_template": True, "is_a_snapshot": True,
                   "power_state": "Halted"},
        },
        VBD={
            "b1": {"uuid": "vbd1", "VM": "vm1", "VDI": "d1", "userdevice": "0", "type": "Disk",
                   "other_config": {"owner": ""}},
            "b2": {"uuid": "vbd2", "VM": "vm1", "userdevice": "3", "type": "CD", "empty": True},
        },
        VDI={"d1": {"uuid": "vdi1", "name_label": "root", "SR": "sr1", "virtual_size": 10}},
        SR={"sr1": {"uuid": "sru", "name_label": "Local"}},
        host={"h1": {"uuid": "hu", "name_label": "one", "hostname": "one.example"}},
        console={
            "c1": {"uuid": "cu1", "protocol": "rfb", "location": "https://h/console?uuid=cu1"},
            "c2": {"uuid": "cu2", "protocol": "vt100", "location": "https://h/console?uuid=cu2"},
        },
    )  # fmt: skip
    return api


@pytest.mark.parametrize(
    ("lines", "calls"),
    [
        (["vm-start", "uuid=u1"], [("VM.start", "vm1", False, False)]),
        (["vm-start", "vm=u1", "on=one", "--force"], [("VM.start_on", "vm1", "h1", False, True)]),
        (["vm-start", "uuid=u1", "paused=true"], [("VM.start", "vm1", True, False)]),
        (["vm-shutdown", "uuid=u2"], [("VM.clean_shutdown", "vm2")]),
        (["vm-shutdown", "vm=web", "power-state=running", "--force"], [("VM.hard_shutdown", "vm2")]),
        (["vm-reboot", "name-label=web", "--multiple"], [("VM.clean_reboot", "vm2"), ("VM.clean_reboot", "vm1")]),
        (["vm-suspend", "uuid=u2"], [("VM.suspend", "vm2")]),
        (["vm-resume", "uuid=u2"], [("VM.resume", "vm2", False, False)]),
        (["vdi-resize", "uuid=vdi1", "disk-size=1GiB"], [("VDI.resize", "d1", 1 << 30)]),
        (["vdi-destroy", "uuid=vdi1"], [("VDI.destroy", "d1")]),
        (["sr-scan", "uuid=sru"], [("SR.scan", "sr1")]),
        (["vbd-unplug", "uuid=vbd1", "--force"], [("VBD.unplug_force", "b1")]),
        (["host-disable", "host=one.example"], [("host.disable", "h1", True)]),
        (["snapshot-revert", "snapshot-uuid=us"], [("VM.revert", "s1")]),
    ],
)
async def test_calls(lines: list[str], calls: list[tuple[object, ...]]) -> None:
    api = database()
    await run_command(COMMANDS, *lines, api=api)
    assert api.calls == calls


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["vm-start", "uuid=unknown"], "^No matching VMs found$"),
        (["vm-shutdown", "uuid=u0"], "^No matching VMs found$"),
        (["vm-disk-list", "uuid=u0", "--minimal"], "^No matching VMs found$"),
        (["vm-start", "uuid=ut"], "^No matching VMs found$"),
        (["host-enable", "host=two"], "^No matching hosts found$"),
        (["vm-start", "vm=web"], "--multiple"),
        (["vm-start", "nonsense=1"], "Unknown field"),
        (["vm-copy", "vm=web", "new-name-label=x", "--multiple"], "one"),
        (["vm-start", "uuid=u1", "on=two"], "hosts"),
        (["vm-reset-powerstate", "uuid=u1"], "force"),
        (["snapshot-revert", "uuid=u1"], "not a snapshot"),
        (["vbd-create", "vm-uuid=u1", "device=1"], "empty"),
        (["vm-install", "new-name-label=x"], "template"),
        (["vm-install", "new-name-label=x", "template=web"], "No templates match"),
        (["event-wait", "class=console"], "class"),
    ],
)
async def test_refused_before_any_call(lines: list[str], message: str) -> None:
    api = database()
    with pytest.raises(CommandFailure, match=message):
        await run_command(COMMANDS, *lines, api=api)
    assert api.calls == []


async def test_one_failure_does_not_stop_the_others() -> None:
    api = database()
    api.answers["VM.clean_shutdown"] = error("VM_BAD_POWER_STATE", "x", "running", "halted")
    with pytest.raises(SeveralFailed) as caught:
        await run_command(COMMANDS, "vm-shutdown", "vm=web", "--multiple", api=api)
    assert [uuid for uuid, _ in caught.value.failures] == ["u2", "u1"]


async def test_install_clones_and_provisions() -> None:
    api = database()
    api.answers |= {"VM.clone": "new", "VM.get_uuid": "nu"}
    said = await run_command(COMMANDS, "vm-install", "template=Debian", "new-name-label=x", api=api)
    assert said.out == "nu\n"
    assert [call for call in api.calls if call[0] in ("VM.clone", "VM.provision")] == [
        ("VM.clone", "t1", "x"),
        ("VM.provision", "new"),
    ]


async def test_install_on_an_sr_copies_and_puts_the_disks_there() -> None:
    api = database()
    api.answers |= {"VM.copy": "new", "VM.get_uuid": "nu", "SR.get_uuid": "sru"}
    await run_command(COMMANDS, "vm-install", "template=ut", "new-name-label=x", "sr-uuid=sru", api=api)
    assert ("VM.copy", "t1", "x", "sr1") in api.calls
    disks = '<provision><disk device="0" size="1" sr="sru" /></provision>'
    assert ("VM.add_to_other_config", "new", "disks", disks) in api.calls


async def test_install_that_fails_leaves_no_vm() -> None:
    api = database()
    api.answers |= {"VM.clone": "new", "VM.provision": error("SR_FULL", "1", "2")}
    with pytest.raises(Exception, match="SR_FULL"):
        await run_command(COMMANDS, "vm-install", "template=ut", "new-name-label=x", api=api)
    assert api.calls[-1] == ("VM.destroy", "new")


UNINSTALL = """\
The following items are about to be destroyed
VM : u1 (web)
VM : us (before)
VDI: vdi1 (root) \n"""


async def test_uninstall_asks_first() -> None:
    api = database()
    said = await run_command(COMMANDS, "vm-uninstall", "uuid=u1", api=api, client=ScriptedClient("no way"))
    assert said.out == UNINSTALL + "Type 'yes' to continue\nAborted (you typed: 'no way')\n"
    assert api.calls == []


@pytest.mark.parametrize(("extra", "answers"), [(["force=true"], []), ([], [" YES "])])
async def test_uninstall_takes_snapshots_and_own_disks(extra: list[str], answers: list[str]) -> None:
    api = database()
    await run_command(COMMANDS, "vm-uninstall", "uuid=u1", *extra, api=api, client=ScriptedClient(*answers))
    assert [call for call in api.calls if "destroy" in str(call[0])] == [
        ("VM.destroy", "vm1"),
        ("VM.destroy", "s1"),
        ("VDI.destroy", "d1"),
    ]


async def test_disk_list() -> None:
    said = await run_command(COMMANDS, "vm-disk-list", "uuid=u1", api=database())
    assert said.out == (
        "Disk 0 VBD:\n"
        "uuid ( RO)             : vbd1\n    vm-name-label ( RO): web\n       userdevice ( RW): 0\n\n\n"
        "Disk 0 VDI:\n"
        "uuid ( RO)             : vdi1\n       name-label ( RW): root\n"
        "    sr-name-label ( RO): Local\n     virtual-size ( RO): 10\n\n\n"
    )


@pytest.mark.parametrize(
    ("lines", "out"),
    [
        (["vm-disk-list"], "vdi1,vbd1\n"),
        (["vm-disk-list", "vbd-params="], "vdi1\n"),
        (["vm-cd-list"], "vbd2\n"),
        (["vm-cd-list", "vbd-params=vdi-name-label", "vdi-params=none"], "<EMPTY>\n"),
    ],
)
async def test_disk_lists_for_scripts(lines: list[str], out: str) -> None:
    assert (await run_command(COMMANDS, *lines, "uuid=u1", "--minimal", api=database())).out == out


async def test_console_is_the_text_one() -> None:
    client = ScriptedClient()
    await run_command(COMMANDS, "console", "uuid=u1", api=database(), client=client)
    assert client.transfers == [cli.HttpConnect("https://h/console?uuid=cu2&session_id=OpaqueRef:session")]


async def test_the_coordinators_console_is_reached_the_way_the_command_went() -> None:
    api, client = database(), ScriptedClient()
    api.objects["pool"] = {"p": full("pool", {"master": "h1"})}
    api.objects["host"]["h1"]["address"] = "h"
    await run_command(COMMANDS, "console", "uuid=u1", api=api, client=client)
    assert client.transfers == [cli.HttpConnect("/console?uuid=cu2&session_id=OpaqueRef:session")]


async def test_progress_is_drawn_over_and_over() -> None:
    api = database()
    rounds = iter([0.0, 0.5, 1.0])

    async def answer(method: str, *params: object) -> object:
        if method == "task.get_record":
            done = next(rounds)
            return {"status": "success" if done == 1.0 else "pending", "progress": done, "result": ""}
        api.calls.append((method, *params))
        return {"token": "", "events": []} if method == "event.from" else "task"

    wrapped = FakeApi.call
    calls = {"Async.VM.suspend", "task.get_record", "event.from", "task.destroy"}

    async def call(method: str, *params: object) -> object:
        return await (answer(method, *params) if method in calls else wrapped(api, method, *params))

    api.call = call  # type: ignore[method-assign]
    said = await run_command(COMMANDS, "vm-suspend", "uuid=u2", "--progress", api=api)
    assert said.err == "\r   0% | \r  50% / " + "#" * 35 + "\r 100% - " + "#" * 70 + "\n"
    assert api.calls[0] == ("Async.VM.suspend", "vm2") and api.calls[-1] == ("task.destroy", "task")


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ([], "Message: time=20260821T02:00:23Z priority=2 name='VM_CRASHED'\n\n"),
        (["message-priority=2"], ""),
        (["--minimal"], ""),
    ],
)
async def test_urgent_alerts_about_the_vm_follow_the_command(extra: list[str], text: str) -> None:
    api = database()
    api.messages = {
        "m1": {"timestamp": "20260821T02:00:23Z", "priority": 2, "name": "VM_CRASHED"},
        "m2": {"timestamp": "20260821T02:00:24Z", "priority": 5, "name": "VM_STARTED"},
    }
    assert (await run_command(COMMANDS, "vm-start", "uuid=u1", *extra, api=api)).err == text


async def test_import_moves_the_file_under_a_task() -> None:
    api, client = database(), ScriptedClient()
    api.answers |= {
        "task.create": "t",
        "task.get_record": {"status": "success", "result": "", "error_info": []},
        "event.from": {"token": "1", "events": []},
    }
    await run_command(COMMANDS, "vdi-import", "uuid=vdi1", "filename=/f", "format=vhd", api=api, client=client)
    url = "/import_raw_vdi?vdi=d1&format=vhd&session_id=OpaqueRef:session&task_id=t"
    assert client.transfers == [cli.HttpPut("/f", url)]
    assert api.calls[-1] == ("task.destroy", "t")


async def test_import_fails_with_the_error_of_the_task() -> None:
    api = database()
    api.answers |= {
        "task.create": "t",
        "task.get_record": {"status": "failure", "error_info": ["VDI_IN_USE", "d1", "attach"]},
        "event.from": {"token": "1", "events": []},
    }
    with pytest.raises(Exception, match="VDI_IN_USE"):
        await run_command(COMMANDS, "vdi-import", "uuid=vdi1", "filename=/f", api=api)
    assert api.calls[-1] == ("task.destroy", "t")


@pytest.mark.parametrize("condition", ["power-state=running", "power-state=/=halted"])
async def test_event_wait_returns_when_something_matches(condition: str) -> None:
    api = database()
    rounds = []

    async def next_round(method: str, *params: object) -> object:
        if method == "event.from":
            rounds.append(params[1])
            api.objects["VM"]["vm1"]["power_state"] = "Running" if len(rounds) == 3 else "Halted"
            return {"token": str(len(rounds)), "events": []}
        return await FakeApi.call(api, method, *params)

    api.call = next_round  # type: ignore[method-assign]
    await run_command(COMMANDS, "event-wait", "class=vm", "uuid=u1", condition, api=api)
    assert rounds == ["", "1", "2"]


def test_names_and_required_parameters_are_the_recorded_ones() -> None:
    if not FACTS:
        pytest.skip("no recorded facts on this machine")
    known = {command["name"]: command for command in json.loads(FACTS[0].read_text())["commands"]}
    for name, command in COMMANDS.items():
        assert sorted(command.required) == sorted(known[name]["reqd"]), name
        if not known[name].get("generated"):
            assert set(command.optional) == set(known[name]["optn"]), name
            assert command.standard == ("standard" in known[name]["flags"]), name
            assert bool(command.selects) == any("selectors" in flag for flag in known[name]["flags"]), name
