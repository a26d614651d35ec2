"""Linux bridges: which steps lead from a host's present network to the wanted one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idl.network import BridgeConfig, PortConfig, PortKind
from idl.rpc import RpcError
from networkd.planner import plan_bridge, plan_destroy, plan_port, plan_remove_port, undo
from networkd.records import (
    Actual,
    Address,
    CreateBond,
    CreateBridge,
    CreateVlan,
    DeleteLink,
    Link,
    RemoveAddress,
    SetMaster,
    SetSnooping,
    SetUp,
)
from tests.networkd.simulated_kernel import apply, card, run, world

MAC = "02:00:00:00:00:aa"


def port(*interfaces: str, **properties: str) -> PortConfig:
    return PortConfig(interfaces=list(interfaces), bond_properties=properties)


def bridged(name: str = "xenbr0", *cards: str) -> Actual:
    """A host with a bridge and its cards."""
    return world(Link(name, kind="bridge", is_up=True, mcast_snooping=False), *(card(c, master=name, is_up=True) for c in cards))


def test_an_internal_network_is_a_bridge_without_ports() -> None:
    assert plan_bridge("xapi1", BridgeConfig(), {}, world()) == [CreateBridge("xapi1"), SetUp("xapi1")]


def test_a_bridge_gets_its_mac_and_snooping_before_it_comes_up() -> None:
    wanted = BridgeConfig(bridge_mac=MAC.upper(), igmp_snooping=True)
    assert plan_bridge("xenbr0", wanted, {}, world()) == [
        CreateBridge("xenbr0", MAC),
        SetSnooping("xenbr0", True),
        SetUp("xenbr0"),
    ]


def test_a_card_is_put_on_its_bridge() -> None:
    wanted = BridgeConfig(ports={"eth0": port("eth0")})
    assert plan_bridge("xenbr0", wanted, {}, world(card("eth0")))[2:] == [SetMaster("eth0", "xenbr0"), SetUp("eth0")]


def test_a_card_that_comes_on_a_bridge_gives_its_addresses_away() -> None:
    own = frozenset({Address("10.0.0.5", 24), Address("fe80::1", 64)})
    actual = replace(world(card("eth0", is_up=True)), addresses={"eth0": own})
    plan = plan_port("xenbr0", "eth0", port("eth0"), actual)
    assert plan == [SetMaster("eth0", "xenbr0"), RemoveAddress("eth0", Address("10.0.0.5", 24))]


def test_an_absent_card_is_left_out() -> None:
    assert plan_port("xenbr0", "eth7", port("eth7"), bridged()) == []


def test_guests_interfaces_stay_on_the_bridge_and_strange_cards_leave() -> None:
    tap = Link("tap1.0", kind="tun", master="xenbr0", is_up=True)
    actual = world(*bridged("xenbr0", "eth0", "eth1").links.values(), tap)
    assert plan_bridge("xenbr0", BridgeConfig(ports={"eth0": port("eth0")}), {}, actual) == [SetMaster("eth1", None)]


def test_a_bridge_cannot_take_the_name_of_a_card() -> None:
    with pytest.raises(RpcError, match="eth0 exists and is no bridge"):
        plan_bridge("eth0", BridgeConfig(), {}, world(card("eth0")))


def test_a_vlan_is_made_on_the_card_of_its_parent() -> None:
    plan = plan_bridge("xapi5", BridgeConfig(vlan=("xenbr0", 5)), {}, bridged("xenbr0", "eth0"))
    assert plan == [
        CreateBridge("xapi5"),
        CreateVlan("eth0.5", "eth0", 5),
        SetMaster("eth0.5", "xapi5"),
        SetUp("eth0.5"),
        SetUp("xapi5"),
    ]


def test_a_vlan_on_an_internal_network_is_made_on_the_bridge_itself() -> None:
    assert CreateVlan("xapi1.5", "xapi1", 5) in plan_bridge("xapi5", BridgeConfig(vlan=("xapi1", 5)), {}, bridged("xapi1"))


def test_a_vlan_needs_its_parent() -> None:
    with pytest.raises(RpcError, match="Bridge_does_not_exist"):
        plan_bridge("xapi5", BridgeConfig(vlan=("xenbr0", 5)), {}, world())


def vlan_host(master: str | None = "xapi5") -> Actual:
    vlan = Link("eth0.5", kind="vlan", parent="eth0", vlan_tag=5, master=master, is_up=True)
    return world(*bridged("xenbr0", "eth0").links.values(), Link("xapi5", kind="bridge", is_up=True), vlan)


def test_a_vlan_of_ours_under_another_name_is_replaced() -> None:
    wanted = BridgeConfig(vlan=("xenbr0", 5))
    plan = plan_bridge("xapi9", wanted, {"xapi5": wanted}, vlan_host())
    after = run(plan, vlan_host())
    assert "xapi5" not in after.links
    assert after.links["eth0.5"].master == "xapi9"


def test_a_vlan_somebody_else_made_is_not_taken() -> None:
    with pytest.raises(RpcError) as caught:
        plan_bridge("xapi9", BridgeConfig(vlan=("xenbr0", 5)), {}, vlan_host())
    assert (caught.value.name, caught.value.params) == ("Vlan_in_use", ["xenbr0", 5])


def test_a_vlan_with_an_address_is_in_use() -> None:
    actual = replace(vlan_host(master=None), addresses={"eth0.5": frozenset({Address("10.0.0.1", 24)})})
    with pytest.raises(RpcError, match="Vlan_in_use"):
        plan_bridge("xapi9", BridgeConfig(vlan=("xenbr0", 5)), {}, actual)


def test_a_vlan_left_by_a_killed_daemon_is_adopted() -> None:
    plan = plan_bridge("xapi5", BridgeConfig(vlan=("xenbr0", 5)), {}, vlan_host(master=None))
    assert plan == [SetMaster("eth0.5", "xapi5")]


def test_a_bond_takes_its_cards_while_they_are_down() -> None:
    plan = plan_port(
        "xenbr0",
        "bond0",
        port("eth0", "eth1", mode="active-backup"),
        world(*bridged().links.values(), card("eth0"), card("eth1")),
    )
    assert plan == [
        CreateBond("bond0", {"mode": 1, "miimon": 100}),
        SetUp("eth0", False),
        SetMaster("eth0", "bond0"),
        SetUp("eth1", False),
        SetMaster("eth1", "bond0"),
        SetMaster("bond0", "xenbr0"),
        SetUp("bond0"),
    ]


def test_changing_a_bonds_mode_takes_it_apart_first() -> None:
    host = world(*bridged().links.values(), card("eth0"), card("eth1"))
    before = run(plan_port("xenbr0", "bond0", port("eth0", "eth1", mode="active-backup"), host), host)
    wanted = port("eth0", "eth1", mode="lacp")
    after = run(plan_port("xenbr0", "bond0", wanted, before), before)
    assert after.links["bond0"].bond["mode"] == 4
    assert [link.name for link in after.members("bond0")] == ["eth0", "eth1"]
    assert plan_port("xenbr0", "bond0", wanted, after) == []


def test_other_kinds_of_port_are_refused() -> None:
    with pytest.raises(RpcError, match="Not_implemented"):
        plan_port("xenbr0", "p", PortConfig(interfaces=[], kind=PortKind.PVS_PROXY), bridged())


def test_removing_a_port() -> None:
    assert plan_remove_port("xenbr0", "eth0", ("eth0",), bridged("xenbr0", "eth0")) == [SetMaster("eth0", None)]
    assert plan_remove_port("xenbr1", "eth0", ("eth0",), bridged("xenbr0", "eth0")) == []


def test_a_bridge_with_vlans_is_only_removed_with_force() -> None:
    with pytest.raises(RpcError, match="carries VLANs: xapi5"):
        plan_destroy("xenbr0", force=False, actual=vlan_host())
    after = run(plan_destroy("xenbr0", force=True, actual=vlan_host()), vlan_host())
    assert set(after.links) == {"eth0"}


def test_removing_an_absent_bridge_is_nothing() -> None:
    assert plan_destroy("xenbr0", force=False, actual=world()) == []


def test_removing_a_bridge_leaves_the_guests_interface_behind() -> None:
    tap = Link("tap1.0", kind="tun", master="xapi1", is_up=True)
    actual = world(*bridged("xapi1").links.values(), tap)
    assert plan_destroy("xapi1", force=False, actual=actual) == [
        SetMaster("tap1.0", None),
        SetUp("xapi1", False),
        DeleteLink("xapi1"),
    ]


CARDS = ("eth0", "eth1", "eth2")
modes = st.sampled_from(["active-backup", "balance-slb", "lacp", "unheard-of"])
ports: st.SearchStrategy[dict[str, PortConfig]] = st.one_of(
    st.just({}),
    st.sampled_from(CARDS).map(lambda name: {name: port(name)}),
    st.tuples(st.sampled_from([("eth0", "eth1"), ("eth1", "eth2")]), modes).map(lambda p: {"bond0": port(*p[0], mode=p[1])}),
)
plain = st.builds(
    BridgeConfig, ports=ports, bridge_mac=st.sampled_from([None, MAC]), igmp_snooping=st.sampled_from([None, True, False])
)
hosts = st.builds(
    lambda up, other: world(*(card(name, is_up=name in up) for name in CARDS), *other),
    st.sets(st.sampled_from(CARDS)),
    st.sampled_from(
        [(), (Link("xenbr0", kind="bridge"),), (Link("bond0", kind="bond", bond={"mode": 1}), Link("xenbr0", kind="bridge"))]
    ),
)
vlans = st.builds(BridgeConfig, vlan=st.tuples(st.just("xenbr0"), st.integers(1, 4)))


@given(hosts, plain, plain, vlans)
def test_applying_a_configuration_again_changes_nothing(
    host: Actual, first: BridgeConfig, second: BridgeConfig, vlan: BridgeConfig
) -> None:
    """Whatever was there before: a plan can be carried out, and the next one for the same wish is empty."""
    host = run(plan_bridge("xenbr0", first, {}, host), host)
    host = run(plan_bridge("xenbr0", second, {}, host), host)
    host = run(plan_bridge("xapi5", vlan, {}, host), host)
    assert plan_bridge("xenbr0", second, {}, host) == []
    assert plan_bridge("xapi5", vlan, {}, host) == []


@given(hosts, plain, st.data())
def test_a_plan_that_fails_after_any_step_is_taken_back(host: Actual, wanted: BridgeConfig, data: st.DataObject) -> None:
    plan = plan_bridge("xenbr0", wanted, {}, host)
    done = plan[: data.draw(st.integers(0, len(plan)))]
    now = run(done, host)
    for step in reversed(done):
        for opposite in undo(step, host):
            now = apply(opposite, now)
    assert set(now.links) == set(host.links)
    assert {n: link.master for n, link in now.links.items()} == {n: link.master for n, link in host.links.items()}
