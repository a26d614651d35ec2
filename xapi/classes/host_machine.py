"""The edge to the machine a host is: its own programs and files, where xapi is installed on it and not in a folder."""

from xapi import errors
from xapi.classes.certificate_files import write_whole
from xapi.classes.command import checked
from xapi.server.context import Context

TIMEOUT = 120.0
IN_A_FOLDER = "a host that runs in a folder has no machine of its own to do this to"


async def if_installed(ctx: Context, *command: str) -> None:
    """Run a command on an installed host; a host in a folder only keeps the record and the file."""
    if ctx.app.root.is_installed_host:
        await checked(*command, timeout=TIMEOUT)


def assert_installed(ctx: Context) -> None:
    """:raises XenAPIError: OPERATION_NOT_ALLOWED for a host in a folder."""
    if not ctx.app.root.is_installed_host:
        raise errors.operation_not_allowed(IN_A_FOLDER)


def write_setting(ctx: Context, path: str, text: str) -> None:
    """Write a file of settings under the root; without text there is none."""
    target = ctx.app.root.under(path)
    if text:
        write_whole(target, text)
    else:
        target.unlink(missing_ok=True)


async def set_boot_options(ctx: Context, name: str, text: str) -> None:
    """Keep options for the next boots in a file of the boot loader's own (``/etc/default/grub.d/<name>.cfg``)."""
    write_setting(ctx, f"/etc/default/grub.d/{name}.cfg", text)
    await if_installed(ctx, "update-grub")
