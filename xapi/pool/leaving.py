"""A host leaving its pool: what the pool forgets of it, and how the host becomes a pool of one again.

The host writes one mark and starts again; whatever is left of its past is removed before its database is opened, also
if that is interrupted and done again. Its disks' files stay: the new local storage finds them.
"""

import shutil
import uuid
from typing import Final

from idl.paths import Root
from xapi import errors
from xapi.database.schema import NULL_REF
from xapi.errors import error
from xapi.pool import trust
from xapi.pool.joining import light_fuse
from xapi.pool.role import Coordinator, replace, write
from xapi.server.context import App, Context

MARK: Final = "/var/lib/xcp/ejected"
PAST: Final = (
    "/var/lib/xcp/state.sqlite", "/var/lib/xcp/state.sqlite-wal", "/var/lib/xcp/state.sqlite-shm", "/var/lib/xcp/local.db",
    "/var/lib/xcp/blobs", trust.MEMBERS, trust.BUNDLE,
)  # fmt: skip


def assert_may_leave(ctx: Context, host: str) -> None:
    """:raises XenAPIError: why a host cannot be ejected."""
    pool = next(ctx.db.rows("pool")).values
    if pool["ha_enabled"]:
        raise error("HA_IS_ENABLED")
    if pool["other_config"].get("rolling_upgrade_in_progress") == "true":
        raise error("NOT_SUPPORTED_DURING_UPGRADE")
    if host == pool["master"]:
        raise errors.operation_not_allowed("the pool's coordinator cannot be ejected: designate another one first")
    if any(not ctx.db.get("VM", vm, "is_control_domain") for vm in ctx.db.get("host", host, "resident_VMs")):
        raise errors.operation_not_allowed("VM resident on host")


def start_afresh(app: App) -> None:
    """Forget the pool, from the next start on, which is soon."""
    replace(app.root.under(MARK), "")
    light_fuse(app)


def finish(root: Root) -> None:
    """Before anything is opened: remove what is left of a pool that this host was ejected from."""
    mark = root.under(MARK)
    if not mark.exists():
        return
    for name in PAST:
        path = root.under(name)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    replace(root.pool_secret, "/".join(str(uuid.uuid4()) for _ in range(3)))
    write(root.pool_conf, Coordinator())
    mark.unlink()


def forget_host(ctx: Context, host: str) -> None:
    """Drop a host's rows, and those of storage that only it reached."""
    db = ctx.db
    record = db.record("host", host)
    for pbd in record["PBDs"]:
        sr = db.get("PBD", pbd, "SR")
        db.destroy("PBD", pbd)
        if db.exists("SR", sr) and not db.get("SR", sr, "PBDs"):
            _forget_storage(ctx, sr)
    for pif in record["PIFs"]:
        metrics = db.get("PIF", pif, "metrics")
        for vlan in db.get("PIF", pif, "VLAN_slave_of"):
            db.destroy("VLAN", vlan)
        db.destroy("PIF", pif)
        if db.exists("PIF_metrics", metrics) and not db.where("PIF", metrics=metrics):
            db.destroy("PIF_metrics", metrics)
    domain = record["control_domain"]
    if db.exists("VM", domain):
        for console in db.get("VM", domain, "consoles"):
            db.destroy("console", console)
        for cls, field in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
            if db.exists(cls, db.get("VM", domain, field)):
                db.destroy(cls, db.get("VM", domain, field))
        db.destroy("VM", domain)
    for cls, refs in (
        ("host_cpu", record["host_CPUs"]),
        ("PCI", record["PCIs"]),
        ("PGPU", record["PGPUs"]),
        ("PUSB", record["PUSBs"]),
        ("Certificate", record["certificates"]),
        ("host_metrics", [record["metrics"]]),
    ):
        for ref in refs:
            if db.exists(cls, ref):
                db.destroy(cls, ref)
    for vm in db.where("VM", affinity=host):
        db.set("VM", vm, affinity=NULL_REF)
    db.destroy("host", host)


def _forget_storage(ctx: Context, sr: str) -> None:
    db = ctx.db
    for vdi in db.get("SR", sr, "VDIs"):
        for vbd in db.get("VDI", vdi, "VBDs"):
            db.destroy("VBD", vbd)
        db.destroy("VDI", vdi)
    db.destroy("SR", sr)
    for pool in db.rows("pool"):
        gone = {field: NULL_REF for field in ("default_SR", "suspend_image_SR", "crash_dump_SR") if pool.values[field] == sr}
        if gone:
            db.set("pool", pool.ref, **gone)
