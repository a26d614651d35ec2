"""A session on a dump reads the dump: the same answers as the pool gave when it was made, and no way to write."""

from pathlib import Path
from typing import Any

import pytest

from tests.xapi.classes.client import Client
from xapi.database.xml_form import Manifest, Picture
from xapi.datamodel.roles import Role
from xapi.errors import XenAPIError
from xapi.server.context import Context, Origin
from xapi.server.dispatch import call


@pytest.fixture
async def client(tmp_path: Path) -> Client:
    return Client(tmp_path / "root")


async def under(client: Client, session: str, name: str, *params: Any) -> Any:
    """Call under another session; a refusal is its ErrorDescription."""
    inner = client.ctx.session
    client.ctx.session = session
    try:
        return await client(name, *params)
    finally:
        client.ctx.session = inner


def dump(client: Client, file: Path) -> Path:
    file.write_text("".join(Picture(client.db.schema, client.db.tables, Manifest(5, 909, 7)).text()))
    return file


async def test_a_dump_is_read_and_the_pool_is_not_touched(client: Client, tmp_path: Path) -> None:
    vm = client.vm(name_label="as it was")
    before = await client("VM.get_all_records")
    file = dump(client, tmp_path / "dump.xml")
    client.db.set("VM", vm, name_label="as it is")
    session = await client("session.create_from_db_file", str(file))
    assert await under(client, session, "VM.get_name_label", vm) == "as it was"
    assert await client("VM.get_name_label", vm) == "as it is"
    assert (await under(client, session, "VM.get_all_records")).keys() == before.keys()
    assert await under(client, session, "VM.get_by_name_label", "as it is") == []
    for write in (("VM.set_name_label", vm, "x"), ("VM.add_to_other_config", vm, "k", "v"), ("VM.start", vm, False, False)):
        assert (await under(client, session, *write))[0] == "RBAC_PERMISSION_DENIED"
    for other in (("event.from", ["*"], "", 0.1), ("host.get_servertime", client.host)):
        refused = ["OPERATION_NOT_ALLOWED", "this session only reads a copy of a database"]
        assert await under(client, session, *other) == refused
    assert await under(client, session, "session.get_this_host", session) == client.host
    assert await under(client, session, "session.logout") is None
    assert (await under(client, session, "VM.get_all"))[0] == "SESSION_INVALID"


@pytest.mark.parametrize("text", ["", "x", "<a/>", "<database/>", "<!DOCTYPE x><database/>", "<database><manifest/></database>"])
async def test_what_is_no_dump(client: Client, tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    assert (await client("session.create_from_db_file", str(tmp_path / "file")))[0] == "INVALID_VALUE"


@pytest.mark.parametrize("path", ["", "relative", "/nowhere/file", "/"])
async def test_where_there_is_none(client: Client, path: str) -> None:
    assert (await client("session.create_from_db_file", path))[0] == "INVALID_VALUE"


async def test_only_the_host_itself_may_name_files(client: Client) -> None:
    session = client.app.sessions.create(Origin(), superuser=False, user_name="ann", roles=frozenset({Role.POOL_ADMIN}))
    with pytest.raises(XenAPIError, match="RBAC_PERMISSION_DENIED"):
        await call(Context(client.app, Origin()), "session.create_from_db_file", [session, "/x"])
