"""Is this user who he says he is: PAM on installed hosts, a password file for a host in a folder."""

import asyncio
import hmac
import logging
import pwd
from pathlib import Path

from xapi.server.context import App

log = logging.getLogger(__name__)


async def local_user(app: App, user: str, password: str) -> bool:
    """Return whether *user* is this host's superuser and *password* that account's.

    ``/etc/xapi.conf`` key ``root-password-file`` names a file with root's password (embedded hosts); without it PAM is
    asked (service ``xapi``). Other accounts of the machine are not let in here: who logs in this way may do everything,
    and a Debian, unlike the original's dom0, has ordinary users. The directory ``PAM`` gives them roles.
    """
    file = app.config.text("root-password-file", "")
    if file:
        return user == "root" and _same(password, _read(Path(file)))
    return await asyncio.to_thread(lambda: _is_root(user) and pam_accepts(user, password))


def _is_root(user: str) -> bool:
    try:
        return pwd.getpwnam(user).pw_uid == 0
    except (KeyError, ValueError):
        return False


def _read(file: Path) -> str | None:
    try:
        return file.read_text().strip()
    except OSError as error:
        log.error("the password file cannot be read: %s", error)
        return None


def _same(given: str, expected: str | None) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), (expected or "").encode())


def pam_accepts(user: str, password: str) -> bool:
    """Return whether PAM's service ``xapi`` takes the password and lets the user in. Blocks, for seconds if it does not."""
    # Loads libpam: only where it is needed.
    import pam

    return bool(pam.pam().authenticate(user, password, service="xapi"))


def pool_secret(app: App) -> str:
    """Return the pool's secret (``/etc/xensource/ptoken``), or an empty string where there is none."""
    return _read(app.root.pool_secret) or ""


def is_pool_secret(app: App, given: str) -> bool:
    """Whether *given* is the pool's secret; an empty one never is."""
    return _same(given, pool_secret(app))
