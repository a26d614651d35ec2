"""``GET /``: the static pages."""

import ipaddress
import mimetypes
from pathlib import Path

from xapi.server.context import Context, Origin
from xapi.server.http_registry import serves
from xapi.server.http_types import HttpError, Reply, Request
from xapi.transfer.blobs import send_file

PAGES = Path(__file__).parent.parent / "web"


def resolve(root: Path, path: str) -> Path:
    """Return the file that a URL path means; a directory means its ``index.html``.

    :raises HttpError: 403 where it leads out of *root*, 404 where there is none.
    """
    place = (root / path.lstrip("/")).resolve()
    if not place.is_relative_to(root.resolve()):
        raise HttpError(403, "that is outside of the pages")
    if place.is_dir():
        place = place / "index.html"
    if not place.is_file():
        raise HttpError(404, f"there is nothing at {path}")
    return place


def _is_private(origin: Origin) -> bool:
    """Nobody on the way can read along: TLS, this machine itself, or the local socket."""
    if origin.encrypted or origin.local_root or not origin.address:
        return True
    try:
        return ipaddress.ip_address(origin.address).is_loopback
    except ValueError:
        return False


@serves("get_root")
async def get_root(ctx: Context, request: Request, reply: Reply) -> str | None:
    config = ctx.app.config
    if config.flag("disable-webserver", False):
        raise HttpError(403, "this host serves no pages")
    if not _is_private(request.origin):
        if config.flag("website-https-only", True):
            raise HttpError(403, "pages are served over https only")
        host = request.headers.get("host", "").partition(":")[0]
        await reply.finish(301, {"Location": f"https://{host}{request.path}"})
        return None
    root = Path(config.text("web-dir", str(PAGES)))
    file = resolve(root, request.path)
    headers = {"Content-Type": mimetypes.guess_type(file.name)[0] or "application/octet-stream"}
    age = config.integer("hsts_max_age", -1)
    if age >= 0:
        headers["Strict-Transport-Security"] = f"max-age={age}; includeSubDomains"
    await send_file(reply, file, headers)
    return None
