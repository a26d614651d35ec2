"""Commands about users and groups of a directory service, and messages to administrators."""

from typing import Final

from xapi.cli import values
from xapi.cli.command import Command, Context, Run
from xapi.cli.failures import CommandFailure


async def subject_add(ctx: Context) -> None:
    identifier = await ctx.api.call("auth.get_subject_identifier", ctx.arguments.required("subject-name"))
    subject = await ctx.api.call("subject.create", {"subject_identifier": identifier, "other_config": {}})
    ctx.printer.list([await ctx.api.call("subject.get_uuid", subject)])


def _role(message: str) -> Run:
    async def run(ctx: Context) -> None:
        role = await _role_given(ctx)
        await ctx.api.call(message, await ctx.api.call("subject.get_by_uuid", ctx.arguments.required("uuid")), role)

    return run


async def _role_given(ctx: Context) -> str:
    name, uuid = ctx.arguments.get("role-name"), ctx.arguments.get("role-uuid")
    if (name is None) == (uuid is None):
        raise CommandFailure("Give either role-name= or role-uuid=")
    if uuid is not None:
        role: str = await ctx.api.call("role.get_by_uuid", uuid)
        return role
    found: list[str] = await ctx.api.call("role.get_by_name_label", name)
    if not found:
        raise CommandFailure(f"There is no role '{name}'")
    return found[0]


async def identifiers(ctx: Context) -> None:
    found = await ctx.api.call("session.get_all_subject_identifiers")
    ctx.printer.table([[("subject-identifier ( RO)", identifier)] for identifier in found])


async def logout_all(ctx: Context) -> None:
    for identifier in await ctx.api.call("session.get_all_subject_identifiers"):
        await ctx.api.call("session.logout_subject_identifier", identifier)


MESSAGE_OWNERS: Final = {"vm-uuid": "VM", "pool-uuid": "Pool", "sr-uuid": "SR", "host-uuid": "Host"}


async def message_create(ctx: Context) -> None:
    arguments = ctx.arguments
    owner = next((name for name in MESSAGE_OWNERS if arguments.get(name) is not None), None)
    if owner is None:
        raise CommandFailure(f"About what? Give one of {', '.join(MESSAGE_OWNERS)}")
    priority = values.integer("priority", arguments.required("priority"))
    uuid, body = arguments.required(owner), arguments.required("body")
    await ctx.api.call("message.create", arguments.required("name"), priority, MESSAGE_OWNERS[owner], uuid, body)


async def message_destroy_all(ctx: Context) -> None:
    names = ("before", "after", "priority")
    given = {name: ctx.arguments.text(name) for name in names if ctx.arguments.get(name) is not None}
    if "priority" in given:
        given["priority"] = str(values.integer("priority", given["priority"]))
    await ctx.api.call("message.destroy_all", given)


def _external_auth(message: str) -> Run:
    """On one host alone, which takes the pool apart: only with the parameter ``force``, whatever its value."""

    async def run(ctx: Context) -> None:
        arguments = ctx.arguments
        if arguments.get("force") is None:
            raise CommandFailure("External authentication belongs to the whole pool: use --force for one host alone")
        host = await ctx.api.call("host.get_by_uuid", arguments.required("host-uuid"))
        config = arguments.map("config")
        if message == "host.enable_external_auth":
            service, kind = arguments.required("service-name"), arguments.required("auth-type")
            await ctx.api.call(message, host, config, service, kind)
        else:
            await ctx.api.call(message, host, config, False)

    return run


_EITHER: Final = ("role-name", "role-uuid")

COMMANDS: Final = (
    Command("subject-add", subject_add, ("subject-name",)),
    Command("subject-role-add", _role("subject.add_to_roles"), ("uuid",), _EITHER),
    Command("subject-role-remove", _role("subject.remove_from_roles"), ("uuid",), _EITHER),
    Command("session-subject-identifier-list", identifiers),
    Command("session-subject-identifier-logout-all", logout_all),
    Command("host-enable-external-auth", _external_auth("host.enable_external_auth"),
            ("host-uuid", "auth-type", "service-name"), ("config:",), hidden=True),
    Command("host-disable-external-auth", _external_auth("host.disable_external_auth"), ("host-uuid",), ("config:",),
            hidden=True),
    Command("message-create", message_create, ("name", "priority", "body"),
            ("vm-uuid", "host-uuid", "sr-uuid", "pool-uuid")),
    Command("message-destroy-all", message_destroy_all, (), ("before", "after", "priority")),
)  # fmt: skip
