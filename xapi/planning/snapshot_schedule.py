"""When a snapshot schedule is due, and which schedules make sense. Pure: times are handed in, in the host's time zone."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from xapi.errors import XenAPIError, invalid_value, value_not_supported

MOST_RETAINED: Final = 10
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "hourly": ("min",),
    "daily": ("min", "hour"),
    "weekly": ("min", "hour", "days"),
}
_DEFAULTS: Final[Mapping[str, str]] = {"min": "0", "hour": "0", "days": "Monday"}


def _is_number_in(values: range) -> Callable[[str], bool]:
    return lambda text: text.isascii() and text.isdigit() and int(text) in values


def _are_days(text: str) -> bool:
    return all(day.strip().lower() in DAYS for day in text.split(","))


_VALID: Final[Mapping[str, Callable[[str], bool]]] = {
    "min": _is_number_in(range(0, 60, 15)),
    "hour": _is_number_in(range(24)),
    "days": _are_days,
}


def check_retained(count: int) -> None:
    """:raises XenAPIError: INVALID_VALUE."""
    if not 1 <= count <= MOST_RETAINED:
        raise invalid_value("retained_snapshots", count)


def check_type(kind: str) -> None:
    """:raises XenAPIError: VALUE_NOT_SUPPORTED for snapshots that need help inside of the guest."""
    if kind == "snapshot_with_quiesce":
        raise value_not_supported("type", kind, "quiesced snapshots are not offered")


def wrong_key(key: str, value: str) -> XenAPIError | None:
    """Return what is wrong with one setting of a schedule."""
    if key not in _VALID:
        return invalid_value("schedule", key)
    return None if _VALID[key](value) else invalid_value(key, value)


def complete(frequency: str, schedule: Mapping[str, str]) -> dict[str, str]:
    """Return *schedule* with just the settings that *frequency* needs, defaults filled in.

    :raises XenAPIError: INVALID_VALUE.
    """
    for key, value in schedule.items():
        reason = wrong_key(key, value)
        if reason is not None:
            raise reason
    return {key: schedule.get(key, _DEFAULTS[key]) for key in _KEYS[frequency]}


def latest_moment(frequency: str, schedule: Mapping[str, str], now: datetime) -> datetime:
    """Return the last time, up to *now*, at which the schedule asked for a snapshot."""
    settings = complete(frequency, schedule)
    moment = now.replace(minute=int(settings["min"]), second=0, microsecond=0)
    if frequency == "hourly":
        return moment if moment <= now else moment - timedelta(hours=1)
    moment = moment.replace(hour=int(settings["hour"]))
    wanted = {day.strip().lower() for day in settings.get("days", ",".join(DAYS)).split(",")}
    while moment > now or DAYS[moment.weekday()] not in wanted:
        moment -= timedelta(days=1)
    return moment
