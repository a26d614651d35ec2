"""Numbers as the documents write them: 15 significant digits, zero as ``0.0``, words for what is no number.

Python's ``float()`` reads all these spellings back.
"""

from math import inf


def text(value: float) -> str:
    """Return *value* as XML and JSON documents spell it."""
    if value != value:  # noqa: PLR0124  (NaN, and cheaper than a call: most of a young archive is)
        return "NaN"
    if value == 0:
        return "0.0"
    if value in (inf, -inf):
        return "Infinity" if value > 0 else "-Infinity"
    return f"{value:.15g}"
