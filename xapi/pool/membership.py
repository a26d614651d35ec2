"""What this process knows of its pool: its role, how to reach the others, and why it may be unable to answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idl.paths import Root
from xapi.errors import XenAPIError
from xapi.pool.peers import Peers
from xapi.pool.role import Coordinator, Role, Supporter

if TYPE_CHECKING:
    from xapi.pool.feed import Feed
    from xapi.pool.link import Link

TLS_PORT = 443


@dataclass(slots=True)
class Membership:
    """One per process; its role does not change while it lives."""

    root: Root
    role: Role
    peers: Peers
    emergency: XenAPIError | None = None
    """Why only the emergency calls are answered; None in ordinary times."""
    feed: "Feed | None" = None
    """On the coordinator: its supporters' copies."""
    link: "Link | None" = None
    """On a supporter: its own copy."""
    session: str = ""
    """The coordinator's session for calls to its supporters."""
    calls: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    """Host -> how to give up each call that waits for it."""
    shutting_down: set[str] = field(default_factory=set)
    """Hosts (uuids) that said they go down."""
    silent_since: dict[str, float] = field(default_factory=dict)
    """Hosts (uuids) without a line to us, and since when (monotonic)."""

    @property
    def is_coordinator(self) -> bool:
        return isinstance(self.role, Coordinator)

    @property
    def coordinator(self) -> str:
        """The coordinator's address, on a supporter; empty elsewhere."""
        return self.role.coordinator if isinstance(self.role, Supporter) else ""

    @property
    def secret(self) -> str:
        """The pool's secret, or an empty string where there is none."""
        try:
            return self.root.pool_secret.read_text().strip()
        except OSError:
            return ""


def membership(root: Root, role: Role, tls_port: int = TLS_PORT) -> Membership:
    return Membership(root, role, Peers(root, tls_port))
