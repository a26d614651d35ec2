"""What-if questions about high availability, on records of a pool of three hosts."""

from pathlib import Path
from typing import Any

import pytest

from tests.xapi.classes.client import Client
from xapi.planning.memory import MIB

GIB = 1024 * MIB


class Three(Client):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        for domain in self.db.where("VM", is_control_domain=True):
            self.db.set("VM", domain, memory_dynamic_max=0, memory_dynamic_min=0)
        self.hosts = [self.host, self.db.create("host", enabled=True), self.db.create("host", enabled=True)]
        for host in self.hosts:
            metrics = self.db.create("host_metrics", live=True, memory_total=4 * GIB)
            self.db.set("host", host, metrics=metrics, enabled=True, memory_overhead=0)

    def guest(self, host: str, size: int, priority: str = "restart") -> str:
        limits: dict[str, Any] = {f"memory_{kind}": size for kind in ("static_max", "dynamic_max", "dynamic_min", "static_min")}
        return self.db.create(
            "VM", power_state="Running", resident_on=host, ha_restart_priority=priority, ha_always_run=True, VCPUs_max=1,
            VCPUs_at_startup=1, domain_type="hvm", HVM_shadow_multiplier=1.0, **limits,
        )  # fmt: skip


@pytest.fixture
async def three(tmp_path: Path) -> Three:
    return Three(tmp_path)


async def test_failures_that_can_be_borne(three: Three) -> None:
    assert await three("pool.ha_compute_max_host_failures_to_tolerate") == 2
    guests = [three.guest(host, 3 * GIB) for host in three.hosts]
    assert await three("pool.ha_compute_max_host_failures_to_tolerate") == 0
    assert await three("pool.ha_failover_plan_exists", 1) is False
    kept = {guests[0]: "restart", guests[1]: "best-effort"}
    assert await three("pool.ha_compute_hypothetical_max_host_failures_to_tolerate", kept) == 0, "the others still take room"
    three.db.set("VM", guests[1], resident_on="OpaqueRef:NULL", ha_always_run=False, power_state="Halted")
    assert await three("pool.ha_compute_hypothetical_max_host_failures_to_tolerate", kept) == 1
    refused = await three("pool.ha_compute_hypothetical_max_host_failures_to_tolerate", {guests[0]: "always"})
    assert refused == ["INVALID_VALUE", "ha_restart_priority", "always"]


async def test_where_guests_would_go(three: Three) -> None:
    small, large = three.guest(three.hosts[1], GIB), three.guest(three.hosts[1], 8 * GIB)
    plan = await three("pool.ha_compute_vm_failover_plan", [three.hosts[1]], [small, large])
    assert plan[small]["host"] in (three.hosts[0], three.hosts[2])
    assert plan[large] == {"error_code": "NO_HOSTS_AVAILABLE"}


async def test_a_promise_that_cannot_be_kept(three: Three) -> None:
    for host in three.hosts:
        three.guest(host, 3 * GIB)
    assert await three("pool.set_ha_host_failures_to_tolerate", three.pool, 1) is None, "HA is off: it is only a wish"
    three.db.set("pool", three.pool, ha_enabled=True)
    refused = await three("pool.set_ha_host_failures_to_tolerate", three.pool, 2)
    assert refused == ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"]
    await three("pool.ha_schedule_plan_recomputation")
    assert await three("pool.get_ha_overcommitted", three.pool) is True
    assert await three("pool.get_ha_plan_exists_for", three.pool) == 0
    assert (await three("pool.set_ha_host_failures_to_tolerate", three.pool, -1))[0] == "INVALID_VALUE"
