"""What commands need from xapi: local calls under the CLI's session, and the objects read through them."""

from typing import Any, Final, Protocol

from xapi.datamodel import NULL_REF
from xapi.errors import XenAPIError

Object = dict[str, Any]
"""A record as the API gives it: wire field names, ints as int, dates as their wire text, refs as str."""


class Api(Protocol):
    async def call(self, method: str, *params: object) -> Any:
        """``call("VM.start", ref, False, False)`` under the session of the command. Raises XenAPIError."""
        ...

    def under(self, session: str) -> "Api":
        """The same under another session."""
        ...


SINGLE_READS: Final = 8
"""After this many objects of a class were read one by one, the next miss reads the whole class."""


class Objects:
    """Records read during one command: each object or class at most once, so that a list is consistent and cheap."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._known: dict[str, dict[str, Object | None]] = {}
        self._complete: set[str] = set()

    async def all(self, cls: str) -> dict[str, Object]:
        """Every object of a class by reference."""
        known = self._known.setdefault(cls, {})
        if cls not in self._complete:
            known.update(await self.api.call(f"{cls}.get_all_records"))
            self._complete.add(cls)
        return {ref: record for ref, record in known.items() if record is not None}

    async def get(self, cls: str, ref: str) -> Object | None:
        """An object, or None if the reference is null or points nowhere."""
        if not ref or ref == NULL_REF:
            return None
        known = self._known.setdefault(cls, {})
        if ref not in known and cls not in self._complete:
            if len(known) >= SINGLE_READS:
                await self.all(cls)
            else:
                known[ref] = await self._read(cls, ref)
        return known.get(ref)

    def remember(self, cls: str, ref: str, record: Object) -> None:
        """An object that the command has read itself."""
        self._known.setdefault(cls, {})[ref] = record

    async def _read(self, cls: str, ref: str) -> Object | None:
        try:
            record: Object = await self.api.call(f"{cls}.get_record", ref)
        except XenAPIError as error:
            if error.code != "HANDLE_INVALID":
                raise
            return None
        return record
