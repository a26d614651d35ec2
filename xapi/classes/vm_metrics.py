"""VM_metrics: what a running VM's domain is, as the domain manager reports it. A row lives as long as its VM."""

from typing import Any, Final

from idl.xenops import VmState
from xapi.database.schema import EPOCH
from xapi.server.context import Context, now, wire_date

_DOMAIN_TYPES: Final = {
    "Domain_HVM": "hvm",
    "Domain_PV": "pv",
    "Domain_PVinPVH": "pv_in_pvh",
    "Domain_PVH": "pvh",
    "Domain_undefined": "unspecified",
}


def ensure(ctx: Context, vm: str) -> str:
    """Return the VM's metrics row, made if it has none."""
    metrics: str = ctx.db.get("VM", vm, "metrics")
    if not ctx.db.exists("VM_metrics", metrics):
        metrics = ctx.db.create("VM_metrics", start_time=EPOCH, install_time=EPOCH, last_updated=EPOCH)
        ctx.db.set("VM", vm, metrics=metrics)
    return metrics


def copy(ctx: Context, metrics: str) -> str:
    """Return a copy of a metrics row, for a copy of its VM; a fresh one where there is none."""
    values = ctx.db.record("VM_metrics", metrics) if ctx.db.exists("VM_metrics", metrics) else {}
    values.pop("uuid", None)
    return ctx.db.create("VM_metrics", **values)


def update(ctx: Context, vm: str, state: VmState) -> None:
    """Write what a live domain is now."""
    fields: dict[str, Any] = {
        "memory_actual": state.memory_actual,
        "VCPUs_number": state.vcpu_target,
        "hvm": state.hvm,
        "nested_virt": state.nested_virt,
        "nomigrate": state.nomigrate,
        "current_domain_type": _DOMAIN_TYPES[state.domain_type],
    }
    if state.last_start_time > 0:
        fields["start_time"] = wire_date(state.last_start_time)
    _write(ctx, ensure(ctx, vm), fields)


def clear(ctx: Context, vm: str) -> None:
    """Write that the VM has no domain."""
    fields = {"memory_actual": 0, "VCPUs_number": 0, "VCPUs_CPU": {}, "current_domain_type": "unspecified"}
    _write(ctx, ensure(ctx, vm), fields)


def _write(ctx: Context, metrics: str, fields: dict[str, Any]) -> None:
    if ctx.db.set("VM_metrics", metrics, **fields):
        ctx.db.set("VM_metrics", metrics, last_updated=now())
