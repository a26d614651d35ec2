"""Records of PVS, USB and TPMs: who may have them, what stands in the way, what goes with what."""

from pathlib import Path

import pytest

from tests.xapi.classes.client import Client
from xapi.classes import vm as vms
from xapi.planning import usb_policy
from xapi.planning.usb_policy import Device


@pytest.fixture
async def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


# PVS


async def test_a_site_is_forgotten_when_nothing_serves_or_uses_it(client: Client) -> None:
    site = await client("PVS_site.introduce", "site", "", "u1")
    server = await client("PVS_server.introduce", ["192.0.2.7", "2001:db8::7"], 6910, 6930, site)
    assert await client("PVS_site.forget", site) == ["PVS_SITE_CONTAINS_SERVERS", server]
    assert await client("PVS_server.forget", server) is None
    vif = client.db.create("VIF", VM=client.vm(), device="0")
    proxy = await client("PVS_proxy.create", site, vif)
    client.db.set("PVS_proxy", proxy, currently_attached=True)
    assert await client("PVS_site.forget", site) == ["PVS_SITE_CONTAINS_RUNNING_PROXIES", proxy]
    assert (await client("PVS_proxy.destroy", proxy))[0] == "OPERATION_NOT_ALLOWED"
    client.db.set("PVS_proxy", proxy, currently_attached=False)
    await client("PVS_site.set_PVS_uuid", site, "u2")
    assert await client("PVS_site.get_PVS_uuid", site) == "u2"
    assert await client("PVS_site.forget", site) is None
    assert not client.db.exists("PVS_proxy", proxy)


@pytest.mark.parametrize(
    ("addresses", "first", "last", "refused"),
    [
        ([], 1, 2, ["INVALID_VALUE", "addresses", ""]),
        (["here"], 1, 2, ["INVALID_IP_ADDRESS_SPECIFIED", "addresses"]),
        (["192.0.2.1"], 1, 2, ["PVS_SERVER_ADDRESS_IN_USE", "192.0.2.1"]),
        (["192.0.2.2"], 0, 2, ["INVALID_VALUE", "first_port", "0"]),
        (["192.0.2.2"], 9, 8, ["INVALID_VALUE", "last_port", "8"]),
        (["192.0.2.2"], 9, 70000, ["INVALID_VALUE", "last_port", "70000"]),
    ],
)
async def test_bad_servers(client: Client, addresses: list[str], first: int, last: int, refused: list[str]) -> None:
    site = await client("PVS_site.introduce", "site", "", "")
    await client("PVS_server.introduce", ["192.0.2.1"], 1, 2, site)
    assert await client("PVS_server.introduce", addresses, first, last, site) == refused


async def test_a_proxy_is_for_the_first_interface_and_there_is_one(client: Client) -> None:
    site = await client("PVS_site.introduce", "site", "", "")
    first, second = (client.db.create("VIF", VM=client.vm(), device=device) for device in "01")
    proxy = await client("PVS_proxy.create", site, first)
    assert await client("PVS_proxy.create", site, first) == ["PVS_PROXY_ALREADY_PRESENT", proxy]
    assert await client("PVS_proxy.create", site, second) == ["PVS_VIF_MUST_BE_FIRST_DEVICE"]
    assert await client("PVS_proxy.create", "OpaqueRef:none", second) == ["HANDLE_INVALID", "PVS_site", "OpaqueRef:none"]


async def test_a_host_has_one_cache_for_a_site_in_storage_that_it_sees(client: Client) -> None:
    db = client.db
    site, sr = await client("PVS_site.introduce", "site", "", ""), db.create("SR", name_label="far")
    wanted = {"host": client.host, "SR": sr, "site": site}
    assert await client("PVS_cache_storage.create", wanted) == ["HOST_CANNOT_SEE_SR", client.host, sr]
    db.create("PBD", host=client.host, SR=sr)
    cache = await client("PVS_cache_storage.create", wanted)
    assert await client("PVS_cache_storage.get_size", cache) == 21474836480
    assert await client("PVS_cache_storage.create", wanted) == ["PVS_CACHE_STORAGE_ALREADY_PRESENT", site, client.host]
    vm = db.create("VM", resident_on=client.host)
    db.create("PVS_proxy", site=site, VIF=db.create("VIF", VM=vm), currently_attached=True)
    assert await client("PVS_cache_storage.destroy", cache) == ["PVS_CACHE_STORAGE_IS_IN_USE", cache]
    db.set("VM", vm, resident_on="OpaqueRef:NULL")
    assert await client("PVS_cache_storage.destroy", cache) is None


# USB


def plug_in(client: Client, path: str, product: str, cls: str = "08", serial: str = "s1") -> None:
    """Write what sysfs would say of a stick."""
    directory = client.root.under(f"/sys/bus/usb/devices/{path}")
    directory.mkdir(parents=True)
    for name, text in {
        "idVendor": "0951", "idProduct": product, "manufacturer": "Maker", "product": "Stick", "serial": serial,
        "version": " 2.10", "speed": "480", "bDeviceClass": "00",
    }.items():  # fmt: skip
        (directory / name).write_text(text + "\n")
    face = directory.parent / f"{path}:1.0"
    face.mkdir()
    for name, text in {"bInterfaceClass": cls, "bInterfaceSubClass": "01", "bInterfaceProtocol": "01"}.items():
        (face / name).write_text(text + "\n")


def unplug(client: Client, path: str) -> None:
    for file in client.root.under(f"/sys/bus/usb/devices/{path}").iterdir():
        file.unlink()
    client.root.under(f"/sys/bus/usb/devices/{path}").rmdir()


async def test_a_scan_finds_what_came_and_forgets_what_went(client: Client) -> None:
    plug_in(client, "1-1", "1666")
    plug_in(client, "1-2", "1666", serial="s2")
    plug_in(client, "1-3", "0001", cls="03")
    await client("PUSB.scan", client.host)
    records = await client("PUSB.get_all_records")
    assert {record["path"] for record in records.values()} == {"1-1", "1-2"}, "a keyboard is not offered"
    assert {record["description"] for record in records.values()} == {"Maker Stick s1", "Maker Stick s2"}
    (group,) = {record["USB_group"] for record in records.values()}
    assert await client("USB_group.get_name_label", group) == "Group of 0951 1666 USBs"
    assert await client("USB_group.destroy", group) == ["USB_GROUP_CONTAINS_PUSB", *records]
    unplug(client, "1-1")
    await client("PUSB.scan", client.host)
    assert {record["path"] for record in (await client("PUSB.get_all_records")).values()} == {"1-2"}
    unplug(client, "1-2")
    await client("PUSB.scan", client.host)
    assert await client("USB_group.get_all") == []


async def test_a_device_is_claimed_once_and_when_it_may(client: Client) -> None:
    plug_in(client, "1-1", "1666")
    await client("PUSB.scan", client.host)
    (pusb,), (group,) = client.db.refs("PUSB"), client.db.refs("USB_group")
    vm = client.vm()
    assert (await client("VUSB.create", vm, group, {}))[0] == "OPERATION_NOT_ALLOWED"
    await client("PUSB.set_passthrough_enabled", pusb, True)
    vusb = await client("VUSB.create", vm, group, {})
    assert await client("VUSB.create", client.vm(), group, {}) == ["USB_GROUP_CONFLICT", group]
    assert await client("VUSB.unplug", vusb) == ["DEVICE_ALREADY_DETACHED", vusb]
    client.db.set("VUSB", vusb, currently_attached=True)
    assert await client("PUSB.set_passthrough_enabled", pusb, False) == ["USB_ALREADY_ATTACHED", pusb, vm]
    assert (await client("VUSB.destroy", vusb))[0] == "OPERATION_NOT_ALLOWED"
    client.db.set("VUSB", vusb, currently_attached=False)
    assert await client("VUSB.destroy", vusb) is None
    empty = await client("USB_group.create", "none", "", {})
    assert await client("VUSB.create", vm, empty, {}) == ["USB_GROUP_CONTAINS_NO_PUSBS", empty]


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ("", False),
        ("ALLOW:", True),
        ("DENY: vid=0951\nALLOW:", False),
        ("DENY: vid=0951 pid=1667\nALLOW:", True),
        ("# ALLOW:\nALLOW: class=08 sub=06 prot=50", True),
        ("ALLOW: class=08 sub=06 prot=51", False),
        ("nonsense\nALLOW: vid = 951", True),
    ],
)
def test_the_first_rule_that_fits_decides(rules: str, allowed: bool) -> None:
    stick = Device("1-1", "0951", "", "1666", "", "", "", "480", "00", (("08", "06", "50"),))
    assert usb_policy.is_allowed(stick, usb_policy.parse(rules)) is allowed


# TPMs


async def test_a_vm_has_one_tpm_whose_contents_are_secret(client: Client) -> None:
    vm = client.vm()
    vtpm = await client("VTPM.create", vm, False)
    assert await client("VTPM.create", vm, False) == ["VTPM_MAX_AMOUNT_REACHED", "1"]
    assert await client("VTPM.get_contents", vtpm) == ""
    assert await client("VTPM.set_contents", vtpm, "no base64!") == ["INVALID_VALUE", "contents", "not base64"]
    await client("VTPM.set_contents", vtpm, "c3RhdGU=")
    assert await client("VTPM.get_contents", vtpm) == "c3RhdGU="
    client.db.set("VM", vm, power_state="Running")
    assert (await client("VTPM.destroy", vtpm))[0] == "VM_BAD_POWER_STATE"
    assert (await client("VTPM.create", vm, False))[0] == "VM_BAD_POWER_STATE"
    vms.forget(client.ctx, vm)
    assert client.db.count("VTPM") == client.db.count("secret") == 0
