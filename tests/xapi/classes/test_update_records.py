"""Repositories, updates of the old kinds, observers, drivers: records with their checks."""

from pathlib import Path

import pytest

from tests.xapi.classes.client import Client


@pytest.fixture
async def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


async def introduce(client: Client, name: str = "base", url: str = "https://updates.example/base", key: str = "") -> object:
    return await client("Repository.introduce", name, "", url, "", True, key)


async def test_a_repository_has_a_name_and_place_of_its_own(client: Client) -> None:
    ref = await introduce(client)
    assert await introduce(client, url="https://updates.example/other") == ["REPOSITORY_ALREADY_EXISTS", ref]
    assert await introduce(client, name="other") == ["REPOSITORY_ALREADY_EXISTS", ref]
    assert await client("Repository.set_gpgkey_path", ref, "KEY-2026") is None
    await client("pool.set_repositories", client.pool, [ref])
    assert await client("Repository.forget", ref) == ["REPOSITORY_IS_IN_USE"]
    await client("pool.remove_repository", client.pool, ref)
    assert await client("Repository.forget", ref) is None


@pytest.mark.parametrize("url", ["", "ftp://a/b", "https://", "https://u:p@h/", "https://h/a b", "https://[::1", "file:///etc"])
async def test_places_that_are_none(client: Client, url: str) -> None:
    assert await introduce(client, url=url) == ["INVALID_BASE_URL", url]


@pytest.mark.parametrize("key", ["../KEY", "/etc/KEY", ".KEY", "a b"])
async def test_keys_that_are_no_file_names(client: Client, key: str) -> None:
    assert await introduce(client, key=key) == ["INVALID_GPGKEY_PATH", key]


async def test_one_bundle_and_other_pools_with_their_certificate(client: Client) -> None:
    bundle = await client("Repository.introduce_bundle", "bundle", "")
    assert await client("Repository.introduce_bundle", "again", "") == ["BUNDLE_REPOSITORY_ALREADY_EXISTS", bundle]
    assert await client("Repository.get_origin", bundle) == "bundle"
    url = "https://192.0.2.1/repository/enabled"
    assert await client("Repository.introduce_remote_pool", "p", "", url, "x") == ["CERTIFICATE_CORRUPT", "certificate"]


async def test_old_updates_go_when_no_host_has_them(client: Client) -> None:
    db = client.db
    update = db.create("pool_update", name_label="old", hosts=[client.host])
    patch = db.create("pool_patch", pool_update=update, pool_applied=True)
    share = db.create("host_patch", pool_patch=patch, host=client.host, applied=True)
    assert await client("pool_update.destroy", update) == ["UPDATE_IS_APPLIED"]
    assert await client("pool_patch.destroy", patch) == ["PATCH_IS_APPLIED"]
    assert await client("host_patch.destroy", share) == ["PATCH_IS_APPLIED"]
    assert await client("pool_patch.clean", patch) is None and await client("pool_update.pool_clean", update) is None
    await client("pool_update.resync_host", client.host)
    assert await client("pool_update.get_hosts", update) == [], "nothing says that it is installed"
    assert await client("pool_update.destroy", update) is None
    assert db.count("pool_patch") == db.count("host_patch") == 0


async def test_what_the_host_says_is_installed_counts(client: Client) -> None:
    update = client.db.create("pool_update", name_label="old")
    client.root.under("/var/update/applied").mkdir(parents=True)
    client.root.under(f"/var/update/applied/{client.db.get('pool_update', update, 'uuid')}").touch()
    await client("pool_update.resync_host", client.host)
    assert await client("pool_update.get_hosts", update) == [client.host]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpoints", ["ftp://x"]), ("components", ["kernel"]), ("attributes", {"Bad Key": "x"}), ("endpoints", [""]),
    ],
)  # fmt: skip
async def test_observers_are_checked(client: Client, field: str, value: object) -> None:
    assert (await client("Observer.create", {field: value}))[0] == "INVALID_VALUE"
    ref = await client("Observer.create", {"name_label": "o", "endpoints": ["bugtool", "https://z.example/api"]})
    assert (await client(f"Observer.set_{field}", ref, value))[0] == "INVALID_VALUE"
    assert await client("Observer.set_enabled", ref, True) == ["NOT_IMPLEMENTED", "Observer.set_enabled"]
    assert await client("Observer.set_components", ref, ["xapi"]) is None and await client("Observer.destroy", ref) is None


async def test_a_drivers_version_is_chosen_if_it_has_hardware(client: Client) -> None:
    driver = client.db.create("Host_driver", host=client.host, name="nic")
    other = client.db.create("Host_driver", host=client.host, name="disk")
    old, new = (client.db.create("Driver_variant", driver=driver, name=n, hardware_present=n == "new") for n in ("old", "new"))
    assert await client("Host_driver.select", driver, old) == ["HOST_DRIVER_NO_HARDWARE", old]
    assert await client("Host_driver.select", other, new) == ["INVALID_VALUE", "variant", new]
    assert await client("Driver_variant.select", new) is None
    assert await client("Host_driver.get_selected_variant", driver) == new
    await client("Host_driver.deselect", driver)
    assert await client("Host_driver.get_selected_variant", driver) == "OpaqueRef:NULL"
    await client("host.rescan_drivers", client.host)
    assert client.db.count("Host_driver") == client.db.count("Driver_variant") == 0


async def test_what_is_left_over_still_answers(client: Client) -> None:
    blob = await client("pool.create_new_blob", client.pool, "b", "", False)
    assert await client("pool.enable_binary_storage") is None and client.db.exists("blob", blob)
    await client("pool.disable_binary_storage")
    assert not client.db.exists("blob", blob)
    assert await client("host.get_uncooperative_domains", client.host) == []
    await client("pool.set_custom_uefi_certificates", client.pool, "!")
    assert (await client("host.write_uefi_certificates_to_disk", client.host))[0] == "INVALID_VALUE"
