"""Runs the external programs of the storage service: with a deadline, their output in the error.

A program dies with this process (parent death signal): after ``kill -9`` no orphan goes on writing to an image
that the restarted service believes to be idle.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from sm.errors import Fault, failure, no_space

log = logging.getLogger(__name__)

QUICK = 60.0
"""Seconds for what touches metadata only."""
BULK = 24 * 3600.0
"""Seconds for what moves a disk's data."""


async def run(
    command: Sequence[str],
    *,
    fault: Fault,
    timeout: float = QUICK,
    stdin: int = asyncio.subprocess.DEVNULL,
    stdout: int = asyncio.subprocess.PIPE,
) -> str:
    """Run *command* to its end and return its standard output (empty if *stdout* is a descriptor).

    A cancelled call ends the program before it returns.

    :raises RpcError: ``SR_BACKEND_FAILURE_<fault>`` with the output; ``SR_BACKEND_FAILURE_44`` if the disk is full.
    """
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig=KILL", "--", *command,
        stdin=stdin, stdout=stdout, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout):
            output, complaint = await process.communicate()
    except TimeoutError:
        raise failure(fault, f"{command[0]} gave no answer in {timeout:.0f} s", " ".join(command)) from None
    finally:
        await _reap(process)
    text = (output or b"").decode(errors="replace")
    if process.returncode:
        detail = f"{complaint.decode(errors='replace').strip()} {text.strip()}".strip()
        log.warning("%s failed (%s): %s", " ".join(command), process.returncode, detail)
        if "No space left on device" in detail or "Disk quota exceeded" in detail:
            raise no_space(detail)
        raise failure(fault, f"{command[0]} failed with status {process.returncode}", detail)
    return text


async def _reap(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
