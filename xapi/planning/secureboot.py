"""How ready a guest's UEFI variables are for secure boot. Pure."""

import base64
import binascii
from collections.abc import Mapping

VARIABLES = "EFI-variables"
"""The key of ``VM.NVRAM`` that holds them, in base64."""


def holds(variables: bytes, name: str) -> bool:
    """Return whether a variable of that name is among those the firmware saved.

    Names are stored as UTF-16 behind their length in bytes (64 bits, little endian).
    """
    text = name.encode("utf-16-le")
    return len(text).to_bytes(8, "little") + text in variables


def readiness(boot_params: Mapping[str, str], platform: Mapping[str, str], nvram: Mapping[str, str]) -> str:
    """Return the datamodel's word for what is missing, or ``ready``."""
    if boot_params.get("firmware") != "uefi":
        return "not_supported"
    if platform.get("secureboot", "").lower() not in ("true", "1"):
        return "disabled"
    if not nvram.get(VARIABLES):
        return "first_boot"
    try:
        variables = base64.b64decode(nvram[VARIABLES], validate=True)
    except binascii.Error:
        return "certs_incomplete"
    if not holds(variables, "PK"):
        return "setup_mode"
    if not (holds(variables, "KEK") and holds(variables, "db")):
        return "certs_incomplete"
    return "ready" if holds(variables, "dbx") else "ready_no_dbx"
