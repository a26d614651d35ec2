"""Raw requests for the load generator: a call in XML-RPC or JSON-RPC as the bytes of an HTTP request."""

import json
import xmlrpc.client
from typing import Any, Literal

from tests.bench.generator import post

Protocol = Literal["XML", "JSON"]


def request(protocol: Protocol, method: str, *params: Any, keep_alive: bool = True) -> bytes:
    """Return a whole HTTP request that makes the call."""
    if protocol == "XML":
        return post(xmlrpc.client.dumps(params, method).encode(), keep_alive=keep_alive)
    call = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
    return post(json.dumps(call).encode(), "/jsonrpc", keep_alive=keep_alive)


def xml(method: str, *params: Any) -> bytes:
    return request("XML", method, *params)
