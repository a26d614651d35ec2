"""The errors this daemon answers, by the interface's names, and the one of its edges."""

from idl.rpc import RpcError


class CommandFailed(Exception):
    """An external command or a kernel request failed; the text says which, and what it answered."""


def interface_does_not_exist(name: str) -> RpcError:
    return RpcError("Interface_does_not_exist", name)


def bridge_does_not_exist(name: str) -> RpcError:
    return RpcError("Bridge_does_not_exist", name)


def vlan_in_use(parent: str, tag: int) -> RpcError:
    return RpcError("Vlan_in_use", parent, tag)


def not_implemented(what: str) -> RpcError:
    return RpcError("Not_implemented", what)


def internal_error(text: str) -> RpcError:
    return RpcError("Internal_error", text)
