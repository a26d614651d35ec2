"""Settings of a host's own system. A host in a folder writes the same files and records, and touches no machine."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.xapi.classes.client import Client
from xapi.classes import host_access, host_crashdump
from xapi.classes.host_boot_options import HIDDEN_FILE, SYSLOG_FILE
from xapi.classes.host_clock import CONFIG
from xapi.datamodel import EPOCH
from xapi.planning import clock_config, dom0_access
from xapi.server.context import wire_date


@pytest.fixture
async def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


# SSH and consoles


async def test_ssh_stays_open_as_long_as_was_said(client: Client) -> None:
    host = client.host
    await client("pool.disable_ssh", client.pool)
    assert await client("host.get_ssh_enabled", host) is False
    await client("host.set_ssh_enabled_timeout", host, 3600)
    assert await client("host.get_ssh_expiry", host) == EPOCH, "it is closed: nothing ends"
    await client("pool.enable_ssh", client.pool)
    left = host_access.seconds_until(await client("host.get_ssh_expiry", host))
    assert await client("host.get_ssh_enabled", host) is True and 3500 < left <= 3600
    await client("pool.set_ssh_enabled_timeout", client.pool, 0)
    assert await client("host.get_ssh_expiry", host) == EPOCH


async def test_ssh_closes_by_itself_also_after_a_restart(client: Client) -> None:
    client.db.set("host", client.host, ssh_enabled=True, ssh_expiry=wire_date(time.time() - 5))
    host_access.watch(client.ctx)
    async with asyncio.timeout(5):
        await asyncio.gather(*client.app.jobs)
    assert await client("host.get_ssh_enabled", client.host) is False


@pytest.mark.parametrize("seconds", [-1, 2 * 86400 + 1])
async def test_ssh_has_a_longest_time(client: Client, seconds: int) -> None:
    refused = ["INVALID_VALUE", "ssh_enabled_timeout", str(seconds)]
    assert await client("host.set_ssh_enabled_timeout", client.host, seconds) == refused
    assert await client("pool.set_ssh_enabled_timeout", client.pool, seconds) == refused


async def test_idle_consoles_log_out(client: Client) -> None:
    file = client.root.under(host_access.IDLE_FILE)
    await client("pool.set_console_idle_timeout", client.pool, 600)
    assert "TMOUT=600" in file.read_text() and await client("host.get_console_idle_timeout", client.host) == 600
    await client("host.set_console_idle_timeout", client.host, 0)
    assert not file.exists()
    assert (await client("host.set_console_idle_timeout", client.host, -1))[0] == "INVALID_VALUE"


# The clock


async def test_where_the_clock_is_set_from(client: Client) -> None:
    host, config = client.host, client.root.under(CONFIG)
    assert (await client("host.set_ntp_mode", host, "Custom"))[0] == "INVALID_NTP_CONFIG"
    await client("host.set_ntp_custom_servers", host, ["ntp.example", "192.0.2.5", "ntp.example"])
    await client("host.set_ntp_mode", host, "Custom")
    assert [line for line in config.read_text().splitlines() if line.startswith("server")] == [
        "server ntp.example iburst", "server 192.0.2.5 iburst",
    ]  # fmt: skip
    assert (await client("host.set_ntp_custom_servers", host, []))[0] == "INVALID_NTP_CONFIG"
    await client("host.set_ntp_mode", host, "DHCP")
    assert "chrony-dhcp" in config.read_text() and await client("host.set_ntp_custom_servers", host, []) is None
    assert await client("host.get_ntp_mode", host) == "DHCP"


@pytest.mark.parametrize("server", ["", "a b", "-x", "a\nserver evil", "x" * 300])
def test_names_that_are_no_servers(server: str) -> None:
    with pytest.raises(Exception, match="INVALID_NTP_CONFIG"):
        clock_config.check_servers([server])


async def test_the_clock_is_set_by_hand_only_if_nobody_else_sets_it(client: Client) -> None:
    host, moment = client.host, "20260101T00:00:00Z"
    assert await client("host.set_servertime", host, moment) == ["NOT_ALLOWED_WHEN_NTP_IS_ENABLED", host]
    await client("host.set_ntp_mode", host, "Disabled")
    assert (await client("host.set_servertime", host, moment))[0] == "OPERATION_NOT_ALLOWED", "it is the machine's clock"


# Boot options, logs, PCI devices


async def test_how_deep_processors_sleep(client: Client) -> None:
    file = client.root.under("/etc/default/grub.d/xapi-max-cstate.cfg")
    await client("host.set_max_cstate", client.host, "1,2")
    assert "max_cstate=1,2" in file.read_text() and await client("host.get_max_cstate", client.host) == "1,2"
    await client("host.set_max_cstate", client.host, "")
    assert not file.exists()
    for bad in ("x", "1,", "1;reboot", "-1"):
        assert await client("host.set_max_cstate", client.host, bad) == ["INVALID_VALUE", "max_cstate", bad]


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("enabled", False, "disable_on_reboot"),
        ("disable_on_reboot", True, "enabled"),
        ("disabled", True, "enable_on_reboot"),
        ("enable_on_reboot", False, "disabled"),
        ("enabled", True, "enabled"),
    ],
)
def test_a_screen_changes_at_the_next_boot(before: str, wanted: bool, after: str) -> None:
    assert dom0_access.after_toggle(before, wanted=wanted) == after


async def test_a_screen_is_a_boot_option(client: Client) -> None:
    assert await client("host.disable_display", client.host) == "disable_on_reboot"
    assert client.root.under("/etc/default/grub.d/xapi-display.cfg").exists()
    assert await client("host.enable_display", client.host) == "enabled"
    assert await client("host.get_display", client.host) == "enabled"


async def test_logs_go_elsewhere_too(client: Client) -> None:
    client.db.set("host", client.host, logging={"syslog_destination": "logs.example:514"})
    await client("host.syslog_reconfigure", client.host)
    assert client.root.under(SYSLOG_FILE).read_text() == "*.* @logs.example:514\n"
    client.db.set("host", client.host, logging={"syslog_destination": "x\n*.* |/bin/sh"})
    assert (await client("host.syslog_reconfigure", client.host))[0] == "INVALID_VALUE"
    client.db.set("host", client.host, logging={})
    await client("host.syslog_reconfigure", client.host)
    assert not client.root.under(SYSLOG_FILE).exists()


async def test_dom0_keeps_its_hands_off_from_the_next_boot_on(client: Client) -> None:
    first, second = (client.db.create("PCI", host=client.host, pci_id=f"0000:0{n}:00.0") for n in (1, 2))
    pgpu = client.db.create("PGPU", PCI=second, host=client.host)
    assert await client("PCI.disable_dom0_access", first) == "disable_on_reboot"
    assert await client("PGPU.disable_dom0_access", pgpu) == "disable_on_reboot"
    file = client.root.under(HIDDEN_FILE)
    assert file.read_text() == "options xen-pciback hide=(0000:01:00.0)(0000:02:00.0)\n"
    client.root.under("/sys/bus/pci/drivers/pciback/0000:01:00.0").mkdir(parents=True)
    assert await client("PCI.get_dom0_access_status", first) == "disabled"
    assert await client("PCI.enable_dom0_access", first) == "enable_on_reboot"
    assert await client("PGPU.enable_dom0_access", pgpu) == "enabled" and not file.exists()


async def test_debug_keys_need_a_hypervisor(client: Client) -> None:
    assert (await client("host.send_debug_keys", client.host, "h"))[0] == "OPERATION_NOT_ALLOWED"
    assert (await client("host.send_debug_keys", client.host, ""))[0] == "INVALID_VALUE"


# Crash dumps


async def test_crash_dumps_are_found_and_deleted(client: Client) -> None:
    dump = client.root.under("/var/crash/20260203-040506-UTC")
    dump.mkdir(parents=True)
    (dump / "xen.log").write_text("x" * 100)
    client.root.under("/var/crash/other").mkdir()
    await host_crashdump.sync(client.ctx)
    await host_crashdump.sync(client.ctx)
    (ref,) = await client("host.get_crashdumps", client.host)
    record = await client("host_crashdump.get_record", ref)
    assert (record["size"], record["timestamp"]) == (100, "20260203T04:05:06Z")
    assert await client("host_crashdump.upload", ref, "file:///etc/passwd", {}) == ["INVALID_VALUE", "url", "file:///etc/passwd"]
    assert await client("host_crashdump.destroy", ref) is None
    assert not dump.exists() and client.root.under("/var/crash/other").exists()
    client.db.create("host_crashdump", host=client.host, filename="20260203-040506/../../etc")
    (odd,) = client.db.refs("host_crashdump")
    assert (await client("host_crashdump.destroy", odd))[0] == "INTERNAL_ERROR"
