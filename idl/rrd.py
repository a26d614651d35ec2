"""The metrics daemon's interface (``rrdd``, socket ``/var/lib/xcp/xcp-rrdd``).

The same socket answers HTTP: ``GET /rrd_updates``, ``/host_rrd``, ``/vm_rrd``, ``/sr_rrd``, ``POST /rrd_unarchive``,
``PUT /rrd``. Errors: ``Datasource_missing(name)``, ``Archive_failed(text)``, ``Invalid_protocol(text)``,
``Rrdd_internal_error(text)``.
"""

from typing import Protocol

import msgspec

from idl.rpc import wire


class DataSource(msgspec.Struct, kw_only=True, frozen=True):
    """One metric that can be recorded; ``standard`` ones are recorded without being asked for.

    ``min``, ``max``: the range of its values, None where there is no limit (JSON has no infinity).
    """

    name: str
    description: str
    enabled: bool
    standard: bool
    min: float | None
    max: float | None
    units: str


class Metrics(Protocol):
    @wire("query")
    async def query(self) -> str:
        """Return the service's name and version; a cheap sign of life."""
        ...

    @wire("has_vm_rrd")
    async def has_vm_rrd(self, vm_uuid: str) -> bool: ...

    @wire("push_rrd_local")
    async def push_rrd_local(self, vm_uuid: str, domid: int) -> None:
        """Load a VM's archived metrics from disk (if any) and go on recording into them."""
        ...

    @wire("archive_rrd")
    async def archive_rrd(self, vm_uuid: str, remote_address: str = "") -> None:
        """Write a VM's metrics to disk and stop recording: it has halted or been suspended."""
        ...

    @wire("remove_rrd")
    async def remove_rrd(self, uuid: str) -> None: ...

    @wire("save_rrds")
    async def save_rrds(self) -> None:
        """Write every archive to disk now."""
        ...

    @wire("backup_rrds")
    async def backup_rrds(self, remote_address: str = "") -> None: ...

    @wire("set_host")
    async def set_host(self, host_uuid: str, control_domain_uuid: str) -> None:
        """Say whose metrics this daemon records, and load the host's archive from disk."""
        ...

    @wire("add_host_ds")
    async def add_host_ds(self, ds_name: str) -> None: ...

    @wire("forget_host_ds")
    async def forget_host_ds(self, ds_name: str) -> None: ...

    @wire("query_host_ds")
    async def query_host_ds(self, ds_name: str) -> float | None:
        """Return the newest 5 s average, None if unknown (NaN in the API: JSON has no such number)."""
        ...

    @wire("query_possible_host_dss")
    async def query_possible_host_dss(self) -> list[DataSource]: ...

    @wire("add_vm_ds")
    async def add_vm_ds(self, vm_uuid: str, domid: int, ds_name: str) -> None: ...

    @wire("forget_vm_ds")
    async def forget_vm_ds(self, vm_uuid: str, ds_name: str) -> None: ...

    @wire("query_vm_ds")
    async def query_vm_ds(self, vm_uuid: str, ds_name: str) -> float | None: ...

    @wire("query_possible_vm_dss")
    async def query_possible_vm_dss(self, vm_uuid: str) -> list[DataSource]: ...

    @wire("add_sr_ds")
    async def add_sr_ds(self, sr_uuid: str, ds_name: str) -> None: ...

    @wire("forget_sr_ds")
    async def forget_sr_ds(self, sr_uuid: str, ds_name: str) -> None: ...

    @wire("query_sr_ds")
    async def query_sr_ds(self, sr_uuid: str, ds_name: str) -> float | None: ...

    @wire("query_possible_sr_dss")
    async def query_possible_sr_dss(self, sr_uuid: str) -> list[DataSource]: ...

    @wire("update_use_min_max")
    async def update_use_min_max(self, value: bool) -> None: ...

    @wire("Plugin.Local.register")
    async def plugin_register(self, uid: str, info: str, protocol: str) -> float:
        """Register a plugin file (*info* ``Five_Seconds``, *protocol* ``V1``/``V2``); return seconds to the next reading."""
        ...

    @wire("Plugin.Local.deregister")
    async def plugin_deregister(self, uid: str) -> None: ...

    @wire("Plugin.Local.next_reading")
    async def plugin_next_reading(self, uid: str) -> float: ...

    @wire("Plugin.get_path")
    async def plugin_get_path(self, uid: str) -> str: ...
