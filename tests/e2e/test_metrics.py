"""Metrics are measured, not invented: they are there for host and guest, and follow what the guest does."""

import math
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.embedded_host import Api, EmbeddedHost, NotInTime, eventually
from tests.e2e.guests import Guest, at_shell
from tests.e2e.transfers import get

pytestmark = pytest.mark.guest

STEP = 5
HOST_SOURCES = ("cpu0", "cpu_avg", "memory_total_kib", "memory_free_kib", "loadavg", "pif_eth0_rx", "pif_eth0_tx")
GUEST_SOURCES = ("cpu0", "memory", "vbd_", "vif_0_rx", "vif_0_tx")
BUSY = 0.6
PATIENCE = 90.0


def updates(host: EmbeddedHost, **more: str) -> Any:
    start = str(int(time.time()) - 3 * STEP)
    return get(host, "/rrd_updates", start=start, host="true", cf="AVERAGE", interval=str(STEP), json="true", **more).json()


def newest(host: EmbeddedHost) -> dict[str, float]:
    """Return the newest known value of each source, by its name in the legend without the leading ``AVERAGE:``."""
    answer = updates(host)
    values: dict[str, float] = {}
    for row in sorted(answer["data"], key=lambda row: int(row["t"])):
        for entry, text in zip(answer["meta"]["legend"], row["values"], strict=True):
            value = float(text)
            if not math.isnan(value):
                values[entry.removeprefix("AVERAGE:")] = value
    return values


def guest_sources(values: dict[str, float], guest: Guest) -> dict[str, float]:
    prefix = f"vm:{guest.uuid}:"
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def host_sources(values: dict[str, float], uuid: str) -> dict[str, float]:
    prefix = f"host:{uuid}:"
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def machine_memory_kib() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemTotal"))


def test_the_legend_names_the_hosts_and_the_guests_sources(api: Api, host: EmbeddedHost, demo: Guest) -> None:
    [this] = api.xenapi.host.get_all()
    uuid = api.xenapi.host.get_uuid(this)

    def missing() -> list[str]:
        values = newest(host)
        mine, its = host_sources(values, uuid), guest_sources(values, demo)
        lacks = [name for name in HOST_SOURCES if name not in mine]
        return lacks + [name for name in GUEST_SOURCES if not any(found.startswith(name) for found in its)]

    try:
        eventually("every source has a value", lambda: not missing(), PATIENCE)
    except NotInTime:
        assert not missing()
    answer = updates(host)
    # In the original's JSON every number is a string.
    assert answer["meta"]["step"] == str(STEP)
    assert answer["meta"]["columns"] == str(len(answer["meta"]["legend"]))


def test_the_hosts_memory_is_the_kernels(api: Api, host: EmbeddedHost) -> None:
    [this] = api.xenapi.host.get_all()
    uuid = api.xenapi.host.get_uuid(this)
    values = eventually("host memory", lambda: host_sources(newest(host), uuid).get("memory_total_kib"), PATIENCE)
    assert values == pytest.approx(machine_memory_kib(), rel=0.02)


def test_a_busy_guest_shows_more_cpu_than_an_idle_one(host: EmbeddedHost, api: Api, demo: Guest) -> None:
    def cpu() -> float:
        return guest_sources(newest(host), demo).get("cpu0", math.nan)

    with at_shell(api, demo) as line:
        idle = eventually("an idle guest's CPU is low", lambda: value if (value := cpu()) < BUSY / 2 else None, PATIENCE)
        line.run("(while :; do :; done) & echo $! >/run/busy")
        try:
            busy = eventually("a busy guest's CPU is high", lambda: value if (value := cpu()) > BUSY else None, PATIENCE)
        finally:
            line.run("kill $(cat /run/busy)")
    print(f"guest CPU: idle {idle:.2f}, busy {busy:.2f}")
    assert idle < busy <= 1.1


def test_what_the_guest_writes_to_its_disk_and_sends_is_counted(host: EmbeddedHost, api: Api, demo: Guest) -> None:
    def rate(name: str) -> float:
        found = guest_sources(newest(host), demo)
        return sum(value for source, value in found.items() if source.startswith(name[:4]) and source.endswith(name[4:]))

    with at_shell(api, demo) as line:
        line.run("(while :; do dd if=/dev/zero of=/data/x bs=64k count=16 conv=fsync 2>/dev/null; done) & echo $! >/run/busy")
        try:
            eventually("disk writes", lambda: rate("vbd__write") > 10_000, PATIENCE)
        finally:
            line.run("kill $(cat /run/busy); rm -f /data/x")
        line.run("(ping -s 1400 -i 0.05 10.77.255.254 >/dev/null 2>&1) & echo $! >/run/busy")
        try:
            eventually("network packets", lambda: rate("vif__tx") > 0, PATIENCE)
        finally:
            line.run("kill $(cat /run/busy); killall ping 2>/dev/null; true")


def test_the_guests_memory_is_what_it_was_given(host: EmbeddedHost, demo: Guest) -> None:
    memory = eventually("guest memory", lambda: guest_sources(newest(host), demo).get("memory"), PATIENCE)
    assert memory == 128 * 1024 * 1024


def test_the_host_metrics_in_xenapi_are_the_kernels_too(api: Api, host: EmbeddedHost) -> None:
    [this] = api.xenapi.host.get_all()
    metrics = api.xenapi.host.get_metrics(this)
    assert api.xenapi.host_metrics.get_live(metrics)
    total = int(api.xenapi.host_metrics.get_memory_total(metrics))
    assert total == pytest.approx(machine_memory_kib() * 1024, rel=0.02)
