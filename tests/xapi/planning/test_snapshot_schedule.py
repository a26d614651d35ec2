"""When snapshot schedules are due, and which make sense."""

from datetime import datetime

import pytest

from xapi.errors import XenAPIError
from xapi.planning.snapshot_schedule import complete, latest_moment

WEDNESDAY = datetime(2024, 5, 1, 10, 20, 5)


@pytest.mark.parametrize(
    ("frequency", "schedule", "expected"),
    [
        ("hourly", {"min": "15"}, "2024-05-01 10:15"),
        ("hourly", {"min": "30"}, "2024-05-01 09:30"),
        ("daily", {"min": "15", "hour": "10"}, "2024-05-01 10:15"),
        ("daily", {"min": "0", "hour": "23"}, "2024-04-30 23:00"),
        ("daily", {}, "2024-05-01 00:00"),
        ("weekly", {"hour": "9", "days": "Wednesday"}, "2024-05-01 09:00"),
        ("weekly", {"hour": "11", "days": "Wednesday"}, "2024-04-24 11:00"),
        ("weekly", {"hour": "11", "days": "friday, Sunday"}, "2024-04-28 11:00"),
        ("weekly", {}, "2024-04-29 00:00"),
    ],
)
def test_the_latest_moment(frequency: str, schedule: dict[str, str], expected: str) -> None:
    assert latest_moment(frequency, schedule, WEDNESDAY) == datetime.fromisoformat(expected)


def test_a_moment_counts_from_its_first_second() -> None:
    sharp = datetime(2024, 5, 1, 10, 15)
    assert latest_moment("hourly", {"min": "15"}, sharp) == sharp


@pytest.mark.parametrize(
    "schedule",
    [{"min": "7"}, {"min": "-15"}, {"min": ""}, {"hour": "24"}, {"hour": "x"}, {"days": "Someday"}, {"days": ""}, {"x": "1"}],
)
def test_settings_that_make_no_sense(schedule: dict[str, str]) -> None:
    with pytest.raises(XenAPIError, match="INVALID_VALUE"):
        complete("weekly", schedule)
