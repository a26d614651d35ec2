"""Is this user who he says he is: PAM on installed hosts, a password file for a host in a folder."""

import asyncio
import hmac
import logging
from pathlib import Path

from xapi.server.context import App

log = logging.getLogger(__name__)


async def local_user(app: App, user: str, password: str) -> bool:
    """Return whether *password* is the local user's.

    ``/etc/xapi.conf`` key ``root-password-file`` names a file with root's password (embedded hosts); without it PAM is
    asked (service ``xapi``).
    """
    file = app.config.text("root-password-file", "")
    if file:
        return user == "root" and _same(password, _read(Path(file)))
    return await asyncio.to_thread(_pam, user, password)


def _read(file: Path) -> str | None:
    try:
        return file.read_text().strip()
    except OSError as error:
        log.error("the password file cannot be read: %s", error)
        return None


def _same(given: str, expected: str | None) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), (expected or "").encode())


def _pam(user: str, password: str) -> bool:
    import pam

    return bool(pam.pam().authenticate(user, password, service="xapi"))


def pool_secret(app: App) -> str:
    """Return the pool's secret (``/etc/xensource/ptoken``), or an empty string where there is none."""
    return _read(app.root.pool_secret) or ""
