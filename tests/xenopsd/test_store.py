"""What is written into guests' xenstore trees, and what of their own words is told."""

import pytest

from idl.xenops import Hvm, HvmInfo, LocalNetwork, SchedulerParams, Vif, Vm
from xenopsd.store import MemoryStore, Tree, domain_tree, guest_keys, is_news, outside_tree, uses_pv_drivers

MIB = 1 << 20


def vm(**fields: object) -> Vm:
    base: dict[str, object] = {
        "id": "u",
        "name": "a guest",
        "ty": Hvm(HvmInfo()),
        "memory_static_max": 256 * MIB,
        "memory_dynamic_max": 256 * MIB,
        "memory_dynamic_min": 128 * MIB,
        "vcpu_max": 2,
        "vcpus": 1,
    }
    return Vm(**(base | fields))  # type: ignore[arg-type]


def test_a_domain_starts_with_its_name_type_memory_and_vcpus() -> None:
    keys = domain_tree(Tree(vm(), 7))
    expected = {
        "vm": "/vm/u",
        "name": "a guest",
        "domid": "7",
        "domain-type": "hvm",
        "memory/dynamic-min": str(128 << 10),
        "cpu/0/availability": "online",
        "cpu/1/availability": "offline",
        "platform/acpi_s3": "0",
        "platform/vcpu/number": "2",
        "control/platform-feature-multiprocessor-suspend": "1",
    }
    assert expected.items() <= keys.items()


def test_platform_bios_strings_and_client_data_are_carried() -> None:
    keys = domain_tree(
        Tree(
            vm(
                platformdata={"acpi_s3": "1", "device_id": "0002"},
                bios_strings={"bios-vendor": "Xen"},
                xsdata={"vm-data/a": "1", "FIST/b": "2", "attr/c": "3"},
                scheduler_params=SchedulerParams(priority=(512, 50)),
                generation_id="1:2",
                has_vendor_device=True,
            ),
            1,
        )
    )
    assert keys["platform/acpi_s3"] == "1"
    assert keys["platform/device_id"] == "0002"
    assert keys["platform/generation-id"] == "1:2"
    assert (keys["platform/vcpu/weight"], keys["platform/vcpu/cap"]) == ("512", "50")
    assert keys["bios-strings/bios-vendor"] == "Xen"
    assert (keys["vm-data/a"], keys["FIST/b"]) == ("1", "2")
    assert keys["control/has-vendor-device"] == "1"
    assert "attr/c" not in keys


def test_interfaces_have_a_private_tree() -> None:
    vif = Vif(
        id=("u", "0"),
        position=0,
        mac="52:54:00:00:00:01",
        backend=LocalNetwork("xenbr0"),
        locking_mode="Disabled",
        other_config={"ethtool-tx": "off", "mine": "x"},
        extra_private_keys={"network-uuid": "n"},
    )
    keys = outside_tree(Tree(vm(), 7, (vif,)), now=1.5)
    private = {key.removeprefix("/xapi/u/private/vif/0/"): value for key, value in keys.items() if key.startswith("/xapi/")}
    assert private["bridge"] == "xenbr0"
    assert private["locking-mode"] == "disabled"
    assert private["other-config/ethtool-tx"] == "off"
    assert private["network-uuid"] == "n"
    assert "other-config/mine" not in private
    assert keys["/vm/u/domains/7/create-time"] == "1500000"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("control/feature-poweroff", True),
        ("control/batcmd/script", False),
        ("feature/hotplug/vbd", True),
        ("attr/PVAddons/MajorVersion", True),
        ("attr/vif/0/ipv4/0", True),
        ("attr/a/b/c/d/e", False),
        ("attr/os/hotfixes/0/installed", False),
        ("data/updated", True),
        ("data/service/web/state", True),
        ("data/private/x", False),
        ("xenserver/attr/net-sriov-vf/0/ipv4/0", True),
        ("drivers/0", True),
        ("vm-data/a", False),
        ("device/vif/0/state", False),
    ],
)
def test_what_guests_write_is_told_to_a_depth(key: str, told: bool) -> None:
    assert (key in guest_keys({key: "1"})) is told


def test_a_connected_frontend_means_drivers() -> None:
    assert uses_pv_drivers({"device/vif/0/state": "4"})
    assert not uses_pv_drivers({"device/vif/0/state": "1", "data/state": "4"})


def test_of_devices_only_states_are_news() -> None:
    assert is_news("data/updated")
    assert is_news("device/vbd/51712/state")
    assert not is_news("device/vbd/51712/ring-ref")


async def test_in_memory_client_data_can_be_replaced() -> None:
    store = MemoryStore()
    await store.create(Tree(vm(xsdata={"vm-data/a": "1"}), 3))
    await store.set_xsdata(3, {"vm-data/b": "2", "name": "no"})
    seen = store.seen(3)
    assert "vm-data/a" not in seen
    assert (seen["vm-data/b"], seen["name"]) == ("2", "a guest")
    await store.forget("u", 3)
    assert store.seen(3) == {}
