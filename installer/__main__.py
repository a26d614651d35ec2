"""``python3 -m installer install|uninstall``: what ``make install`` and ``make uninstall`` do, on a Debian 12 under Xen.

Every step may be done again: a second install changes nothing but the application. Runs on Debian's own Python without
anything installed.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from embedded import debian
from embedded.progress import Step, StepFailed, run, say
from installer import application, machine, management, units
from installer.packages import OPENVSWITCH, RUNTIME

CHECKOUT = Path(__file__).resolve().parents[1]
NETWORK_CONF = Path("/etc/xensource/network.conf")
STORAGE = "/var/lib/xapi-storage"


def install(options: argparse.Namespace) -> None:
    machine.require_installable()
    found = None if management.CONF.is_file() else management.find(options.management)
    network = NETWORK_CONF.read_text().strip() if NETWORK_CONF.is_file() else options.network
    install_packages(openvswitch=network == "openvswitch")
    application.install_dependencies(CHECKOUT)
    application.install_application(CHECKOUT)
    if found is not None:
        configure(found, network, options.storage)
    units.install(CHECKOUT, openvswitch=network == "openvswitch")
    if found is not None:
        try:
            management.move_to_bridge(found, lambda: units.start_one("xcp-networkd.service"))
        except StepFailed:
            management.CONF.unlink(missing_ok=True)
            raise
    units.start()
    report()


def install_packages(*, openvswitch: bool) -> None:
    with Step("Debian packages") as step:
        absent = debian.missing([*RUNTIME, *(OPENVSWITCH if openvswitch else ())])
        if not absent:
            step.done("all installed")
            return
        step.doing(f"installing {len(absent)}: {' '.join(absent)}")
        debian.apt_get("update")
        debian.apt_get("install", "--yes", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", *absent)
        step.done(f"{len(absent)} installed")


def configure(found: management.Management, network: str, storage: str) -> None:
    """Make the files under /etc with the installed Python, which has what a certificate takes."""
    with Step("Configuration") as step:
        values = {
            "bridge": found.bridge, "address": found.address, "management": found.conf, "storage": storage, "network": network,
        }  # fmt: skip
        words = [f"--{name}={value}" for name, value in values.items()]
        python = application.PREFIX / "bin/python"
        made = run([python, "-m", "installer.configuration", *words], timeout=120, cwd=Path("/")).split()
        step.done(f"{len(made)} files made" if made else "kept as it is")


def report() -> None:
    """Say how the new host is used."""
    listing = run([application.COMMANDS["xe"], "host-list", "params=name-label,address,uuid"], timeout=300)
    say(f"\nThis host is installed. xe host-list says:\n\n{listing.rstrip()}\n")
    say("Here, as root, `xe` needs no password; XenCenter, Xen Orchestra, SDKs and `xe -s ADDRESS -u root -pw ...` use https://ADDRESS.")


def uninstall(options: argparse.Namespace) -> None:
    machine.require_root()
    units.stop()
    management.restore()
    units.remove(CHECKOUT)
    application.remove()
    with Step("Configuration") as step:
        Path("/etc/pam.d/xapi").unlink(missing_ok=True)
        if options.purge:
            for folder in ("/etc/xensource", "/etc/firstboot.d", "/var/lib/xcp", "/var/xapi"):
                shutil.rmtree(folder, ignore_errors=True)
            Path("/etc/xensource-inventory").unlink(missing_ok=True)
            step.done("removed; disks of guests are kept")
        else:
            step.done("identity, database and disks of guests are kept (PURGE=1 removes all but the disks)")


def main() -> int:
    parser = argparse.ArgumentParser(prog="installer", description="Install the toolstack on a Debian 12 under Xen.")
    parser.add_argument("action", choices=["install", "uninstall"])
    parser.add_argument("--management", help="interface to manage the host over (default: the one with the default route)")
    parser.add_argument("--network", choices=["bridge", "openvswitch"], default="bridge", help="how guests' networks are made")
    parser.add_argument("--storage", default=STORAGE, help=f"folder of the first storage repository (default: {STORAGE})")
    parser.add_argument("--purge", action="store_true", help="uninstall: remove identity and database too")
    options = parser.parse_args()
    os.umask(0o022)
    try:
        (install if options.action == "install" else uninstall)(options)
    except StepFailed as failure:
        say(f"\n{failure.why}\n\nWhat to do: {failure.do}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
