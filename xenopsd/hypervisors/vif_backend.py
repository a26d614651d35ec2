"""The host's end of a guest's interface: on which bridge it is, and whether it carries anything.

libxl plugs interfaces; what it cannot change later, or say at all, is done to the network device itself.
"""

import asyncio
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from idl.rpc import RpcError
from idl.xenops import Problem, Vif
from xenopsd.hypervisors.base import Nic

INTERFACES: Final = Path("/sys/class/net")
PATIENCE: Final = 20.0
STANDARD_MTU: Final = 1500


def is_openvswitch(bridge: str) -> bool:
    """Say whether a bridge that exists is Open vSwitch's: the kernel knows its own."""
    return not (INTERFACES / bridge / "bridge").exists()


def check_bridges(nics: Iterable[Nic]) -> None:
    """Raise ``Does_not_exist`` for the first missing bridge: libvirt's own words for that are obscure."""
    for nic in nics:
        try:
            socket.if_nametoindex(nic.vif.backend.bridge)
        except OSError:
            raise RpcError(Problem.DOES_NOT_EXIST, "bridge", nic.vif.backend.bridge) from None


def carries(vif: Vif) -> bool:
    return vif.carrier and vif.locking_mode != "Disabled"


def is_plain(vif: Vif) -> bool:
    """Say whether an interface is as libxl plugs it."""
    return carries(vif) and vif.mtu == STANDARD_MTU


async def apply(device: str, vif: Vif) -> None:
    """Make the network device *device* what *vif* says: bridge, MTU, carrier. :raises RpcError: ``Internal_error``."""
    bridge = vif.backend.bridge
    commands = [["ip", "link", "set", "dev", device, "mtu", str(vif.mtu)]]
    if is_openvswitch(bridge):
        commands.append(
            [
                "ovs-vsctl", f"--timeout={PATIENCE:.0f}",
                "--", "--if-exists", "del-port", device,
                "--", "add-port", bridge, device,
            ]
        )  # fmt: skip
    elif (INTERFACES / device / "master" / "bridge").exists() or not (INTERFACES / device / "master").exists():
        commands.append(["ip", "link", "set", "dev", device, "master", bridge])
    else:
        commands.append(["ovs-vsctl", f"--timeout={PATIENCE:.0f}", "--", "--if-exists", "del-port", device])
        commands.append(["ip", "link", "set", "dev", device, "master", bridge])
    commands.append(["ip", "link", "set", "dev", device, "up" if carries(vif) else "down"])
    for command in commands:
        await _run(command)


async def _run(command: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    try:
        async with asyncio.timeout(PATIENCE):
            output, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RpcError(Problem.INTERNAL_ERROR, f"{' '.join(command)}: {output.decode(errors='replace').strip()}")
