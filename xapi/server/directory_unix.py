"""The directory ``PAM``: this machine's users and groups; passwords are asked of PAM, names of NSS.

Identifiers are ``u<uid>`` and ``g<gid>``.
"""

import asyncio
import grp
import os
import pwd
from collections.abc import Mapping

from xapi.server.authentication import pam_accepts
from xapi.server.directory import NAME, Refused, Unresolved


class UnixDirectory:
    """Implements `xapi.server.directory.Directory`."""

    async def authenticate(self, user: str, password: str) -> str:
        if not await asyncio.to_thread(pam_accepts, user, password):
            raise Refused("PAM refuses the password")
        return await self.identifier(user)

    async def identifier(self, name: str) -> str:
        return await asyncio.to_thread(_identifier, name)

    async def information(self, identifier: str) -> dict[str, str]:
        return await asyncio.to_thread(_information, identifier)

    async def groups(self, identifier: str) -> list[str]:
        return await asyncio.to_thread(_groups, identifier)

    async def enable(self, config: Mapping[str, str], service: str) -> dict[str, str]:
        return {}

    async def disable(self, config: Mapping[str, str]) -> None:
        return

    async def start(self) -> None:
        return


def _identifier(name: str) -> str:
    try:
        return f"u{pwd.getpwnam(name).pw_uid}"
    except KeyError:
        pass
    try:
        return f"g{grp.getgrnam(name).gr_gid}"
    except KeyError:
        raise Unresolved(name) from None


def _user(identifier: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(identifier[1:]))
    except (KeyError, ValueError, OverflowError):
        raise Unresolved(identifier) from None


def _group(identifier: str) -> grp.struct_group:
    try:
        return grp.getgrgid(int(identifier[1:]))
    except (KeyError, ValueError, OverflowError):
        raise Unresolved(identifier) from None


def _information(identifier: str) -> dict[str, str]:
    match identifier[:1]:
        case "u":
            user = _user(identifier)
            return {
                NAME: user.pw_name,
                "subject-uid": f"u{user.pw_uid}",
                "subject-gid": f"g{user.pw_gid}",
                "subject-gecos": user.pw_gecos,
                "subject-displayname": user.pw_gecos or user.pw_name,
                "subject-is-group": "false",
                "subject-account-disabled": str(user.pw_passwd[:1] in ("", "*", "!")).lower(),
                "subject-account-expired": "false",
                "subject-account-locked": "false",
                "subject-password-expired": "false",
            }
        case "g":
            group = _group(identifier)
            gid = f"g{group.gr_gid}"
            return {NAME: group.gr_name, "subject-uid": gid, "subject-gid": gid, "subject-is-group": "true"}
    raise Unresolved(identifier)


def _groups(identifier: str) -> list[str]:
    match identifier[:1]:
        case "u":
            user = _user(identifier)
            return [f"g{gid}" for gid in os.getgrouplist(user.pw_name, user.pw_gid)]
        case "g":
            return [f"g{_group(identifier).gr_gid}"]
    raise Unresolved(identifier)
