"""Sentences of error codes: complete, and literal where scripts compare them."""

import pytest

from xapi.datamodel.error_texts import ERROR_TEXTS
from xapi.datamodel.errors import ERRORS


def test_every_declared_code_has_a_sentence_and_every_sentence_a_code() -> None:
    assert set(ERROR_TEXTS) == {code for code, params in ERRORS.items() if params is not None}


def test_sentences_are_one_line() -> None:
    assert [code for code, text in ERROR_TEXTS.items() if not text or "\n" in text or text != text.strip()] == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DEVICE_ALREADY_DETACHED", "The device is not currently attached"),
        ("OPERATION_NOT_ALLOWED", "You attempted an operation that was not allowed."),
        ("FAILED_TO_START_EMULATOR", "An emulator required to run this VM failed to start"),
        ("HOST_OFFLINE", "You attempted an operation which involves a host which could not be contacted."),
    ],
)
def test_sentences_that_scripts_compare(code: str, text: str) -> None:
    assert ERROR_TEXTS[code] == text


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("PIF_NOT_PRESENT", "This host has no PIF on the given network"),
        ("INTERFACE_HAS_NO_IP", "The specified interface cannot be used because it has no IP address"),
        ("REQUIRED_PIF_IS_UNPLUGGED", "because the specified PIF is currently unplugged"),
        ("CANNOT_CONTACT_HOST", "Cannot forward messages because the server cannot be contacted."),
        ("SR_NOT_EMPTY", "the SR is not empty"),
    ],
)
def test_sentences_in_which_scripts_search(code: str, part: str) -> None:
    assert part in ERROR_TEXTS[code]
