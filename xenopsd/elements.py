"""XML as expressions, for libvirt's documents."""

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element


def e(tag: str, /, *content: "Element | str", **attributes: str) -> "Element":
    """Return an element with text or children and attributes."""
    element = etree.Element(tag, attributes)
    for part in content:
        if isinstance(part, str):
            element.text = part
        else:
            element.append(part)
    return element


def text(element: "Element") -> str:
    return etree.tostring(element, pretty_print=True, encoding="unicode")


def printable(name: str) -> str:
    """Return *name* without what XML or libvirt's titles refuse: line breaks, control characters."""
    return "".join(char if char.isprintable() else " " for char in name)
