"""The interface ``Networking`` implemented: read, ask a planner, carry the plan out, remember what was wanted.

Changes run one after another in one thread; questions run beside them, so that a DHCP client that waits for its lease
keeps nobody from asking.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from idl.network import BridgeConfig, InterfaceConfig, InterfaceStatus, Kind, Networking, PortConfig, PortKind
from idl.rpc import RpcError
from networkd import errors
from networkd.config import Store
from networkd.host import Host
from networkd.interfaces import Roles, plan_down, plan_interface
from networkd.order import Device, sort_cards
from networkd.records import Actual, Family, Plan, parse_resolv_conf
from networkd.status import cards, interface_status

log = logging.getLogger(__name__)

T = TypeVar("T")


class Service(Networking):
    def __init__(self, host: Host, store: Store) -> None:
        self._host = host
        self._store = store
        self._changes = ThreadPoolExecutor(1, "change")
        self._questions = ThreadPoolExecutor(2, "question")

    def close(self) -> None:
        self._changes.shutdown()
        self._questions.shutdown()

    async def _change(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._changes, work)

    async def _ask(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._questions, work)

    async def _actual(self) -> Actual:
        return await self._ask(self._host.observe)

    async def restore(self) -> None:
        """Apply the stored persistent configuration at start: as much of it as possible."""
        await self._change(self._restore)
        await self._change(self._note_cards)

    def _restore(self) -> None:
        desired = self._store.desired
        for name, bridge in _vlans_last(desired.bridge_config):
            if bridge.persistent_b:
                self._try(name, functools.partial(self._apply_bridge, name, bridge))
        for name, interface in list(desired.interface_config.items()):
            if interface.persistent_i:
                self._try(name, functools.partial(self._apply_interface, name, interface, at_start=True))

    @staticmethod
    def _try(name: str, apply: Callable[[], None]) -> None:
        try:
            apply()
        except RpcError as error:
            # The host must come up, and xapi pushes the whole configuration again.
            log.error("restoring %s: %s", name, error)

    def _note_cards(self) -> None:
        """Remember the cards' positions, those of new ones too."""
        order = self._order(self._host.observe())
        if order != self._store.desired.interface_order:
            self._store.desired.interface_order = order
            self._store.save()

    def _order(self, actual: Actual) -> list[Device]:
        return sort_cards(self._store.desired.interface_order or [], cards(actual))

    async def query(self, dbg: str) -> str:
        return f"networkd ({self._host.backend.kind})"

    async def clear_state(self) -> None:
        await self._change(self._store.clear)

    async def sync_state(self) -> None:
        await self._change(self._store.sync)

    # Who gives the host its default route and its DNS

    async def set_gateway_interface(self, dbg: str, name: str) -> None:
        await self._change(functools.partial(self._set_roles, gateway=name))

    async def set_dns_interface(self, dbg: str, name: str) -> None:
        await self._change(functools.partial(self._set_roles, dns=name))

    def _set_roles(self, gateway: str | None = None, dns: str | None = None) -> None:
        desired = self._store.desired
        before = {desired.gateway_interface, desired.dns_interface}
        desired.gateway_interface = gateway or desired.gateway_interface
        desired.dns_interface = dns or desired.dns_interface
        self._store.save()
        # Both the interface that had the role and the one that has it now ask DHCP for something else.
        for name in sorted(filter(None, before | {gateway, dns})):
            config = desired.interface_config.get(name)
            if config is not None:
                self._apply_interface(name, config)

    @property
    def _roles(self) -> Roles:
        return Roles(self._store.desired.gateway_interface, self._store.desired.dns_interface)

    # Interfaces

    async def interface_get_all(self, dbg: str) -> list[str]:
        return sorted((await self._actual()).links)

    async def interface_get_status(self, dbg: str, name: str) -> InterfaceStatus:
        actual = await self._actual()
        if name not in actual.links:
            raise errors.interface_does_not_exist(name)
        return await self._ask(functools.partial(interface_status, name, actual, self._order(actual)))

    async def interface_get_all_status(self, dbg: str) -> list[InterfaceStatus]:
        actual = await self._actual()
        order = self._order(actual)
        return await self._ask(lambda: [interface_status(name, actual, order) for name in sorted(actual.links)])

    async def interface_get_dns(self, dbg: str, name: str) -> tuple[list[str], list[str]]:
        return parse_resolv_conf(await self._ask(self._host.resolv_conf))

    async def interface_get_ipv4_gateway(self, dbg: str, name: str) -> str | None:
        return (await self._actual()).gateway(name, Family.IPV4)

    async def interface_bring_down(self, dbg: str, name: str) -> None:
        await self._change(functools.partial(self._host.carry_out, functools.partial(plan_down, name)))

    async def interface_set_persistent(self, dbg: str, name: str, value: bool) -> None:
        await self._change(functools.partial(self._set_interface_persistent, name, value))

    def _set_interface_persistent(self, name: str, value: bool) -> None:
        stored = self._store.desired.interface_config
        stored[name] = msgspec.structs.replace(stored.get(name, InterfaceConfig()), persistent_i=value)
        self._store.save()

    async def interface_make_config(self, dbg: str, conservative: bool, config: dict[str, InterfaceConfig]) -> None:
        await self._change(functools.partial(self._apply_interfaces, conservative, config))

    def _apply_interfaces(self, conservative: bool, config: dict[str, InterfaceConfig]) -> None:
        for name, wanted in config.items():
            if wanted.persistent_i or not conservative:
                self._apply_interface(name, wanted, at_start=conservative)

    def _apply_interface(self, name: str, wanted: InterfaceConfig, *, at_start: bool = False) -> None:
        stored = self._store.desired.interface_config
        # After a boot nothing of what was stored has been applied yet.
        previous = None if at_start else stored.get(name)
        plan = functools.partial(plan_interface, name, wanted, previous, self._roles)
        self._host.carry_out(plan, offload_of=[name])
        if stored.get(name) != wanted:
            stored[name] = wanted
            self._store.save()

    # Bridges

    async def bridge_get_all(self, dbg: str) -> list[str]:
        return sorted((await self._actual()).bridges)

    async def bridge_get_kind(self, dbg: str) -> Kind:
        return self._host.backend.kind

    async def bridge_create(
        self,
        dbg: str,
        name: str,
        vlan: tuple[str, int] | None = None,
        mac: str | None = None,
        igmp_snooping: bool | None = None,
        other_config: dict[str, str] = {},  # noqa: B006 (a wire default, never changed)
    ) -> None:
        stored = self._store.desired.bridge_config.get(name, BridgeConfig())
        wanted = msgspec.structs.replace(
            stored, vlan=vlan, bridge_mac=mac, igmp_snooping=igmp_snooping, other_config=other_config
        )
        await self._change(functools.partial(self._apply_bridge, name, wanted))

    async def bridge_destroy(self, dbg: str, name: str, force: bool) -> None:
        await self._change(functools.partial(self._destroy_bridge, name, force))

    def _destroy_bridge(self, name: str, force: bool) -> None:
        self._host.carry_out(lambda actual: self._host.backend.plan_destroy(name, force=force, actual=actual))
        self._forget_absent_bridges({name})

    def _forget_absent_bridges(self, candidates: set[str]) -> None:
        """Forget what a plan removed: the bridge itself, and VLAN bridges that went with it or were replaced."""
        desired = self._store.desired
        present = self._host.observe().bridges
        candidates = candidates | {name for name, config in desired.bridge_config.items() if config.vlan is not None}
        gone = {name for name in candidates if name in desired.bridge_config and name not in present}
        for name in gone:
            del desired.bridge_config[name]
            desired.interface_config.pop(name, None)
        if gone:
            self._store.save()

    async def bridge_set_persistent(self, dbg: str, name: str, value: bool) -> None:
        await self._change(functools.partial(self._set_bridge_persistent, name, value))

    def _set_bridge_persistent(self, name: str, value: bool) -> None:
        stored = self._store.desired.bridge_config
        if name not in stored:
            raise errors.bridge_does_not_exist(name)
        stored[name] = msgspec.structs.replace(stored[name], persistent_b=value)
        self._store.save()

    async def bridge_add_port(
        self,
        dbg: str,
        bridge: str,
        name: str,
        interfaces: list[str],
        bond_mac: str | None = None,
        bond_properties: dict[str, str] = {},  # noqa: B006 (a wire default, never changed)
        kind: PortKind = PortKind.BASIC,
    ) -> None:
        port = PortConfig(interfaces=interfaces, bond_mac=bond_mac, bond_properties=bond_properties, kind=kind)
        await self._change(functools.partial(self._apply_port, bridge, name, port))

    def _apply_port(self, bridge: str, name: str, port: PortConfig) -> None:
        def plan(actual: Actual) -> Plan:
            if bridge not in actual.bridges:
                raise errors.bridge_does_not_exist(bridge)
            return self._host.backend.plan_port(bridge, name, port, actual)

        self._host.carry_out(plan)
        stored = self._store.desired.bridge_config
        config = stored.get(bridge, BridgeConfig())
        stored[bridge] = msgspec.structs.replace(config, ports={**config.ports, name: port})
        self._store.save()

    async def bridge_remove_port(self, dbg: str, bridge: str, name: str) -> None:
        await self._change(functools.partial(self._remove_port, bridge, name))

    def _remove_port(self, bridge: str, name: str) -> None:
        stored = self._store.desired.bridge_config
        ports = dict(stored[bridge].ports) if bridge in stored else {}
        port = ports.pop(name, None)
        interfaces = tuple(port.interfaces) if port else ()
        self._host.carry_out(lambda actual: self._host.backend.plan_remove_port(bridge, name, interfaces, actual))
        if port is not None:
            stored[bridge] = msgspec.structs.replace(stored[bridge], ports=ports)
            self._store.save()

    async def bridge_get_interfaces(self, dbg: str, name: str) -> list[str]:
        actual = await self._actual()
        if name not in actual.bridges:
            raise errors.bridge_does_not_exist(name)
        return list(actual.bridges[name].interfaces)

    async def bridge_get_physical_interfaces(self, dbg: str, name: str) -> list[str]:
        actual = await self._actual()
        if name not in actual.bridges:
            raise errors.bridge_does_not_exist(name)
        return sorted(interface for ports in actual.bridges[name].ports.values() for interface in ports)

    async def bridge_make_config(self, dbg: str, conservative: bool, config: dict[str, BridgeConfig]) -> None:
        await self._change(functools.partial(self._apply_bridges, conservative, config))

    def _apply_bridges(self, conservative: bool, config: dict[str, BridgeConfig]) -> None:
        for name, wanted in _vlans_last(config):
            if wanted.persistent_b or not conservative:
                self._apply_bridge(name, wanted)

    def _apply_bridge(self, name: str, wanted: BridgeConfig) -> None:
        stored = self._store.desired.bridge_config
        self._host.carry_out(lambda actual: self._host.backend.plan_bridge(name, wanted, stored, actual))
        if stored.get(name) != wanted:
            stored[name] = wanted
            self._store.save()
        if wanted.vlan is not None:
            self._forget_absent_bridges(set())


def _vlans_last(config: Mapping[str, BridgeConfig]) -> list[tuple[str, BridgeConfig]]:
    """VLAN bridges sit on the others."""
    return sorted(config.items(), key=lambda item: item[1].vlan is not None)
