"""XenAPI class Repository: where updates come from. Fetching and installing them is not its business."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from xapi.classes.certificate_files import Corrupt, read_certificates
from xapi.errors import error
from xapi.server.context import Context
from xapi.server.registry import implements

BUNDLE_DIRECTORY = "/var/xapi/bundle-repository"
_FILE_NAME = re.compile(r"[A-Za-z0-9._-]+")


def _check_url(url: str, *schemes: str) -> None:
    """:raises XenAPIError: INVALID_BASE_URL."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in schemes or re.search(r"\s", url) or parts.username is not None:
        raise error("INVALID_BASE_URL", url)


def _check_key(path: str) -> None:
    """:raises XenAPIError: INVALID_GPGKEY_PATH for what is not the name of a file."""
    if path and (not _FILE_NAME.fullmatch(path) or path.startswith(".")):
        raise error("INVALID_GPGKEY_PATH", path)


def _create(ctx: Context, fields: Mapping[str, Any]) -> str:
    """:raises XenAPIError: REPOSITORY_ALREADY_EXISTS [ref]: of that name or at that place."""
    for field in ("name_label", "binary_url"):
        for known in ctx.db.where("Repository", **{field: fields[field]}):
            raise error("REPOSITORY_ALREADY_EXISTS", known)
    return ctx.db.create("Repository", **fields)


@implements("Repository.introduce")
async def introduce(
    ctx: Context, name_label: str, name_description: str, binary_url: str, source_url: str, update: bool, gpgkey_path: str
) -> str:
    """XenAPI: Repository.introduce. :raises XenAPIError: INVALID_BASE_URL, INVALID_GPGKEY_PATH, REPOSITORY_ALREADY_EXISTS."""
    _check_url(binary_url, "http", "https")
    if source_url:
        _check_url(source_url, "http", "https")
    _check_key(gpgkey_path)
    fields = {
        "name_label": name_label, "name_description": name_description, "binary_url": binary_url, "source_url": source_url,
        "update": update, "gpgkey_path": gpgkey_path, "origin": "remote",
    }  # fmt: skip
    return _create(ctx, fields)


@implements("Repository.introduce_bundle")
async def introduce_bundle(ctx: Context, name_label: str, name_description: str) -> str:
    """XenAPI: Repository.introduce_bundle. :raises XenAPIError: BUNDLE_REPOSITORY_ALREADY_EXISTS [ref]."""
    for known in ctx.db.where("Repository", origin="bundle"):
        raise error("BUNDLE_REPOSITORY_ALREADY_EXISTS", known)
    place = f"file://{BUNDLE_DIRECTORY}"
    fields = {
        "name_label": name_label, "name_description": name_description, "binary_url": place, "update": True, "origin": "bundle",
    }  # fmt: skip
    return _create(ctx, fields)


@implements("Repository.introduce_remote_pool")
async def introduce_remote_pool(ctx: Context, name_label: str, name_description: str, binary_url: str, certificate: str) -> str:
    """XenAPI: Repository.introduce_remote_pool; *binary_url* is ``https://<coordinator>/repository/<its repository>``.

    :raises XenAPIError: INVALID_BASE_URL, CERTIFICATE_CORRUPT, REPOSITORY_ALREADY_EXISTS.
    """
    _check_url(binary_url, "https")
    try:
        read_certificates(certificate)
    except Corrupt:
        raise error("CERTIFICATE_CORRUPT", "certificate") from None
    fields = {
        "name_label": name_label, "name_description": name_description, "binary_url": binary_url, "update": True,
        "origin": "remote_pool", "certificate": certificate,
    }  # fmt: skip
    return _create(ctx, fields)


@implements("Repository.forget")
async def forget(ctx: Context, self: str) -> None:
    """XenAPI: Repository.forget. :raises XenAPIError: REPOSITORY_IS_IN_USE."""
    ctx.db.row("Repository", self)
    if any(self in pool.values["repositories"] for pool in ctx.db.rows("pool")):
        raise error("REPOSITORY_IS_IN_USE")
    ctx.db.destroy("Repository", self)


@implements("Repository.set_gpgkey_path")
async def set_gpgkey_path(ctx: Context, self: str, value: str) -> None:
    """XenAPI: Repository.set_gpgkey_path. :raises XenAPIError: INVALID_GPGKEY_PATH."""
    _check_key(value)
    ctx.db.set("Repository", self, gpgkey_path=value)
