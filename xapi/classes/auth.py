"""XenAPI class auth: questions to the external directory that this host is connected to."""

from collections.abc import Awaitable
from typing import TypeVar

from xapi import errors
from xapi.classes import login
from xapi.server.context import Context
from xapi.server.directory import Directory, DirectoryError, Unresolved
from xapi.server.registry import implements

T = TypeVar("T")


def _directory(ctx: Context) -> Directory:
    found = login.directory(ctx.app)
    if found is None:
        raise errors.error("AUTH_IS_DISABLED")
    return found


async def _answer(question: Awaitable[T]) -> T:
    """:raises XenAPIError: SUBJECT_CANNOT_BE_RESOLVED, AUTH_SERVICE_ERROR [message]."""
    try:
        return await question
    except Unresolved as reason:
        raise errors.error("SUBJECT_CANNOT_BE_RESOLVED") from reason
    except DirectoryError as reason:
        raise errors.error("AUTH_SERVICE_ERROR", str(reason)) from reason


@implements("auth.get_subject_identifier")
async def get_subject_identifier(ctx: Context, subject_name: str) -> str:
    """XenAPI: auth.get_subject_identifier. :raises XenAPIError: AUTH_IS_DISABLED, SUBJECT_CANNOT_BE_RESOLVED."""
    return await _answer(_directory(ctx).identifier(subject_name))


@implements("auth.get_subject_information_from_identifier")
async def get_subject_information_from_identifier(ctx: Context, subject_identifier: str) -> dict[str, str]:
    """XenAPI: auth.get_subject_information_from_identifier. :raises XenAPIError: as `get_subject_identifier`."""
    return await _answer(_directory(ctx).information(subject_identifier))


@implements("auth.get_group_membership")
async def get_group_membership(ctx: Context, subject_identifier: str) -> list[str]:
    """XenAPI: auth.get_group_membership, groups of groups included. :raises XenAPIError: as `get_subject_identifier`."""
    return await _answer(_directory(ctx).groups(subject_identifier))
