"""Addresses of interfaces: what a guest may send, and what it is told to use."""

import pytest

from idl.rpc import RpcError
from idl.xenops import Locked, LockedMode
from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import Pool
from xapi.classes import vif, vif_addresses
from xapi.errors import XenAPIError


async def test_allowed_addresses_are_kept_once_each(pool: Pool) -> None:
    nic, ctx = await pool.vif(await pool.vm()), pool.ctx()
    await vif.set_ipv4_allowed(ctx, nic, ["192.0.2.1", "192.0.2.1"])
    await vif.add_ipv4_allowed(ctx, nic, "192.0.2.2")
    await vif.remove_ipv4_allowed(ctx, nic, "192.0.2.1")
    assert pool.db.get("VIF", nic, "ipv4_allowed") == ["192.0.2.2"]
    await vif.set_ipv6_allowed(ctx, nic, ["2001:db8::1"])
    await vif.add_ipv6_allowed(ctx, nic, "2001:db8::2")
    await vif.remove_ipv6_allowed(ctx, nic, "2001:db8::1")
    assert pool.db.get("VIF", nic, "ipv6_allowed") == ["2001:db8::2"]
    for call in (vif.add_ipv4_allowed, vif.add_ipv6_allowed):
        with pytest.raises(XenAPIError, match="INVALID_VALUE"):
            await call(ctx, nic, "192.0.2.300")


async def test_a_running_guest_is_filtered_at_once_or_not_at_all(pool: Pool) -> None:
    guest = await started(pool)
    nic = pool.db.get("VM", guest, "VIFs")[0]
    await vif.set_ipv4_allowed(pool.ctx(), nic, ["192.0.2.1"])
    await vif.set_locking_mode(pool.ctx(), nic, "locked")
    assert pool.xenops.locked == Locked(LockedMode(["192.0.2.1"], []))
    pool.xenops.fail["VIF.set_locking_mode"] = RpcError("Unimplemented", "address-locking")
    with pytest.raises(RpcError):
        await vif.set_locking_mode(pool.ctx(), nic, "disabled")
    assert pool.db.get("VIF", nic, "locking_mode") == "locked"


async def test_an_interface_without_a_wish_follows_its_network(pool: Pool) -> None:
    guest = await started(pool)
    pool.db.set("network", pool.network, default_locking_mode="disabled")
    await vif.set_locking_mode(pool.ctx(), pool.db.get("VM", guest, "VIFs")[0], "network_default")
    assert pool.xenops.locked == "Disabled"


async def test_static_addresses_are_kept_and_dropped_with_the_mode(pool: Pool) -> None:
    nic, ctx = await pool.vif(await pool.vm()), pool.ctx()
    await vif_addresses.configure_ipv4(ctx, nic, "Static", "192.0.2.5/24", "192.0.2.1")
    await vif_addresses.configure_ipv6(ctx, nic, "Static", "2001:db8::5/64", "")
    row = pool.db.record("VIF", nic)
    assert (row["ipv4_configuration_mode"], row["ipv4_addresses"]) == ("Static", ["192.0.2.5/24"])
    assert (row["ipv4_gateway"], row["ipv6_addresses"], row["ipv6_gateway"]) == ("192.0.2.1", ["2001:db8::5/64"], "")
    await vif_addresses.configure_ipv4(ctx, nic, "None", "", "")
    assert pool.db.get("VIF", nic, "ipv4_addresses") == []


@pytest.mark.parametrize(
    ("address", "gateway", "wrong"),
    [
        ("192.0.2.5", "", "address"),
        ("2001:db8::5/64", "", "address"),
        ("nonsense", "", "address"),
        ("192.0.2.5/24", "2001:db8::1", "gateway"),
        ("192.0.2.5/24", "nonsense", "gateway"),
    ],
)
async def test_what_is_no_address_is_refused(pool: Pool, address: str, gateway: str, wrong: str) -> None:
    nic = await pool.vif(await pool.vm())
    with pytest.raises(XenAPIError) as refused:
        await vif_addresses.configure_ipv4(pool.ctx(), nic, "Static", address, gateway)
    assert refused.value.description == ["INVALID_IP_ADDRESS_SPECIFIED", wrong]


async def test_a_running_guest_cannot_be_told(pool: Pool) -> None:
    guest = await started(pool)
    with pytest.raises(XenAPIError, match="VM_LACKS_FEATURE"):
        await vif_addresses.configure_ipv4(pool.ctx(), pool.db.get("VM", guest, "VIFs")[0], "None", "", "")
