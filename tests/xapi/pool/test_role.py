"""``pool.conf`` in its three forms."""

from pathlib import Path

import pytest

from xapi.pool.role import Broken, Coordinator, Role, Supporter, parse, read, text_of, write


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("master", Coordinator()),
        ("  master\n", Coordinator()),
        ("slave:10.0.0.1", Supporter("10.0.0.1")),
        ("slave:fd00::1\n", Supporter("fd00::1")),
        ("broken", Broken()),
        ("", Broken()),
        ("slave:", Broken()),
        ("Master", Broken()),
        ("something else", Broken()),
    ],
)
def test_what_the_file_says(text: str, role: Role) -> None:
    assert parse(text) == role


@pytest.mark.parametrize("role", [Coordinator(), Supporter("10.0.0.1"), Supporter("fd00::1"), Broken()])
def test_what_is_written_is_read(tmp_path: Path, role: Role) -> None:
    file = tmp_path / "etc" / "pool.conf"
    write(file, role)
    assert read(file) == role
    assert text_of(role) == file.read_text()


def test_a_missing_file_means_broken(tmp_path: Path) -> None:
    assert read(tmp_path / "pool.conf") == Broken()
