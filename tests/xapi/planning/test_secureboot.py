"""How ready a guest is for secure boot, from its settings and the names among its UEFI variables."""

import base64

import pytest

from xapi.planning.secureboot import VARIABLES, readiness


def saved(*names: str) -> str:
    """Return variables as firmware saves them: each name behind its length, then data behind its length."""
    one = [len(raw := name.encode("utf-16-le")).to_bytes(8, "little") + raw + (1).to_bytes(8, "little") + b"x" for name in names]
    return base64.b64encode(b"VARS" + b"".join(one)).decode()


UEFI, ON = {"firmware": "uefi"}, {"secureboot": "true"}


@pytest.mark.parametrize(
    ("boot", "platform", "nvram", "expected"),
    [
        ({}, ON, {}, "not_supported"),
        (UEFI, {}, {}, "disabled"),
        (UEFI, ON, {}, "first_boot"),
        (UEFI, ON, {VARIABLES: saved("KEK", "db")}, "setup_mode"),
        (UEFI, ON, {VARIABLES: saved("PK", "db")}, "certs_incomplete"),
        (UEFI, ON, {VARIABLES: saved("PK", "KEK", "dbx")}, "certs_incomplete"),
        (UEFI, ON, {VARIABLES: saved("PK", "KEK", "db")}, "ready_no_dbx"),
        (UEFI, ON, {VARIABLES: saved("PK", "KEK", "db", "dbx")}, "ready"),
        (UEFI, ON, {VARIABLES: "not base64"}, "certs_incomplete"),
    ],
)
def test_readiness(boot: dict[str, str], platform: dict[str, str], nvram: dict[str, str], expected: str) -> None:
    assert readiness(boot, platform, nvram) == expected
