"""One host with a storage service kept in memory: what tests of storage classes and of transfers work on."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import msgspec

from idl.config import Config
from idl.paths import Root, short_path
from idl.rpc import RpcError
from idl.storage import DriverInfo, ProbeResult, SrInfo, VdiInfo
from xapi import loading
from xapi.classes import pbd, sm, sr, vdi
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.server.context import App, Context, Services, internal_context
from xapi.server.events import Events
from xapi.server.sessions import Sessions
from xapi.server.tasks import Tasks
from xapi.server.watch import Watch

loading.load()

MIB = 1 << 20
FEATURES = (
    "SR_PROBE SR_CREATE SR_DELETE SR_ATTACH SR_DETACH SR_SCAN SR_UPDATE VDI_CREATE VDI_DELETE VDI_CLONE VDI_SNAPSHOT "
    "VDI_RESIZE VDI_INTRODUCE VDI_UPDATE VDI_RESET_ON_BOOT/2"
)


def driver(name: str, features: str = FEATURES) -> DriverInfo:
    return DriverInfo(
        driver=name, name=f"{name} storage", description="", vendor="", copyright="", version="1.0",
        required_api_version="1.1", features=features.split(), configuration={"location": "where"},
        supported_image_formats=["qcow2", "vhd"],
    )  # fmt: skip


class MemoryStorage:
    """The storage service's interface over dictionaries. ``refuse[method]`` is raised instead of an answer."""

    def __init__(self) -> None:
        self.types = [driver("file"), driver("iso", "SR_ATTACH SR_DETACH SR_SCAN")]
        self.repositories: dict[str, dict[str, VdiInfo]] = {}
        self.contents: dict[str, bytes] = {}
        self.attached: dict[str, dict[str, str]] = {}
        self.refuse: dict[str, RpcError] = {}
        self.names: dict[str, str] = {}
        self._ids = itertools.count(1)

    def _enter(self, method: str) -> None:
        if method in self.refuse:
            raise self.refuse[method]

    def _disks(self, sr: str) -> dict[str, VdiInfo]:
        if sr not in self.attached:
            raise RpcError("Sr_not_attached", sr)
        return self.repositories[sr]

    def _disk(self, sr: str, vdi: str) -> VdiInfo:
        try:
            return self._disks(sr)[vdi]
        except KeyError:
            raise RpcError("Vdi_does_not_exist", sr, vdi) from None

    def _add(self, sr: str, info: VdiInfo, **changes: Any) -> VdiInfo:
        identity = info.uuid if "keep" in changes else None
        changes.pop("keep", None)
        location = identity or f"{next(self._ids):08x}-0000-4000-8000-000000000000"
        made = msgspec.structs.replace(info, **({"vdi": location, "uuid": location, "physical_utilisation": 4096} | changes))
        self._disks(sr)[location] = made
        self.contents.setdefault(location, b"")
        return msgspec.structs.replace(made)

    async def drivers(self, dbg: str) -> list[DriverInfo]:
        return self.types

    async def sr_probe(self, dbg: str, type: str, device_config: dict[str, str], sm_config: dict[str, str]) -> list[ProbeResult]:
        return [
            ProbeResult(
                configuration=device_config, complete=True, sr=SrInfo(sr_uuid=known, total_space=5), extra_info={"note": "a<b"}
            )
            for known in self.repositories
        ]

    async def sr_create(
        self, dbg: str, sr: str, type: str, name_label: str, name_description: str, device_config: dict[str, str], size: int
    ) -> dict[str, str]:
        self._enter("sr_create")
        self.repositories[sr] = {}
        return device_config

    async def sr_attach(self, dbg: str, sr: str, type: str, device_config: dict[str, str]) -> None:
        self._enter("sr_attach")
        self.repositories.setdefault(sr, {})
        self.attached[sr] = device_config

    async def sr_detach(self, dbg: str, sr: str) -> None:
        self.attached.pop(sr, None)

    async def sr_destroy(self, dbg: str, sr: str) -> None:
        if self._disks(sr):
            raise RpcError("Backend_error", "SR_NOT_EMPTY", [])
        del self.repositories[sr], self.attached[sr]

    async def sr_stat(self, dbg: str, sr: str) -> SrInfo:
        self._enter("sr_stat")
        disks = self._disks(sr)
        used = sum(disk.physical_utilisation for disk in disks.values())
        return SrInfo(
            sr_uuid=sr, total_space=100 * MIB, free_space=100 * MIB - used,
            virtual_allocation=sum(disk.virtual_size for disk in disks.values()),
        )  # fmt: skip

    async def sr_scan(self, dbg: str, sr: str) -> tuple[list[VdiInfo], SrInfo]:
        self._enter("sr_scan")
        return [msgspec.structs.replace(disk) for disk in self._disks(sr).values()], await self.sr_stat(dbg, sr)

    async def sr_set_name_label(self, dbg: str, sr: str, name: str) -> None:
        self.names[sr] = name

    async def vdi_create(self, dbg: str, sr: str, info: VdiInfo) -> VdiInfo:
        self._enter("vdi_create")
        return self._add(sr, info, keep=True, virtual_size=-(-info.virtual_size // MIB) * MIB)

    async def vdi_introduce(self, dbg: str, sr: str, uuid: str, sm_config: dict[str, str], location: str) -> VdiInfo:
        return self._disk(sr, location)

    async def vdi_snapshot(self, dbg: str, sr: str, info: VdiInfo) -> VdiInfo:
        self._enter("vdi_snapshot")
        source = self._disk(sr, info.vdi)
        base = self._add(sr, source, managed=False, name_label="base copy")
        source.parent = base.vdi
        source.physical_utilisation = 512
        frozen = self._add(sr, info, parent=base.vdi)
        self.contents[frozen.vdi] = self.contents[source.vdi]
        return frozen

    async def vdi_clone(self, dbg: str, sr: str, info: VdiInfo) -> VdiInfo:
        self._disk(sr, info.vdi)
        cloned = self._add(sr, info, read_only=False)
        self.contents[cloned.vdi] = self.contents[info.vdi]
        return cloned

    async def vdi_copy(self, dbg: str, sr: str, vdi: str, dest_sr: str, info: VdiInfo) -> VdiInfo:
        self._disk(sr, vdi)
        copied = self._add(dest_sr, info)
        self.contents[copied.vdi] = self.contents[vdi]
        return copied

    async def vdi_revert(self, dbg: str, sr: str, vdi: str, snapshot: str) -> None:
        self._enter("vdi_revert")
        self._disk(sr, vdi).virtual_size = self._disk(sr, snapshot).virtual_size
        self.contents[vdi] = self.contents[snapshot]

    async def vdi_resize(self, dbg: str, sr: str, vdi: str, size: int) -> int:
        disk = self._disk(sr, vdi)
        if size < disk.virtual_size:
            raise RpcError("Backend_error", "SR_BACKEND_FAILURE_79", ["", "shrinking", ""])
        disk.virtual_size = size
        return size

    async def vdi_destroy(self, dbg: str, sr: str, vdi: str) -> None:
        self._disk(sr, vdi)
        del self.repositories[sr][vdi]

    async def vdi_stat(self, dbg: str, sr: str, vdi: str) -> VdiInfo:
        return msgspec.structs.replace(self._disk(sr, vdi))

    async def vdi_set_name_label(self, dbg: str, sr: str, vdi: str, name: str) -> None:
        self._disk(sr, vdi).name_label = name

    async def vdi_export(self, dbg: str, sr: str, vdi: str, format: str, base: str, socket: str) -> None:
        self._enter("vdi_export")
        disk = self._disk(sr, vdi)
        with short_path(Path(socket)) as name:
            _, writer = await asyncio.open_unix_connection(name)
        data = self.contents[vdi]
        writer.write(data.ljust(disk.virtual_size, b"\0") if format == "raw" else b"as " + format.encode())
        await writer.drain()
        writer.close()
        self._enter("vdi_export late")

    async def vdi_import(self, dbg: str, sr: str, vdi: str, format: str, socket: str) -> None:
        self._disk(sr, vdi)
        with short_path(Path(socket)) as name:
            reader, writer = await asyncio.open_unix_connection(name)
        try:
            self._enter("vdi_import")
            self.contents[vdi] = await reader.read()
        finally:
            writer.close()


class House:
    """A store with a host and a pool, the storage service, and a repository of type ``file`` that is plugged."""

    def __init__(self, root: Path, **services: Any) -> None:
        self.db = Store(from_model())
        self.storage = MemoryStorage()
        known: Any = {"xenops": None, "storage": self.storage, "network": None, "metrics": None} | services
        self.app = App(Root(root), Config({}), self.db, Services(**known))
        self.app.watch = Watch(self.db)
        self.app.sessions = Sessions(self.app)
        self.app.tasks = Tasks(self.app)
        self.app.events = Events(self.app)
        self.host = self.app.localhost = self.db.create("host", name_label="here", enabled=True)
        self.pool = self.db.create("pool", master=self.host)
        self.sr = ""

    def ctx(self, name: str = "test") -> Context:
        return internal_context(self.app, name)

    async def furnish(self) -> None:
        await sm.register(self.ctx())
        self.sr = await self.new_sr("Local storage")

    async def new_sr(self, name: str) -> str:
        return await self.new_sr_at(Path(f"/{name}"))

    async def new_sr_at(self, place: Path) -> str:
        return await sr.create(self.ctx(), self.host, {"location": str(place)}, 0, place.name, "", "file", "", False, {})

    async def new_vdi(self, size: int = MIB, content: bytes = b"", **more: Any) -> str:
        record = {"SR": self.sr, "virtual_size": size, "type": "user", "name_label": "disk", **more}
        ref = await vdi.create(self.ctx(), record)
        self.storage.contents[self.db.get("VDI", ref, "location")] = content
        return ref

    def new_vbd(self, image: str, *, attached: bool, mode: str = "RW") -> str:
        vm = self.db.create("VM", power_state="Running", resident_on=self.host)
        vbd = self.db.create("VBD", VM=vm, VDI=image, mode=mode, type="Disk", currently_attached=attached)
        vdi.update_allowed_operations(self.ctx(), image)
        return vbd

    def pbd(self) -> str:
        refs: list[str] = self.db.get("SR", self.sr, "PBDs")
        return refs[0]

    async def unplug(self) -> None:
        await pbd.unplug(self.ctx(), self.pbd())
