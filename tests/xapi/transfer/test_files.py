"""Pages, blobs and the audit log."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.xapi.storage_house import House
from tests.xapi.transfer.door import fetch, serving
from xapi.classes import blob
from xapi.server.http_types import HttpError
from xapi.transfer.audit_log import lines_since
from xapi.transfer.files import resolve


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    async with serving(house):
        yield house


async def test_the_front_page_says_what_this_is(house: House) -> None:
    answer = await fetch(house, "GET", "/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html")
    assert b"XenAPI" in answer.body
    assert (await fetch(house, "GET", "/none")).status == 404


@pytest.mark.parametrize(("path", "status"), [("/../secret", 403), ("/a/../../secret", 403), ("/link", 403), ("/a", 404)])
def test_pages_do_not_lead_outside(tmp_path: Path, path: str, status: int) -> None:
    root = tmp_path / "pages"
    (root / "a").mkdir(parents=True)
    (tmp_path / "secret").write_text("s")
    (root / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(HttpError) as caught:
        resolve(root, path)
    assert caught.value.status == status


async def test_a_blob_keeps_what_was_put(house: House) -> None:
    ref = await blob.create(house.ctx(), "image/png", False)
    uuid = house.db.get("blob", ref, "uuid")
    assert (await fetch(house, "GET", f"/blob?uuid={uuid}")).status == 404
    assert (await fetch(house, "PUT", f"/blob?ref={ref}", b"picture")).status == 200
    answer = await fetch(house, "GET", f"/blob?uuid={uuid}")
    assert (answer.headers["content-type"], answer.body) == ("image/png", b"picture")
    assert house.db.get("blob", ref, "size") == 7
    assert (await fetch(house, "GET", "/blob")).status == 400
    await blob.destroy(house.ctx(), ref)
    assert list(house.app.root.under(blob.DIRECTORY).iterdir()) == []


async def test_the_audit_log_goes_back_to_a_date(house: House, tmp_path: Path) -> None:
    log = tmp_path / "var/log/audit.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.with_name("audit.log.1.gz").write_bytes(gzip.compress(b"2026-01-01T00:00:00Z old\n  more of it\n"))
    log.write_bytes(b"20260202T10:00:00Z new\n")
    assert list(lines_since(log, "")) == [b"2026-01-01T00:00:00Z old\n", b"  more of it\n", b"20260202T10:00:00Z new\n"]
    answer = await fetch(house, "GET", "/audit_log?since=2026-01-15T00:00:00Z")
    assert answer.body == b"20260202T10:00:00Z new\n"
    assert (await fetch(house, "GET", "/audit_log?since=yesterday")).status == 400
