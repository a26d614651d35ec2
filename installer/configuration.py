"""The files under ``/etc`` that make a machine a host of a pool; run by the installed Python, once everything is installed.

What is there is kept: identity, secrets and what a person has edited survive every later install.
"""

import argparse
import secrets
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

from embedded.certificate import self_signed
from embedded.first_start import PUBLIC, SECRET, Product, inventory, settings, write

MANAGEMENT_CONF = Path("/etc/firstboot.d/data/management.conf")
PAM = Path("/etc/pam.d/xapi")


def write_missing(bridge: str, address: str, management: str, storage: str, network: str) -> list[Path]:
    """Make the files that are missing; return which were made."""
    makers: tuple[tuple[str | Path, int, Callable[[], str]], ...] = (
        ("/etc/xensource-inventory", PUBLIC, lambda: inventory(str(uuid4()), str(uuid4()), Product(), bridge)),
        ("/etc/xensource/pool.conf", PUBLIC, lambda: "master"),
        ("/etc/xensource/ptoken", SECRET, lambda: "/".join(str(uuid4()) for _ in range(3))),
        ("/etc/xensource/network.conf", PUBLIC, lambda: network + "\n"),
        ("/etc/xensource/xapi-ssl.pem", SECRET, lambda: certificate(address)),
        ("/etc/firstboot.d/data/default-storage.conf", PUBLIC, lambda: settings(first_storage(storage))),
        (MANAGEMENT_CONF, PUBLIC, lambda: management),
        (PAM, PUBLIC, lambda: files("installer").joinpath("files", "pam-xapi").read_text()),
        ("/etc/iscsi/initiatorname.iscsi", SECRET, lambda: f"InitiatorName=iqn.2024-01.org.xapi:{secrets.token_hex(4)}\n"),
    )
    made = []
    for name, mode, make in makers:
        path = Path(name)
        if not path.exists():
            write(path, make(), mode)
            made.append(path)
    return made


def first_storage(folder: str) -> dict[str, str]:
    """Return what xapi makes the host's first storage repository from: disks are files in *folder*."""
    return {"XSTYPE": "'file'", "XSPARTITIONS": f"'{folder}'"}


def certificate(address: str) -> str:
    """Return a new certificate for every name this host can be called by."""
    names = list(dict.fromkeys(("localhost", socket.gethostname(), socket.getfqdn())))
    addresses = list(dict.fromkeys((address, "127.0.0.1")))
    return self_signed(socket.gethostname(), names, addresses, datetime.now(UTC)).decode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="installer.configuration")
    for name in ("bridge", "address", "management", "storage", "network"):
        parser.add_argument(f"--{name}", required=True)
    for path in write_missing(**vars(parser.parse_args())):
        print(path)  # noqa: T201 (the installer's step shows it)


if __name__ == "__main__":
    main()
