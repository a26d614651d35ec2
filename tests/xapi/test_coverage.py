"""Every message answers, or is listed with the reason why not; and the page that says so is up to date."""

from pathlib import Path

from xapi import loading
from xapi.coverage import coverage_page, missing
from xapi.not_there_yet import NOT_THERE_YET

PAGE = Path(__file__).parents[2] / "docs/api-coverage.md"

loading.load()


def test_what_is_missing_is_listed() -> None:
    assert sorted(set(missing()) - NOT_THERE_YET.keys()) == []


def test_what_is_listed_is_missing() -> None:
    assert sorted(NOT_THERE_YET.keys() - set(missing())) == [], "take these out of xapi/not_there_yet.py"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == coverage_page(), "run make docs"
