"""Names and numbers of disks."""

import pytest

from idl.rpc import RpcError
from idl.xenops import Vbd
from xenopsd import devices


@pytest.mark.parametrize(("position", "letters"), [(0, "a"), (3, "d"), (25, "z"), (26, "aa"), (51, "az"), (702, "aaa")])
def test_letters_and_back(position: int, letters: str) -> None:
    assert devices.letters(position) == letters
    assert devices.position_of(f"xvd{letters}") == position


@pytest.mark.parametrize(("name", "position"), [("hdb", 1), ("sda", 0), ("7", 7), ("xvda1", None), ("autodetect", None)])
def test_names_clients_use(name: str, position: int | None) -> None:
    assert devices.position_of(name) == position


def test_the_position_wins_over_the_name() -> None:
    assert devices.position(Vbd(id=("vm", "xvda"), position="4")) == 4


def test_neither_says() -> None:
    with pytest.raises(RpcError, match="no position"):
        devices.position(Vbd(id=("vm", "new")))


def test_the_first_free_position_fills_gaps() -> None:
    assert devices.first_free([Vbd(id=("vm", "xvda")), Vbd(id=("vm", "xvdc"))]) == "1"
