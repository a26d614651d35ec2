"""PIFs, VLANs, bonds and the management interface over networkd: in a network namespace, and on a simulated kernel."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idl.rpc import RpcError
from tests.xapi.classes.host_networks import HostNetwork, RealNetwork, SimulatedNetwork
from tests.xapi.fixture import make
from xapi import network_sync
from xapi.classes import bond, management, pif, tunnel, vlan
from xapi.errors import XenAPIError
from xapi.server.context import Context, internal_context


@pytest.fixture(params=[RealNetwork, SimulatedNetwork], ids=["namespace", "simulated"])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[HostNetwork]:
    network: HostNetwork = request.param(tmp_path)
    yield network
    network.close()


@pytest.fixture
async def ctx(tmp_path: Path, lab: HostNetwork) -> AsyncIterator[Context]:
    """A host whose cards ``eth0`` and ``eth1`` have been found and brought up."""
    app = make(tmp_path)
    app.services.network = lab.networking
    ctx = internal_context(app, "test")
    await network_sync.sync_network(ctx)
    yield ctx


def card(ctx: Context, device: str) -> str:
    return next(ref for ref in ctx.db.where("PIF", device=device, VLAN=-1))


def network(ctx: Context, bridge: str) -> str:
    return ctx.db.create("network", name_label=bridge, bridge=bridge, MTU=1500, managed=True)


def needs(lab: HostNetwork, *kinds: str) -> None:
    for kind in kinds:
        if not lab.supports(kind):
            pytest.skip(f"this kernel has no {kind} devices")


async def refusal(what: object) -> list[str]:
    """Return the ErrorDescription of a call that is refused."""
    with pytest.raises(XenAPIError) as caught:
        await what  # type: ignore[misc]
    return caught.value.description


async def test_cards_are_found_and_have_bridges(ctx: Context, lab: HostNetwork) -> None:
    record = ctx.db.record("PIF", card(ctx, "eth0"))
    assert record["physical"] and record["currently_attached"] and record["VLAN_master_of"] == "OpaqueRef:NULL"
    assert lab.masters() == {"eth0": "xenbr0", "eth1": "xenbr1"}
    assert ctx.db.get("PIF_metrics", record["metrics"], "carrier")


async def test_unplug_and_plug(ctx: Context, lab: HostNetwork) -> None:
    eth0 = card(ctx, "eth0")
    await pif.unplug(ctx, eth0)
    assert "xenbr0" not in lab.devices() and not ctx.db.get("PIF", eth0, "currently_attached")
    await pif.plug(ctx, eth0)
    assert lab.masters()["eth0"] == "xenbr0"
    ctx.db.set("PIF", eth0, disallow_unplug=True)
    assert await refusal(pif.unplug(ctx, eth0)) == ["PIF_DOES_NOT_ALLOW_UNPLUG", eth0]


async def test_a_static_address_and_back(ctx: Context, lab: HostNetwork) -> None:
    eth0 = card(ctx, "eth0")
    await pif.reconfigure_ip(ctx, eth0, "Static", "10.77.0.1", "255.255.255.0", "10.77.0.254", "10.77.0.9")
    assert lab.addresses("xenbr0") == ["10.77.0.1/24"]
    assert ctx.db.get("PIF", eth0, "gateway") == "10.77.0.254"
    await pif.reconfigure_ip(ctx, eth0, "None", "", "", "", "")
    assert lab.addresses("xenbr0") == [] and ctx.db.get("PIF", eth0, "IP") == ""


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        (("10.77.0", "255.255.255.0", "", ""), "IP"),
        (("10.77.0.1", "255.0.255.0", "", ""), "netmask"),
        (("10.77.0.1", "255.255.255.0", "here", ""), "gateway"),
        (("10.77.0.1", "255.255.255.0", "", "10.77.0.9,x"), "DNS"),
    ],
)
async def test_bad_addresses_are_refused(ctx: Context, given: tuple[str, str, str, str], parameter: str) -> None:
    eth0 = card(ctx, "eth0")
    assert await refusal(pif.reconfigure_ip(ctx, eth0, "Static", *given)) == ["INVALID_IP_ADDRESS_SPECIFIED", parameter]
    assert ctx.db.get("PIF", eth0, "ip_configuration_mode") == "None"


async def test_a_static_ipv6_address(ctx: Context, lab: HostNetwork) -> None:
    needs(lab, "ipv6")
    eth0 = card(ctx, "eth0")
    assert await refusal(pif.reconfigure_ipv6(ctx, eth0, "Static", "fd00::1", "", "")) == [
        "INVALID_CIDR_ADDRESS_SPECIFIED", "IPv6",
    ]  # fmt: skip
    await pif.reconfigure_ipv6(ctx, eth0, "Static", "fd00::1/64", "", "")
    assert "fd00::1/64" in lab.addresses("xenbr0")
    assert ctx.db.get("PIF", eth0, "IPv6") == ["fd00::1/64"]


async def test_a_vlan_lives_and_dies(ctx: Context, lab: HostNetwork) -> None:
    needs(lab, "vlan")
    eth0, target = card(ctx, "eth0"), network(ctx, "xapi7")
    made = await vlan.create(ctx, eth0, 7, target)
    untagged = ctx.db.get("VLAN", made, "untagged_PIF")
    record = ctx.db.record("PIF", untagged)
    assert (record["device"], record["VLAN"], record["VLAN_master_of"], record["physical"]) == ("eth0", 7, made, False)
    assert record["currently_attached"] and ctx.db.get("PIF", eth0, "VLAN_slave_of") == [made]
    assert lab.masters()["eth0.7"] == "xapi7"
    # What else may be asked of it
    assert await refusal(vlan.create(ctx, eth0, 7, network(ctx, "xapi8"))) == ["PIF_VLAN_EXISTS", untagged]
    assert await refusal(vlan.create(ctx, untagged, 9, network(ctx, "xapi9"))) == ["PIF_IS_VLAN", untagged]
    assert await refusal(vlan.create(ctx, eth0, 9, target)) == ["NETWORK_ALREADY_CONNECTED", target, untagged]
    assert await refusal(vlan.create(ctx, eth0, 4095, network(ctx, "xapi10"))) == ["VLAN_TAG_INVALID", "4095"]
    assert await refusal(pif.forget(ctx, eth0)) == ["PIF_VLAN_STILL_EXISTS", eth0]
    assert await refusal(vlan.destroy_pif(ctx, eth0)) == ["PIF_IS_PHYSICAL", eth0]
    await vlan.destroy(ctx, made)
    assert not ctx.db.exists("PIF", untagged) and not {"eth0.7", "xapi7"} & lab.devices()
    assert ctx.db.exists("PIF_metrics", ctx.db.get("PIF", eth0, "metrics")), "the card's metrics were the VLAN's too"


async def test_a_vlan_that_cannot_be_made_leaves_nothing(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise RpcError("Vlan_in_use", "xenbr0", 9)

    monkeypatch.setattr(ctx.services.network, "bridge_make_config", refuse)
    before = ctx.db.count("PIF")
    with pytest.raises(RpcError):
        await vlan.create(ctx, card(ctx, "eth0"), 9, network(ctx, "xapi9"))
    assert ctx.db.count("PIF") == before and ctx.db.count("VLAN") == 0


async def test_pool_create_vlan_gives_the_new_pifs(ctx: Context, lab: HostNetwork) -> None:
    needs(lab, "vlan")
    (untagged,) = await vlan.create_everywhere(ctx, "eth1", network(ctx, "xapi5"), 5)
    assert ctx.db.get("PIF", untagged, "VLAN") == 5
    (again,) = await vlan.create_from_pif(ctx, card(ctx, "eth0"), network(ctx, "xapi6"), 6)
    assert ctx.db.get("PIF", again, "device") == "eth0"
    await vlan.destroy_pif(ctx, untagged)
    assert ctx.db.count("VLAN") == 1


async def test_a_bond_takes_over_and_gives_back(ctx: Context, lab: HostNetwork) -> None:
    needs(lab, "bond", "vlan")
    eth0, eth1, target = card(ctx, "eth0"), card(ctx, "eth1"), network(ctx, "xapi0")
    await pif.reconfigure_ip(ctx, eth0, "Static", "10.77.0.1", "255.255.255.0", "", "")
    tag = await vlan.create(ctx, eth1, 7, network(ctx, "xapi7"))
    guest = ctx.db.create("VM", name_label="guest", power_state="Halted")
    vif = ctx.db.create("VIF", VM=guest, network=ctx.db.get("PIF", eth1, "network"), device="0", currently_attached=False)

    made = await bond.create(ctx, target, [eth1, eth0], "", "active-backup", {"miimon": "200"})
    record = ctx.db.record("Bond", made)
    master = record["master"]
    assert record["primary_slave"] == eth0, "the member with an address"
    assert set(record["slaves"]) == {eth0, eth1} and record["properties"]["miimon"] == "200"
    assert lab.masters() == {
        "eth0": "bond0", "eth1": "bond0", "bond0": "xapi0", "bond0.7": "xapi7",
    }  # fmt: skip
    assert lab.bond("bond0")["mode"] in (1, "active-backup")
    assert lab.addresses("xapi0") == ["10.77.0.1/24"] and ctx.db.get("PIF", eth0, "IP") == ""
    assert ctx.db.get("VLAN", tag, "tagged_PIF") == master
    assert ctx.db.get("PIF", ctx.db.get("VLAN", tag, "untagged_PIF"), "device") == "bond0"
    assert ctx.db.get("VIF", vif, "network") == target
    assert not ctx.db.get("PIF", eth1, "currently_attached")
    await bond.refresh(ctx, ctx.app.localhost)
    assert ctx.db.get("Bond", made, "links_up") == 2
    assert await refusal(pif.plug(ctx, eth0)) == ["CANNOT_PLUG_BOND_SLAVE", eth0]
    assert await refusal(vlan.create(ctx, eth1, 8, network(ctx, "xapi8"))) == ["CANNOT_ADD_VLAN_TO_BOND_SLAVE", eth1]

    await bond.set_mode(ctx, made, "lacp")
    assert ctx.db.get("Bond", made, "properties")["lacp-time"] == "slow"
    await bond.set_property(ctx, made, "lacp-time", "fast")
    assert lab.bond("bond0")["ad_lacp_rate"] in (1, "fast")
    assert await refusal(bond.set_property(ctx, made, "lacp-time", "never")) == [
        "INVALID_VALUE", "properties", "lacp-time = never",
    ]  # fmt: skip
    assert await refusal(bond.set_property(ctx, made, "colour", "red")) == ["INVALID_VALUE", "properties", "colour = red"]

    await bond.destroy(ctx, made)
    assert not ctx.db.exists("PIF", master) and "bond0" not in lab.devices()
    assert ctx.db.get("PIF", eth0, "IP") == "10.77.0.1" and lab.addresses("xenbr0") == ["10.77.0.1/24"]
    assert ctx.db.get("VLAN", tag, "tagged_PIF") == eth0 and lab.masters()["eth1"] == "xenbr1"
    assert ctx.db.get("VIF", vif, "network") == ctx.db.get("PIF", eth0, "network")


async def test_what_cannot_be_bonded(ctx: Context, lab: HostNetwork) -> None:
    eth0, eth1, target = card(ctx, "eth0"), card(ctx, "eth1"), network(ctx, "xapi0")

    async def refused(members: list[str], mac: str = "", properties: dict[str, str] | None = None) -> list[str]:
        return await refusal(bond.create(ctx, target, members, mac, "balance-slb", properties or {}))

    assert await refused([eth0, eth0]) == ["PIF_BOND_NEEDS_MORE_MEMBERS"]
    assert await refused([eth0, eth1], mac="ff:00:00:00:00:01") == ["MAC_INVALID", "ff:00:00:00:00:01"]
    assert await refused([eth0, eth1], properties={"miimon": "often"}) == ["INVALID_VALUE", "properties", "miimon = often"]
    ctx.db.set("PIF", eth0, ip_configuration_mode="DHCP")
    ctx.db.set("PIF", eth1, ip_configuration_mode="DHCP")
    assert await refused([eth0, eth1]) == ["PIF_BOND_MORE_THAN_ONE_IP"]
    assert ctx.db.count("Bond") == 0


async def test_linux_bridges_have_no_tunnels(ctx: Context) -> None:
    assert await refusal(tunnel.create(ctx, card(ctx, "eth0"), network(ctx, "xapi0"), "gre")) == ["OPENVSWITCH_NOT_ACTIVE"]


async def test_the_management_interface_moves(ctx: Context, lab: HostNetwork) -> None:
    eth0, eth1, host = card(ctx, "eth0"), card(ctx, "eth1"), ctx.app.localhost
    assert await refusal(management.management_reconfigure(ctx, eth1)) == ["PIF_HAS_NO_NETWORK_CONFIGURATION", eth1]
    for ref, ip in ((eth0, "10.77.0.1"), (eth1, "10.78.0.1")):
        await pif.reconfigure_ip(ctx, ref, "Static", ip, "255.255.255.0", "", "")
    await management.management_reconfigure(ctx, eth0)
    await management.management_reconfigure(ctx, eth1)
    assert management.management_pif(ctx, host) == eth1 and ctx.db.get("host", host, "address") == "10.78.0.1"
    assert "MANAGEMENT_INTERFACE='xenbr1'\n" in ctx.app.root.inventory.read_text()
    assert await refusal(pif.unplug(ctx, eth1)) == ["PIF_IS_MANAGEMENT_INTERFACE", eth1]
    assert await refusal(pif.reconfigure_ip(ctx, eth1, "None", "", "", "", "")) == ["PIF_IS_MANAGEMENT_INTERFACE", eth1]


async def test_after_a_restart_the_records_say_what_is_up(ctx: Context, lab: HostNetwork) -> None:
    eth0, eth1 = card(ctx, "eth0"), card(ctx, "eth1")
    await ctx.services.network.bridge_destroy("test", "xenbr0", force=True)
    await ctx.services.network.bridge_destroy("test", "xenbr1", force=True)
    ctx.db.set("PIF", eth1, managed=False)
    await network_sync.sync_network(ctx)
    assert ctx.db.get("PIF", eth0, "currently_attached"), "brought up again"
    assert not ctx.db.get("PIF", eth1, "currently_attached"), "not ours to bring up"


async def test_the_interface_with_the_hosts_address_is_the_managing_one(ctx: Context) -> None:
    eth0, eth1 = card(ctx, "eth0"), card(ctx, "eth1")
    await pif.reconfigure_ip(ctx, eth1, "Static", "10.78.0.1", "255.255.255.0", "", "")
    ctx.db.set("host", ctx.app.localhost, address="10.78.0.1")
    await network_sync.sync_network(ctx)
    assert ctx.db.get("PIF", eth1, "management") and not ctx.db.get("PIF", eth0, "management")
    assert len(ctx.db.where("network", bridge="xenapi")) == 1
