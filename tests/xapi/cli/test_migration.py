"""``vm-migrate`` with storage: what is asked of the other pool, and what is sent."""

from pathlib import Path

import pytest

from tests.xapi import fixture
from tests.xapi.cli.conftest import House
from tests.xapi.cli.fake_api import FakeApi, Said, ScriptedClient
from xapi.cli.api import Objects
from xapi.cli.arguments import parse
from xapi.cli.command import Context
from xapi.cli.commands import migration
from xapi.cli.failures import CommandFailure
from xapi.cli.records.model import Subject


def here() -> FakeApi:
    return FakeApi(
        VM={"vm": {"uuid": "v", "VBDs": ["b1", "b2", "b3"]}},
        VBD={
            "b1": {"VDI": "d1", "type": "Disk"},
            "b2": {"VDI": "d2", "type": "Disk"},
            "b3": {"VDI": "cd", "type": "CD"},
        },
        VDI={"d1": {"uuid": "disk1"}, "d2": {"uuid": "disk2"}},
        VIF={"n1": {"uuid": "card"}},
    )


def there() -> FakeApi:
    api = FakeApi(
        host={"h": {"uuid": "hu", "hostname": "far", "name_label": "far away"}},
        network={"net": {"uuid": "nu", "name_label": "wire"}},
        PIF={"p": {"host": "h", "network": "net", "management": True}},
        SR={
            "small": {"uuid": "s1", "physical_size": 100},
            "large": {"uuid": "s2", "physical_size": 900},
            "full": {"uuid": "s3", "physical_size": 50, "physical_utilisation": 49, "shared": True},
            "iso": {"uuid": "s4", "physical_size": 10_000, "content_type": "iso"},
        },
        PBD={f"pbd-{sr}": {"host": "h", "SR": sr, "currently_attached": True} for sr in ("small", "large", "iso")},
    )
    api.answers["host.migrate_receive"] = {"token": "t"}
    return api


async def send(api: FakeApi, pool: FakeApi, *lines: str) -> Said:
    said = Said()
    ctx = Context(parse(["vm-migrate", *lines]), api, said.printer, ScriptedClient(), Objects(api), "s")
    objects = Objects(pool)
    sr = await migration._roomiest(objects, "h")
    to = migration.Destination("https://far", objects, "h", "net", sr)
    await migration._send(ctx, Subject(ctx.objects, "VM", "vm", api.objects["VM"]["vm"]), to)
    return said


async def test_disks_go_where_the_user_says_and_the_others_to_the_roomiest_sr() -> None:
    api, pool = here(), there()
    said = await send(api, pool, "vdi:disk1=s1", "vif:card=nu", "live=true", "image-format:disk1=vhd")
    options = {"force": "false", "live": "true", "copy": "false"}
    assert api.calls == [
        ("VM.migrate_send", "vm", {"token": "t"}, True, {"d1": "small", "d2": "large"}, {"n1": "net"}, options, {}, {"d1": "vhd"})
    ]
    assert pool.calls == [("host.migrate_receive", "h", "net", {})]
    assert said.out == "VM v goes to https://far with 2 disks\nVDI disk1 -> SR s1\nVDI disk2 -> SR s2\n"


async def test_a_shared_sr_comes_before_a_roomier_local_one() -> None:
    pool = there()
    pool.objects["PBD"]["pbd-full"] = pool.objects["PBD"]["pbd-small"] | {"SR": "full"}
    assert await migration._roomiest(Objects(pool), "h") == "full"


async def test_without_an_sr_for_a_disk_nothing_is_begun() -> None:
    api, pool = here(), there()
    pool.objects["PBD"].clear()
    with pytest.raises(CommandFailure, match="no SR for the disks"):
        await send(api, pool)
    assert not api.calls and not pool.calls


async def test_the_other_pool_is_asked_over_the_network(house: House, tmp_path: Path) -> None:
    house.app.db.create("VM", uuid="u1", power_state="Running")
    far = fixture.make(tmp_path / "far")
    far.db.create("PIF", host=far.localhost, management=True, network=far.db.create("network", name_label="lan"))
    async with fixture.serving(far) as port:
        remote = [f"remote-master=http://127.0.0.1:{port}", "remote-username=root"]
        done = await house.xe("vm-migrate", "uuid=u1", *remote, f"remote-password={fixture.PASSWORD}")
        assert done.code == 1 and done.text.endswith("function: host.migrate_receive\n"), done.text
        refused = await house.xe("vm-migrate", "uuid=u1", *remote, "remote-password=guess")
        assert refused.code == 1 and "The user name or the password is wrong." in refused.text, refused.text
        assert not far.db.refs("session")
    gone = await house.xe("vm-migrate", "uuid=u1", *remote, "remote-password=x")
    assert gone.code == 1 and gone.text.startswith("Cannot forward messages because the server cannot be contacted."), gone.text
    missing = await house.xe("vm-migrate", "uuid=u1", "vdi:a=b")
    assert missing.text.startswith("Required parameter not found: remote-master\n")
