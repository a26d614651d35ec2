"""Interfaces: addresses, routes, DNS, DHCP, MTU and offload."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idl.network import InterfaceConfig, Route, Static4, Static6
from networkd.interfaces import Roles, plan_down, plan_interface
from networkd.records import (
    Actual,
    AddAddress,
    Address,
    Family,
    Plan,
    RemoveAddress,
    RemoveRoute,
    ReplaceRoute,
    SetIpv6Mode,
    SetMtu,
    SetOffload,
    SetUp,
    StartDhcp,
    StopDhcp,
    Subnet,
    WriteResolvConf,
    parse_resolv_conf,
    render_resolv_conf,
)
from tests.networkd.simulated_kernel import card, run, world

ADDRESS = Address("10.0.0.1", 24)
STATIC = Static4([("10.0.0.1", 24)])
UP = world(card("eth0", is_up=True))
KERNEL_DEFAULT = {"accept_ra": 1, "autoconf": 1, "disable_ipv6": 0}


def plan(wanted: InterfaceConfig, actual: Actual = UP, roles: Roles = Roles(), previous: InterfaceConfig | None = None) -> Plan:  # noqa: B008
    return plan_interface("eth0", wanted, previous, roles, actual)


def with_address(*addresses: Address) -> Actual:
    return replace(UP, addresses={"eth0": frozenset(addresses)})


def test_an_absent_interface_is_skipped() -> None:
    assert plan_interface("eth9", InterfaceConfig(ipv4_conf=STATIC), None, Roles(), UP) == []


@pytest.mark.parametrize(
    ("wanted", "actual", "steps"),
    [
        (InterfaceConfig(), UP, []),
        (InterfaceConfig(), world(card("eth0")), [SetUp("eth0")]),
        (InterfaceConfig(mtu=9000), UP, [SetMtu("eth0", 9000)]),
        (InterfaceConfig(), with_address(ADDRESS), [RemoveAddress("eth0", ADDRESS)]),
        (InterfaceConfig(ipv4_conf=STATIC), UP, [AddAddress("eth0", ADDRESS)]),
        (InterfaceConfig(ipv4_conf=STATIC), with_address(ADDRESS), []),
        (
            InterfaceConfig(ipv4_conf=STATIC),
            with_address(ADDRESS, Address("10.0.0.2", 24)),
            [RemoveAddress("eth0", Address("10.0.0.2", 24))],
        ),
        (
            InterfaceConfig(ethtool_offload={"gro": "off"}),
            replace(UP, offload={"eth0": {"gro": True}}),
            [SetOffload("eth0", {"gro": False})],
        ),
        (InterfaceConfig(ethtool_offload={"gro": "on"}), replace(UP, offload={"eth0": {"gro": True}}), []),
        # The default asks for lro=off; a card that cannot change it is not asked.
        (InterfaceConfig(), replace(UP, offload={"eth0": {"gro": True}}), []),
    ],
)
def test_only_what_differs_is_changed(wanted: InterfaceConfig, actual: Actual, steps: Plan) -> None:
    assert plan(wanted, actual) == steps


def test_a_route_comes_after_the_address_and_after_the_link_is_up() -> None:
    wanted = InterfaceConfig(ipv4_conf=STATIC, ipv4_gateway="10.0.0.254")
    assert plan(wanted, world(card("eth0"))) == [
        AddAddress("eth0", ADDRESS),
        SetUp("eth0"),
        ReplaceRoute(Subnet("eth0", "0.0.0.0", 0, "10.0.0.254")),
    ]


@pytest.mark.parametrize(("gateway_interface", "applies"), [(None, True), ("eth0", True), ("xenbr1", False)])
def test_only_the_gateway_interface_gives_the_default_route(gateway_interface: str | None, applies: bool) -> None:
    wanted = InterfaceConfig(ipv4_conf=STATIC, ipv4_gateway="10.0.0.254")
    steps = plan(wanted, with_address(ADDRESS), Roles(gateway=gateway_interface))
    assert bool(steps) is applies


@pytest.mark.parametrize(("dns_interface", "applies"), [(None, True), ("eth0", True), ("xenbr1", False)])
def test_only_the_dns_interface_writes_resolv_conf(dns_interface: str | None, applies: bool) -> None:
    wanted = InterfaceConfig(ipv4_conf=STATIC, dns=(["1.1.1.1"], ["a.example"]))
    steps = plan(wanted, with_address(ADDRESS), Roles(dns=dns_interface))
    assert steps == ([WriteResolvConf("search a.example\nnameserver 1.1.1.1\n")] if applies else [])


def test_dhcp_starts_after_the_static_address_is_gone() -> None:
    steps = plan(InterfaceConfig(ipv4_conf="DHCP4"), with_address(ADDRESS), Roles(gateway="eth0", dns="xenbr1"))
    assert steps == [RemoveAddress("eth0", ADDRESS), StartDhcp("eth0", Family.IPV4, default_route=True, dns=False)]


def test_a_running_dhcp_client_and_its_address_are_left_alone() -> None:
    client = StartDhcp("eth0", Family.IPV4, default_route=True, dns=True)
    assert plan(InterfaceConfig(ipv4_conf="DHCP4"), replace(with_address(ADDRESS), dhcp=frozenset({client}))) == []


def test_a_dhcp_client_is_restarted_when_another_interface_becomes_the_gateway() -> None:
    client = StartDhcp("eth0", Family.IPV4, default_route=True, dns=True)
    steps = plan(InterfaceConfig(ipv4_conf="DHCP4"), replace(UP, dhcp=frozenset({client})), Roles(gateway="xenbr1"))
    assert steps == [StartDhcp("eth0", Family.IPV4, default_route=False, dns=True)]


def test_a_static_address_ends_the_dhcp_client() -> None:
    client = StartDhcp("eth0", Family.IPV4, default_route=True, dns=True)
    steps = plan(InterfaceConfig(ipv4_conf=STATIC), replace(UP, dhcp=frozenset({client})))
    assert steps == [StopDhcp("eth0", Family.IPV4), AddAddress("eth0", ADDRESS)]


def test_routes_that_are_no_longer_wanted_are_removed_and_foreign_ones_stay() -> None:
    before = InterfaceConfig(ipv4_routes=[Route("10.1.0.0", 16, "10.0.0.9")])
    mine, foreign = Subnet("eth0", "10.1.0.0", 16, "10.0.0.9"), Subnet("eth0", "10.2.0.0", 16, "10.0.0.9")
    steps = plan(InterfaceConfig(), replace(UP, routes=frozenset({mine, foreign})), previous=before)
    assert steps == [RemoveRoute(mine)]


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        (InterfaceConfig(), {"accept_ra": 0, "autoconf": 0, "disable_ipv6": 1}),
        (InterfaceConfig(ipv6_conf="Autoconf6"), {}),
        (InterfaceConfig(ipv6_conf="Linklocal6"), {"accept_ra": 0, "autoconf": 0}),
    ],
)
def test_ipv6_modes(wanted: InterfaceConfig, changes: dict[str, int]) -> None:
    steps = plan(wanted, replace(UP, ipv6={"eth0": KERNEL_DEFAULT}))
    assert steps == ([SetIpv6Mode("eth0", changes)] if changes else [])


def test_ipv6_is_skipped_where_the_kernel_has_none() -> None:
    assert plan(InterfaceConfig(ipv6_conf=Static6([("fd00::1", 64)]))) == []


def test_link_local_addresses_stay_beside_static_ones() -> None:
    actual = replace(with_address(Address("fe80::1", 64)), ipv6={"eth0": {"accept_ra": 0, "autoconf": 0, "disable_ipv6": 0}})
    assert plan(InterfaceConfig(ipv6_conf=Static6([("fd00::1", 64)])), actual) == [AddAddress("eth0", Address("fd00::1", 64))]


def test_bringing_down_flushes_and_is_repeatable() -> None:
    steps = plan_down("eth0", with_address(ADDRESS))
    assert steps == [RemoveAddress("eth0", ADDRESS), SetUp("eth0", False)]
    assert plan_down("eth0", run(steps, with_address(ADDRESS))) == []


def test_resolv_conf_is_read_as_it_is_written() -> None:
    assert parse_resolv_conf(render_resolv_conf(["1.1.1.1", "::1"], ["a", "b"])) == (["1.1.1.1", "::1"], ["a", "b"])
    assert parse_resolv_conf("# nothing\noptions rotate\ndomain a\n") == ([], ["a"])


ipv4 = st.one_of(
    st.sampled_from(["None4", "DHCP4"]),
    st.lists(st.sampled_from([("10.0.0.1", 24), ("10.0.0.2", 24)]), max_size=2, unique=True).map(Static4),
)
ipv6 = st.one_of(st.sampled_from(["None6", "Linklocal6", "Autoconf6", "DHCP6"]), st.just(Static6([("fd00::1", 64)])))
configs = st.builds(
    InterfaceConfig,
    ipv4_conf=ipv4,
    ipv4_gateway=st.sampled_from([None, "10.0.0.254", "10.0.0.253"]),
    ipv6_conf=ipv6,
    ipv4_routes=st.lists(st.just(Route("10.1.0.0", 16, "10.0.0.9")), max_size=1),
    dns=st.sampled_from([None, (["1.1.1.1"], [])]),
    mtu=st.sampled_from([1500, 9000]),
)
roles = st.builds(Roles, gateway=st.sampled_from([None, "eth0", "x"]), dns=st.sampled_from([None, "eth0", "x"]))


@given(configs, configs, roles)
def test_applying_a_configuration_again_changes_nothing(first: InterfaceConfig, second: InterfaceConfig, role: Roles) -> None:
    host = replace(world(card("eth0")), ipv6={"eth0": KERNEL_DEFAULT})
    host = run(plan_interface("eth0", first, None, role, host), host)
    host = run(plan_interface("eth0", second, first, role, host), host)
    assert plan_interface("eth0", second, second, role, host) == []
