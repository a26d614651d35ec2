"""networkd as its clients see it: a real daemon in a network namespace of its own, veth ends playing the cards."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from idl.network import BridgeConfig, InterfaceConfig, Kind, Networking, PortConfig, Route, Static4
from idl.rpc import RpcError, client
from tests.networkd.lab import Lab

DBG = "test"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    try:
        lab.start()
        yield lab
    finally:
        lab.close()


@pytest.fixture
async def network(lab: Lab) -> AsyncIterator[Networking]:
    proxy = client(Networking, lab.root / "var/lib/xcp/networkd", patience=30)
    yield proxy
    proxy.close()  # type: ignore[attr-defined]


EXCHANGE = """
import socket
ends = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5)) for _ in range(2)]
for end, name in zip(ends, ("guest1", "guest2")):
    end.bind((name, 0x88B5))
    end.settimeout(20)
ends[0].send(b"\\xff" * 6 + b"\\x02" * 6 + b"\\x88\\xb5" + b"hello")
print(ends[1].recv(100)[14:19].decode(), end="")
"""
MANAGEMENT = {
    "xenbr0": InterfaceConfig(
        ipv4_conf=Static4([("10.77.0.1", 24)]),
        ipv4_gateway="10.77.0.254",
        ipv4_routes=[Route("10.78.0.0", 16, "10.77.0.253")],
        dns=(["10.77.0.9"], ["lab.example"]),
        mtu=1400,
        persistent_i=True,
    ),
}
BRIDGES = {
    "xenbr0": BridgeConfig(ports={"eth0": PortConfig(interfaces=["eth0"])}, bridge_mac="02:00:00:00:00:00", persistent_b=True)
}


async def test_an_internal_network_carries_traffic_between_two_interfaces(lab: Lab, network: Networking) -> None:
    await network.bridge_create(DBG, "xapi1", mac="02:00:00:00:01:01")
    bridge = lab.links()["xapi1"]
    assert bridge["address"] == "02:00:00:00:01:01"
    assert "UP" in bridge["flags"]
    data = bridge["linkinfo"]["info_data"]
    assert (data["stp_state"], data["forward_delay"], data["mcast_snooping"]) == (0, 0, 0)
    for guest in (1, 2):
        lab.within("ip", "link", "add", f"tap{guest}.0", "type", "veth", "peer", "name", f"guest{guest}")
        lab.within("ip", "link", "set", f"tap{guest}.0", "master", "xapi1", "up")
        lab.within("ip", "link", "set", f"guest{guest}", "up")
    assert await network.bridge_get_interfaces(DBG, "xapi1") == ["tap1.0", "tap2.0"]
    assert await network.bridge_get_physical_interfaces(DBG, "xapi1") == []
    assert lab.within(sys.executable, "-c", EXCHANGE) == "hello"


async def test_a_management_network_is_made_and_told_in_one_call(lab: Lab, network: Networking) -> None:
    await network.bridge_make_config(DBG, False, BRIDGES)
    await network.interface_make_config(DBG, False, MANAGEMENT)
    assert await network.bridge_get_all(DBG) == ["xenbr0"]
    assert await network.bridge_get_kind(DBG) is Kind.BRIDGE
    assert await network.bridge_get_physical_interfaces(DBG, "xenbr0") == ["eth0"]
    status = await network.interface_get_status(DBG, "xenbr0")
    assert (status.ipv4, status.mtu, status.is_up, status.carrier) == ([("10.77.0.1", 24)], 1400, True, True)
    assert (status.mac, status.is_physical) == ("02:00:00:00:00:00", False)
    assert await network.interface_get_ipv4_gateway(DBG, "xenbr0") == "10.77.0.254"
    assert await network.interface_get_dns(DBG, "xenbr0") == (["10.77.0.9"], ["lab.example"])
    assert "10.78.0.0/16 via 10.77.0.253 dev xenbr0" in lab.within("ip", "route")
    cards = {status.name: status.position for status in await network.interface_get_all_status(DBG) if status.is_physical}
    assert cards == {"eth0": 0, "eth1": 1}


async def test_applying_the_same_again_makes_no_change(lab: Lab, network: Networking) -> None:
    await network.bridge_make_config(DBG, False, BRIDGES)
    await network.interface_make_config(DBG, False, MANAGEMENT)
    made = lab.steps()
    assert made > 0
    await network.bridge_make_config(DBG, False, BRIDGES)
    await network.interface_make_config(DBG, False, MANAGEMENT)
    assert lab.steps() == made


async def test_after_a_kill_and_a_reboot_the_persistent_part_comes_back(lab: Lab, network: Networking) -> None:
    await network.bridge_make_config(DBG, False, BRIDGES | {"xapi1": BridgeConfig()})
    await network.interface_make_config(DBG, False, MANAGEMENT)
    for bridge in ("xenbr0", "xapi1"):
        lab.within("ip", "link", "del", bridge)
    lab.restart(network)
    assert await network.bridge_get_all(DBG) == ["xenbr0"]
    assert (await network.interface_get_status(DBG, "xenbr0")).ipv4 == [("10.77.0.1", 24)]


async def test_a_restart_changes_nothing_on_a_running_host(lab: Lab, network: Networking) -> None:
    await network.bridge_make_config(DBG, False, BRIDGES)
    await network.interface_make_config(DBG, False, MANAGEMENT)
    made = lab.steps()
    lab.restart(network)
    await network.query(DBG)
    assert lab.steps() == made


async def test_between_clear_and_sync_nothing_is_written(lab: Lab, network: Networking) -> None:
    await network.bridge_make_config(DBG, False, BRIDGES)
    stored = (lab.root / "var/lib/xcp/networkd.db").read_text()
    await network.clear_state()
    await network.bridge_create(DBG, "xapi1")
    assert (lab.root / "var/lib/xcp/networkd.db").read_text() == stored
    await network.sync_state()
    assert list(json.loads((lab.root / "var/lib/xcp/networkd.db").read_text())["bridge_config"]) == ["xapi1"]


async def test_moving_the_gateway_role_moves_nothing_else(lab: Lab, network: Networking) -> None:
    await network.set_gateway_interface(DBG, "xapi1")
    await network.bridge_make_config(DBG, False, BRIDGES)
    await network.interface_make_config(DBG, False, MANAGEMENT)
    assert await network.interface_get_ipv4_gateway(DBG, "xenbr0") is None
    await network.set_gateway_interface(DBG, "xenbr0")
    assert await network.interface_get_ipv4_gateway(DBG, "xenbr0") == "10.77.0.254"


async def test_ports_come_and_go(lab: Lab, network: Networking) -> None:
    await network.bridge_create(DBG, "xenbr1")
    await network.bridge_add_port(DBG, "xenbr1", "eth1", ["eth1"])
    assert lab.links()["eth1"]["master"] == "xenbr1"
    await network.bridge_remove_port(DBG, "xenbr1", "eth1")
    assert "master" not in lab.links()["eth1"]
    await network.bridge_destroy(DBG, "xenbr1", False)
    await network.bridge_destroy(DBG, "xenbr1", False)
    assert await network.bridge_get_all(DBG) == []


async def test_a_plan_that_the_kernel_refuses_is_taken_back(lab: Lab, network: Networking) -> None:
    # A multicast address is no address for a bridge.
    with pytest.raises(RpcError, match=r"Internal_error.*CreateBridge"):
        await network.bridge_create(DBG, "xapi1", mac="01:00:00:00:00:01")
    assert "xapi1" not in lab.links()
    await network.sync_state()
    assert "xapi1" not in (lab.root / "var/lib/xcp/networkd.db").read_text()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda n: n.interface_get_status(DBG, "nope"), ("Interface_does_not_exist", ["nope"])),
        (lambda n: n.bridge_get_interfaces(DBG, "nope"), ("Bridge_does_not_exist", ["nope"])),
        (lambda n: n.bridge_add_port(DBG, "nope", "eth0", ["eth0"]), ("Bridge_does_not_exist", ["nope"])),
        (lambda n: n.bridge_create(DBG, "xapi5", vlan=("nope", 5)), ("Bridge_does_not_exist", ["nope"])),
    ],
)
async def test_what_does_not_exist_is_said(network: Networking, call: Any, error: tuple[str, list[str]]) -> None:
    with pytest.raises(RpcError) as caught:
        await call(network)
    assert (caught.value.name, caught.value.params) == error


async def test_a_vlan_bridge(lab: Lab, network: Networking) -> None:
    if not lab.supports("vlan"):
        with contextlib.suppress(RpcError):
            await network.bridge_make_config(DBG, False, BRIDGES | {"xapi5": BridgeConfig(vlan=("xenbr0", 5))})
        assert "xapi5" not in lab.links()
        pytest.skip("this kernel has no VLAN devices (the failed attempt left nothing behind)")
    await network.bridge_make_config(DBG, False, BRIDGES | {"xapi5": BridgeConfig(vlan=("xenbr0", 5))})
    assert lab.links()["eth0.5"]["master"] == "xapi5"
    with pytest.raises(RpcError, match="carries VLANs"):
        await network.bridge_destroy(DBG, "xenbr0", False)
    await network.bridge_destroy(DBG, "xenbr0", True)
    assert not {"xenbr0", "xapi5", "eth0.5"} & set(lab.links())


async def test_a_bond(lab: Lab, network: Networking) -> None:
    if not lab.supports("bond"):
        pytest.skip("this kernel has no bonding")
    await network.bridge_create(DBG, "xenbr0")
    await network.bridge_add_port(DBG, "xenbr0", "bond0", ["eth0", "eth1"], bond_properties={"mode": "active-backup"})
    links = lab.links()
    assert [links[name]["master"] for name in ("eth0", "eth1", "bond0")] == ["bond0", "bond0", "xenbr0"]
    await network.bridge_remove_port(DBG, "xenbr0", "bond0")
    assert "bond0" not in lab.links()


@pytest.fixture
def dhcp_server(lab: Lab) -> Iterator[None]:
    """A DHCP server at the other end of eth0's cable, with one address to give."""
    if not shutil.which("busybox"):
        pytest.skip("busybox plays the DHCP server")
    conf = lab.root / "udhcpd.conf"
    conf.write_text(
        f"start 10.66.0.50\nend 10.66.0.50\ninterface cable0\nlease_file {lab.root}/leases\npidfile {lab.root}/udhcpd.pid\n"
        "option subnet 255.255.255.0\noption router 10.66.0.1\noption dns 10.66.0.2\noption domain lab.example\n"
    )
    (lab.root / "leases").touch()
    lab.within("ip", "addr", "add", "10.66.0.1/24", "dev", "cable0")
    command = ["nsenter", f"--net=/proc/{lab.holder.pid}/ns/net", "busybox", "udhcpd", "-f", str(conf)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        yield
        server.terminate()


@pytest.mark.usefixtures("dhcp_server")
async def test_an_address_by_dhcp_survives_the_daemon_and_ends_when_told(lab: Lab, network: Networking) -> None:
    dhcp = {"eth0": InterfaceConfig(ipv4_conf="DHCP4", persistent_i=True)}
    try:
        await network.interface_make_config(DBG, False, dhcp)
        assert (await network.interface_get_status(DBG, "eth0")).ipv4 == [("10.66.0.50", 24)]
        assert await network.interface_get_ipv4_gateway(DBG, "eth0") == "10.66.0.1"
        assert await network.interface_get_dns(DBG, "eth0") == (["10.66.0.2"], ["lab.example"])
        made = lab.steps()
        lab.restart(network)
        await network.interface_make_config(DBG, False, dhcp)
        assert lab.steps() == made
    finally:
        await network.interface_make_config(DBG, False, {"eth0": InterfaceConfig()})
    assert (await network.interface_get_status(DBG, "eth0")).ipv4 == []
    assert not list((lab.root / "var/run").glob("dhclient*.pid"))


async def test_the_installers_answers_bring_the_management_interface_up(lab: Lab, network: Networking) -> None:
    await network.query(DBG)
    lab.end()
    (lab.root / "var/lib/xcp/networkd.db").unlink()
    answers = lab.root / "etc/firstboot.d/data/management.conf"
    answers.parent.mkdir(parents=True)
    answers.write_text("LABEL='eth1'\nMODE='static'\nIP='10.77.0.1'\nNETMASK='255.255.255.0'\n")
    lab.restart(network)
    assert await network.bridge_get_physical_interfaces(DBG, "xenbr1") == ["eth1"]
    assert (await network.interface_get_status(DBG, "xenbr1")).ipv4 == [("10.77.0.1", 24)]


async def test_what_is_made_persistent_comes_back(lab: Lab, network: Networking) -> None:
    await network.bridge_create(DBG, "xapi1")
    await network.bridge_set_persistent(DBG, "xapi1", True)
    await network.interface_set_persistent(DBG, "xapi1", True)
    lab.within("ip", "link", "del", "xapi1")
    lab.restart(network)
    assert await network.bridge_get_all(DBG) == ["xapi1"]


async def test_what_cannot_be_restored_keeps_nothing_else_from_coming_back(lab: Lab, network: Networking) -> None:
    await network.bridge_make_config(DBG, False, {"abr": BridgeConfig(persistent_b=True)} | BRIDGES)
    for bridge in ("abr", "xenbr0"):
        lab.within("ip", "link", "del", bridge)
    # Something else has taken the first bridge's name.
    lab.within("ip", "link", "add", "abr", "type", "veth", "peer", "name", "other")
    lab.restart(network)
    assert await network.bridge_get_all(DBG) == ["xenbr0"]
    assert "abr exists and is no bridge" in lab.log.read_text()
