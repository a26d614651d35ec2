"""Messages of hosts and the pool, called as a client's session would call them."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.fixture import HOST_UUID, make
from xapi import dbsync
from xapi.classes import certificate
from xapi.classes.command import checked
from xapi.classes.host_settings import hostname_problem, initiator_name, timezone
from xapi.classes.management import write_inventory
from xapi.database.schema import NULL_REF
from xapi.errors import XenAPIError
from xapi.server.context import App, Context, Origin, internal_context, wire_date
from xapi.server.dispatch import call_as


@pytest.fixture
async def app(tmp_path: Path) -> App:
    return make(tmp_path)


@pytest.fixture
def ctx(app: App) -> Context:
    ctx = internal_context(app, "test")
    ctx.session = app.sessions.create(Origin(local_root=True), superuser=True)
    return ctx


@pytest.fixture
def host(app: App) -> str:
    return app.localhost


@pytest.fixture
def pool(app: App) -> str:
    return app.db.refs("pool")[0]


async def refusal(ctx: Context, name: str, *params: Any) -> list[str]:
    """Return the ErrorDescription of a call that is refused."""
    with pytest.raises(XenAPIError) as caught:
        await call_as(ctx, name, *params)
    return caught.value.description


def guest(ctx: Context, host: str) -> str:
    return ctx.db.create("VM", name_label="guest", power_state="Running", resident_on=host)


# Power


async def test_a_host_leaves_only_disabled_and_empty(ctx: Context, host: str) -> None:
    assert await refusal(ctx, "host.shutdown", host) == ["HOST_NOT_DISABLED"]
    await call_as(ctx, "host.disable", host)
    vm = guest(ctx, host)
    assert await refusal(ctx, "host.reboot", host) == ["HOST_HAS_RESIDENT_VMS", host]
    ctx.db.destroy("VM", vm)
    assert (await refusal(ctx, "host.reboot", host))[0] == "OPERATION_NOT_ALLOWED", "this machine is not ours"


async def test_guests_have_nowhere_to_go_on_a_lone_host(ctx: Context, host: str) -> None:
    await call_as(ctx, "host.assert_can_evacuate", host)
    await call_as(ctx, "host.evacuate", host)
    vm = guest(ctx, host)
    assert await call_as(ctx, "host.get_vms_which_prevent_evacuation", host) == {vm: ["NO_HOSTS_AVAILABLE", vm]}
    assert await refusal(ctx, "host.assert_can_evacuate", host) == ["CANNOT_EVACUATE_HOST", f"NO_HOSTS_AVAILABLE,{vm}"]
    assert await refusal(ctx, "host.evacuate", host) == ["CANNOT_EVACUATE_HOST", f"NO_HOSTS_AVAILABLE,{vm}"]


async def test_a_live_host_is_neither_dead_nor_off(ctx: Context, host: str) -> None:
    assert await refusal(ctx, "host.declare_dead", host) == ["HOST_IS_LIVE", host]
    assert await refusal(ctx, "host.power_on", host) == ["HOST_IS_LIVE", host]
    assert await refusal(ctx, "host.destroy", host) == ["HOST_CANNOT_DESTROY_SELF", host]


async def test_a_dead_host_is_declared_dead_and_forgotten(ctx: Context) -> None:
    metrics = ctx.db.create("host_metrics", live=False)
    dead = ctx.db.create("host", name_label="dead", metrics=metrics)
    vm, pif = guest(ctx, dead), ctx.db.create("PIF", host=dead)
    assert await refusal(ctx, "host.power_on", dead) == ["HOST_POWER_ON_MODE_DISABLED"]
    assert await refusal(ctx, "host.destroy", dead) == ["HOST_HAS_RESIDENT_VMS", dead]
    await call_as(ctx, "host.declare_dead", dead)
    assert ctx.db.get("VM", vm, "power_state") == "Halted"
    ctx.db.set("VM", vm, resident_on=NULL_REF)
    await call_as(ctx, "host.destroy", dead)
    assert not any(ctx.db.exists(cls, ref) for cls, ref in (("host", dead), ("PIF", pif), ("host_metrics", metrics)))


# Settings


@pytest.mark.parametrize(
    ("name", "valid"),
    [("xen1", True), ("xen1.example.org", True), ("", False), ("-x", False), ("a_b", False), ("x" * 65, False), ("a..b", False)],
)
def test_host_names(name: str, valid: bool) -> None:
    assert (hostname_problem(name) is None) is valid


async def test_the_iscsi_name_goes_where_the_initiator_reads_it(ctx: Context, host: str) -> None:
    assert await refusal(ctx, "host.set_iscsi_iqn", host, "mine") == ["INVALID_VALUE", "value", "mine"]
    await call_as(ctx, "host.set_iscsi_iqn", host, "iqn.2026-01.example:host1")
    assert initiator_name(ctx.app.root.under("/etc/iscsi/initiatorname.iscsi")) == "iqn.2026-01.example:host1"
    dbsync.know_this_host(ctx)
    assert ctx.db.get("host", host, "iscsi_iqn") == "iqn.2026-01.example:host1", "and is found there after a restart"


async def test_multipathing_changes_while_disabled(ctx: Context, host: str) -> None:
    assert await refusal(ctx, "host.set_multipathing", host, True) == ["HOST_NOT_DISABLED"]
    await call_as(ctx, "host.disable", host)
    await call_as(ctx, "host.set_multipathing", host, True)
    assert ctx.db.get("host", host, "multipathing")


async def test_timezones(ctx: Context, host: str) -> None:
    assert "Europe/Berlin" in await call_as(ctx, "host.list_timezones", host)
    assert await refusal(ctx, "host.set_timezone", host, "Mars/Base") == ["INVALID_VALUE", "timezone", "Mars/Base"]
    await call_as(ctx, "host.set_timezone", host, "Europe/Berlin")
    assert timezone(ctx.app.root.under("/etc/localtime")) == "Europe/Berlin" == ctx.db.get("host", host, "timezone")


async def test_everything_is_free(ctx: Context, host: str, pool: str) -> None:
    await call_as(ctx, "host.apply_edition", host, "free")
    assert await refusal(ctx, "host.apply_edition", host, "platinum") == ["INVALID_EDITION", "platinum"]
    assert await refusal(ctx, "pool.apply_edition", pool, "platinum") == ["INVALID_EDITION", "platinum"]
    assert await refusal(ctx, "host.license_add", host, "x") == ["LICENSE_FILE_DEPRECATED"]
    assert await refusal(ctx, "host.set_ssl_legacy", host, True) == [
        "VALUE_NOT_SUPPORTED", "value", "true", "Legacy SSL support has been removed",
    ]  # fmt: skip


async def test_a_host_tells_of_itself(ctx: Context, host: str) -> None:
    assert "internal error" not in await call_as(ctx, "host.get_thread_diagnostics", host)
    assert (await call_as(ctx, "Diagnostics.db_stats"))["host"] == "1"
    assert "generation2_collections" in await call_as(ctx, "Diagnostics.gc_stats", host)
    assert (await call_as(ctx, "host.get_system_status_capabilities", host)).startswith("<?xml")
    log = ctx.app.root.under("/var/log/xensource.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("x" * 300_000 + "the end")
    assert (await call_as(ctx, "host.get_log", host)).endswith("the end")


async def test_blobs_hang_on_hosts_and_pools(ctx: Context, host: str, pool: str) -> None:
    for cls, ref in (("host", host), ("pool", pool)):
        blob = await call_as(ctx, f"{cls}.create_new_blob", ref, "picture", "image/png", True)
        assert ctx.db.get(cls, ref, "blobs") == {"picture": blob}


async def test_without_a_directory_nobody_can_be_asked(ctx: Context) -> None:
    assert await refusal(ctx, "auth.get_subject_identifier", "ann") == ["AUTH_IS_DISABLED"]


# The pool


async def test_the_proxy_of_repositories_keeps_its_password_secret(ctx: Context, pool: str) -> None:
    assert await refusal(ctx, "pool.configure_repository_proxy", pool, "ftp://x", "", "") == [
        "INVALID_REPOSITORY_PROXY_URL", "ftp://x",
    ]  # fmt: skip
    assert await refusal(ctx, "pool.configure_repository_proxy", pool, "http://p:3128", "ann", "") == [
        "INVALID_REPOSITORY_PROXY_CREDENTIAL"
    ]
    await call_as(ctx, "pool.configure_repository_proxy", pool, "http://p:3128", "ann", "hunter2")
    await call_as(ctx, "pool.configure_repository_proxy", pool, "http://p:3128", "ann", "hunter3")
    assert ctx.db.get("secret", ctx.db.get("pool", pool, "repository_proxy_password"), "value") == "hunter3"
    assert ctx.db.count("secret") == 1
    await call_as(ctx, "pool.disable_repository_proxy", pool)
    assert ctx.db.count("secret") == 0 and ctx.db.get("pool", pool, "repository_proxy_url") == ""


async def test_when_updates_are_looked_for(ctx: Context, pool: str) -> None:
    assert await refusal(ctx, "pool.configure_update_sync", pool, "daily", 3) == ["INVALID_UPDATE_SYNC_DAY", "3"]
    await call_as(ctx, "pool.configure_update_sync", pool, "weekly", 6)
    assert await refusal(ctx, "pool.set_update_sync_enabled", pool, True) == ["NO_REPOSITORIES_CONFIGURED"]
    repository = ctx.db.create("Repository", name_label="base")
    await call_as(ctx, "pool.set_repositories", pool, [repository])
    await call_as(ctx, "pool.set_update_sync_enabled", pool, True)
    assert ctx.db.get("pool", pool, "update_sync_enabled")


async def test_limits_of_logging_in(ctx: Context, pool: str) -> None:
    await call_as(ctx, "pool.set_local_auth_max_threads", pool, 4)
    assert (await refusal(ctx, "pool.set_ext_auth_max_threads", pool, 0))[0] == "VALUE_NOT_SUPPORTED"
    assert ctx.db.get("pool", pool, "local_auth_max_threads") == 4


async def test_telemetry(ctx: Context, pool: str) -> None:
    await call_as(ctx, "pool.reset_telemetry_uuid", pool)
    await call_as(ctx, "pool.reset_telemetry_uuid", pool)
    assert ctx.db.count("secret") == 1
    late = wire_date(time.time() + 400 * 86400)
    assert (await refusal(ctx, "pool.set_telemetry_next_collection", pool, late))[0] == "TELEMETRY_NEXT_COLLECTION_TOO_LATE"


async def test_secure_boot_needs_certificates(ctx: Context, pool: str) -> None:
    assert await call_as(ctx, "pool.get_guest_secureboot_readiness", pool) == "not_ready"
    await call_as(ctx, "pool.set_custom_uefi_certificates", pool, "certificates")
    assert await call_as(ctx, "pool.get_guest_secureboot_readiness", pool) == "ready"


async def test_alerts_are_dropped_by_filter(ctx: Context, pool: str) -> None:
    uuid = ctx.db.get("pool", pool, "uuid")
    for name, priority in (("A", 1), ("B", 3)):
        await call_as(ctx, "message.create", name, priority, "Pool", uuid, "")
    assert await refusal(ctx, "message.destroy_all", {"colour": "red"}) == ["INVALID_VALUE", "filters", "colour"]
    await call_as(ctx, "message.destroy_all", {"priority": "3", "cls": "pool"})
    assert [row.values["name"] for row in ctx.db.rows("message")] == ["A"]


# Extensions


EXTENSION = """#!/usr/bin/env python3
import sys, xmlrpc.client
params, name = xmlrpc.client.loads(sys.stdin.read())"""


def extension(app: App, name: str, body: str) -> None:
    path = app.root.under("/etc/xapi.d/extensions") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{EXTENSION}\n{body}")
    path.chmod(0o755)


ANSWER = "print(xmlrpc.client.dumps(({!r},), methodresponse=True))"


async def test_an_extension_answers(ctx: Context, host: str, pool: str) -> None:
    extension(ctx.app, "Lab.echo", ANSWER.replace("{!r}", "{'Status': 'Success', 'Value': params[1]}"))
    extension(ctx.app, "Lab.refuse", ANSWER.format({"Status": "Failure", "ErrorDescription": ["NO", "way"]}))
    extension(ctx.app, "Lab.broken", "print('?')")
    assert await call_as(ctx, "host.has_extension", host, "Lab.echo")
    assert not await call_as(ctx, "pool.has_extension", pool, "../Lab.echo")

    def ask(name: str) -> str:
        return json.dumps({"method": name, "params": ["session", "hello"]})

    assert await call_as(ctx, "host.call_extension", host, ask("Lab.echo")) == "hello"
    assert await refusal(ctx, "host.call_extension", host, ask("Lab.refuse")) == ["NO", "way"]
    assert (await refusal(ctx, "host.call_extension", host, ask("Lab.broken")))[0] == "EXTENSION_PROTOCOL_FAILURE"
    assert await refusal(ctx, "host.call_extension", host, ask("Lab.none")) == ["MESSAGE_METHOD_UNKNOWN", "Lab.none"]
    assert (await refusal(ctx, "host.call_extension", host, "{"))[0] == "INVALID_VALUE"


# Certificates and the inventory


async def test_the_servers_certificate_has_a_record(ctx: Context, host: str) -> None:
    path = ctx.app.root.under("/etc/xensource/xapi-ssl.pem")
    request = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=lab")
    made = await checked("openssl", "req", *request, "-keyout", str(path), timeout=30)
    path.write_text(path.read_text() + made)
    text = await call_as(ctx, "host.get_server_certificate", host)
    assert text.startswith("-----BEGIN CERTIFICATE") and "PRIVATE" not in text
    await certificate.sync(ctx)
    await certificate.sync(ctx)
    (record,) = [row.values for row in ctx.db.rows("Certificate")]
    assert record["host"] == host and len(record["fingerprint_sha256"]) == 32 * 3 - 1 and len(record["fingerprint_sha1"]) == 59
    assert record["not_before"] < wire_date(time.time() + 5) < record["not_after"]
    path.unlink()
    await certificate.sync(ctx)
    assert ctx.db.count("Certificate") == 0


def test_the_inventory_keeps_its_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "inventory"
    path.write_text("# mine\nA='1'\nMANAGEMENT_INTERFACE='old'\n")
    write_inventory(path, MANAGEMENT_INTERFACE="xenbr0")
    assert path.read_text() == "# mine\nA='1'\nMANAGEMENT_INTERFACE='xenbr0'\n"


async def test_a_host_knows_since_when_it_runs(ctx: Context, host: str) -> None:
    other = ctx.db.get("host", host, "other_config")
    assert 0 < float(other["boot_time"]) <= float(other["agent_start_time"]) <= time.time()
    ctx.db.put_in_map("host", host, "other_config", mine="yes")
    dbsync.know_this_host(ctx)
    assert ctx.db.get("host", host, "other_config")["mine"] == "yes" and ctx.db.get("host", host, "uuid") == HOST_UUID


# Networks and root's password


async def test_the_internal_network_stays(ctx: Context) -> None:
    network = ctx.db.create("network", bridge="xenapi", other_config={"is_host_internal_management_network": "true"})
    assert await refusal(ctx, "network.destroy", network) == ["CANNOT_DESTROY_SYSTEM_NETWORK", network]


async def test_disks_are_exported_encrypted_or_not(ctx: Context) -> None:
    first, second = (ctx.db.create("network", bridge=f"xapi{number}") for number in range(2))
    await call_as(ctx, "network.add_purpose", first, "nbd")
    assert await refusal(ctx, "network.add_purpose", second, "insecure_nbd") == [
        "NETWORK_INCOMPATIBLE_PURPOSES", "insecure_nbd", "nbd",
    ]  # fmt: skip


async def test_roots_password_changes(ctx: Context) -> None:
    assert (await refusal(ctx, "session.change_password", "", "two\nlines"))[0] == "CHANGE_PASSWORD_REJECTED"
    await call_as(ctx, "session.change_password", "", "fresh")
    assert await call_as(ctx, "session.login_with_password", "root", "fresh", "", "")
