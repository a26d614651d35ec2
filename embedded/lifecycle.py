"""Starting, stopping, describing and removing an embedded host, as steps a person can follow."""

import errno
import fcntl
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded import accelerator, demo, first_start, namespace, processes, readiness, supervision
from embedded.guest_image.build import GuestImage, image
from embedded.layout import CHECKOUT, HTTP_PORT, LONGEST_ROOT, TLS_PORT, Host, cache, shared_storage
from embedded.progress import Step, StepFailed, run, say

CLEAN_SHUTDOWN_SECONDS = 60.0
DAEMONS_SECONDS = 60.0
STUNNEL_PATHS = "/usr/bin:/usr/sbin:/bin:/sbin"


@contextmanager
def locked(host: Host) -> Iterator[None]:
    """Keep other commands away from *host* meanwhile."""
    host.folder.parent.mkdir(parents=True, exist_ok=True)
    with host.folder.with_suffix(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StepFailed(f"another command is working on {host.name}", "Wait for it to end.") from None
        yield


def start(host: Host, *, with_guest: bool = True) -> None:
    """Bring *host* up (or find that it is), with the demo guest running, and say how to use it.

    A host that is to join a pool must have no running guest.
    """
    with locked(host):
        guest_image = image(cache())
        if supervision.is_running(host):
            say(f"{host.name} is running already; nothing to start")
        else:
            bring_up(host, guest_image)
        readiness.wait_for_all(host)
        if coordinator := coordinator_of(host):
            say(f"\n{host.name} is up; it supports the coordinator of its pool, {coordinator}: ask there")
            return
        if with_guest:
            demo.ensure_running(host, guest_image)
        say(summary(host))


def coordinator_of(host: Host) -> str:
    """Return the address of the coordinator that *host* supports; empty where it is one itself."""
    role, _, address = host.root.pool_conf.read_text().strip().partition(":")
    return address if role == "slave" else ""


def bring_up(host: Host, guest_image: GuestImage) -> None:
    """Start the daemons of a host whose supervisord does not run."""
    say(f"Starting {host.name} in {host.folder}")
    check_path(host)
    clear_what_was_left(host)
    check_ports(host)
    shared_storage().mkdir(parents=True, exist_ok=True)
    if not host.xenopsd_config.exists():
        chosen = accelerator.probe(guest_image.kernel)
        first_start.write(host.xenopsd_config, first_start.settings(first_start.xenopsd_settings(chosen)), first_start.PUBLIC)
    with Step("Files of a first start") as step:
        made = first_start.write_missing(host)
        step.done(f"{len(made)} made" if made else "all there")
    with Step("Network namespace") as step:
        step.done("made" if namespace.ensure(host.namespace) else "is there")
    with Step("Supervisor"):
        supervision.start(host, sys.executable, stunnel_program())


def check_path(host: Host) -> None:
    """Unix sockets have short names; better to say so than to have a daemon fail with it."""
    if len(str(host.folder)) > LONGEST_ROOT:
        raise StepFailed(
            f"{host.folder} is {len(str(host.folder))} characters long; sockets under it allow {LONGEST_ROOT}",
            "Move the checkout to a place with a shorter path.",
        )


def check_ports(host: Host) -> None:
    """Find out now, not from a daemon's log, that a port is taken."""
    for port in (HTTP_PORT, TLS_PORT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.address, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                raise StepFailed(
                    f"something else listens on {host.address}:{port}",
                    f"See who: ss -ltnp 'sport = :{port}'. Stop it, then run again.",
                ) from error


def clear_what_was_left(host: Host) -> None:
    """End daemons whose supervisor was killed; guests and their disks' servers go on, daemons find them again.

    If nothing at all is left this is the host's boot, and what does not survive one is removed.
    """
    left = processes.of_host(host)
    rooms = (*supervision.ROOMS, "supervisor")
    daemons = [process for process in left if process.runs_room(rooms) or "stunnel" in process.command[0]]
    if daemons:
        with Step("Daemons left by a killed supervisor") as step:
            processes.end(daemons, DAEMONS_SECONDS)
            step.done(f"{len(daemons)} ended")
    if not left:
        shutil.rmtree(host.root.under("/var/run"), ignore_errors=True)
    host.init_complete.unlink(missing_ok=True)


def stunnel_program() -> str:
    """Return where Debian put stunnel."""
    found = shutil.which("stunnel4", path=STUNNEL_PATHS)
    if found is None:
        raise StepFailed("stunnel4 is not there", "apt-get install stunnel4")
    return found


def stop(host: Host) -> None:
    """End everything that belongs to *host*: guests cleanly if xapi answers, then daemons, then what is left."""
    with locked(host):
        if not processes.of_host(host) and not namespace.exists(host.namespace):
            say(f"{host.name} is not running")
            return
        say(f"Stopping {host.name}")
        if supervision.is_running(host):
            shut_down_guests(host)
            shut_down_daemons(host)
        with Step("What is left") as step:
            left = processes.of_host(host)
            killed = processes.end(left, patience=10)
            for mount in processes.leftover_mounts(host.folder):
                if mount != host.namespace:
                    run(["umount", mount], timeout=30, do=f"See what uses it: fuser -vm {mount}")
            step.done(f"{len(left)} processes ended, {len(killed)} of them killed" if left else "nothing")
        with Step("Network namespace") as step:
            namespace.remove(host.namespace)
            step.done("removed")


def shut_down_guests(host: Host) -> None:
    """Let the guests shut down; a toolstack that does not answer must not keep the host from stopping."""
    with Step("Guests") as step:
        if not (host.init_complete.exists() and readiness.accepts(host.address, HTTP_PORT)):
            step.done("xapi does not answer: they are ended below")
            return
        try:
            demo.shut_down_guests(host, CLEAN_SHUTDOWN_SECONDS)
        except demo.NO_ANSWER as error:
            step.done(f"{error}: they are ended below")


def shut_down_daemons(host: Host) -> None:
    """Have supervisord stop the daemons in order, and wait for it to end."""
    with Step("Daemons") as step:
        supervisor = [process for process in processes.of_host(host) if process.pid == supervision.pid(host)]
        supervision.shut_down(host)
        stubborn = processes.wait(supervisor, DAEMONS_SECONDS)
        step.done("did not stop in time" if stubborn else "stopped")


def status(host: Host) -> bool:
    """Print what runs; return whether the host does."""
    if not supervision.is_running(host):
        left = processes.of_host(host)
        say(f"{host.name} is not running" + (f"; {len(left)} processes are left (make stop ends them)" if left else ""))
        return False
    say(f"{host.name} in {host.folder}")
    for line in daemon_table(host):
        say("  " + line)
    try:
        for name, state, uuid in demo.guests(host):
            say(f"  guest {name} ({uuid}): {state}")
    except demo.NO_ANSWER as error:
        say(f"  guests: xapi does not say ({error})")
    say(f"  XenAPI {host.http_url} and {host.tls_url}, root's password in {host.root_password}")
    return True


def daemon_table(host: Host) -> list[str]:
    """Return a line for each daemon: state, whether it answers, process, age, memory."""
    lines = []
    for found in supervision.statuses(host):
        word = "ready" if readiness.is_ready(host, found) else found.state.lower()
        age = f"{time.time() - found.started:.0f} s" if found.pid else ""
        lines.append(f"{found.name:<12} {word:<9} {found.pid or '':<8} {age:>8} {resident(found.pid):>8}  {found.why}".rstrip())
    return lines


def resident(pid: int) -> str:
    """Return a process' resident memory in MiB as text; empty when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return ""
    return next((f"{int(line.split()[1]) // 1024} MiB" for line in lines if line.startswith("VmRSS")), "")


def clean(host: Host) -> None:
    """Stop the host and remove its folder; the cache of built images stays."""
    if processes.of_host(host) or namespace.exists(host.namespace):
        stop(host)
    with locked(host), Step(f"State in {host.folder}") as step:
        if mounts := processes.leftover_mounts(host.folder):
            raise StepFailed(f"{mounts[0]} is still mounted", f"umount {mounts[0]}")
        existed = host.folder.exists()
        if existed:
            shutil.rmtree(host.folder)
        step.done("removed" if existed else "there was none")
    host.folder.with_suffix(".lock").unlink(missing_ok=True)


def pool_advice(hosts: list[Host]) -> str:
    """Return how the hosts become one pool."""
    coordinator, *others = hosts
    joins = "\n".join(
        f"  XAPI_ROOT={os.path.relpath(host.folder, CHECKOUT)} .venv/bin/xe pool-join master-address={coordinator.address} "
        f'master-username=root master-password="$(cat {os.path.relpath(coordinator.root_password, CHECKOUT)})"'
        for host in others
    )
    return f"""
{len(hosts)} hosts are up, each a pool of its own. To make them one:
{joins}
Storage that all of them reach is what lies in {shared_storage()}:
  XAPI_ROOT={os.path.relpath(coordinator.folder, CHECKOUT)} .venv/bin/xe sr-create type=file shared=true name-label=Shared \
    device-config:location={shared_storage()}
"""


def summary(host: Host) -> str:
    """Return what to do with the running host."""
    # The plain address would mean the local socket to xe.
    server = "localhost" if host.address == "127.0.0.1" else host.address
    xe = f"XAPI_ROOT={os.path.relpath(host.folder, CHECKOUT)} .venv/bin/xe"
    listed = "\n".join(f"  guest {name}: {state} ({uuid})" for name, state, uuid in demo.guests(host))
    return f"""
{host.name} is up.
  XenAPI    {host.http_url}   {host.tls_url}
  user      root, password in {host.root_password}
{listed}

Try:
  {xe} vm-list
  {xe} vm-param-list vm={demo.NAME}
  {xe} console vm={demo.NAME}
  {xe} vm-reboot vm={demo.NAME}
  .venv/bin/xe -s {server} -p {TLS_PORT} -u root -pw "$(cat {host.root_password})" host-list     (over TLS)
  make status; make stop
"""
