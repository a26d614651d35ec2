"""Metrics of a VM by name, as the metrics daemon knows them."""

import math
from typing import Any

import pytest

from idl.rpc import RpcError
from idl.rrd import DataSource
from tests.xapi.classes.test_vm_power import started
from tests.xapi.classes.vm_pool import Pool
from xapi.classes import vm_data_sources as sources
from xapi.errors import XenAPIError

CPU = DataSource(name="cpu0", description="", enabled=True, standard=True, min=0.0, max=None, units="(fraction)")


class Metrics:
    """One metric, recorded or not."""

    def __init__(self) -> None:
        self.recorded: list[str] = []

    async def query_possible_vm_dss(self, uuid: str) -> list[DataSource]:
        return [CPU]

    def _known(self, name: str) -> None:
        if name != CPU.name:
            raise RpcError("Datasource_missing", name)

    async def add_vm_ds(self, uuid: str, domid: int, name: str) -> None:
        self._known(name)
        self.recorded.append(name)

    async def query_vm_ds(self, uuid: str, name: str) -> float | None:
        self._known(name)
        return 0.5 if name in self.recorded else None

    async def forget_vm_ds(self, uuid: str, name: str) -> None:
        self._known(name)
        self.recorded.remove(name)


async def with_metrics(pool: Pool) -> str:
    guest = await started(pool)
    service: Any = Metrics()
    pool.app.services.metrics = service
    return guest


async def test_a_metric_is_described_recorded_and_forgotten(pool: Pool) -> None:
    guest, ctx = await with_metrics(pool), pool.ctx()
    (described,) = await sources.get_data_sources(ctx, guest)
    assert (described["name_label"], described["min"], described["max"]) == ("cpu0", 0.0, math.inf)
    assert math.isnan(await sources.query_data_source(ctx, guest, "cpu0"))
    await sources.record_data_source(ctx, guest, "cpu0")
    assert await sources.query_data_source(ctx, guest, "cpu0") == 0.5
    await sources.forget_data_source_archives(ctx, guest, "cpu0")


async def test_a_halted_vm_has_none(pool: Pool) -> None:
    assert await sources.get_data_sources(pool.ctx(), await pool.vm()) == []


@pytest.mark.parametrize("call", [sources.record_data_source, sources.query_data_source, sources.forget_data_source_archives])
async def test_an_unknown_metric_is_an_invalid_value(pool: Pool, call: Any) -> None:
    guest = await with_metrics(pool)
    with pytest.raises(XenAPIError) as refused:
        await call(pool.ctx(), guest, "nonsense")
    assert refused.value.description == ["INVALID_VALUE", "data_source", "nonsense"]
