"""Where an embedded host lives and where it listens.

``hostN`` lives in ``var/hostN`` of the checkout and listens on ``127.0.0.N``, the same ports for all, so that a
host's address alone says which one it is, as in a pool of real hosts. What an installed host has too hangs
under the root at the original's place (``idl.paths``); ``run/`` holds what only an embedded host needs.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from idl.paths import Root

CHECKOUT = Path(__file__).resolve().parents[1]
NAME = re.compile(r"host([1-9][0-9]?)")
HTTP_PORT = 8080
TLS_PORT = 8443
# A Unix socket's address holds 107 characters; daemons put their sockets up to 47 below the root.
LONGEST_ROOT = 107 - 47


@dataclass(frozen=True, slots=True)
class Host:
    """One embedded host: its folder, its address, the files that only an embedded host has."""

    name: str
    folder: Path
    address: str

    @property
    def root(self) -> Root:
        return Root(self.folder)

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def namespace(self) -> Path:
        """The file the network namespace is bound to."""
        return self.run / "netns"

    @property
    def supervisor_config(self) -> Path:
        return self.folder / "etc" / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def supervisor_pid(self) -> Path:
        return self.run / "supervisord.pid"

    @property
    def logs(self) -> Path:
        return self.folder / "var" / "log"

    @property
    def root_password(self) -> Path:
        return self.folder / "root-password"

    @property
    def certificate(self) -> Path:
        return self.root.under("/etc/xensource/xapi-ssl.pem")

    @property
    def pool_certificate(self) -> Path:
        return self.root.under("/etc/xensource/xapi-pool-tls.pem")

    @property
    def verify_flag(self) -> Path:
        return self.root.under("/var/xapi/verify-certificates")

    @property
    def stunnel_config(self) -> Path:
        return self.root.under("/etc/stunnel/xapi.conf")

    @property
    def xenopsd_config(self) -> Path:
        return self.root.under("/etc/xenopsd.conf")

    @property
    def init_complete(self) -> Path:
        return self.root.under("/var/run/xapi_init_complete.cookie")

    @property
    def http_url(self) -> str:
        return f"http://{self.address}:{HTTP_PORT}"

    @property
    def tls_url(self) -> str:
        return f"https://{self.address}:{TLS_PORT}"


def named(name: str, checkout: Path = CHECKOUT) -> Host:
    """Return the host called *name* (``host1`` ... ``host99``); raises ValueError for another name."""
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"a host is called host1 ... host99, not {name!r}")
    return Host(name, checkout / "var" / name, f"127.0.0.{match[1]}")


def first(count: int, checkout: Path = CHECKOUT) -> list[Host]:
    """Return the first *count* hosts; raises ValueError unless they can exist."""
    if not 1 <= count <= 99:
        raise ValueError(f"there can be 1 to 99 hosts, not {count}")
    return [named(f"host{number}", checkout) for number in range(1, count + 1)]


def shared_storage(checkout: Path = CHECKOUT) -> Path:
    """Return the directory that all hosts of the checkout reach: what a file server is to a real pool."""
    return checkout / "var" / "shared"


def cache(checkout: Path = CHECKOUT) -> Path:
    """Return the folder of what is built once and shared by all hosts of the checkout."""
    return checkout / "var" / "cache"
