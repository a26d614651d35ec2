"""networkd_db: the database for shell scripts; and the database's file itself."""

from pathlib import Path

import pytest

from idl.network import BridgeConfig, InterfaceConfig, PortConfig, Static4, Static6
from networkd.config import DATABASE, Desired, Store, load
from networkd.networkd_db import bridge_lines, interface_lines, main
from networkd.order import Device

BOND = BridgeConfig(ports={"bond0": PortConfig(interfaces=["eth0", "eth1"])}, bridge_mac="mb", persistent_b=True)
DESIRED = Desired(
    interface_config={"xenbr0": InterfaceConfig(ipv4_conf="DHCP4")},
    bridge_config={"xenbr0": BOND, "xapi5": BridgeConfig(vlan=("xenbr0", 5), bridge_mac="mv")},
    gateway_interface="xenbr0",
)


def test_a_bridge() -> None:
    assert bridge_lines("xenbr0", DESIRED) == ["interfaces=eth0,eth1", "hwaddrs=mb"]
    order = [Device(name=f"eth{n}", position=n, mac=f"m{n}", pci="") for n in (0, 1)]
    DESIRED.interface_order = order
    assert bridge_lines("xenbr0", DESIRED)[1] == "hwaddrs=m0,m1"
    assert bridge_lines("xapi5", DESIRED) == ["interfaces=", "hwaddrs=mv", "vlan=5", "parent=xenbr0"]


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        (InterfaceConfig(), []),
        (InterfaceConfig(ipv4_conf="DHCP4", ipv6_conf="Linklocal6"), ["mode=dhcp"]),
        (
            InterfaceConfig(ipv4_conf=Static4([("10.0.0.1", 20)]), ipv4_gateway="10.0.0.2", dns=(["a", "b"], ["c", "d"])),
            ["mode=static", "ipaddr=10.0.0.1", "netmask=255.255.240.0", "gateway=10.0.0.2", "dns=a,b", "domain=c,d"],
        ),
        (
            InterfaceConfig(ipv6_conf=Static6([("fd00::1", 64)]), ipv6_gateway="fd00::2"),
            ["modev6=static", "ipv6addr=fd00::1/64", "gatewayv6=fd00::2"],
        ),
        (InterfaceConfig(ipv6_conf="Autoconf6"), ["modev6=autoconf"]),
    ],
)
def test_an_interface(config: InterfaceConfig, lines: list[str]) -> None:
    assert interface_lines(config) == lines


def test_scripts_get_empty_output_for_what_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "-bridge", "xenbr0"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "nothing is known of xenbr0\n")


def test_the_file_is_read_as_it_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / DATABASE.lstrip("/")
    Store(file, DESIRED).save()
    assert load(file) == DESIRED
    assert main(["--root", str(tmp_path), "-iface", "xenbr0"]) == 0
    assert capsys.readouterr().out == "mode=dhcp\n"


@pytest.mark.parametrize("damage", [b"", b"{", b'{"bridge_config": 5}', b"\xff"])
def test_a_damaged_file_is_kept_aside(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "networkd.db"
    file.write_bytes(damage)
    assert load(file) is None
    assert (tmp_path / "networkd.db.bad").read_bytes() == damage


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert load(tmp_path / "networkd.db") is None
