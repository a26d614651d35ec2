"""XML-RPC: a request's bytes to a call, an outcome to the reply's bytes.

Parsed by lxml with entities, DTDs and huge trees refused. Replies have no white space between elements: clients
rely on it.
"""

import functools
from typing import Any

from lxml import etree

from xapi.server.encoding import escape, xml_array

CONTENT_TYPE = "text/xml"
MAX_DEPTH = 40


class BadRequest(ValueError):
    """The body is not an XML-RPC (or JSON-RPC) call."""


class BadText(ValueError):
    """The body is a call, but not all of its text is UTF-8."""


_HEAD = '<?xml version="1.0"?><methodResponse><params><param>'
_TAIL = "</param></params></methodResponse>"
_SUCCESS = f"{_HEAD}<value><struct><member><name>Status</name><value>Success</value></member><member><name>Value</name>"
_FAILURE = (
    f"{_HEAD}<value><struct><member><name>Status</name><value>Failure</value></member><member><name>ErrorDescription</name>"
)
_END = f"</member></struct></value>{_TAIL}"
_SUCCESS_BYTES, _END_BYTES = _SUCCESS.encode(), _END.encode()


@functools.cache
def _parser() -> etree.XMLParser:
    """Return the parser of the event loop's thread: it is used for one body after the other."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, remove_comments=True,
        remove_pis=True, encoding=None,
    )  # fmt: skip


def parse_call(body: bytes) -> tuple[str, list[Any]]:
    """Return (method name, parameters) of a ``methodCall``.

    Values: str, int, float, bool, list, dict, None. :raises BadRequest: with what is wrong. :raises BadText: it would be
    a call if all of it were UTF-8.
    """
    try:
        root = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        repaired = body.decode("utf-8", "replace").encode()
        if repaired != body:
            parse_call(repaired)
            raise BadText("a text is not UTF-8") from error
        raise BadRequest(f"not XML: {error}") from error
    if _may_have_dtd(body) and root.getroottree().docinfo.internalDTD is not None:
        raise BadRequest("a document type is refused")
    if root.tag != "methodCall":
        raise BadRequest(f"expected methodCall, found {root.tag}")
    name = _child(root, "methodName")
    if name is None:
        raise BadRequest("no methodName")
    params = _child(root, "params")
    if params is None:
        return _text(name).strip(), []
    return _text(name).strip(), [_value(_child(param, "value"), 0) for param in params if param.tag == "param"]


def _may_have_dtd(body: bytes) -> bool:
    """Whether a document type must be looked for: there is none without an exclamation mark, in whatever ASCII grew into."""
    return not body.startswith(b"<") or b"!" in body or b"encoding" in body


def _child(element: Any, tag: str) -> Any:
    # Not element.find: that compiles a path for each of a call's few elements.
    for child in element:
        if child.tag == tag:
            return child
    return None


def _text(element: Any) -> str:
    text: str = ("" if element is None else element.text) or ""
    return text


def _value(element: Any, depth: int) -> Any:
    if element is None:
        raise BadRequest("no value")
    if depth > MAX_DEPTH:
        raise BadRequest("nested too deeply")
    inner = next(iter(element), None)
    if inner is None:
        return element.text or ""
    text = inner.text or ""
    match inner.tag:
        case "string" | "dateTime.iso8601" | "base64":
            return text
        case "boolean":
            return text.strip() == "1"
        case "int" | "i4" | "i8":
            return _number(int, text)
        case "double":
            return _number(float, text)
        case "array":
            data = _child(inner, "data")
            return [_value(item, depth + 1) for item in (data if data is not None else ())]
        case "struct":
            members = [member for member in inner if member.tag == "member"]
            return {_text(_child(member, "name")): _value(_child(member, "value"), depth + 1) for member in members}
        case "nil":
            return None
        case other:
            raise BadRequest(f"unknown type {other}")


def _number(kind: type[int] | type[float], text: str) -> int | float:
    try:
        return kind(text.strip())
    except ValueError:
        raise BadRequest(f"not a number: {text[:40]!r}") from None


def success(result: list[bytes]) -> bytes:
    """Return the reply for a result that is XML already, in parts."""
    return b"".join([_SUCCESS_BYTES, *result, _END_BYTES])


def failure(description: list[str]) -> bytes:
    body = xml_array(f"<value>{escape(part)}</value>" for part in description)
    return f"{_FAILURE}{body}{_END}".encode("utf-8", "replace")


def bare(value: str) -> bytes:
    """Return a reply without the Status wrapper (``system.*``)."""
    return f"{_HEAD}{value}{_TAIL}".encode("utf-8", "replace")
