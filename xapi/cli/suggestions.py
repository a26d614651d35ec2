"""The word that was probably meant. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

LIKENESS: Final = 0.7


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, if one is like it at all."""
    found = get_close_matches(word, list(known), n=1, cutoff=LIKENESS)
    return found[0] if found else None
