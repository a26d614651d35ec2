"""The errors a driver or the datapath answers, as XenAPI error codes.

``Backend_error(code, [params])`` carries the code to the XenAPI client. Numbered codes are those of the
original's storage managers; clients branch on the number.
"""

from enum import IntEnum

from idl.rpc import RpcError


class Fault(IntEnum):
    """Numbers of ``SR_BACKEND_FAILURE_<n>``."""

    INVALID_ARGUMENT = 1
    SCAN = 40
    SR_EXISTS = 42
    NO_SPACE = 44
    VDI_UNAVAILABLE = 46
    SR_UNAVAILABLE = 47
    UNKNOWN_TYPE = 48
    SR_CREATE = 61
    VDI_LOAD = 65
    NFS_MOUNT = 73
    NFS_UNMOUNT = 74
    VDI_CREATE = 78
    VDI_SIZE = 79
    VDI_DELETE = 80
    VDI_CLONE = 81
    VDI_SNAPSHOT = 82
    DEVICE_MISSING = 90
    DEVICE_INVALID = 91
    LOCATION_MISSING = 94
    SERVER_PATH_MISSING = 101
    SERVER_MISSING = 102
    CHAIN_TOO_LONG = 109
    VDI_RESIZE = 110
    IO = 200
    GENERAL = 202
    ISO_LOCATION_MISSING = 220
    ISO_LOCAL_PATH = 226


def backend(code: str, *params: str) -> RpcError:
    """``Backend_error(code, params)``."""
    return RpcError("Backend_error", code, list(params))


def failure(fault: Fault, text: str, detail: str = "") -> RpcError:
    """``SR_BACKEND_FAILURE_<n>`` with the original's three parameters: empty, text, output of the failing tool."""
    return backend(f"SR_BACKEND_FAILURE_{fault.value}", "", text, detail)


def no_space(detail: str) -> RpcError:
    return failure(Fault.NO_SPACE, "There is insufficient space", detail)


def vdi_unavailable(sr: str, vdi: str) -> RpcError:
    """The disk is known, its image is gone."""
    return failure(Fault.VDI_UNAVAILABLE, "The VDI is not available", f"the image of VDI {vdi} is not in SR {sr}")


def vdi_in_use(vdi: str, operation: str) -> RpcError:
    return backend("VDI_IN_USE", vdi, operation)


def vdi_does_not_exist(sr: str, vdi: str) -> RpcError:
    return RpcError("Vdi_does_not_exist", sr, vdi)


def not_attached(sr: str) -> RpcError:
    return RpcError("Sr_not_attached", sr)


def unimplemented(what: str) -> RpcError:
    return RpcError("Unimplemented", what)


def from_os(error: OSError, fault: Fault) -> RpcError:
    """A failed system call under a driver: a full disk is always the same code, the rest is *fault*."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_space(str(error))
    return failure(fault, str(error))
