"""The interface of :mod:`idl.rrd`, each method handed to who knows."""

from importlib.metadata import PackageNotFoundError, version

import msgspec

from idl.rpc import RpcError
from idl.rrd import DataSource
from rrdd.metric import HOST, Owner, OwnerKind
from rrdd.monitor import Monitor
from rrdd.plugin_protocol import Protocol
from rrdd.plugins import Plugins


def _vm(uuid: str) -> Owner:
    return Owner(OwnerKind.VM, uuid)


def _sr(uuid: str) -> Owner:
    return Owner(OwnerKind.SR, uuid)


def _here(remote_address: str) -> None:
    if remote_address:
        raise RpcError("Archive_failed", f"sending archives to {remote_address} is not supported yet")


class MetricsService:
    def __init__(self, monitor: Monitor, plugins: Plugins) -> None:
        self._monitor = monitor
        self._recorder = monitor.recorder
        self._plugins = plugins

    async def query(self) -> str:
        try:
            return f"rrdd {version('xapi-toolstack')}"
        except PackageNotFoundError:
            return "rrdd (not installed)"

    async def set_host(self, host_uuid: str, control_domain_uuid: str) -> None:
        identity = msgspec.structs.replace(self._monitor.identity, host_uuid=host_uuid, control_domain_uuid=control_domain_uuid)
        await self._monitor.set_identity(identity)

    async def update_use_min_max(self, value: bool) -> None:
        await self._monitor.set_identity(msgspec.structs.replace(self._monitor.identity, use_min_max=value))

    async def has_vm_rrd(self, vm_uuid: str) -> bool:
        return _vm(vm_uuid) in self._recorder.owned

    async def push_rrd_local(self, vm_uuid: str, domid: int) -> None:
        await self._monitor.push_local(vm_uuid, domid)

    async def archive_rrd(self, vm_uuid: str, remote_address: str = "") -> None:
        _here(remote_address)
        await self._monitor.archive(_vm(vm_uuid))

    async def remove_rrd(self, uuid: str) -> None:
        await self._monitor.remove(uuid)

    async def save_rrds(self) -> None:
        await self._monitor.save_all()

    async def backup_rrds(self, remote_address: str = "") -> None:
        _here(remote_address)
        await self._monitor.save_all()

    async def add_host_ds(self, ds_name: str) -> None:
        self._recorder.enable(HOST, ds_name)

    async def forget_host_ds(self, ds_name: str) -> None:
        self._recorder.forget(HOST, ds_name)

    async def query_host_ds(self, ds_name: str) -> float | None:
        return self._recorder.query(HOST, ds_name)

    async def query_possible_host_dss(self) -> list[DataSource]:
        return self._recorder.possible(HOST)

    async def add_vm_ds(self, vm_uuid: str, domid: int, ds_name: str) -> None:
        self._recorder.enable(_vm(vm_uuid), ds_name)

    async def forget_vm_ds(self, vm_uuid: str, ds_name: str) -> None:
        self._recorder.forget(_vm(vm_uuid), ds_name)

    async def query_vm_ds(self, vm_uuid: str, ds_name: str) -> float | None:
        return self._recorder.query(_vm(vm_uuid), ds_name)

    async def query_possible_vm_dss(self, vm_uuid: str) -> list[DataSource]:
        return self._recorder.possible(_vm(vm_uuid))

    async def add_sr_ds(self, sr_uuid: str, ds_name: str) -> None:
        self._recorder.enable(_sr(sr_uuid), ds_name)

    async def forget_sr_ds(self, sr_uuid: str, ds_name: str) -> None:
        self._recorder.forget(_sr(sr_uuid), ds_name)

    async def query_sr_ds(self, sr_uuid: str, ds_name: str) -> float | None:
        return self._recorder.query(_sr(sr_uuid), ds_name)

    async def query_possible_sr_dss(self, sr_uuid: str) -> list[DataSource]:
        return self._recorder.possible(_sr(sr_uuid))

    async def plugin_register(self, uid: str, info: str, protocol: str) -> float:
        if info != "Five_Seconds":
            raise RpcError("Rrdd_internal_error", f"frequency {info!r}: only Five_Seconds exists")
        if protocol not in tuple(Protocol):
            raise RpcError("Invalid_protocol", protocol)
        _plain(uid)
        self._plugins.register(uid, Protocol(protocol))
        return self._monitor.seconds_to_next()

    async def plugin_deregister(self, uid: str) -> None:
        self._plugins.deregister(uid)

    async def plugin_next_reading(self, uid: str) -> float:
        return self._monitor.seconds_to_next() if self._plugins.registered(uid) else -1.0

    async def plugin_get_path(self, uid: str) -> str:
        _plain(uid)
        return str(self._plugins.directory / uid)


def _plain(uid: str) -> None:
    if not uid or "/" in uid or uid.startswith("."):
        raise RpcError("Rrdd_internal_error", f"{uid!r} is no file name")
