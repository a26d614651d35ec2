"""X-list and X-param-* against a small database."""

import json
from pathlib import Path

import pytest

from tests.xapi.cli.fake_api import FakeApi, run_command
from xapi.cli.failures import CommandFailure, UnknownField
from xapi.cli.generated import commands
from xapi.errors import XenAPIError, error

COMMANDS = commands()
FACTS = [p for parent in Path(__file__).parents if (p := parent / "shared/xe/commands.json").exists()]


def database() -> FakeApi:
    return FakeApi(
        VM={
            "r1": {
                "uuid": "u1",
                "name_label": "web",
                "power_state": "Running",
                "metrics": "m1",
                "VBDs": ["b1", "gone"],
                "tags": ["a", "b"],
                "other_config": {"k": "v", "empty": ""},
                "current_operations": {"task": "clean_shutdown"},
                "snapshot_time": "20260821T02:00:23Z",
                "HVM_shadow_multiplier": 1.5,
            },
            "r2": {"uuid": "u2", "name_label": "db, one", "power_state": "Halted", "other_config": {}},
            "r3": {"uuid": "t1", "name_label": "Debian", "is_a_template": True},
        },
        VM_metrics={"m1": {"uuid": "mu", "memory_actual": 7, "hvm": True}},
        VBD={"b1": {"uuid": "bu", "VM": "r1", "empty": True, "type": "CD", "mode": "RO"}},
        VIF={"v1": {"uuid": "vu", "VM": "r1", "MAC": "aa:BB:cc"}},
    )


async def run(*lines: str, api: FakeApi | None = None) -> str:
    said = await run_command(COMMANDS, *lines, api=api or database())
    return said.out


async def test_list_shows_default_fields_of_what_is_no_template() -> None:
    assert await run("vm-list") == (
        "uuid ( RO)           : u2\n     name-label ( RW): db, one\n    power-state ( RO): halted\n\n\n"
        "uuid ( RO)           : u1\n     name-label ( RW): web\n    power-state ( RO): running\n\n\n"
    )


@pytest.mark.parametrize(
    ("filters", "uuids"),
    [
        ([], "u2,u1"),
        (["power-state=running"], "u1"),
        (["name-label=db, one"], "u2"),
        (["tags:contains=b"], "u1"),
        (["tags-contains=b"], "u1"),
        (["other-config:k=v"], "u1"),
        (["other-config-k=v"], "u1"),
        (["other-config:k="], ""),
        (["other-config:empty="], "u1"),
        (["VBDs=bu; <not in database>"], "u1"),
        (["current-operations:contains=clean_shutdown"], "u1"),
        (["uuid=u1", "power-state=halted"], ""),
        (["os-version:name=x"], ""),
        (["--all"], "t1,u2,u1"),
        (["--all", "uuid=u1"], "t1,u2,u1"),
        (["params=name-label"], "db\\, one,web"),
        (["params=name-label,uuid"], "u2,u1"),
        (["params=nonsense"], ""),
        (["hvm=true"], "u1"),
    ],
)
async def test_minimal_lists(filters: list[str], uuids: str) -> None:
    assert await run("vm-list", "--minimal", *filters) == uuids + "\n"


async def test_templates_have_a_list_of_their_own() -> None:
    assert await run("template-list", "--minimal") == "t1\n"
    assert await run("snapshot-list", "--minimal") == "\n"
    assert await run("snapshot-list") == ""


@pytest.mark.parametrize("name", ["nonsense", "nonsense:x", "name-label:x", "tags:without", "nonsense-k"])
async def test_a_filter_that_names_no_field_is_an_error(name: str) -> None:
    with pytest.raises(CommandFailure):
        await run("vm-list", f"{name}=x")


async def test_with_nothing_to_list_any_filter_will_do() -> None:
    assert await run("sr-list", "nonsense=x") == ""


async def test_addresses_compare_in_any_case() -> None:
    assert await run("vif-list", "MAC=AA:bb:CC", "--minimal") == "vu\n"


async def test_expensive_fields_are_not_read_for_lists_and_hidden_ones_never_shown() -> None:
    text = await run("vm-list", "uuid=u1", "params=all")
    assert "memory-target ( RO): <expensive field>\n" in text
    assert "NVRAM" not in text


async def test_param_list_shows_everything() -> None:
    api = database()
    api.answers |= {
        "VM.query_data_source": error("VM_BAD_POWER_STATE", "r1", "running", "halted"),
        "VM.get_allowed_VBD_devices": ["1", "2"],
        "VM.get_allowed_VIF_devices": error("INTERNAL_ERROR", "x"),
        "VM.get_possible_hosts": [],
        "VM.get_cooperative": error("INTERNAL_ERROR", "x"),
    }
    lines = (await run("vm-param-list", "uuid=u1", api=api)).splitlines()
    texts = {label.strip(): text for label, _, text in (line.partition(": ") for line in lines)}
    assert lines[0].startswith("uuid ( RO) ")
    assert texts["memory-actual ( RO)"] == "7"
    assert texts["memory-target ( RO)"] == "0"
    assert texts["allowed-VBD-devices (SRO)"] == "1; 2"
    assert texts["allowed-VIF-devices (SRO)"] == ""
    assert texts["cooperative ( RO) [DEPRECATED]"] == "true"
    assert texts["current-operations (SRO)"] == "clean_shutdown"
    assert texts["other-config (MRW)"] == "k: v; empty: "
    assert texts["tags (SRW)"] == "a, b"
    assert texts["HVM-shadow-multiplier ( RW)"] == "1.500"
    assert texts["snapshot-time ( RO)"] == "20260821T02:00:23Z"
    assert texts["os-version (MRO)"] == "<not in database>"
    assert texts["resident-on ( RO)"] == "<not in database>"
    assert not any("NVRAM" in label for label in texts)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["param-name=power-state"], "running"),
        (["param-name=VBDs"], "bu; <not in database>"),
        (["param-name=other-config", "param-key=k"], "v"),
        (["param-name=name-label", "param-key=ignored"], "web"),
        (["param-name=NVRAM"], ""),
    ],
)
async def test_param_get(lines: list[str], text: str) -> None:
    assert await run("vm-param-get", "uuid=u1", *lines) == text + "\n"


@pytest.mark.parametrize("field", ["other-config", "os-version"])
async def test_param_get_of_a_missing_key(field: str) -> None:
    with pytest.raises(CommandFailure, match=r"^Key x not found in map$"):
        await run("vm-param-get", "uuid=u1", f"param-name={field}", "param-key=x")


async def test_param_get_of_an_unknown_field_or_object() -> None:
    with pytest.raises(UnknownField):
        await run("vm-param-get", "uuid=u1", "param-name=nonsense")
    with pytest.raises(XenAPIError, match="UUID_INVALID"):
        await run("vm-param-get", "uuid=u9", "param-name=uuid")


@pytest.mark.parametrize(
    ("lines", "calls"),
    [
        (["name-label=new"], [("VM.set_name_label", "r1", "new")]),
        (["memory-static-max=4GiB"], [("VM.set_memory_static_max", "r1", 4 << 30)]),
        (["VCPUs-max=2", "is-a-template=true"], [("VM.set_VCPUs_max", "r1", 2), ("VM.set_is_a_template", "r1", True)]),
        (
            ["platform:device_id=0002"],
            [("VM.remove_from_platform", "r1", "device_id"), ("VM.add_to_platform", "r1", "device_id", "0002")],
        ),
        (["actions-after-crash=Preserve"], [("VM.set_actions_after_crash", "r1", "preserve")]),
        (["affinity="], [("VM.set_affinity", "r1", "OpaqueRef:NULL")]),
        (["HVM-shadow-multiplier=2.5"], [("VM.set_HVM_shadow_multiplier", "r1", 2.5)]),
        (
            ["bios-strings:bios-vendor=a", "name-label=x", "bios-strings:bios-version=b"],
            [
                ("VM.set_name_label", "r1", "x"),
                ("VM.set_bios_strings", "r1", {"bios-version": "b", "bios-vendor": "a"}),
            ],
        ),
    ],
)
async def test_param_set(lines: list[str], calls: list[tuple[object, ...]]) -> None:
    api = database()
    await run("vm-param-set", "uuid=u1", *lines, api=api)
    assert api.calls == calls


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("power-state=halted", "Field 'power-state' is read-only."),
        ("other-config=x", "other-config:key=value"),
        ("tags:contains=x", "Cannot param-set on set fields"),
        ("nonsense=1", "Unknown field 'nonsense'"),
        ("VCPUs-max=many", "VCPUs-max"),
        ("VCPUs-params:colour=1", "weight"),
        ("bios-strings:colour=1", "bios-vendor"),
    ],
)
async def test_param_set_that_cannot_be(line: str, message: str) -> None:
    with pytest.raises(CommandFailure, match=message):
        await run("vm-param-set", "uuid=u1", line)


async def test_sets_with_a_setter_take_words() -> None:
    api = database()
    await run("vif-param-set", "uuid=vu", "ipv4-allowed=10.0.0.1,10.0.0.2", "trunks=1,2", api=api)
    assert api.calls == [
        ("VIF.set_ipv4_allowed", "v1", ["10.0.0.1", "10.0.0.2"]),
        ("VIF.set_trunks", "v1", [1, 2]),
    ]


@pytest.mark.parametrize(
    ("lines", "calls"),
    [
        (["param-name=tags", "param-key=c"], [("VM.add_tags", "r1", "c")]),
        (["param-name=other-config", "a=1", "b=2"],
         [("VM.add_to_other_config", "r1", "a", "1"), ("VM.add_to_other_config", "r1", "b", "2")]),
        (["param-name=other-config", "param-key=a=1"], []),
        (["param-name=blocked-operations", "START=reason"],
         [("VM.add_to_blocked_operations", "r1", "start", "reason")]),
    ],
)  # fmt: skip
async def test_param_add(lines: list[str], calls: list[tuple[object, ...]]) -> None:
    api = database()
    await run("vm-param-add", "uuid=u1", *lines, api=api)
    assert api.calls == calls


@pytest.mark.parametrize("name", ["VBDs", "os-version"])
async def test_param_add_to_what_is_read_only(name: str) -> None:
    with pytest.raises(CommandFailure, match=r"^Parameter is read-only$"):
        await run("vm-param-add", "uuid=u1", f"param-name={name}", "param-key=x")


async def test_param_remove() -> None:
    api = database()
    await run("vm-param-remove", "uuid=u1", "param-name=tags", "param-key=a", api=api)
    await run("vm-param-remove", "uuid=u1", "param-name=other-config", "param-key=k", api=api)
    assert api.calls == [("VM.remove_tags", "r1", "a"), ("VM.remove_from_other_config", "r1", "k")]


@pytest.mark.parametrize(("name", "text"), [("tags", "is not in the set"), ("other-config", "is not in map")])
async def test_param_remove_of_what_is_not_there(name: str, text: str) -> None:
    with pytest.raises(CommandFailure, match=f"^Key x {text}$"):
        await run("vm-param-remove", "uuid=u1", f"param-name={name}", "param-key=x")


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("tags", [("VM.remove_tags", "r1", "a"), ("VM.remove_tags", "r1", "b")]),
        ("other-config", [("VM.remove_from_other_config", "r1", "k"), ("VM.remove_from_other_config", "r1", "empty")]),
        ("xenstore-data", [("VM.set_xenstore_data", "r1", {})]),
        ("bios-strings", [("VM.set_bios_strings", "r1", {})]),
        ("name-description", [("VM.set_name_description", "r1", "")]),
    ],
)
async def test_param_clear(name: str, calls: list[tuple[object, ...]]) -> None:
    api = database()
    await run("vm-param-clear", "uuid=u1", f"param-name={name}", api=api)
    assert api.calls == calls


async def test_param_clear_of_what_has_no_empty_value() -> None:
    with pytest.raises(CommandFailure, match=r"^Cannot clear this parameter$"):
        await run("vm-param-clear", "uuid=u1", "param-name=VCPUs-max")


def test_the_commands_are_the_recorded_ones() -> None:
    if not FACTS:
        pytest.skip("no recorded facts on this machine")
    known = json.loads(FACTS[0].read_text())["commands"]
    expected = {command["name"]: tuple(command["reqd"]) for command in known if command.get("generated")}
    assert {name: command.required for name, command in COMMANDS.items()} == expected


async def test_another_database_is_read_through_a_session_of_its_own() -> None:
    api = FakeApi(network={"n": {"uuid": "u"}}, VDI={"d": {"uuid": "disk"}})
    api.answers["VDI.open_database"] = api.answers["session.create_from_db_file"] = "OpaqueRef:other"
    get = ["network-param-get", "uuid=u", "param-name=uuid"]
    for command in (["network-list", "params=uuid"], ["network-param-list", "uuid=u"], get):
        api.calls.clear()
        said = await run_command(COMMANDS, *command, "database:vdi-uuid=disk", api=api)
        assert "u\n" in said.out
        assert api.calls[:2] == [("VDI.open_database", "d"), ("under", "OpaqueRef:other")]
        assert api.calls[-1] == ("session.logout",)
    await run_command(COMMANDS, "network-list", "database:filename=/x", api=api)
    assert ("session.create_from_db_file", "/x") in api.calls
    with pytest.raises(CommandFailure, match="either"):
        await run_command(COMMANDS, "network-list", "database:filename=/x", "database:vdi-uuid=disk", api=api)
