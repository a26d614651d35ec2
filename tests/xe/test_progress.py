"""The line that shows how far a transfer is."""

import pytest

from xe.progress import ERASE, Meter, line, size


@pytest.mark.parametrize(
    ("moved", "total", "seconds", "expected"),
    [
        (0, 100, 0.0, "  0%  0 B of 100 B  0 B/s  -:-- left"),
        (1024, 4096, 2.0, " 25%  1.0 KiB of 4.0 KiB  512 B/s  0:06 left"),
        (4096, 4096, 2.0, "100%  4.0 KiB of 4.0 KiB  2.0 KiB/s  0:00 left"),
        (5000, 4096, 2.0, "100%  4.9 KiB of 4.0 KiB  2.4 KiB/s  -:-- left"),
        (1 << 20, 1 << 40, 1.0, "  0%  1.0 MiB of 1.0 TiB  1.0 MiB/s  291:16:15 left"),
        (3 << 30, None, 3.0, "3.0 GiB  1.0 GiB/s"),
    ],
)
def test_a_line(moved: int, total: int | None, seconds: float, expected: str) -> None:
    assert line(moved, total, seconds) == expected


def test_sizes_never_run_out_of_units() -> None:
    assert size(5000 * 2**40) == "5000.0 TiB"


def test_short_transfers_show_nothing_and_long_ones_clean_up() -> None:
    now, written = 0.0, list[str]()
    meter = Meter(written.append, clock=lambda: now)
    meter.total = 100
    meter.moved(10)
    now = 0.9
    meter.moved(10)
    assert not written
    now = 1.0
    meter.moved(10)
    now = 1.1
    meter.moved(10)
    now = 1.3
    meter.moved(10)
    meter.finish()
    assert [text.removeprefix(ERASE)[:4] for text in written] == [" 30%", " 50%", ""]


def test_without_a_terminal_nothing_is_shown() -> None:
    meter = Meter(None)
    meter.moved(10**12)
    meter.finish()
