"""Disks by number and by name."""

import pytest

from xapi.planning.device_names import free_disk_positions, is_valid, name_of, position_of


@pytest.mark.parametrize(
    ("text", "position"), [("0", 0), ("xvda", 0), ("hdc", 2), ("sdb", 1), ("25", 25), ("xvdz", 25), ("xvdaa", 26), ("xvdab", 27)]
)
def test_a_disk_is_meant_by_number_or_name(text: str, position: int) -> None:
    assert position_of(text) == position and is_valid(text)
    assert position_of(name_of(position)) == position


@pytest.mark.parametrize("text", ["", "-1", "255", "xvda1", "abc", "xvd", "٣"])
def test_what_is_no_disk(text: str) -> None:
    assert position_of(text) is None and not is_valid(text)


def test_the_cd_place_of_virtualised_guests_is_offered_last() -> None:
    assert free_disk_positions({0, 1}, hvm=True)[:2] == [2, 4]
    assert free_disk_positions({0, 1}, hvm=True)[-1] == 3
    assert free_disk_positions({0, 1}, hvm=False)[:2] == [2, 3]
