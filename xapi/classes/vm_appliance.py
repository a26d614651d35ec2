"""Appliances: VMs that start and stop together, group by group in their order."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any, Final

from idl.rpc import RpcError, Unreachable
from xapi import errors
from xapi.classes import vm_lifecycle
from xapi.classes.vm_lifecycle import refresh_appliance
from xapi.errors import XenAPIError
from xapi.planning.vm_operations import HALTED, RUNNING
from xapi.pool.calls import through_coordinator
from xapi.server.context import Context
from xapi.server.operations import operation
from xapi.server.registry import implements

Step = Callable[[Context, str], Awaitable[None]]
_ASCENDING: Final = frozenset({"start"})


@implements("VM_appliance.create")
async def create(ctx: Context, args: dict[str, Any]) -> str:
    """XenAPI: VM_appliance.create"""
    appliance = ctx.db.create("VM_appliance", **args)
    refresh_appliance(ctx.db, appliance)
    return appliance


@implements("VM_appliance.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VM_appliance.destroy. Its VMs stay."""
    vms = ctx.db.get("VM_appliance", self, "VMs")
    for vm in vms:
        ctx.db.set("VM", vm, appliance="OpaqueRef:NULL")
    ctx.db.destroy("VM_appliance", self)
    for vm in vms:
        vm_lifecycle.refresh(ctx, vm)


def groups(ctx: Context, appliance: str, name: str, target: str) -> list[list[str]]:
    """Return the VMs to act on, group by group: those not in state *target* yet, in the order of operation *name*."""
    todo = [vm for vm in ctx.db.get("VM_appliance", appliance, "VMs") if ctx.db.get("VM", vm, "power_state") != target]
    todo.sort(key=lambda vm: ctx.db.get("VM", vm, "order"), reverse=name not in _ASCENDING)
    return [list(members) for _, members in groupby(todo, key=lambda vm: ctx.db.get("VM", vm, "order"))]


def _assert_valid(ctx: Context, appliance: str, name: str) -> None:
    current = ctx.db.get("VM_appliance", appliance, "current_operations")
    if current:
        task, busy = next(iter(current.items()))
        raise errors.other_operation_in_progress("VM_appliance", appliance, busy, task)
    if name not in ctx.db.get("VM_appliance", appliance, "allowed_operations"):
        raise errors.operation_not_allowed(f"no VM of this appliance can do {name} now")


async def _run(ctx: Context, appliance: str, name: str, target: str, step: Step) -> None:
    refresh_appliance(ctx.db, appliance)
    async with operation(
        ctx,
        "VM_appliance",
        appliance,
        name,
        lambda: _assert_valid(ctx, appliance, name),
        lambda: refresh_appliance(ctx.db, appliance),
    ):
        failed: list[str] = []
        for members in groups(ctx, appliance, name, target):
            outcomes = await asyncio.gather(*(step(ctx, vm) for vm in members), return_exceptions=True)
            for vm, outcome in zip(members, outcomes, strict=True):
                if isinstance(outcome, XenAPIError | RpcError | Unreachable):
                    failed.append(vm)
                elif outcome is not None:
                    raise outcome
        if failed:
            raise XenAPIError("OPERATION_PARTIALLY_FAILED", [f"VM_appliance.{name}", *failed])


def _stopping(message: str) -> Step:
    """Return the message, called on whichever host has the VM, and then the VM's own delay, which the next group waits for."""

    async def step(ctx: Context, vm: str) -> None:
        await through_coordinator(ctx, message, vm)
        await asyncio.sleep(ctx.db.get("VM", vm, "shutdown_delay"))

    return step


@implements("VM_appliance.start")
async def start(ctx: Context, self: str, paused: bool) -> None:
    """XenAPI: VM_appliance.start"""
    await _run(ctx, self, "start", RUNNING, lambda ctx, vm: through_coordinator(ctx, "VM.start", vm, paused, False))


@implements("VM_appliance.clean_shutdown")
async def clean_shutdown(ctx: Context, self: str) -> None:
    """XenAPI: VM_appliance.clean_shutdown"""
    await _run(ctx, self, "clean_shutdown", HALTED, _stopping("VM.clean_shutdown"))


@implements("VM_appliance.hard_shutdown")
async def hard_shutdown(ctx: Context, self: str) -> None:
    """XenAPI: VM_appliance.hard_shutdown"""
    await _run(ctx, self, "hard_shutdown", HALTED, _stopping("VM.hard_shutdown"))


@implements("VM_appliance.shutdown")
async def shutdown(ctx: Context, self: str) -> None:
    """XenAPI: VM_appliance.shutdown"""
    await _run(ctx, self, "shutdown", HALTED, _stopping("VM.shutdown"))
