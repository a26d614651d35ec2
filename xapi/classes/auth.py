"""XenAPI class auth: questions to an external directory; none is connected."""

from xapi import errors
from xapi.server.context import Context
from xapi.server.registry import implements


@implements("auth.get_subject_identifier")
async def get_subject_identifier(ctx: Context, subject_name: str) -> str:
    """XenAPI: auth.get_subject_identifier. :raises XenAPIError: AUTH_IS_DISABLED."""
    raise errors.error("AUTH_IS_DISABLED")


@implements("auth.get_subject_information_from_identifier")
async def get_subject_information_from_identifier(ctx: Context, subject_identifier: str) -> dict[str, str]:
    """XenAPI: auth.get_subject_information_from_identifier. :raises XenAPIError: AUTH_IS_DISABLED."""
    raise errors.error("AUTH_IS_DISABLED")


@implements("auth.get_group_membership")
async def get_group_membership(ctx: Context, subject_identifier: str) -> list[str]:
    """XenAPI: auth.get_group_membership. :raises XenAPIError: AUTH_IS_DISABLED."""
    raise errors.error("AUTH_IS_DISABLED")
