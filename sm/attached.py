"""The SRs attached on this host, written down so that a restart attaches them again."""

import logging
from collections.abc import Callable, Mapping

import msgspec

from idl.paths import Root
from idl.rpc import RpcError
from sm import errors, records
from sm.drivers.base import Attachments, Driver, Repository
from sm.errors import Fault
from sm.gc import Collector

log = logging.getLogger(__name__)


class Attachment(msgspec.Struct, frozen=True):
    """What is needed to attach an SR again."""

    type: str
    device_config: dict[str, str]


class AttachedSrs:
    """Finds the repository of an SR; keeps the collector of each."""

    def __init__(self, root: Root, drivers: Mapping[str, Driver], attachments: Callable[[str], Attachments]) -> None:
        self._root = root
        self._drivers = drivers
        self._attachments = attachments
        self._file = root.run / "sm" / "srs.json"
        self._known: dict[str, Attachment] = {}
        self._open: dict[str, tuple[Repository, Collector]] = {}

    def driver(self, type_name: str) -> Driver:
        """:raises RpcError: ``SR_UNKNOWN_DRIVER``."""
        try:
            return self._drivers[type_name]
        except KeyError:
            raise errors.backend("SR_UNKNOWN_DRIVER", type_name) from None

    async def restore(self) -> None:
        """Attach what was attached; an SR whose storage is gone is logged and can be attached again later."""
        if not self._file.exists():
            return
        for sr, attachment in msgspec.json.decode(self._file.read_bytes(), type=dict[str, Attachment]).items():
            self._known[sr] = attachment
            try:
                await self._attach(sr, attachment)
            except RpcError as error:
                log.error("SR %s cannot be attached again: %s", sr, error)

    async def attach(self, sr: str, attachment: Attachment) -> None:
        if sr in self._open:
            return
        await self._attach(sr, attachment)
        self._save()
        self.collect(sr)

    async def detach(self, sr: str) -> None:
        if sr in self._open:
            repository, collector = self._open[sr]
            await collector.stop()
            await repository.detach()
            del self._open[sr]
        if self._known.pop(sr, None) is not None:
            self._save()

    def repository(self, sr: str) -> Repository:
        """:raises RpcError: ``Sr_not_attached``."""
        if sr not in self._open:
            raise errors.not_attached(sr)
        return self._open[sr][0]

    def collect(self, sr: str) -> None:
        if sr in self._open:
            self._open[sr][1].kick()

    def names(self) -> list[str]:
        return sorted(self._open)

    async def settled(self, sr: str) -> None:
        """Return when the SR's garbage is collected."""
        if sr in self._open:
            await self._open[sr][1].settled()

    async def stop(self) -> None:
        for _repository, collector in self._open.values():
            await collector.stop()

    async def _attach(self, sr: str, attachment: Attachment) -> None:
        repository = await self.driver(attachment.type).attach(self._root, sr, attachment.device_config)
        self._known[sr] = attachment
        self._open[sr] = (repository, Collector(sr, repository, self._attachments(sr)))

    def _save(self) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            records.write_atomically(self._file, msgspec.json.encode(self._known))
        except OSError as error:
            raise errors.from_os(error, Fault.SR_UNAVAILABLE) from error
