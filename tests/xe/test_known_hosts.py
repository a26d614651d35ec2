"""Trust on first use: what is remembered of servers, and who is asked when it changes."""

from pathlib import Path

import pytest

from xe.errors import ClientError
from xe.known_hosts import KnownHosts


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "known")


def nobody(question: str) -> bool:
    raise AssertionError(f"nobody is to be asked: {question}")


def test_the_first_certificate_is_remembered_privately(path: str) -> None:
    KnownHosts(path, nobody).check("h:443", b"one")
    KnownHosts(path, nobody).check("h:443", b"one")
    assert Path(path).read_text().startswith("h:443 SHA256:")
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in Path(path).parent.iterdir()] == ["known"]


def test_a_person_is_asked_about_a_changed_one(path: str) -> None:
    KnownHosts(path, nobody).check("h:443", b"one")
    KnownHosts(path, nobody).check("other:443", b"two")
    asked: list[str] = []

    def refuse(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(ClientError, match="not accepted"):
        KnownHosts(path, refuse).check("h:443", b"two")
    assert "not the one seen before" in asked[0]
    KnownHosts(path, lambda _: True).check("h:443", b"two")
    KnownHosts(path, nobody).check("h:443", b"two")
    KnownHosts(path, nobody).check("other:443", b"two")


def test_scripts_go_on_and_change_nothing(path: str) -> None:
    KnownHosts(path, None).check("h:443", b"one")
    before = Path(path).read_text()
    KnownHosts(path, None).check("h:443", b"two")
    assert Path(path).read_text() == before


@pytest.mark.parametrize("path", [None, "/proc/nowhere/known", "/dev/null/known"])
def test_a_home_that_cannot_be_written_stops_nothing(path: str | None) -> None:
    KnownHosts(path, nobody).check("h:443", b"one")


def test_a_file_that_is_garbage_is_no_obstacle(path: str) -> None:
    Path(path).write_bytes(b"\xff\xfe nonsense\nthree words here\n\n")
    KnownHosts(path, nobody).check("h:443", b"one")
    assert "h:443 SHA256:" in Path(path).read_text()
