"""Open vSwitch: wanted bridges and ports -> ``ovs-vsctl`` transactions (pure).

Each function returns the arguments of one transaction. All of them may be repeated: bridges and ports are added with
``--may-exist`` or replaced in the same transaction, settings are set to a value or removed. The database's answer is read
here too.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from idl.network import BridgeConfig, PortConfig, PortKind
from networkd.records import BridgeView

Words = list[str]
BOND_DEFAULT = {"mode": "balance-slb"}
PORT_OPTIONS: Mapping[str, str] = {"updelay": "bond_updelay", "downdelay": "bond_downdelay"}
OTHER_CONFIG: Mapping[str, str] = {
    "miimon": "bond-miimon-interval",
    "rebalance-interval": "bond-rebalance-interval",
    "lacp-time": "lacp-time",
    "lacp-fallback-ab": "lacp-fallback-ab",
}
INTERFACE_OPTIONS: Mapping[str, str] = {"lacp-aggregation-key": "lacp-aggregation-key", "lacp-actor-key": "lacp-actor-key"}
LACP_ONLY = ("lacp-time", "lacp-fallback-ab", "lacp-aggregation-key", "lacp-actor-key")
FAIL_MODES = ("standalone", "secure")
MAC_TABLE_SIZE = 10000


def bridge_words(name: str, wanted: BridgeConfig) -> Words:
    """Make a bridge (a VLAN: a "fake" bridge on its parent) and its settings."""
    if wanted.vlan is not None:
        parent, tag = wanted.vlan
        words = ["--", "--may-exist", "add-br", name, parent, str(tag)]
        if wanted.bridge_mac:
            words += ["--", "set", "interface", name, f"MAC={_quoted(wanted.bridge_mac)}"]
        return words + _network_uuids(name, wanted)
    fail_mode = wanted.other_config.get("vswitch-controller-fail-mode", "standalone")
    words = ["--", "--may-exist", "add-br", name]
    words += ["--", "set", "bridge", name, f"fail_mode={fail_mode if fail_mode in FAIL_MODES else 'standalone'}"]
    words += ["--", "set", "bridge", name, f"other-config:mac-table-size={MAC_TABLE_SIZE}"]
    if wanted.bridge_mac:
        words += ["--", "set", "bridge", name, f"other-config:hwaddr={_quoted(wanted.bridge_mac)}"]
    return words + _in_band(name, wanted) + _snooping(name, wanted) + _network_uuids(name, wanted)


def _quoted(text: str) -> str:
    return f'"{text}"'


def _in_band(name: str, wanted: BridgeConfig) -> Words:
    disable = wanted.other_config.get("vswitch-disable-in-band")
    if disable in ("true", "false"):
        return ["--", "set", "bridge", name, f"other-config:disable-in-band={disable}"]
    return ["--", "remove", "bridge", name, "other-config", "disable-in-band"]


def _snooping(name: str, wanted: BridgeConfig) -> Words:
    if wanted.igmp_snooping is None:
        return []
    value = str(wanted.igmp_snooping).lower()
    return [
        "--", "set", "bridge", name, f"mcast_snooping_enable={value}",
        f"other-config:enable-ipv6-mcast-snooping={value}",
        f"other-config:mcast-snooping-disable-flood-unregistered={value}",
    ]  # fmt: skip


def _network_uuids(name: str, wanted: BridgeConfig) -> Words:
    uuids = wanted.other_config.get("network-uuids")
    if not uuids:
        return []
    # A fake bridge has no record of its own: br-set-external-id stores its ids with the parent.
    return ["--", "br-set-external-id", name, "xs-network-uuids", uuids]


def bond_settings(properties: Mapping[str, str]) -> Words:
    """Return the ``key=value`` words of ``add-bond`` for XenAPI's bond properties; those of other modes are left out."""
    wanted = BOND_DEFAULT | dict(properties)
    mode = wanted.pop("mode")
    hashing = wanted.pop("hashing-algorithm", "")
    if mode == "lacp":
        words = ["lacp=active", f"bond_mode={'balance-slb' if hashing == 'src_mac' else 'balance-tcp'}"]
    else:
        words = ["lacp=off", f"bond_mode={mode}"]
        wanted = {key: value for key, value in wanted.items() if key not in LACP_ONLY}
    for key, value in sorted(wanted.items()):
        if key in PORT_OPTIONS:
            words.append(f"{PORT_OPTIONS[key]}={value}")
        elif key == "use_carrier":
            words.append(f"other-config:bond-detect-mode={'miimon' if value == '0' else 'carrier'}")
        elif key not in INTERFACE_OPTIONS:
            words.append(f"other-config:{OTHER_CONFIG.get(key, f'bond-{key}')}={_quoted(value)}")
    return words


def port_words(bridge: str, name: str, port: PortConfig, present: tuple[str, ...] = ()) -> Words:
    """Put a card, a bond, or a PVS proxy's port on a bridge. *present*: the interfaces a port of that name has now."""
    if len(port.interfaces) > 1:
        settings = bond_settings(port.bond_properties)
        if sorted(present) == sorted(port.interfaces):
            # Taken apart and put together a bond would lose its traffic for the length of its updelay.
            words = ["--", "set", "port", name, *settings]
        else:
            words = ["--", "--if-exists", "del-port", name]
            words += ["--", "--fake-iface", "add-bond", bridge, name, *port.interfaces, *settings]
        if port.bond_mac:
            words += ["--", "set", "port", name, f"MAC={_quoted(port.bond_mac)}"]
        for key, option in INTERFACE_OPTIONS.items():
            if key in port.bond_properties and port.bond_properties.get("mode") == "lacp":
                value = port.bond_properties[key]
                words += [
                    word for i in port.interfaces for word in ("--", "set", "interface", i, f"other-config:{option}={value}")
                ]
        return words
    words = [word for interface in port.interfaces for word in ("--", "--may-exist", "add-port", bridge, interface)]
    if port.kind is PortKind.PVS_PROXY:
        words += ["--", "set", "interface", port.interfaces[0] if port.interfaces else name, "type=internal"]
    return words


def destroy_words(names: Iterable[str]) -> Words:
    return [word for name in names for word in ("--", "--if-exists", "del-br", name)]


def remove_port_words(bridge: str, name: str) -> Words:
    return ["--", "--if-exists", "del-port", bridge, name]


LISTING: Words = [
    "--format=json",
    "--", "--columns=name,ports", "list", "Bridge",
    "--", "--columns=_uuid,name,interfaces,tag,fake_bridge", "list", "Port",
    "--", "--columns=_uuid,name,type", "list", "Interface",
]  # fmt: skip


def _tables(text: str) -> list[list[dict[str, Any]]]:
    decoder = json.JSONDecoder()
    tables = []
    while text := text.strip():
        table, end = decoder.raw_decode(text)
        tables.append([dict(zip(table["headings"], row, strict=True)) for row in table["data"]])
        text = text[end:]
    return tables


def _uuids(value: Any) -> list[str]:
    """Read a column that holds one uuid or a set: ``["uuid", u]`` or ``["set", [["uuid", u], …]]``."""
    kind, content = value
    return [content] if kind == "uuid" else [uuid for _, uuid in content]


def parse_listing(text: str, uplinks: Iterable[str]) -> dict[str, BridgeView]:
    """Return the bridges from the answer to :data:`LISTING`; ports that do not lead to *uplinks* are left out."""
    bridges, port_rows, interface_rows = _tables(text)
    interfaces = {row["_uuid"][1]: row["name"] for row in interface_rows}
    ports = {row["_uuid"][1]: row for row in port_rows}
    leading_out = set(uplinks)
    views: dict[str, BridgeView] = {}
    for bridge in bridges:
        name = bridge["name"]
        mine = [ports[uuid] for uuid in _uuids(bridge["ports"])]
        members = {row["name"]: tuple(sorted(interfaces[uuid] for uuid in _uuids(row["interfaces"]))) for row in mine}
        fakes = {_tag(row): row["name"] for row in mine if row["fake_bridge"]}
        for tag, fake in fakes.items():
            tagged = [members[row["name"]] for row in mine if _tag(row) == tag and not row["fake_bridge"]]
            views[fake] = BridgeView({}, (name, tag), _joined(tagged))
        # What has a VLAN's tag belongs to the VLAN's bridge; the port of the bridge's own name is its local end.
        own = {row["name"]: members[row["name"]] for row in mine if _tag(row) not in fakes and row["name"] != name}
        views[name] = BridgeView(
            {port: names for port, names in own.items() if leading_out & set(names)}, None, _joined(own.values())
        )
    return views


def _tag(port: Mapping[str, Any]) -> int:
    """Return a port's VLAN tag, 0 for none (an empty set in the database)."""
    return port["tag"] if isinstance(port["tag"], int) else 0


def _joined(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted(name for group in names for name in group))
