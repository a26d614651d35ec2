"""External directories: users and groups whom somebody else knows, behind the interface that the original's modules have.

Which directory a pool uses is ``host.external_auth_type``. ``PAM`` is built in: users and groups of this machine (and of
whatever its PAM and NSS are connected to). Any other type is an executable of that name in ``/etc/xapi.d/extauth``, such as
an adapter for Active Directory; see `directory_program`.
"""

from collections.abc import Mapping
from typing import Protocol

NAME = "subject-name"
SUSPENDED = {
    "subject-account-disabled": "the account is disabled",
    "subject-account-expired": "the account has expired",
    "subject-account-locked": "the account is locked",
    "subject-password-expired": "the password has expired",
}
"""Keys of a subject's information that, when ``true``, keep it from logging in; and why."""


class DirectoryError(Exception):
    """What a directory answers other than a value."""


class Refused(DirectoryError):
    """The password is wrong, or the user may not log in."""


class Unresolved(DirectoryError):
    """There is no such user or group."""


class ServiceFailure(DirectoryError):
    """The directory cannot be asked. *kind* is the end of an error code that says why, or empty: ``WRONG_CREDENTIALS``…"""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Directory(Protocol):
    """A directory. Every method may raise `ServiceFailure`.

    Subjects are named by identifiers that mean something to the directory only (a SID, say).
    """

    async def authenticate(self, user: str, password: str) -> str:
        """Return the user's identifier. :raises Refused: the password is not the user's."""
        ...

    async def identifier(self, name: str) -> str:
        """Return the identifier of a user or group. :raises Unresolved: there is none of that name."""
        ...

    async def information(self, identifier: str) -> dict[str, str]:
        """Return what is known of a subject, ``subject-name`` at least. :raises Unresolved: there is no such subject."""
        ...

    async def groups(self, identifier: str) -> list[str]:
        """Return the identifiers of all groups that the subject is in, groups of groups included.

        :raises Unresolved: there is no such subject.
        """
        ...

    async def enable(self, config: Mapping[str, str], service: str) -> dict[str, str]:
        """Connect this host to the directory; return the settings to keep, which have no password in them."""
        ...

    async def disable(self, config: Mapping[str, str]) -> None:
        """Disconnect this host."""
        ...

    async def start(self) -> None:
        """The toolstack has started."""
        ...


def suspension(information: Mapping[str, str]) -> str | None:
    """Return why a subject may not log in for the time being, or None."""
    return next((why for key, why in SUSPENDED.items() if information.get(key, "").lower() == "true"), None)
