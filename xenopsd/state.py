"""The records xenopsd keeps: each VM's configuration and devices, and what it did for the VM's present domain.

In memory, and as JSON files under ``/var/run/nonpersistent/xenopsd/<driver>`` written atomically: they survive the
daemon (also ``kill -9``), not the host. ``VM/<uuid>/{config,vbd.<dev>,vif.<n>}`` is what clients told us,
``extra/<uuid>`` is ours. Whether a domain exists is for the hypervisor to say.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from idl.rpc import RpcError
from idl.xenops import DeviceId, Problem, Vbd, Vif, Vm
from xenopsd.hypervisors.base import Source

log = logging.getLogger(__name__)

T = TypeVar("T")


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A disk held at the storage service: datapath, SR, VDI."""

    dp: str
    sr: str
    vdi: str


class Private(msgspec.Struct, frozen=True, kw_only=True):
    """What xenopsd did for a VM; handed between hosts as the metadata's ``domains``."""

    domid: int | None = None
    """Set from before a domain's first atom until after its last one."""
    building: bool = False
    """The domain is not complete yet: found so at start-up, it is taken down."""
    start_time: float = 0.0
    memory_target: int = 0
    suspended: bool = False
    crashed: bool = False
    active_vbds: frozenset[str] = frozenset()
    active_vifs: frozenset[str] = frozenset()
    plugged_vbds: dict[str, Source | None] = {}
    """What the domain has (or will be launched with), and what each disk opens."""
    plugged_vifs: frozenset[str] = frozenset()
    attached: dict[str, Attachment] = {}
    """Disks held at the storage service, by VBD."""


@dataclass(slots=True)
class Entry:
    """One VM's records."""

    vm: Vm
    vbds: dict[str, Vbd] = field(default_factory=dict)
    vifs: dict[str, Vif] = field(default_factory=dict)
    private: Private = field(default_factory=Private)

    def vbd(self, device: str) -> Vbd:
        try:
            return self.vbds[device]
        except KeyError:
            raise RpcError(Problem.DOES_NOT_EXIST, "VBD", f"{self.vm.id}.{device}") from None

    def vif(self, device: str) -> Vif:
        try:
            return self.vifs[device]
        except KeyError:
            raise RpcError(Problem.DOES_NOT_EXIST, "VIF", f"{self.vm.id}.{device}") from None


class Records:
    """All records, read from *directory* at the start; every change is on disk before the method returns."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._entries: dict[str, Entry] = {}
        self._next_domid = 1
        self._load()

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def find(self, vm: str) -> Entry | None:
        return self._entries.get(vm)

    def get(self, vm: str) -> Entry:
        """Return a VM's records or raise ``Does_not_exist``."""
        try:
            return self._entries[vm]
        except KeyError:
            raise RpcError(Problem.DOES_NOT_EXIST, "VM", vm) from None

    def put_vm(self, vm: Vm) -> None:
        entry = self._entries.get(vm.id)
        if entry is None:
            self._entries[vm.id] = Entry(vm)
        else:
            entry.vm = vm
        self._write(self._of(vm.id) / "config", vm)

    def put_vbd(self, vbd: Vbd) -> None:
        vm, device = vbd.id
        self.get(vm).vbds[device] = vbd
        self._write(self._of(vm) / f"vbd.{device}", vbd)

    def put_vif(self, vif: Vif) -> None:
        vm, device = vif.id
        self.get(vm).vifs[device] = vif
        self._write(self._of(vm) / f"vif.{device}", vif)

    def put_private(self, vm: str, **changes: object) -> Private:
        """Change fields of a VM's private record."""
        entry = self.get(vm)
        changed = msgspec.structs.replace(entry.private, **changes)
        if changed != entry.private:
            entry.private = changed
            self._write(self._extra(vm), changed)
        return changed

    def remove_vm(self, vm: str) -> None:
        entry = self._entries.pop(vm, None)
        if entry is None:
            return
        directory = self._of(vm)
        # The configuration first: without it the rest is ignored at start-up.
        for file in [directory / "config", *directory.glob("v*.*"), self._extra(vm)]:
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            directory.rmdir()

    def remove_vbd(self, id: DeviceId) -> None:
        self.get(id[0]).vbds.pop(id[1], None)
        (self._of(id[0]) / f"vbd.{id[1]}").unlink(missing_ok=True)

    def remove_vif(self, id: DeviceId) -> None:
        self.get(id[0]).vifs.pop(id[1], None)
        (self._of(id[0]) / f"vif.{id[1]}").unlink(missing_ok=True)

    def allocate_domid(self) -> int:
        """Return a domain id never given before on this host since its records began."""
        domid = self._next_domid
        self._next_domid += 1
        self._write(self._directory / "next-domid", self._next_domid)
        return domid

    def _of(self, vm: str) -> Path:
        return self._directory / "VM" / vm

    def _extra(self, vm: str) -> Path:
        return self._directory / "extra" / vm

    @staticmethod
    def _write(path: Path, value: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        # No fsync: the records need to survive us, not the host (whose restart ends all domains anyway).
        fresh.write_bytes(msgspec.json.encode(value))
        fresh.replace(path)

    @staticmethod
    def _read(path: Path, kind: type[T]) -> T | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            log.exception("%s cannot be read and is ignored", path)
            return None

    def _load(self) -> None:
        self._next_domid = self._read(self._directory / "next-domid", int) or 1
        for config in sorted((self._directory / "VM").glob("*/config")):
            vm = self._read(config, Vm)
            if vm is None:
                continue
            entry = self._entries[vm.id] = Entry(vm)
            for file in sorted(config.parent.iterdir()):
                kind, _, device = file.name.partition(".")
                if kind == "vbd" and (vbd := self._read(file, Vbd)):
                    entry.vbds[device] = vbd
                elif kind == "vif" and (vif := self._read(file, Vif)):
                    entry.vifs[device] = vif
            entry.private = self._read(self._extra(vm.id), Private) or Private()
            if entry.private.domid is not None:
                self._next_domid = max(self._next_domid, entry.private.domid + 1)


def ensure_component(text: str) -> str:
    """Return *text* if it may be a file name of ours; ids come from clients."""
    if not text or text.startswith(".") or os.sep in text or "\0" in text or len(text) > 200:
        raise RpcError(Problem.INTERNAL_ERROR, f"not an id: {text!r}")
    return text
