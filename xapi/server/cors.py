"""CORS pre-flight requests for the RPC URLs."""

from xapi.server.context import Context
from xapi.server.http_registry import serves
from xapi.server.http_types import Reply, Request


@serves("post_root_options", "post_json_options", "post_jsonrpc_options")
async def preflight(ctx: Context, request: Request, reply: Reply) -> None:
    """Allow any web page to POST here; what it may do is decided by its session."""
    asked = request.headers.get("access-control-request-headers", "")
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": f"{asked}, X-Requested-With" if asked else "X-Requested-With",
        "Access-Control-Allow-Methods": "PUT",
    }
    await reply.finish(200, headers)
