"""Errors that clients see: a code of the datamodel and its parameters, as strings.

`error` builds any of them and checks code and parameter count against the declared list; the named functions are the
ones raised most, so that a wrong count or order fails the type check. Codes that a storage driver or another pool
made up pass through as ``XenAPIError(code, params)``, unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable

from xapi.datamodel.errors import ERRORS


class XenAPIError(Exception):
    """What goes to the client as ErrorDescription: [code, *params]."""

    def __init__(self, code: str, params: Iterable[str] = ()) -> None:
        self.code = code
        self.params = list(params)
        super().__init__(code, self.params)

    @property
    def description(self) -> list[str]:
        """ErrorDescription as on the wire."""
        return [self.code, *self.params]

    def __str__(self) -> str:
        return f"{self.code}({', '.join(self.params)})"


def error(code: str, *params: object) -> XenAPIError:
    """The error of that code, its parameters made strings. TypeError if the code is unknown or takes other
    parameters: a mistake of ours, not of the client."""
    if code not in ERRORS:
        raise TypeError(f"{code} is not a declared error")
    declared = ERRORS[code]
    if declared is not None and len(declared) != len(params):
        raise TypeError(f"{code} takes {len(declared)} parameters {declared}, not {len(params)}: {params}")
    return XenAPIError(code, [str(param) for param in params])


def internal_error(message: str) -> XenAPIError:
    return error("INTERNAL_ERROR", message)


def not_implemented(function: str) -> XenAPIError:
    return error("NOT_IMPLEMENTED", function)


def message_method_unknown(method: str) -> XenAPIError:
    return error("MESSAGE_METHOD_UNKNOWN", method)


def message_parameter_count_mismatch(method: str, expected: int, received: int) -> XenAPIError:
    return error("MESSAGE_PARAMETER_COUNT_MISMATCH", method, expected, received)


def message_removed() -> XenAPIError:
    return error("MESSAGE_REMOVED")


def message_deprecated() -> XenAPIError:
    return error("MESSAGE_DEPRECATED")


def field_type_error(field: str) -> XenAPIError:
    return error("FIELD_TYPE_ERROR", field)


def invalid_value(field: str, value: object) -> XenAPIError:
    return error("INVALID_VALUE", field, value)


def value_not_supported(field: str, value: object, reason: str) -> XenAPIError:
    return error("VALUE_NOT_SUPPORTED", field, value, reason)


def map_duplicate_key(cls: str, field: str, ref: str, key: str) -> XenAPIError:
    return error("MAP_DUPLICATE_KEY", cls, field, ref, key)


def handle_invalid(cls: str, ref: str) -> XenAPIError:
    return error("HANDLE_INVALID", cls, ref)


def uuid_invalid(cls: str, uuid: str) -> XenAPIError:
    return error("UUID_INVALID", cls, uuid)


def uniqueness_violation(table: str, field: str, value: str) -> XenAPIError:
    return error("DB_UNIQUENESS_CONSTRAINT_VIOLATION", table, field, value)


def session_invalid(session: str) -> XenAPIError:
    return error("SESSION_INVALID", session)


def session_authentication_failed() -> XenAPIError:
    return error("SESSION_AUTHENTICATION_FAILED")


def session_not_registered(session: str) -> XenAPIError:
    return error("SESSION_NOT_REGISTERED", session)


def user_is_not_local_superuser(message: str) -> XenAPIError:
    return error("USER_IS_NOT_LOCAL_SUPERUSER", message)


def permission_denied(message: str) -> XenAPIError:
    return error("PERMISSION_DENIED", message)


def rbac_permission_denied(permission: str, message: str) -> XenAPIError:
    return error("RBAC_PERMISSION_DENIED", permission, message)


def task_cancelled(task: str) -> XenAPIError:
    return error("TASK_CANCELLED", task)


def events_lost() -> XenAPIError:
    return error("EVENTS_LOST")


def event_from_token_parse_failure(token: str) -> XenAPIError:
    return error("EVENT_FROM_TOKEN_PARSE_FAILURE", token)


def event_subscription_parse_failure(subscription: str) -> XenAPIError:
    return error("EVENT_SUBSCRIPTION_PARSE_FAILURE", subscription)


def operation_not_allowed(reason: str) -> XenAPIError:
    return error("OPERATION_NOT_ALLOWED", reason)


def operation_blocked(ref: str, code: str) -> XenAPIError:
    return error("OPERATION_BLOCKED", ref, code)


def other_operation_in_progress(cls: str, ref: str, operation: str, operation_ref: str) -> XenAPIError:
    """`operation_ref` is the task whose operation stands in the way."""
    return error("OTHER_OPERATION_IN_PROGRESS", cls, ref, operation, operation_ref)


def vm_bad_power_state(vm: str, expected: str, actual: str) -> XenAPIError:
    """Both states in lower case; several expected ones are joined by a comma."""
    return error("VM_BAD_POWER_STATE", vm, expected, actual)


def vm_is_template(vm: str) -> XenAPIError:
    return error("VM_IS_TEMPLATE", vm)


def vm_is_snapshot(vm: str, *details: str) -> XenAPIError:
    return error("VM_IS_SNAPSHOT", vm, *details)


def vm_missing_pv_drivers(vm: str) -> XenAPIError:
    return error("VM_MISSING_PV_DRIVERS", vm)


def vm_lacks_feature(vm: str) -> XenAPIError:
    return error("VM_LACKS_FEATURE", vm)


def vm_not_resident_here(vm: str, host: str) -> XenAPIError:
    return error("VM_NOT_RESIDENT_HERE", vm, host)


def vm_requires_sr(vm: str, sr: str) -> XenAPIError:
    return error("VM_REQUIRES_SR", vm, sr)


def vm_requires_network(vm: str, network: str) -> XenAPIError:
    return error("VM_REQUIRES_NETWORK", vm, network)


def memory_constraint_violation(constraint: str) -> XenAPIError:
    return error("MEMORY_CONSTRAINT_VIOLATION", constraint)


def host_not_enough_free_memory(needed: int, available: int) -> XenAPIError:
    """Both in bytes."""
    return error("HOST_NOT_ENOUGH_FREE_MEMORY", needed, available)


def no_hosts_available() -> XenAPIError:
    return error("NO_HOSTS_AVAILABLE")


def host_offline(host: str) -> XenAPIError:
    return error("HOST_OFFLINE", host)


def host_disabled(host: str) -> XenAPIError:
    return error("HOST_DISABLED", host)


def host_not_disabled() -> XenAPIError:
    return error("HOST_NOT_DISABLED")


def host_is_slave(coordinator_address: str) -> XenAPIError:
    return error("HOST_IS_SLAVE", coordinator_address)


def host_still_booting() -> XenAPIError:
    return error("HOST_STILL_BOOTING")


def cannot_contact_host(host: str) -> XenAPIError:
    return error("CANNOT_CONTACT_HOST", host)


def sr_backend_failure(status: str, stdout: str, stderr: str) -> XenAPIError:
    return error("SR_BACKEND_FAILURE", status, stdout, stderr)


def sr_not_attached(sr: str) -> XenAPIError:
    return error("SR_NOT_ATTACHED", sr)


def sr_has_no_pbds(sr: str) -> XenAPIError:
    return error("SR_HAS_NO_PBDS", sr)


def sr_has_pbd(sr: str) -> XenAPIError:
    return error("SR_HAS_PBD", sr)


def sr_full(requested: int, maximum: int) -> XenAPIError:
    """Both in bytes."""
    return error("SR_FULL", requested, maximum)


def sr_operation_not_supported(sr: str) -> XenAPIError:
    return error("SR_OPERATION_NOT_SUPPORTED", sr)


def sr_unknown_driver(driver: str) -> XenAPIError:
    return error("SR_UNKNOWN_DRIVER", driver)


def sr_uuid_exists(uuid: str) -> XenAPIError:
    return error("SR_UUID_EXISTS", uuid)


def vdi_in_use(vdi: str, operation: str) -> XenAPIError:
    return error("VDI_IN_USE", vdi, operation)


def vdi_missing(sr: str, vdi: str) -> XenAPIError:
    return error("VDI_MISSING", sr, vdi)


def vdi_readonly(vdi: str) -> XenAPIError:
    return error("VDI_READONLY", vdi)


def vdi_not_managed(vdi: str) -> XenAPIError:
    return error("VDI_NOT_MANAGED", vdi)


def vdi_incompatible_type(vdi: str, type: str) -> XenAPIError:
    return error("VDI_INCOMPATIBLE_TYPE", vdi, type)


def pbd_exists(sr: str, host: str, pbd: str) -> XenAPIError:
    return error("PBD_EXISTS", sr, host, pbd)


def device_already_attached(device: str) -> XenAPIError:
    return error("DEVICE_ALREADY_ATTACHED", device)


def device_already_detached(device: str) -> XenAPIError:
    return error("DEVICE_ALREADY_DETACHED", device)


def device_already_exists(device: str) -> XenAPIError:
    return error("DEVICE_ALREADY_EXISTS", device)


def device_detach_rejected(cls: str, ref: str, reason: str) -> XenAPIError:
    return error("DEVICE_DETACH_REJECTED", cls, ref, reason)


def invalid_device(device: str) -> XenAPIError:
    return error("INVALID_DEVICE", device)


def vbd_is_empty(vbd: str) -> XenAPIError:
    return error("VBD_IS_EMPTY", vbd)


def vbd_not_empty(vbd: str) -> XenAPIError:
    return error("VBD_NOT_EMPTY", vbd)


def vbd_not_removable_media(vbd: str) -> XenAPIError:
    return error("VBD_NOT_REMOVABLE_MEDIA", vbd)


def mac_invalid(mac: str) -> XenAPIError:
    return error("MAC_INVALID", mac)


def vlan_tag_invalid(tag: int) -> XenAPIError:
    return error("VLAN_TAG_INVALID", tag)


def vlan_in_use(device: str, tag: int) -> XenAPIError:
    return error("VLAN_IN_USE", device, tag)


def pif_is_physical(pif: str) -> XenAPIError:
    return error("PIF_IS_PHYSICAL", pif)


def network_contains_vif(vifs: str) -> XenAPIError:
    return error("NETWORK_CONTAINS_VIF", vifs)


def network_contains_pif(pifs: str) -> XenAPIError:
    return error("NETWORK_CONTAINS_PIF", pifs)
