"""Commands that bring certificates, licences and answer files from the client's disk."""

import base64
from pathlib import PurePath
from typing import Final

from idl import cli
from xapi.cli import values
from xapi.cli.command import Command, Context, Run, file_content
from xapi.cli.one_call import read_word, value_of
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, Several, on_each
from xapi.datamodel.model import Enum, Ref, Set


def _installer(message: str) -> Run:
    """A file installed under its own name."""

    async def run(ctx: Context) -> None:
        filename = ctx.arguments.required("filename")
        await ctx.api.call(message, PurePath(filename).name, await file_content(ctx, filename))

    return run


async def install_trusted(ctx: Context) -> None:
    pool = await value_of(ctx, read_word("@uuid"), Ref("pool"))
    content = await file_content(ctx, ctx.arguments.required("filename"))
    ca = values.boolean("ca", ctx.arguments.required("ca"))
    purposes = await value_of(ctx, read_word("[purpose]"), Set(Enum("certificate_purpose")))
    await ctx.api.call("pool.install_trusted_certificate", pool, ca, content, purposes)


async def install_server(ctx: Context) -> None:
    names = ("certificate", "private-key", "certificate-chain")
    files = [ctx.arguments.get(name) for name in names]
    contents = ["" if name is None else await file_content(ctx, name) for name in files]
    selection = Selection("host", Several.NEVER, not_filters=frozenset(names))
    await on_each(ctx, selection, lambda host: host.call("install_server_certificate", *contents))


async def introduce_remote_pool(ctx: Context) -> None:
    arguments = ctx.arguments
    certificate = await file_content(ctx, arguments.required("certificate-file"))
    repository = await ctx.api.call(
        "Repository.introduce_remote_pool",
        arguments.required("name-label"),
        arguments.text("name-description"),
        arguments.required("binary-url"),
        certificate,
    )
    ctx.printer.list([await ctx.api.call("Repository.get_uuid", repository)])


async def licence_add(ctx: Context) -> None:
    host = await value_of(ctx, read_word("@host-uuid"), Ref("host"))
    content = await file_content(ctx, ctx.arguments.required("license-file"))
    await ctx.api.call("host.license_add", host, base64.b64encode(cli.text_to_bytes(content)).decode())
    ctx.printer.raw("The licence was added.")


async def sysprep(ctx: Context) -> None:
    answers = await file_content(ctx, ctx.arguments.required("filename"))
    timeout = max(0.0, values.exact_float("timeout", ctx.arguments.text("timeout", "180")))

    async def act(vm: Subject) -> None:
        await vm.call("sysprep", answers, timeout)

    await on_each(ctx, Selection("vm", not_filters=frozenset({"filename", "timeout"})), act)


_FILE: Final = ("filename",)

COMMANDS: Final = (
    Command("pool-certificate-install", _installer("pool.install_ca_certificate"), _FILE),
    Command("pool-install-ca-certificate", _installer("pool.install_ca_certificate"), _FILE),
    Command("pool-crl-install", _installer("pool.crl_install"), _FILE),
    Command("pool-install-trusted-certificate", install_trusted, ("filename", "ca"), ("uuid", "purpose")),
    Command("host-server-certificate-install", install_server, ("certificate", "private-key"), ("certificate-chain",),
            selects="host"),
    Command("repository-introduce-remote-pool", introduce_remote_pool, ("name-label", "binary-url", "certificate-file"),
            ("name-description",)),
    Command("host-license-add", licence_add, ("license-file",), ("host-uuid",)),
    Command("vm-sysprep", sysprep, _FILE, ("timeout",), selects="vm"),
)  # fmt: skip
