"""Which plugin files are read, and when one is left alone."""

from pathlib import Path

from rrdd.metric import HOST, Kind, Metric, Reading
from rrdd.plugin_protocol import Protocol, write_v1, write_v2
from rrdd.plugins import Plugins

METRIC = Metric("x", Kind.GAUGE)


def write(path: Path, value: float, *, v1: bool = False) -> None:
    encode = write_v1 if v1 else write_v2
    path.write_bytes(encode([Reading(HOST, METRIC, value, value)], value))


def values(plugins: Plugins) -> list[float]:
    return [reading.value for reading in plugins.poll()]


def test_every_file_is_a_plugin_except_drafts_and_taps(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b.tmp", 2.0), ("tap-7", 3.0)):
        write(tmp_path / name, value)
    plugins = Plugins(tmp_path)
    assert values(plugins) == [1.0]
    assert plugins.registered("a") and not plugins.registered("b.tmp")
    (tmp_path / "a").unlink()
    assert values(plugins) == []
    assert not plugins.registered("a")


def test_v1_is_read_by_who_registered_for_it(tmp_path: Path) -> None:
    plugins = Plugins(tmp_path / "not-there-yet")
    plugins.register("a", Protocol.V1)
    assert values(plugins) == []
    plugins = Plugins(tmp_path)
    plugins.register("a", Protocol.V1)
    write(tmp_path / "a", 1.0, v1=True)
    assert values(plugins) == [1.0]


def test_a_deregistered_plugin_is_not_read_until_its_file_is_made_anew(tmp_path: Path) -> None:
    write(tmp_path / "a", 1.0)
    plugins = Plugins(tmp_path)
    assert values(plugins) == [1.0]
    plugins.deregister("a")
    write(tmp_path / "a", 2.0)
    assert values(plugins) == []
    (tmp_path / "a").unlink()
    assert values(plugins) == []
    write(tmp_path / "a", 3.0)
    assert values(plugins) == [3.0]


def test_failures_are_left_alone_for_2_4_8_cycles_and_success_forgives(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"rubbish")
    plugins = Plugins(tmp_path)
    assert values(plugins) == []
    write(path, 1.0)
    assert [values(plugins) for _ in range(3)] == [[], [], [1.0]]
    # Nothing new, thrice: 2, then 4 cycles of silence.
    assert values(plugins) == []
    assert [values(plugins) for _ in range(2)] == [[], []]
    assert values(plugins) == []
    write(path, 2.0)
    assert [values(plugins) for _ in range(5)] == [[], [], [], [], [2.0]]


def test_the_longest_silence_is_256_cycles(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"rubbish")
    plugins = Plugins(tmp_path)
    for _ in range(2000):
        plugins.poll()
    write(tmp_path / "a", 1.0)
    waited = next(cycle for cycle in range(1000) if values(plugins))
    assert waited <= 256
