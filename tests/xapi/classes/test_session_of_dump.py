"""A session on a dump reads the dump, writes nothing, and ends."""

from pathlib import Path
from typing import Any

import pytest

from tests.xapi.fixture import make
from xapi import restore
from xapi.database.schema import from_model
from xapi.database.store import Store
from xapi.errors import XenAPIError
from xapi.server import dispatch
from xapi.server.context import App, Context, Origin


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    db = Store(from_model())
    db.create("VM", "OpaqueRef:there", name_label="of long ago")
    restore.write(db, tmp_path / "dump.xml")
    return tmp_path / "dump.xml"


async def call(app: App, name: str, *params: Any) -> Any:
    return (await dispatch.call(Context(app, Origin()), name, list(params))).value


async def test_it_reads_the_dump_and_only_that(app: App, dump: Path) -> None:
    root = app.sessions.create(Origin(), superuser=True)
    other = await call(app, "session.create_from_db_file", root, str(dump))
    assert await call(app, "VM.get_all", other) == ["OpaqueRef:there"]
    assert await call(app, "VM.get_by_name_label", other, "of long ago") == ["OpaqueRef:there"]
    assert "OpaqueRef:there" not in await call(app, "VM.get_all", root)
    with pytest.raises(XenAPIError, match="RBAC_PERMISSION_DENIED"):
        await call(app, "VM.set_name_label", other, "OpaqueRef:there", "of today")
    await call(app, "session.logout", other)
    with pytest.raises(XenAPIError, match="SESSION_INVALID"):
        await call(app, "VM.get_all", other)
    assert not app.sessions.other_databases


async def test_what_is_no_dump_is_refused(app: App, tmp_path: Path) -> None:
    root = app.sessions.create(Origin(), superuser=True)
    (tmp_path / "text").write_text("hello")
    for name in ("text", "missing"):
        with pytest.raises(XenAPIError, match="INVALID_VALUE"):
            await call(app, "session.create_from_db_file", root, str(tmp_path / name))
    nobody = app.sessions.create(Origin(), superuser=False)
    with pytest.raises(XenAPIError, match="RBAC_PERMISSION_DENIED"):
        await call(app, "session.create_from_db_file", nobody, str(tmp_path / "text"))
