"""Rows of patches, updates and repositories."""

from typing import Final

from xapi.cli.records.model import RecordType, ro, rw, sro

POOL_PATCH: Final = RecordType(
    "pool_patch",
    (
        ro("uuid"),
        ro("name-label"),
        ro("name-description"),
        ro("size"),
        sro("hosts", "host_patches.host", comma=True),
        sro("after-apply-guidance", comma=True),
        ro("update", "pool_update"),
    ),
)

POOL_UPDATE: Final = RecordType(
    "pool_update",
    (
        ro("uuid"),
        ro("name-label"),
        ro("name-description"),
        ro("version"),
        ro("installation-size"),
        sro("hosts", comma=True),
        sro("after-apply-guidance", comma=True),
        ro("enforce-homogeneity"),
    ),
)

REPOSITORY: Final = RecordType(
    "Repository",
    (
        ro("uuid"),
        rw("name-label"),
        rw("name-description"),
        ro("binary-url"),
        ro("source-url"),
        ro("update"),
        ro("hash"),
        rw("gpgkey-path"),
        ro("origin"),
        ro("certificate", hidden=True),
    ),
)
