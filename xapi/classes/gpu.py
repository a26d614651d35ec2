"""XenAPI classes PGPU, GPU_group and VGPU: which processors serve which VMs, and how they are cut into shares.

Rows of processors are the hosts' own; guests are given devices by the domain manager, once it can.
"""

import re
from collections.abc import Iterable

from xapi import errors
from xapi.classes.vm_lifecycle import assert_halted, is_null
from xapi.database.schema import NULL_REF
from xapi.database.store import Store
from xapi.errors import XenAPIError, error
from xapi.planning import gpu_capacity
from xapi.planning.gpu_capacity import Processor, Share
from xapi.server.context import Context
from xapi.server.registry import implements

WHOLE_DEVICE = "passthrough"
WHOLE_SIZE = 1048576
"""What the whole of any processor counts as (``PGPU.size``)."""


def _share(db: Store, kind: str) -> Share:
    row = db.row("VGPU_type", kind).values
    return Share(kind, row["size"], frozenset(row["compatible_types_on_pgpu"]))


def _processor(db: Store, pgpu: str) -> Processor:
    row = db.row("PGPU", pgpu).values
    here = dict.fromkeys([*row["resident_VGPUs"], *db.where("VGPU", scheduled_to_be_resident_on=pgpu)])
    shares = [_share(db, db.get("VGPU", vgpu, "type")) for vgpu in here if db.exists("VGPU_type", db.get("VGPU", vgpu, "type"))]
    return Processor(pgpu, row["size"], list(row["supported_VGPU_types"]), list(row["enabled_VGPU_types"]), shares)


def _users(db: Store, pgpu: str, kinds: Iterable[str] | None = None) -> list[str]:
    """Return the VMs that have shares (of these kinds) of the processor."""
    vgpus = [db.row("VGPU", vgpu).values for vgpu in db.get("PGPU", pgpu, "resident_VGPUs")]
    wanted = None if kinds is None else set(kinds)
    return list(dict.fromkeys(vgpu["VM"] for vgpu in vgpus if wanted is None or vgpu["type"] in wanted))


# Processors


@implements("PGPU.add_enabled_VGPU_types")
async def add_enabled_vgpu_types(ctx: Context, self: str, value: str) -> None:
    """XenAPI: PGPU.add_enabled_VGPU_types. :raises XenAPIError: VGPU_TYPE_NOT_SUPPORTED."""
    await set_enabled_vgpu_types(ctx, self, [*ctx.db.get("PGPU", self, "enabled_VGPU_types"), value])


@implements("PGPU.remove_enabled_VGPU_types")
async def remove_enabled_vgpu_types(ctx: Context, self: str, value: str) -> None:
    """XenAPI: PGPU.remove_enabled_VGPU_types. :raises XenAPIError: PGPU_IN_USE_BY_VM."""
    await set_enabled_vgpu_types(ctx, self, [kind for kind in ctx.db.get("PGPU", self, "enabled_VGPU_types") if kind != value])


@implements("PGPU.set_enabled_VGPU_types")
async def set_enabled_vgpu_types(ctx: Context, self: str, value: list[str]) -> None:
    """XenAPI: PGPU.set_enabled_VGPU_types. :raises XenAPIError: VGPU_TYPE_NOT_SUPPORTED, PGPU_IN_USE_BY_VM [VMs …]."""
    row = ctx.db.row("PGPU", self).values
    supported, before = list(row["supported_VGPU_types"]), set(row["enabled_VGPU_types"])
    for kind in value:
        ctx.db.row("VGPU_type", kind)
        if kind not in supported:
            raise error("VGPU_TYPE_NOT_SUPPORTED", kind, ", ".join(supported))
    users = _users(ctx.db, self, before - set(value))
    if users:
        raise XenAPIError("PGPU_IN_USE_BY_VM", users)
    ctx.db.set("PGPU", self, enabled_VGPU_types=list(dict.fromkeys(value)))
    if ctx.db.exists("GPU_group", row["GPU_group"]):
        _refresh_group(ctx.db, row["GPU_group"])


@implements("PGPU.set_GPU_group")
async def set_gpu_group(ctx: Context, self: str, value: str) -> None:
    """XenAPI: PGPU.set_GPU_group; a group without processors takes any kind.

    :raises XenAPIError: PGPU_IN_USE_BY_VM [VMs …], PGPU_NOT_COMPATIBLE_WITH_GPU_GROUP [kind; kinds of the group].
    """
    db = ctx.db
    row = db.row("PGPU", self).values
    kinds, kind = db.get("GPU_group", value, "GPU_types"), _kind(db, row["PCI"])
    users = _users(db, self)
    if users:
        raise XenAPIError("PGPU_IN_USE_BY_VM", users)
    if db.get("GPU_group", value, "PGPUs") and kind not in kinds:
        raise error("PGPU_NOT_COMPATIBLE_WITH_GPU_GROUP", kind, f"[{', '.join(kinds)}]")
    before = row["GPU_group"]
    db.set("PGPU", self, GPU_group=value)
    db.set("GPU_group", value, GPU_types=[kind])
    _refresh_group(db, value)
    if db.exists("GPU_group", before) and before != value:
        if not db.get("GPU_group", before, "PGPUs"):
            db.set("GPU_group", before, GPU_types=[])
        _refresh_group(db, before)


def _kind(db: Store, pci: str) -> str:
    """Return vendor and device: processors of one kind may share a group."""
    if not db.exists("PCI", pci):
        return ""
    row = db.row("PCI", pci).values
    return f"{row['vendor_id']}/{row['device_id']}"


@implements("PGPU.get_remaining_capacity")
async def get_remaining_capacity(ctx: Context, self: str, vgpu_type: str) -> int:
    """XenAPI: PGPU.get_remaining_capacity."""
    return gpu_capacity.capacity(_processor(ctx.db, self), _share(ctx.db, vgpu_type))


# Groups


def _refresh_group(db: Store, group: str) -> None:
    """Recompute which kinds of shares a group's processors can be cut into."""
    pgpus = [db.row("PGPU", pgpu).values for pgpu in db.get("GPU_group", group, "PGPUs")]
    for field in ("supported_VGPU_types", "enabled_VGPU_types"):
        db.set("GPU_group", group, **{field: list(dict.fromkeys(kind for pgpu in pgpus for kind in pgpu[field]))})


@implements("GPU_group.create")
async def create_group(ctx: Context, name_label: str, name_description: str, other_config: dict[str, str]) -> str:
    """XenAPI: GPU_group.create."""
    return ctx.db.create(
        "GPU_group", name_label=name_label, name_description=name_description, other_config=other_config
    )


@implements("GPU_group.destroy")
async def destroy_group(ctx: Context, self: str) -> None:
    """XenAPI: GPU_group.destroy. :raises XenAPIError: GPU_GROUP_CONTAINS_PGPU, GPU_GROUP_CONTAINS_VGPU."""
    row = ctx.db.row("GPU_group", self).values
    if row["PGPUs"]:
        raise XenAPIError("GPU_GROUP_CONTAINS_PGPU", list(row["PGPUs"]))
    if row["VGPUs"]:
        raise XenAPIError("GPU_GROUP_CONTAINS_VGPU", list(row["VGPUs"]))
    ctx.db.destroy("GPU_group", self)


@implements("GPU_group.update_enabled_VGPU_types", "GPU_group.update_supported_VGPU_types")
async def update_group(ctx: Context, self: str) -> None:
    """XenAPI: GPU_group.update_enabled_VGPU_types, GPU_group.update_supported_VGPU_types."""
    _refresh_group(ctx.db, self)


@implements("GPU_group.get_remaining_capacity")
async def group_capacity(ctx: Context, self: str, vgpu_type: str) -> int:
    """XenAPI: GPU_group.get_remaining_capacity: of its processors together."""
    wanted = _share(ctx.db, vgpu_type)
    return sum(gpu_capacity.capacity(_processor(ctx.db, pgpu), wanted) for pgpu in ctx.db.get("GPU_group", self, "PGPUs"))


# A VM's shares


def _whole_device(db: Store) -> str:
    """Return the kind that means the whole processor; it is made when it is first needed."""
    known = db.where("VGPU_type", implementation=WHOLE_DEVICE)
    return known[0] if known else db.create("VGPU_type", model_name=WHOLE_DEVICE, implementation=WHOLE_DEVICE, size=WHOLE_SIZE)


@implements("VGPU.create")
async def create(ctx: Context, vm: str, gpu_group: str, device: str, other_config: dict[str, str], type: str) -> str:
    """XenAPI: VGPU.create; a null *type* means the whole device.

    :raises XenAPIError: VM_BAD_POWER_STATE, INVALID_DEVICE, DEVICE_ALREADY_EXISTS, VGPU_TYPE_NOT_SUPPORTED,
        VGPU_TYPE_NOT_ENABLED, VGPU_TYPE_NOT_COMPATIBLE with another one of the VM.
    """
    db = ctx.db
    group = db.row("GPU_group", gpu_group).values
    if not re.fullmatch(r"\d{1,2}", device, re.ASCII):
        raise errors.invalid_device(device)
    assert_halted(db, vm)
    others = [db.row("VGPU", vgpu).values for vgpu in db.get("VM", vm, "VGPUs")]
    if device in (other["device"] for other in others):
        raise errors.device_already_exists(device)
    kind = _whole_device(db) if is_null(type) else type
    row = db.row("VGPU_type", kind).values
    if row["implementation"] != WHOLE_DEVICE:
        for field, code in (
            ("supported_VGPU_types", "VGPU_TYPE_NOT_SUPPORTED"),
            ("enabled_VGPU_types", "VGPU_TYPE_NOT_ENABLED"),
        ):
            if kind not in group[field]:
                raise error(code, kind, ", ".join(group[field]))
    if any(other["type"] not in row["compatible_types_in_vm"] for other in others):
        raise error("VGPU_TYPE_NOT_COMPATIBLE", kind)
    return db.create("VGPU", VM=vm, GPU_group=gpu_group, device=device, other_config=other_config, type=kind)


@implements("VGPU.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VGPU.destroy. :raises XenAPIError: VM_BAD_POWER_STATE."""
    assert_halted(ctx.db, ctx.db.get("VGPU", self, "VM"))
    ctx.db.destroy("VGPU", self)


def copy(db: Store, vgpu: str, vm: str) -> str:
    """Give another VM the same claim."""
    row = db.row("VGPU", vgpu).values
    kept = {field: row[field] for field in ("GPU_group", "device", "other_config", "type", "extra_args")}
    return db.create("VGPU", VM=vm, **kept)


@implements("VGPU.atomic_set_resident_on")
async def atomic_set_resident_on(ctx: Context, self: str, value: str) -> None:
    """XenAPI: VGPU.atomic_set_resident_on: take a place on a processor, if there is one.

    :raises XenAPIError: PGPU_INSUFFICIENT_CAPACITY_FOR_VGPU, VGPU_TYPE_NOT_…
    """
    ctx.db.row("VGPU", self)
    ctx.db.set("VGPU", self, resident_on=NULL_REF, scheduled_to_be_resident_on=NULL_REF)
    reason = gpu_capacity.refusal(_processor(ctx.db, value), _share(ctx.db, ctx.db.get("VGPU", self, "type")))
    if reason is not None:
        raise reason
    ctx.db.set("VGPU", self, resident_on=value)
