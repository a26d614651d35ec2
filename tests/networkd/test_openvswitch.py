"""networkd on a real Open vSwitch: its own database and a switch in user space, where the programs are installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from idl.network import BridgeConfig, InterfaceConfig, Kind, Networking, PortConfig, Static4
from idl.rpc import RpcError, client
from tests.networkd.lab import Lab

PROGRAMS = {name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/openvswitch-switch") for name in (
    "ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl")}  # fmt: skip
SCHEMA = os.environ.get("OVS_SCHEMA", "/usr/share/openvswitch/vswitch.ovsschema")
DBG = "test"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(not all(PROGRAMS.values()) or not Path(SCHEMA).exists(), reason="Open vSwitch is not installed"),
]

IN_USER_SPACE = f"""#!{sys.executable}
# Bridges in user space: the kernel's datapath may be missing here.
import os, sys
words = sys.argv[1:]
extra = []
for at, word in enumerate(words):
    if word == "add-br" and (at + 2 >= len(words) or words[at + 2] == "--"):
        extra += ["--", "set", "bridge", words[at + 1], "datapath_type=netdev"]
os.execv({PROGRAMS["ovs-vsctl"]!r}, ["ovs-vsctl", *words, *extra])
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    shims, run = tmp_path / "bin", tmp_path / "ovs"
    shims.mkdir()
    run.mkdir()
    (shims / "ovs-vsctl").write_text(IN_USER_SPACE)
    (shims / "ovs-vsctl").chmod(0o755)
    directories = dict.fromkeys(("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"), str(run))
    lab = Lab(tmp_path, {"PATH": f"{shims}:{os.environ['PATH']}", **directories})
    (tmp_path / "etc/xensource").mkdir(parents=True)
    (tmp_path / "etc/xensource/network.conf").write_text("openvswitch\n")
    detached = ["--detach", "--no-chdir", "-vconsole:off"]
    try:
        lab.within(str(PROGRAMS["ovsdb-tool"]), "create", f"{run}/conf.db", SCHEMA)
        lab.within(
            str(PROGRAMS["ovsdb-server"]), f"{run}/conf.db", f"--remote=punix:{run}/db.sock", f"--pidfile={run}/db.pid", *detached
        )
        lab.within("ovs-vsctl", "--no-wait", "init")
        lab.within(str(PROGRAMS["ovs-vswitchd"]), f"unix:{run}/db.sock", f"--pidfile={run}/vs.pid", "--disable-system", *detached)
        lab.start()
        yield lab
    finally:
        lab.close()
        for pid in (run / "vs.pid", run / "db.pid"):
            with suppress(FileNotFoundError):
                subprocess.run(["kill", pid.read_text().strip()], check=False)


@pytest.fixture
async def network(lab: Lab) -> AsyncIterator[Networking]:
    proxy = client(Networking, lab.root / "var/lib/xcp/networkd", patience=30)
    yield proxy
    proxy.close()  # type: ignore[attr-defined]


def bonded(mode: str) -> BridgeConfig:
    port = PortConfig(interfaces=["eth0", "eth1"], bond_properties={"mode": mode, "miimon": "100"})
    return BridgeConfig(ports={"bond0": port}, bridge_mac="02:00:00:00:00:00", igmp_snooping=True, persistent_b=True)


BRIDGES = {"xenbr0": bonded("lacp"), "xapi5": BridgeConfig(vlan=("xenbr0", 5)), "xapi1": BridgeConfig()}
INTERFACES = {"xenbr0": InterfaceConfig(ipv4_conf=Static4([("10.77.0.1", 24)]), mtu=1400)}


async def test_bridges_bonds_and_vlans(lab: Lab, network: Networking) -> None:
    await network.bridge_make_config(DBG, False, BRIDGES)
    await network.interface_make_config(DBG, False, INTERFACES)
    assert await network.bridge_get_kind(DBG) is Kind.OPENVSWITCH
    assert await network.bridge_get_all(DBG) == ["xapi1", "xapi5", "xenbr0"]
    assert await network.bridge_get_physical_interfaces(DBG, "xenbr0") == ["eth0", "eth1"]
    status = await network.interface_get_status(DBG, "xenbr0")
    assert (status.mac, status.mtu, status.ipv4) == ("02:00:00:00:00:00", 1400, [("10.77.0.1", 24)])
    assert lab.within("ovs-vsctl", "br-to-vlan", "xapi5") == "5\n"
    made = lab.steps()
    await network.bridge_make_config(DBG, False, BRIDGES)
    await network.interface_make_config(DBG, False, INTERFACES)
    assert lab.steps() == made


async def test_a_bonds_mode_changes_in_place(lab: Lab, network: Networking) -> None:
    await network.bridge_make_config(DBG, False, {"xenbr0": bonded("lacp")})
    before = lab.within("ovs-vsctl", "get", "port", "bond0", "_uuid")
    await network.bridge_make_config(DBG, False, {"xenbr0": bonded("active-backup")})
    assert lab.within("ovs-vsctl", "get", "port", "bond0", "bond_mode", "lacp") == "active-backup\noff\n"
    assert lab.within("ovs-vsctl", "get", "port", "bond0", "_uuid") == before


async def test_a_vlan_moves_to_its_new_name_and_guards_its_parent(network: Networking) -> None:
    await network.bridge_make_config(DBG, False, BRIDGES)
    await network.bridge_create(DBG, "xapi9", vlan=("xenbr0", 5))
    assert await network.bridge_get_all(DBG) == ["xapi1", "xapi9", "xenbr0"]
    with pytest.raises(RpcError, match="carries VLANs: xapi9"):
        await network.bridge_destroy(DBG, "xenbr0", False)
    await network.bridge_destroy(DBG, "xenbr0", True)
    assert await network.bridge_get_all(DBG) == ["xapi1"]


async def test_ports_come_and_go(network: Networking) -> None:
    await network.bridge_create(DBG, "xenbr1")
    await network.bridge_add_port(DBG, "xenbr1", "eth1", ["eth1"])
    assert await network.bridge_get_physical_interfaces(DBG, "xenbr1") == ["eth1"]
    assert await network.bridge_get_interfaces(DBG, "xenbr1") == ["eth1"]
    await network.bridge_remove_port(DBG, "xenbr1", "eth1")
    assert await network.bridge_get_physical_interfaces(DBG, "xenbr1") == []
