"""Commands as the API calls that they make and the texts that they print."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from idl import cli
from tests.xapi.cli.fake_api import FakeApi, ScriptedClient, full, run_command
from xapi.cli.command import CommandExit
from xapi.cli.commands import COMMANDS
from xapi.cli.failures import CommandFailure
from xapi.cli.selectors import SeveralFailed
from xapi.datamodel import NULL_REF
from xapi.errors import XenAPIError, error

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
        VDI={"d1": {"uuid": "vdi1", "name_label": "root", "SR": "sr1", "virtual_size": 10},
             "iso1": {"uuid": "discu", "name_label": "disc.iso", "SR": "isos"}},
        SR={"sr1": {"uuid": "sru", "name_label": "Local"},
            "isos": {"uuid": "isou", "name_label": "Discs", "content_type": "iso"}},
        pool={"p1": {"uuid": "pou", "master": "h2", "default_SR": "sr1"}},
        PIF={"pif1": {"uuid": "pu", "host": "h1", "device": "eth0"}},
        Bond={"bond1": {"uuid": "bu"}},
        VLAN={},
        VIF={"vif1": {"uuid": "vu", "VM": "vm1"}},
        network={"net1": {"uuid": "nu", "name_label": "lan"}},
        VTPM={"tpm1": {"uuid": "tu", "VM": "vm1"}},
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
        (["snapshot-destroy", "uuid=us"], [("VM.destroy", "s1")]),
        (["vm-cd-eject", "uuid=u1"], [("VBD.eject", "b2")]),
        (["vm-cd-insert", "uuid=u1", "cd-name=disc.iso"], [("VBD.insert", "b2", "iso1")]),
        (["vm-cd-remove", "uuid=u1", "cd-name=<EMPTY>"], [("VBD.destroy", "b2")]),
        (
            ["vm-migrate", "uuid=u2", "host-uuid=hu", "live=true"],
            [("VM.pool_migrate", "vm2", "h1", {"force": "false", "live": "true", "copy": "false"})],
        ),
        (
            ["vm-memory-limits-set", "uuid=u1", "static-min=1GiB", "static-max=4GiB", "dynamic-min=1GiB", "dynamic-max=2GiB"],
            [("VM.set_memory_limits", "vm1", 1 << 30, 4 << 30, 1 << 30, 2 << 30)],
        ),
        (["vm-memory-target-set", "uuid=u1", "target=1GiB"], [("VM.set_memory_dynamic_range", "vm1", 1 << 30, 1 << 30)]),
        (["host-evacuate", "host=one", "batch-size=3"], [("host.evacuate", "h1", NULL_REF, 3)]),
        (["host-reboot", "uuid=hu"], [("host.reboot", "h1")]),
        (["host-refresh-server-certificate", "host=hu"], [("host.refresh_server_certificate", "h1")]),
        (["host-get-sm-diagnostics", "uuid=hu"], [("host.get_sm_diagnostics", "h1")]),
        (
            ["host-set-power-on-mode", "uuid=hu", "power-on-mode=script", "power-on-config:k=v"],
            [("host.set_power_on_mode", "h1", "script", {"k": "v"})],
        ),
        (["pool-designate-new-master", "host-uuid=hu"], [("pool.designate_new_master", "h1")]),
        (["pool-enable-ssh"], [("pool.enable_ssh", "p1")]),
        (["pool-ha-enable", "heartbeat-sr-uuids=sru", "ha-config:timeout=60"], [("pool.enable_ha", ["sr1"], {"timeout": "60"})]),
        (
            ["pif-reconfigure-ip", "uuid=pu", "mode=STATIC", "ip=10.0.0.2", "netmask=255.0.0.0", "dns=10.0.0.1"],
            [("PIF.reconfigure_ip", "pif1", "Static", "10.0.0.2", "255.0.0.0", "", "10.0.0.1")],
        ),
        (
            ["pif-set-primary-address-type", "uuid=pu", "primary_address_type=ipv6"],
            [("PIF.set_primary_address_type", "pif1", "IPv6")],
        ),
        (["pif-scan", "host-uuid=hu"], [("PIF.scan", "h1")]),
        (["bond-set-mode", "uuid=bu", "mode=lacp"], [("Bond.set_mode", "bond1", "lacp")]),
        (["vlan-destroy", "uuid=pu"], [("PIF.destroy", "pif1")]),
        (
            ["vif-configure-ipv4", "uuid=vu", "mode=static", "address=10.0.0.3/8"],
            [("VIF.configure_ipv4", "vif1", "Static", "10.0.0.3/8", "")],
        ),
        (["vif-move", "uuid=vu", "network-uuid=nu"], [("VIF.move", "vif1", "net1")]),
        (["vtpm-destroy", "uuid=tu", "--force"], [("VTPM.destroy", "tpm1")]),
        (["vdi-unlock", "uuid=vdi1", "--force"], [("VDI.force_unlock", "d1")]),
        (["host-forget", "uuid=hu", "--force"], [("host.destroy", "h1")]),
        (["pool-eject", "host-uuid=hu", "force=true"], [("pool.eject", "h1")]),
        (["message-destroy-all", "priority=3"], [("message.destroy_all", {"priority": "3"})]),
        (["user-password-change", "old=a", "new=b"], [("session.change_password", "a", "b")]),
        (["host-send-debug-keys", "host-uuid=hu", "keys=q"], [("host.send_debug_keys", "h1", "q")]),
        (["pool-disable-ssl-legacy"], []),
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
        (["vm-cd-insert", "uuid=u1", "cd-name=root"], "No CD"),
        (["vtpm-destroy", "uuid=tu"], "--force"),
        (["vm-migrate", "uuid=u2", "host=two"], "^No matching hosts found$"),
        (["vm-migrate", "uuid=u2", "host=one", "copy=true"], "Unknown field"),
        (["vif-configure-ipv4", "uuid=vu", "mode=static"], "address"),
        (["vm-import"], "filename"),
        (["vm-import", "filename=f", "url=u"], "filename"),
        (["vm-import", "filename=f", "dry-run=true"], "metadata"),
        (["blob-create", "name=x"], "Whose"),
        (["subject-role-add", "uuid=x"], "role"),
    ],
)
async def test_refused_before_any_call(lines: list[str], message: str) -> None:
    api = database()
    with pytest.raises(CommandFailure, match=message):
        await run_command(COMMANDS, *lines, api=api)
    assert api.calls == []


async def test_a_drive_for_a_disc_has_to_be_there() -> None:
    api = database()
    api.objects["VBD"]["b2"]["empty"] = False
    with pytest.raises(XenAPIError, match="VM_NO_EMPTY_CD_VBD"):
        await run_command(COMMANDS, "vm-cd-insert", "uuid=u1", "cd-name=disc.iso", api=api)


async def test_plugins_get_files_of_the_client() -> None:
    api, client = database(), ScriptedClient()
    api.answers["host.call_plugin"], client.files = "done", {"/etc/answers": b"42\n"}
    lines = ["host-call-plugin", "host-uuid=hu", "plugin=p", "fn=f", "args:a=b", "args:c:file=/etc/answers"]
    assert (await run_command(COMMANDS, *lines, api=api, client=client)).out == "done\n"
    assert api.calls == [("host.call_plugin", "h1", "p", "f", {"a": "b", "c": "42\n"})]
    with pytest.raises(CommandFailure, match="/none"):
        await run_command(COMMANDS, *lines[:4], "args:c:file=/none", api=api, client=client)


@pytest.mark.parametrize(
    ("lines", "out"),
    [
        (["bond-create", "network-uuid=nu", "pif-uuids=pu", "--minimal"], "bu\n"),
        (["pci-get-dom0-access-status", "uuid=x"], "disable_on_reboot\n"),
        (["host-compute-free-memory", "host=one"], "12\n"),
        (["host-compute-free-memory", "host=one", "--minimal"], "\n"),
        (["vm-data-source-query", "uuid=u1", "data-source=cpu0"], "0.250000\n"),
        (["host-cpu-info", "uuid=hu"], "cpu_count    : 2\n       vendor: GenuineIntel\n\n\n"),
        (["vdi-list-changed-blocks", "vdi-from-uuid=vdi1", "vdi-to-uuid=vdi1", "--minimal"], "AAE=\n\n"),
        (["vm-is-bios-customized", "uuid=u1"], "This VM has the generic BIOS strings.\n"),
        (["cd-list"], "uuid ( RO)          : discu\n    name-label ( RW): disc.iso\n\n\n"),
        (["snapshot-disk-list", "uuid=us", "vbd-params=", "--minimal"], "vdi1\n"),
    ],
)
async def test_results(lines: list[str], out: str) -> None:
    api = database()
    api.objects["VM"]["s1"]["VBDs"] = ["b1"]
    api.answers |= {
        "Bond.create": "bond1",
        "PCI.get_by_uuid": "pci1",
        "PCI.get_dom0_access_status": "disable_on_reboot",
        "host.compute_free_memory": 12,
        "VM.query_data_source": 0.25,
        "host.get_cpu_info": {"cpu_count": "2", "vendor": "GenuineIntel"},
        "VDI.list_changed_blocks": "AAE=",
        "VM.get_bios_strings": {"bios-vendor": "Xen"},
    }
    assert (await run_command(COMMANDS, *lines, api=api)).out == out


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        (
            ["vm-export", "uuid=u1", "filename=/f"],
            "/export?ref=vm1&use_compression=false&preserve_power_state=false&export_snapshots=true",
        ),
        (
            ["vm-export", "uuid=u1", "filename=/f", "compress=true", "preserve-power-state=true", "include-snapshots=false"],
            "/export?ref=vm1&use_compression=gzip&preserve_power_state=true&export_snapshots=false",
        ),
        (
            ["template-export", "template-uuid=ut", "filename=/f", "compress=zstd", "metadata=true"],
            "/export_metadata?ref=t1&use_compression=zstd&preserve_power_state=false&export_snapshots=false",
        ),
        (["pool-dump-database", "file-name=/f"], "/pool/xmldbdump"),
        (["host-backup", "host=one", "file-name=/f"], "https://192.0.2.1/host_backup"),
        (["host-get-system-status", "host=one", "filename=/f", "output=zip"], "https://192.0.2.1/system-status?output=zip"),
        (["audit-log-get", "filename=/f", "since=20260101T00:00:00Z"], "/audit_log?since=20260101T00%3A00%3A00Z"),
    ],
)
async def test_downloads(lines: list[str], url: str) -> None:
    api, client = database(), ScriptedClient()
    api.objects["host"]["h1"]["address"] = "192.0.2.1"
    api.answers |= task_that("success")
    await run_command(COMMANDS, *lines, api=api, client=client)
    joint = "&" if "?" in url else "?"
    assert client.transfers == [cli.HttpGet("/f", f"{url}{joint}session_id=OpaqueRef:session&task_id=t")]


async def test_import_of_a_vm_says_its_uuid() -> None:
    api, client = database(), ScriptedClient()
    result = "<value><array><data><value>OpaqueRef:12-ab</value></data></array></value>"
    api.answers |= task_that("success", result=result) | {"VM.get_uuid": "nu"}
    said = await run_command(COMMANDS, "vm-import", "filename=/f", api=api, client=client)
    assert said.out == "nu\n"
    url = "/import?restore=false&force=false&dry_run=false&sr_id=sr1&session_id=OpaqueRef:session&task_id=t"
    assert client.transfers == [cli.HttpPut("/f", url)]


async def test_a_transfer_that_the_client_gives_up_fails_with_the_tasks_reason_or_its_own() -> None:
    api, client = database(), ScriptedClient()
    client.transfer_works = False
    api.answers |= task_that("failure", error_info=["VDI_IN_USE", "d1", "attach"])
    with pytest.raises(XenAPIError, match="VDI_IN_USE"):
        await run_command(COMMANDS, "vdi-export", "uuid=vdi1", "filename=/f", api=api, client=client)
    api.answers |= task_that("success")
    with pytest.raises(XenAPIError, match="CLIENT_ERROR"):
        await run_command(COMMANDS, "vdi-export", "uuid=vdi1", "filename=/f", api=api, client=client)


def task_that(status: str, *, result: str = "", error_info: Sequence[str] = ()) -> dict[str, object]:
    """Answers for a task that has ended."""
    return {
        "task.create": "t",
        "task.get_record": {"status": status, "result": result, "error_info": list(error_info)},
        "event.from": {"token": "1", "events": []},
    }


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (["pool-eject", "host-uuid=hu"], "WARNING: the host is installed anew"),
        (["host-forget", "uuid=hu"], "WARNING: the pool forgets the host"),
        (["host-declare-dead", "uuid=hu"], "WARNING: the VMs of this host"),
    ],
)
async def test_dangerous_commands_ask_first(lines: list[str], first: str) -> None:
    api = database()
    said = await run_command(COMMANDS, *lines, api=api, client=ScriptedClient("no"))
    assert said.out.startswith(first) and said.out.endswith("Aborted (you typed: 'no')\n")
    assert api.calls == []


@pytest.mark.parametrize(("answer", "code"), [(False, 2), (error("HOST_BROKEN"), 3)])
async def test_the_health_check_speaks_in_exit_codes(answer: object, code: int) -> None:
    api = database()
    api.answers["host.ha_xapi_healthcheck"] = answer
    with pytest.raises(CommandExit) as caught:
        await run_command(COMMANDS, "host-ha-xapi-healthcheck", api=api)
    assert caught.value.code == code


async def test_a_vm_is_recovered_in_the_other_databases_session() -> None:
    api = database()
    api.answers["VDI.open_database"] = "OpaqueRef:other"
    await run_command(COMMANDS, "vm-recover", "uuid=u1", "database:vdi-uuid=vdi1", api=api)
    assert api.calls == [
        ("VDI.open_database", "d1"),
        ("under", "OpaqueRef:other"),
        ("VM.recover", "vm1", "OpaqueRef:session", False),
        ("session.logout",),
    ]


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


def test_commands_and_their_parameters_are_the_recorded_ones(capsys: pytest.CaptureFixture[str]) -> None:
    if not FACTS:
        pytest.skip("no recorded facts on this machine")
    known = {command["name"]: command for command in json.loads(FACTS[0].read_text())["commands"]}
    with capsys.disabled():
        print(f"\nxe: {len(set(COMMANDS) & set(known))} of {len(known)} recorded commands")
    assert set(COMMANDS) == set(known)
    for name, command in COMMANDS.items():
        flags = known[name]["flags"]
        assert sorted(command.required) == sorted(known[name]["reqd"]), name
        assert set(command.optional) == set(known[name]["optn"]), name
        assert command.standard == ("standard" in flags), name
        assert command.hidden == ("hidden" in flags), name
        assert command.local_session == (known[name].get("session") == "local"), name
        assert bool(command.selects) == any("selectors" in flag for flag in flags), name
