"""The interface this host is managed over: found as it is, put on a bridge of the toolstack, put back if that fails.

The card keeps its address all the way: networkd takes it from the card and gives it to the bridge in one go, and if the host
cannot reach its gateway afterwards as before, everything is as it was. Standard library only.
"""

import ipaddress
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.progress import Step, StepFailed, run
from installer import interfaces_file
from installer.units import systemctl

CONF = Path("/etc/firstboot.d/data/management.conf")
BRIDGES = Path("/sys/class/net")
HELP = "Name the card with the address this host is to be managed over: make install MANAGEMENT=eth0"
SYSTEMD_NETWORK = Path("/etc/systemd/network/00-xapi-toolstack.network")
NETWORK_MANAGER = Path("/etc/NetworkManager/conf.d/xapi-toolstack.conf")
REACH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Management:
    """A management interface. *carrier* has the address now: the *card* itself, or a bridge that the card is a port of."""

    card: str
    carrier: str
    address: str
    prefix: int
    dynamic: bool
    gateway: str = ""
    servers: tuple[str, ...] = ()
    domain: str = ""

    @property
    def bridge(self) -> str:
        """Return the bridge the toolstack will use for the card: ``eth0`` -> ``xenbr0``."""
        number = self.card.removeprefix("eth")
        return f"xenbr{number}" if self.card.startswith("eth") and number.isdecimal() else f"br{self.card}"[:15]

    @property
    def conf(self) -> str:
        """Return ``management.conf``: networkd's and xapi's first start are told by it."""
        values = {"LABEL": self.card, "MODE": "dhcp" if self.dynamic else "static", "MODEV6": "autoconf"}
        if not self.dynamic:
            netmask = str(ipaddress.ip_network(f"0.0.0.0/{self.prefix}").netmask)
            values |= {"IP": self.address, "NETMASK": netmask, "GATEWAY": self.gateway}
            values |= {"DNS": ",".join(self.servers), "DOMAIN": self.domain}
        return "".join(f"{key}='{value}'\n" for key, value in values.items())


def find(wanted: str | None) -> Management:
    """Return how this host is reached: over the interface *wanted*, else over the one with the default route.

    :raises StepFailed: there is none, or it is of a kind that the installer leaves to a person.
    """
    routes = _ip("route", "show", "default")
    device = wanted or next((route["dev"] for route in routes), None)
    if device is None:
        raise StepFailed("This host has no default route: which interface is it managed over?", HELP)
    links = {link["ifname"]: link for link in _ip("-details", "address", "show")}
    if device not in links:
        raise StepFailed(f"There is no interface {device} here.", HELP)
    addresses = [found for found in links[device]["addr_info"] if found["family"] == "inet" and found["scope"] == "global"]
    if not addresses:
        raise StepFailed(f"{device} has no IPv4 address, so nobody could manage this host over it.", HELP)
    gateway = next((route.get("gateway", "") for route in routes if route["dev"] == device), "")
    servers, domain = resolvers(Path("/etc/resolv.conf").read_text() if Path("/etc/resolv.conf").exists() else "")
    first = addresses[0]
    return Management(
        card_of(device, links), device, first["local"], first["prefixlen"], bool(first.get("dynamic")), gateway, servers, domain
    )


def card_of(device: str, links: dict[str, dict[str, Any]]) -> str:
    """Return the card of *device*: itself, or the only port of a bridge.

    :raises StepFailed: it is a bond, a VLAN, a guest's interface, or a bridge with other than one card.
    """
    kind = _kind(links[device])
    if kind is None:
        return device
    ports = [name for name, link in links.items() if link.get("master") == device]
    if kind == "bridge" and len(ports) == 1 and _kind(links[ports[0]]) is None:
        return ports[0]
    if kind == "bridge":
        raise StepFailed(
            f"{device} is a bridge with the ports {', '.join(ports) or 'none'}; the installer takes over a bridge with one card.",
            "Stop the guests on it, or give its address to a card, and try again.",
        )
    raise StepFailed(
        f"{device} is a {kind}; the installer manages a host over a card.",
        "Give the address to a card for now; the toolstack then makes bonds and VLANs itself (xe bond-create, vlan-create).",
    )


def _kind(link: dict[str, Any]) -> str | None:
    info = link.get("linkinfo")
    return str(info["info_kind"]) if isinstance(info, dict) and "info_kind" in info else None


def resolvers(text: str) -> tuple[tuple[str, ...], str]:
    """Return the name servers and the first search domain of a ``resolv.conf``; a local stub is not worth writing down."""
    words = [line.split() for line in text.splitlines()]
    servers = tuple(line[1] for line in words if line[:1] == ["nameserver"] and len(line) > 1 and not line[1].startswith("127."))
    return servers, next((line[1] for line in words if line[:1] in (["search"], ["domain"]) and len(line) > 1), "")


def move_to_bridge(found: Management, start: Callable[[], None]) -> None:
    """Take the card from whoever configured it until now and let *start* (networkd) put it on its bridge.

    :raises StepFailed: the host could not be reached any more; it is again as before.
    """
    with Step(f"Management over {found.bridge}") as step:
        if found.carrier == found.bridge or _has_address(found.bridge, found.address):
            start()
            step.done(f"{found.address} is there already")
            return
        reachable = _gateway_answers(found)
        hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that ends now must not leave this half done
        try:
            release(found)
            start()
            if found.carrier != found.card:
                _ip_set("link", "delete", found.carrier)
            _wait_for_address(found)
            if reachable and not _gateway_answers(found):
                raise StepFailed(f"The gateway {found.gateway} did not answer any more.", "")
        except StepFailed as failure:
            put_back(found)
            raise StepFailed(
                f"{found.card} could not be put on the bridge {found.bridge}; it has its address {found.address} again.\n"
                f"{failure.why}",
                "journalctl -u xcp-networkd says more.",
            ) from failure
        finally:
            signal.signal(signal.SIGHUP, hangup)
        step.done(f"{found.address}, {'by DHCP' if found.dynamic else 'static'}")


def release(found: Management) -> None:
    """Tell ifupdown, systemd-networkd and NetworkManager that the card is not theirs any more; the address stays."""
    for name in {found.card, found.carrier}:
        interfaces_file.comment_out(name)
        _end_dhclient(name)
    if _active("systemd-networkd"):
        SYSTEMD_NETWORK.parent.mkdir(parents=True, exist_ok=True)
        SYSTEMD_NETWORK.write_text(f"[Match]\nName={found.card} {found.carrier} {found.bridge}\n\n[Link]\nUnmanaged=yes\n")
        run(["networkctl", "reload"], timeout=60)
    if _active("NetworkManager"):
        names = ";".join(f"interface-name:{name}" for name in sorted({found.card, found.carrier, found.bridge}))
        NETWORK_MANAGER.parent.mkdir(parents=True, exist_ok=True)
        NETWORK_MANAGER.write_text(f"[keyfile]\nunmanaged-devices={names}\n")
        systemctl("reload", "NetworkManager")


def put_back(found: Management) -> None:
    """Give the card its address back as it was, and its old manager its configuration."""
    systemctl("stop", "xcp-networkd.service", check=False)
    _end_dhclient(found.bridge)
    with suppress(StepFailed):  # it may not have been made
        remove_bridge(found.bridge)
    _ip_set("link", "set", found.card, "up")
    if found.carrier != found.card:
        _ip_set("link", "add", found.carrier, "type", "bridge")
        _ip_set("link", "set", found.card, "master", found.carrier)
        _ip_set("link", "set", found.carrier, "up")
    with suppress(StepFailed):  # it may never have lost it
        _ip_set("address", "add", f"{found.address}/{found.prefix}", "dev", found.carrier)
    if found.gateway:
        _ip_set("route", "replace", "default", "via", found.gateway, "dev", found.carrier)
    give_back_configuration()
    Path("/var/lib/xcp/networkd.db").unlink(missing_ok=True)


def give_back_configuration() -> None:
    """Undo :func:`release` in the files; the old managers act on it at the next boot at the latest."""
    interfaces_file.uncomment()
    for path in (SYSTEMD_NETWORK, NETWORK_MANAGER):
        path.unlink(missing_ok=True)


def restore() -> None:
    """For uninstalling: move the bridge's address back to its card and let the old manager have it."""
    with Step("Network") as step:
        if not CONF.is_file():
            step.done("was not changed")
            return
        values = dict(line.partition("=")[::2] for line in CONF.read_text().splitlines())
        card = values.get("LABEL", "").strip("'")
        links = {link["ifname"]: link for link in _ip("-details", "address", "show")}
        bridge = Management(card, card, "", 0, False).bridge
        if card in links and bridge in links:
            now = find(bridge) if any(a["family"] == "inet" for a in links[bridge]["addr_info"]) else None
            if now is not None:
                put_back(Management(card, card, now.address, now.prefix, now.dynamic, now.gateway))
        give_back_configuration()
        CONF.unlink()
        step.done(f"{card} is as it was")


def remove_bridge(bridge: str) -> None:
    """Remove a bridge of either kind."""
    if (BRIDGES / bridge / "bridge").is_dir():
        _ip_set("link", "delete", bridge)
    elif (BRIDGES / bridge).exists():
        run(["ovs-vsctl", "--timeout=20", "--if-exists", "del-br", bridge], timeout=30)


def _end_dhclient(device: str) -> None:
    """End a DHCP client without letting it give its lease, and so the address, back."""
    for pid_file in (*Path("/run").glob(f"dhclient*{device}.pid"), *Path("/var/run").glob(f"dhclient*{device}.pid")):
        with suppress(OSError, ValueError):
            pid = int(pid_file.read_text())
            if b"dhclient" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
            pid_file.unlink()


def _gateway_answers(found: Management) -> bool:
    if not found.gateway:
        return True
    try:
        run(["ping", "-n", "-c", "10", "-i", "0.5", "-w", "20", "-q", found.gateway], timeout=60)
    except StepFailed:
        return False
    return True


def _wait_for_address(found: Management) -> None:
    deadline = time.monotonic() + REACH_SECONDS
    while not _has_address(found.bridge, found.address):
        if time.monotonic() > deadline:
            other = " (the DHCP server gave another one; a static address would help)" if _has_address(found.bridge, None) else ""
            raise StepFailed(f"{found.bridge} had not the address {found.address} after {REACH_SECONDS:.0f} s{other}.", "")
        # The address comes from another process (networkd's DHCP client), at a moment that nothing announces.
        time.sleep(0.5)


def _has_address(device: str, address: str | None) -> bool:
    """Say whether *device* is there and has *address* (None: any IPv4 address)."""
    if not (BRIDGES / device).exists():
        return False
    [link] = _ip("address", "show", "dev", device)
    return any(found["family"] == "inet" and address in (None, found["local"]) for found in link["addr_info"])


def _active(service: str) -> bool:
    return systemctl("is-active", service, check=False).strip() == "active"


def _ip(*words: str) -> list[dict[str, Any]]:
    found = json.loads(run(["ip", "-json", *words], timeout=60) or "[]")
    return [entry for entry in found if entry]


def _ip_set(*words: str) -> None:
    run(["ip", *words], timeout=60)


