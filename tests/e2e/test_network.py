"""Guests on an internal network reach each other over the bridge that networkd made."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import namespace
from embedded.progress import run
from tests.e2e.embedded_host import Api, EmbeddedHost
from tests.e2e.guests import Guest, at_shell

pytestmark = pytest.mark.guest


def address(api: Api, guest: Guest) -> str:
    """Return the address the guest gave its first interface, as the guest says."""
    with at_shell(api, guest) as line:
        match = re.search(r"inet (10\.77\.\d+\.\d+)/", line.run("ip -4 addr show eth0"))
    assert match is not None
    return match[1]


@pytest.fixture
def machine_links() -> Iterator[list[str]]:
    """The machine's own interfaces; none comes or goes."""
    before = sorted(path.name for path in Path("/sys/class/net").iterdir())
    yield before
    assert sorted(path.name for path in Path("/sys/class/net").iterdir()) == before


def test_two_guests_ping_each_other(api: Api, demo: Guest, second: Guest) -> None:
    one, two = address(api, demo), address(api, second)
    assert one != two
    with at_shell(api, demo) as line:
        assert "3 packets received" in line.run(f"ping -c 3 -W 10 {two}", 60)
    with at_shell(api, second) as line:
        assert "3 packets received" in line.run(f"ping -c 3 -W 10 {one}", 60)


def test_the_bridge_is_in_the_hosts_namespace_and_not_on_the_machine(
    api: Api, host: EmbeddedHost, demo: Guest, network: str, machine_links: list[str]
) -> None:
    bridge = api.xenapi.network.get_bridge(network)
    assert bridge and bridge not in machine_links
    inside = run([*namespace.entered(host.layout.namespace), "ip", "-o", "link", "show", "type", "bridge"], timeout=20)
    assert f": {bridge}:" in inside
    ports = run([*namespace.entered(host.layout.namespace), "ip", "-o", "link", "show", "master", bridge], timeout=20)
    assert ports.count("\n") >= 1
