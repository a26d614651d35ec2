"""Running a tool of dom0 for a call: its output, or an error that says what went wrong."""

import asyncio

from xapi import errors


async def output(*command: str, timeout: float, stdin: bytes | None = None) -> tuple[int, str, str]:
    """Run *command* and return (exit status, stdout, stderr). :raises XenAPIError: INTERNAL_ERROR after *timeout* seconds, or
    where the command is not there."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as reason:
        raise errors.internal_error(f"{command[0]} cannot be run: {reason.strerror}") from None
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate(stdin)
    except (TimeoutError, asyncio.CancelledError) as reason:
        process.kill()
        await process.wait()
        if isinstance(reason, asyncio.CancelledError):
            raise
        raise errors.internal_error(f"{command[0]} did not end within {timeout:.0f} s") from None
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


async def checked(*command: str, timeout: float) -> str:
    """Run *command* and return what it printed. :raises XenAPIError: INTERNAL_ERROR unless it succeeds."""
    code, out, err = await output(*command, timeout=timeout)
    if code != 0:
        raise errors.internal_error(err.strip() or out.strip() or f"{command[0]} exited with {code}")
    return out
