"""JSON-RPC 1.0 and 2.0, told apart per request: a body's bytes to a call, an outcome to the reply's bytes."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from xapi.server.xmlrpc import BadRequest, BadText

CONTENT_TYPE = "application/json"

_text = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Call:
    version: Literal[1, 2]
    id: int | str
    method: str
    params: list[Any]


def parse_call(body: bytes) -> Call:
    """Return the call in *body*. :raises BadRequest: with what is wrong. :raises BadText: as for XML-RPC, with the call."""
    try:
        message = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        repaired = body.decode("utf-8", "replace").encode()
        if repaired != body:
            raise BadText("a text is not UTF-8", parse_call(repaired)) from error
        raise BadRequest(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise BadRequest("expected an object")
    method, call_id = message.get("method"), message.get("id")
    if not isinstance(method, str):
        raise BadRequest("no method")
    if isinstance(call_id, bool) or not isinstance(call_id, int | str):
        raise BadRequest("id must be a number or a string")
    version = message.get("jsonrpc")
    if "jsonrpc" not in message:
        params = message.get("params")
        if not isinstance(params, list):
            raise BadRequest("params must be an array")
        return Call(1, call_id, method, params)
    if version != "2.0":
        raise BadRequest(f"unknown version {version!r}")
    return Call(2, call_id, method, _params_2(message.get("params")))


def _params_2(params: Any) -> list[Any]:
    match params:
        case list():
            return params
        case None:
            return []
        case dict():
            return [params]
        case _:
            raise BadRequest("params must be an array or an object")


def success(call: Call, result: list[bytes]) -> bytes:
    """Return the reply for a result that is JSON already, in parts."""
    call_id = _text.encode(call.id)
    if call.version == 2:
        return b"".join([b'{"jsonrpc":"2.0","result":', *result, b',"id":', call_id, b"}"])
    return b"".join([b'{"result":', *result, b',"error":null,"id":', call_id, b"}"])


def failure(call: Call, description: list[str]) -> bytes:
    if call.version == 2:
        reason = {"code": 1, "message": description[0], "data": description[1:]}
        return _text.encode({"jsonrpc": "2.0", "error": reason, "id": call.id})
    return _text.encode({"result": None, "error": description, "id": call.id})
