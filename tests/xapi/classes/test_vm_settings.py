"""Settings that are more than a field: which values are refused, in which state, and what else they change."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from idl.rpc import RpcError
from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import Pool
from xapi.classes import (
    vm,
    vm_appliance,
    vm_boot,
    vm_group,
    vm_guest,
    vm_recovery,
    vm_secureboot,
    vm_settings,
    vm_vcpus,
    vmss,
)
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError

Call = Callable[..., Awaitable[Any]]

REFUSED: list[tuple[Call, tuple[Any, ...], list[str]]] = [
    (vm_vcpus.set_vcpus_max, (0,), ["INVALID_VALUE", "VCPUs_max", "0"]),
    (vm_vcpus.set_vcpus_at_startup, (3,), ["INVALID_VALUE", "VCPUs_at_startup", "3"]),
    (vm_boot.set_platform, ({"cores-per-socket": "none"},), ["VALUE_NOT_SUPPORTED"]),
    (vm_boot.set_platform, ({"parallel": "/etc/passwd"},), ["INVALID_VALUE", "platform:parallel", "/etc/passwd"]),
    (vm_boot.add_to_platform, ("device-model", "qemu-upstream-uefi"), ["INVALID_VALUE", "platform:device-model"]),
    (vm_boot.set_hvm_shadow_multiplier, (0.5,), ["INVALID_VALUE", "HVM_shadow_multiplier", "0.5"]),
    (vm_boot.set_bios_strings, ({"color": "blue"},), ["INVALID_VALUE", "color"]),
    (vm_boot.set_bios_strings, ({"bios-vendor": "a" * 513},), ["INVALID_VALUE", "bios-vendor"]),
    (vm_settings.set_actions_after_crash, ("rename_restart",), ["VALUE_NOT_SUPPORTED"]),
    (vm_settings.set_actions_after_crash, ("coredump_and_restart",), ["VALUE_NOT_SUPPORTED"]),
    (vm_settings.set_start_delay, (-1,), ["INVALID_VALUE", "start_delay", "-1"]),
    (vm_settings.set_shutdown_delay, (-1,), ["INVALID_VALUE", "shutdown_delay", "-1"]),
    (vm_settings.set_order, (-1,), ["INVALID_VALUE", "order", "-1"]),
    (vm_settings.set_ha_restart_priority, ("always",), ["INVALID_VALUE", "ha_restart_priority", "always"]),
    (vm_settings.set_groups, (["a", "b"],), ["TOO_MANY_GROUPS"]),
    (vm_guest.call_plugin, ("nonsense", "fn", {}), ["XENAPI_MISSING_PLUGIN", "nonsense"]),
    (vm_guest.call_plugin, (vm_guest.AGENT_PLUGIN, "run-script", {}), ["VM_BAD_POWER_STATE"]),
    (vm_guest.sysprep, ("<unattend/>", 1.0), ["VM_BAD_POWER_STATE"]),
    (vm_secureboot.update_secureboot_certificates_on_boot, (True,), ["OPERATION_NOT_ALLOWED"]),
]


@pytest.mark.parametrize(("call", "values", "expected"), REFUSED)
async def test_values_that_make_no_sense_are_refused(
    pool: Pool, call: Call, values: tuple[Any, ...], expected: list[str]
) -> None:
    guest = await pool.vm()
    before = pool.db.record("VM", guest)
    with pytest.raises(XenAPIError) as refused:
        await call(pool.ctx(), guest, *values)
    assert refused.value.description[: len(expected)] == expected
    assert pool.db.record("VM", guest) == before


ONLY_AT_REST: list[tuple[Call, tuple[Any, ...]]] = [
    (vm_vcpus.set_vcpus_max, (4,)),
    (vm_vcpus.set_vcpus_at_startup, (2,)),
    (vm_secureboot.set_nvram, ({},)),
    (vm_secureboot.add_to_nvram, ("key", "value")),
    (vm_secureboot.remove_from_nvram, ("key",)),
    (vm_secureboot.set_uefi_mode, ("setup",)),
    (vm_boot.set_domain_type, ("pv",)),
    (vm_boot.set_hvm_boot_policy, ("",)),
    (vm_boot.set_has_vendor_device, (False,)),
    (vm_boot.set_hvm_shadow_multiplier, (2.0,)),
]


@pytest.mark.parametrize(("call", "values"), ONLY_AT_REST)
async def test_what_a_domain_is_built_with_changes_only_while_halted(pool: Pool, call: Call, values: tuple[Any, ...]) -> None:
    guest = await started(pool)
    with pytest.raises(XenAPIError) as refused:
        await call(pool.ctx(), guest, *values)
    assert refused.value.description == ["VM_BAD_POWER_STATE", guest, "halted", "running"]


# -- vCPUs --


async def test_vcpus_of_a_halted_vm_change_its_overhead(pool: Pool) -> None:
    guest = await pool.vm()
    before = pool.db.get("VM", guest, "memory_overhead")
    await vm_vcpus.set_vcpus_max(pool.ctx(), guest, 32)
    await vm_vcpus.set_vcpus_at_startup(pool.ctx(), guest, 32)
    assert pool.db.get("VM", guest, "memory_overhead") > before


async def test_vcpus_are_plugged_into_a_running_guest(pool: Pool) -> None:
    guest = await started(pool)
    await vm_vcpus.set_vcpus_number_live(pool.ctx(), guest, 2)
    assert pool.db.get("VM_metrics", pool.db.get("VM", guest, "metrics"), "VCPUs_number") == 2
    assert pool.db.get("VM", guest, "VCPUs_at_startup") == 2
    with pytest.raises(XenAPIError, match="INVALID_VALUE"):
        await vm_vcpus.set_vcpus_number_live(pool.ctx(), guest, 3)


async def test_a_refused_vcpu_change_leaves_the_setting(pool: Pool) -> None:
    guest = await started(pool)
    pool.xenops.fail["VM.set_vcpus"] = RpcError("Internal_error", "no")
    with pytest.raises(RpcError):
        await vm_vcpus.set_vcpus_number_live(pool.ctx(), guest, 2)
    assert pool.db.get("VM", guest, "VCPUs_at_startup") == 1


async def test_scheduling_of_a_running_guest_reaches_the_domain_manager(pool: Pool) -> None:
    guest = await started(pool)
    await vm_vcpus.add_to_vcpus_params_live(pool.ctx(), guest, "weight", "512")
    assert pool.xenops.vms[pool.uuid(guest)].scheduler_params.priority == (512, 0)
    with pytest.raises(XenAPIError, match="INVALID_VALUE"):
        await vm_vcpus.add_to_vcpus_params_live(pool.ctx(), guest, "cap", "many")
    assert pool.db.get("VM", guest, "VCPUs_params") == {"weight": "512"}


# -- boot --


async def test_boot_policy_and_domain_type_follow_each_other(pool: Pool) -> None:
    guest = await pool.vm()
    await vm_boot.set_domain_type(pool.ctx(), guest, "pvh")
    assert pool.db.get("VM", guest, "HVM_boot_policy") == ""
    await vm_boot.set_domain_type(pool.ctx(), guest, "hvm")
    assert pool.db.get("VM", guest, "HVM_boot_policy") == "BIOS order"
    await vm_boot.set_hvm_boot_policy(pool.ctx(), guest, "")
    assert pool.db.get("VM", guest, "domain_type") == "pv"


async def test_bios_strings_are_set_once(pool: Pool) -> None:
    guest = await pool.vm()
    pool.db.set("host", pool.host, bios_strings={"bios-vendor": "Somebody"})
    await vm_boot.copy_bios_strings(pool.ctx(), guest, pool.host)
    assert pool.db.get("VM", guest, "bios_strings") == {"bios-vendor": "Somebody"}
    for call, value in ((vm_boot.copy_bios_strings, pool.host), (vm_boot.set_bios_strings, {"bios-vendor": "Other"})):
        with pytest.raises(XenAPIError, match="VM_BIOS_STRINGS_ALREADY_SET"):
            await call(pool.ctx(), guest, value)  # type: ignore[arg-type]


async def test_uefi_mode_drops_the_variables(pool: Pool) -> None:
    guest = await pool.vm(NVRAM={"EFI-variables": "AAAA"})
    assert "setup" in await vm_secureboot.set_uefi_mode(pool.ctx(), guest, "setup")
    assert pool.db.get("VM", guest, "NVRAM") == {}


async def test_certificates_are_renewed_at_the_next_boot_where_there_are_newer_ones(pool: Pool) -> None:
    guest = await pool.vm()
    await vm_secureboot.set_nvram_efi_variables(pool.ctx(), guest, "AAAA", "yes")
    assert pool.db.get("VM", guest, "NVRAM") == {"EFI-variables": "AAAA"}
    await vm_secureboot.update_secureboot_certificates_on_boot(pool.ctx(), guest, True)
    assert pool.db.get("VM", guest, "secureboot_certificates_state") == "update_on_boot"
    await vm_secureboot.update_secureboot_certificates_on_boot(pool.ctx(), guest, False)
    assert pool.db.get("VM", guest, "secureboot_certificates_state") == "update_available"


# -- into the guest --


async def test_store_data_reaches_a_running_guest_or_is_as_before(pool: Pool) -> None:
    guest = await started(pool)
    await vm_guest.set_xenstore_data(pool.ctx(), guest, {"vm-data/a": "1", "private": "2"})
    assert pool.xenops.states[pool.uuid(guest)].xsdata_state == {"vm-data/a": "1"}
    pool.xenops.fail["VM.set_xsdata"] = RpcError("Internal_error", "no")
    with pytest.raises(RpcError):
        await vm_guest.set_xenstore_data(pool.ctx(), guest, {})
    assert pool.db.get("VM", guest, "xenstore_data") == {"vm-data/a": "1", "private": "2"}


async def test_a_key_is_sent(pool: Pool) -> None:
    await vm_guest.send_sysrq(pool.ctx(), await started(pool), "s")
    assert pool.xenops.keys == "s"


async def test_what_needs_an_agent_says_so(pool: Pool) -> None:
    guest = await started(pool)
    for call, values, code in (
        (vm_guest.call_plugin, (vm_guest.AGENT_PLUGIN, "run-script", {}), "VM_LACKS_FEATURE"),
        (vm_guest.sysprep, ("<unattend/>", 1.0), "SYSPREP"),
        (vm_guest.send_trigger, ("nmi",), "NOT_IMPLEMENTED"),
    ):
        with pytest.raises(XenAPIError, match=code):
            await call(pool.ctx(), guest, *values)


async def test_a_host_plugin_learns_which_vm_it_is_for(pool: Pool) -> None:
    plugin = pool.app.root.under("/etc/xapi.d/plugins/echo")
    plugin.parent.mkdir(parents=True)
    plugin.write_text(
        "#!/usr/bin/env python3\nimport sys, xmlrpc.client\n"
        "(_, args), fn = xmlrpc.client.loads(sys.argv[1])\n"
        'print(xmlrpc.client.dumps((f\'{fn} {args["vm_uuid"]} {args["x"]}\',), methodresponse=True))\n'
    )
    plugin.chmod(0o755)
    guest = await started(pool)
    assert await vm_guest.call_host_plugin(pool.ctx(), guest, "echo", "hear", {"x": "y"}) == f"hear {pool.uuid(guest)} y"


# -- protection, blocked operations, memberships --


async def test_protection_of_a_running_vm_begins_at_once(pool: Pool) -> None:
    guest = await started(pool)
    await vm_settings.set_ha_restart_priority(pool.ctx(), guest, "restart")
    assert pool.db.get("VM", guest, "ha_always_run")
    await vm_settings.set_ha_restart_priority(pool.ctx(), guest, "best-effort")
    assert not pool.db.get("VM", guest, "ha_always_run")


async def test_a_blocked_operation_is_not_allowed_until_it_is_unblocked(pool: Pool) -> None:
    guest = await pool.vm()
    await vm_settings.add_to_blocked_operations(pool.ctx(), guest, "start", "not today")
    assert "start" not in pool.db.get("VM", guest, "allowed_operations")
    await vm_settings.remove_from_blocked_operations(pool.ctx(), guest, "start")
    assert "start" in pool.db.get("VM", guest, "allowed_operations")
    await vm_settings.set_blocked_operations(pool.ctx(), guest, {"destroy": "precious"})
    with pytest.raises(XenAPIError, match="OPERATION_BLOCKED"):
        await vm.destroy(pool.ctx(), guest)


_MEMBERSHIPS: list[tuple[Call, Any]] = [
    (vm_settings.set_appliance, NULL_REF),
    (vm_settings.set_groups, []),
    (vm_settings.set_snapshot_schedule, NULL_REF),
]


async def test_a_template_belongs_to_nothing(pool: Pool) -> None:
    template = await pool.vm(is_a_template=True)
    for call, value in _MEMBERSHIPS:
        with pytest.raises(XenAPIError, match="OPERATION_NOT_ALLOWED"):
            await call(pool.ctx(), template, value)


async def test_a_vm_in_a_group_an_appliance_or_a_schedule_is_no_template(pool: Pool) -> None:
    guest = await pool.vm()
    group = await vm_group.create(pool.ctx(), {"name_label": "apart", "placement": "anti_affinity"})
    await vm_settings.set_groups(pool.ctx(), guest, [group])
    assert pool.db.get("VM_group", group, "VMs") == [guest]
    await vm_group.destroy(pool.ctx(), group)
    assert pool.db.get("VM", guest, "groups") == []
    appliance = await vm_appliance.create(pool.ctx(), {"name_label": "shop"})
    await vm_settings.set_appliance(pool.ctx(), guest, appliance)
    with pytest.raises(XenAPIError, match="VM_IS_PART_OF_AN_APPLIANCE"):
        await vm.set_is_a_template(pool.ctx(), guest, True)
    await vm_settings.set_appliance(pool.ctx(), guest, NULL_REF)
    assert pool.db.get("VM_appliance", appliance, "allowed_operations") == []
    schedule = {"name_label": "nightly", "type": "snapshot", "frequency": "daily", "schedule": {}, "retained_snapshots": 2}
    await vm_settings.set_snapshot_schedule(pool.ctx(), guest, await vmss.create(pool.ctx(), schedule))
    with pytest.raises(XenAPIError, match="VM_ASSIGNED_TO_SNAPSHOT_SCHEDULE"):
        await vm.set_is_a_template(pool.ctx(), guest, True)


async def test_a_blob_goes_with_its_vm(pool: Pool) -> None:
    guest = await pool.vm()
    blob = await vm.create_new_blob(pool.ctx(), guest, "notes", "text/plain", False)
    assert pool.db.get("VM", guest, "blobs") == {"notes": blob}
    await vm.destroy(pool.ctx(), guest)
    assert not pool.db.exists("blob", blob)


async def test_recovery_needs_the_storage_of_all_disks(pool: Pool) -> None:
    guest, session = await started(pool), pool.app.sessions.create(pool.ctx().origin, superuser=True)
    assert await vm_recovery.get_srs_required(pool.ctx(), guest, session) == [pool.sr]
    await vm_recovery.assert_can_be_recovered(pool.ctx(), guest, session)
    appliance = await vm_appliance.create(pool.ctx(), {"name_label": "shop"})
    await vm_settings.set_appliance(pool.ctx(), guest, appliance)
    assert await vm_recovery.get_srs_required_by_appliance(pool.ctx(), appliance, session) == [pool.sr]
    with pytest.raises(XenAPIError, match="VM_IS_PART_OF_AN_APPLIANCE"):
        await vm_recovery.assert_can_be_recovered(pool.ctx(), guest, session)
    pool.db.set("PBD", pool.pbd(), currently_attached=False)
    with pytest.raises(XenAPIError) as refused:
        await vm_recovery.assert_appliance_can_be_recovered(pool.ctx(), appliance, session)
    assert refused.value.description == ["VM_REQUIRES_SR", guest, pool.sr]
