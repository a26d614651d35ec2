"""XenAPI class VTPM: a guest's trusted platform module. Its state is a secret of the pool's database."""

import base64
import binascii

from xapi import errors
from xapi.classes.vm_lifecycle import assert_halted
from xapi.database.store import Store
from xapi.errors import error
from xapi.server.context import Context
from xapi.server.registry import implements

MOST = 1


@implements("VTPM.create")
async def create(ctx: Context, vm: str, is_unique: bool) -> str:
    """XenAPI: VTPM.create. :raises XenAPIError: VM_BAD_POWER_STATE, VTPM_MAX_AMOUNT_REACHED [1]."""
    db = ctx.db
    assert_halted(db, vm)
    if len(db.get("VM", vm, "VTPMs")) >= MOST:
        raise error("VTPM_MAX_AMOUNT_REACHED", MOST)
    contents = db.create("secret", value="", other_config={})
    return db.create("VTPM", VM=vm, is_unique=is_unique, contents=contents, allowed_operations=["destroy"])


@implements("VTPM.destroy")
async def destroy(ctx: Context, self: str) -> None:
    """XenAPI: VTPM.destroy. :raises XenAPIError: VM_BAD_POWER_STATE."""
    assert_halted(ctx.db, ctx.db.get("VTPM", self, "VM"))
    forget(ctx.db, self)


def forget(db: Store, vtpm: str) -> None:
    """Delete a module and its contents, whatever its VM's state."""
    contents = db.get("VTPM", vtpm, "contents")
    db.destroy("VTPM", vtpm)
    if db.exists("secret", contents):
        db.destroy("secret", contents)


def copy(db: Store, vtpm: str, vm: str) -> str:
    """Give another VM a module with the same contents, or an empty one if it is to be unique."""
    row = db.row("VTPM", vtpm).values
    kept = "" if row["is_unique"] or not db.exists("secret", row["contents"]) else db.get("secret", row["contents"], "value")
    contents = db.create("secret", value=kept, other_config={})
    return db.create("VTPM", VM=vm, is_unique=row["is_unique"], contents=contents, allowed_operations=["destroy"])


@implements("VTPM.get_contents")
async def get_contents(ctx: Context, self: str) -> str:
    """XenAPI: VTPM.get_contents: base64."""
    return str(ctx.db.get("secret", ctx.db.get("VTPM", self, "contents"), "value"))


@implements("VTPM.set_contents")
async def set_contents(ctx: Context, self: str, contents: str) -> None:
    """XenAPI: VTPM.set_contents. :raises XenAPIError: INVALID_VALUE for what is not base64."""
    try:
        base64.b64decode(contents, validate=True)
    except (binascii.Error, ValueError):
        raise errors.invalid_value("contents", "not base64") from None
    db = ctx.db
    secret = db.get("VTPM", self, "contents")
    if db.exists("secret", secret):
        db.set("secret", secret, value=contents)
    else:
        db.set("VTPM", self, contents=db.create("secret", value=contents, other_config={}))
