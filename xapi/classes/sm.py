"""Which storage drivers this host has and what they can do: rows of class SM, kept in step with the storage service."""

from collections.abc import Iterable
from typing import Any

from idl.storage import DriverInfo
from xapi import errors
from xapi.database.store import Store
from xapi.datamodel import MODEL
from xapi.server.context import Context

_IMAGE_FORMATS = frozenset(MODEL.enums["image_format_type"])


def find(db: Store, type: str) -> str | None:
    """Return the SM row of an SR type, or None."""
    return next(iter(db.where("SM", type=type)), None)


def features_of(db: Store, type: str) -> frozenset[str]:
    """Return the capability names of an SR type; none for an unknown type."""
    sm = find(db, type)
    return frozenset() if sm is None else frozenset(db.row("SM", sm).values["features"])


def assert_known(db: Store, type: str) -> None:
    if find(db, type) is None:
        raise errors.sr_unknown_driver(type)


def parse_features(words: Iterable[str]) -> dict[str, int]:
    """``NAME`` or ``NAME/<version>`` as a map to versions; a version that is no number counts as 1."""
    found = {}
    for word in words:
        name, _, version = word.partition("/")
        found[name] = int(version) if version.isdecimal() else 1
    return found


def _fields(driver: DriverInfo) -> dict[str, Any]:
    features = parse_features(driver.features)
    return {
        "name_label": driver.name,
        "name_description": driver.description,
        "vendor": driver.vendor,
        "copyright": driver.copyright,
        "version": driver.version,
        "required_api_version": driver.required_api_version,
        "configuration": dict(driver.configuration),
        "features": features,
        "capabilities": sorted(features),
        "required_cluster_stack": list(driver.required_cluster_stack),
        "supported_image_formats": [name for name in driver.supported_image_formats if name in _IMAGE_FORMATS],
    }


async def register(ctx: Context) -> None:
    """Make the SM rows say what the storage service offers. Rows that no driver and no SR needs go."""
    drivers = {driver.driver: driver for driver in await ctx.services.storage.drivers(ctx.dbg)}
    for type, driver in drivers.items():
        sm = find(ctx.db, type)
        if sm is None:
            ctx.db.create("SM", type=type, driver_filename=type, **_fields(driver))
        else:
            ctx.db.set("SM", sm, **_fields(driver))
    used = {row.values["type"] for row in ctx.db.rows("SR")}
    for row in ctx.db.rows("SM"):
        if row.values["type"] not in drivers and row.values["type"] not in used:
            ctx.db.destroy("SM", row.ref)
