"""XML-RPC: a request's bytes to a call, an outcome to the reply's bytes.

Parsed by lxml with entities, DTDs and huge trees refused. Replies have no white space between elements: clients
rely on it.
"""

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


def _parser() -> etree.XMLParser:
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
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadRequest("a document type is refused")
    if root.tag != "methodCall":
        raise BadRequest(f"expected methodCall, found {root.tag}")
    name = root.findtext("methodName")
    if name is None:
        raise BadRequest("no methodName")
    params = root.find("params")
    if params is None:
        return name.strip(), []
    return name.strip(), [_value(param.find("value"), 0) for param in params.iterfind("param")]


def _value(element: Any, depth: int) -> Any:
    if element is None:
        raise BadRequest("no value")
    if depth > MAX_DEPTH:
        raise BadRequest("nested too deeply")
    if len(element) == 0:
        return element.text or ""
    inner = element[0]
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
            data = inner.find("data")
            return [_value(item, depth + 1) for item in (data if data is not None else ())]
        case "struct":
            return {member.findtext("name") or "": _value(member.find("value"), depth + 1) for member in inner.iterfind("member")}
        case "nil":
            return None
        case other:
            raise BadRequest(f"unknown type {other}")


def _number(kind: type[int] | type[float], text: str) -> int | float:
    try:
        return kind(text.strip())
    except ValueError:
        raise BadRequest(f"not a number: {text[:40]!r}") from None


def success(result: str) -> bytes:
    """Return the reply for a result that is XML already."""
    return f"{_SUCCESS}{result}{_END}".encode("utf-8", "replace")


def failure(description: list[str]) -> bytes:
    body = xml_array(f"<value>{escape(part)}</value>" for part in description)
    return f"{_FAILURE}{body}{_END}".encode("utf-8", "replace")


def bare(value: str) -> bytes:
    """Return a reply without the Status wrapper (``system.*``)."""
    return f"{_HEAD}{value}{_TAIL}".encode("utf-8", "replace")
