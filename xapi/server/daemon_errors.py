"""Errors of the other daemons as XenAPI errors: one table, used at the top of every call."""

from collections.abc import Callable
from typing import Any

from idl.rpc import RpcError, Unreachable
from idl.xenops import Problem
from xapi.errors import XenAPIError, internal_error
from xapi.server.context import Context


def _vm(ctx: Context, uuid: str) -> str:
    """Return the VM's ref where the store knows it, for an error's parameter."""
    try:
        return ctx.db.by_uuid("VM", uuid)
    except KeyError:
        return uuid


def _strings(params: list[Any]) -> list[str]:
    return [str(param) for param in params]


_TRANSLATIONS: dict[str, Callable[[Context, list[Any]], XenAPIError]] = {
    Problem.STORAGE_BACKEND_ERROR: lambda ctx, p: XenAPIError(p[0], _strings(p[1])),
    "Backend_error": lambda ctx, p: XenAPIError(p[0], _strings(p[1])),
    Problem.CANCELLED: lambda ctx, p: XenAPIError("TASK_CANCELLED", [ctx.task]),
    Problem.BAD_POWER_STATE: lambda ctx, p: XenAPIError(
        "VM_BAD_POWER_STATE", [_vm(ctx, p[0]), str(p[2]).lower(), str(p[1]).lower()]
    ),
    Problem.UNIMPLEMENTED: lambda ctx, p: XenAPIError("NOT_IMPLEMENTED", _strings(p)),
    Problem.FAILED_TO_SHUTDOWN: lambda ctx, p: XenAPIError("VM_SHUTDOWN_TIMEOUT", [_vm(ctx, p[0]), str(p[1])]),
    Problem.FAILED_TO_ACKNOWLEDGE_SHUTDOWN_REQUEST: lambda ctx, p: XenAPIError(
        "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", [_vm(ctx, str(param)) for param in p]
    ),
    Problem.FAILED_TO_SUSPEND: lambda ctx, p: XenAPIError("VM_SUSPEND_TIMEOUT", [_vm(ctx, p[0]), str(p[1])]),
    Problem.DEVICE_IS_CONNECTED: lambda ctx, p: XenAPIError("DEVICE_ALREADY_ATTACHED", _strings(p)),
    Problem.DEVICE_NOT_CONNECTED: lambda ctx, p: XenAPIError("DEVICE_NOT_ATTACHED", _strings(p)),
    Problem.DEVICE_DETACH_REJECTED: lambda ctx, p: XenAPIError("DEVICE_DETACH_REJECTED", _strings(p)),
    Problem.MEDIA_NOT_EJECTABLE: lambda ctx, p: XenAPIError("VBD_NOT_REMOVABLE_MEDIA", _strings(p)),
    Problem.BOOTLOADER_ERROR: lambda ctx, p: XenAPIError("BOOTLOADER_FAILED", _strings(p)),
    Problem.NOT_ENOUGH_MEMORY: lambda ctx, p: XenAPIError("HOST_NOT_ENOUGH_FREE_MEMORY", [str(p[0]), "unknown"]),
    Problem.CANNOT_FREE_THIS_MUCH_MEMORY: lambda ctx, p: XenAPIError("HOST_NOT_ENOUGH_FREE_MEMORY", _strings(p)),
    Problem.FAILED_TO_START_EMULATOR: lambda ctx, p: XenAPIError("FAILED_TO_START_EMULATOR", [_vm(ctx, p[0]), *_strings(p[1:])]),
    "Vlan_in_use": lambda ctx, p: XenAPIError("VLAN_IN_USE", _strings(p)),
    "Bridge_does_not_exist": lambda ctx, p: XenAPIError("BRIDGE_NOT_AVAILABLE", _strings(p)),
    "Sr_not_attached": lambda ctx, p: XenAPIError("SR_NOT_ATTACHED", _strings(p)),
    "Vdi_does_not_exist": lambda ctx, p: XenAPIError("VDI_MISSING", _strings(p)),
}


def translate(ctx: Context, reason: RpcError | Unreachable) -> XenAPIError:
    """Return what the client is to see for a daemon's error."""
    if isinstance(reason, Unreachable):
        return internal_error(f"a daemon of this host is not answering: {reason}; it is being restarted, try again")
    translation = _TRANSLATIONS.get(reason.name)
    if translation is None:
        return internal_error(str(reason))
    try:
        return translation(ctx, reason.params)
    except (IndexError, TypeError):
        return internal_error(str(reason))
