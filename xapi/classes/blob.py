"""Blobs: named pieces of binary data attached to objects. Their content is a file each, moved over HTTP."""

from pathlib import Path

from idl.paths import Root
from xapi.server.context import Context
from xapi.server.registry import implements

DIRECTORY = "/var/lib/xcp/blobs"
DEFAULT_TYPE = "application/octet-stream"


def content(root: Root, uuid: str) -> Path:
    """Return where a blob's content is kept."""
    return root.under(DIRECTORY) / uuid


@implements("blob.create")
async def create(ctx: Context, mime_type: str, public: bool) -> str:
    return _new(ctx, mime_type, public, "")


def _new(ctx: Context, mime_type: str, public: bool, name: str) -> str:
    return ctx.db.create("blob", mime_type=mime_type or DEFAULT_TYPE, public=public, name_label=name, size=0)


def create_new_blob(ctx: Context, cls: str, ref: str, name: str, mime_type: str, public: bool) -> str:
    """Make an empty blob and attach it to an object under *name*.

    :raises DuplicateKey: the object has a blob of that name.
    """
    blob = _new(ctx, mime_type, public, name)
    try:
        ctx.db.add_to_map(cls, ref, "blobs", name, blob)
    except BaseException:
        ctx.db.destroy("blob", blob)
        raise
    return blob


@implements("blob.destroy")
async def destroy(ctx: Context, blob: str) -> None:
    remove(ctx, blob)


def remove(ctx: Context, blob: str) -> None:
    """Forget a blob and delete its content; one that is gone is no error where its owner goes."""
    if not ctx.db.exists("blob", blob):
        return
    content(ctx.app.root, ctx.db.get("blob", blob, "uuid")).unlink(missing_ok=True)
    ctx.db.destroy("blob", blob)
