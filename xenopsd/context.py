"""What every atom works with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from idl.xenops import DynamicId
from xenopsd.ballooning import Ballooning
from xenopsd.datapath import Datapaths
from xenopsd.domains import Domains
from xenopsd.hypervisors.base import Hypervisor
from xenopsd.state import Entry, Records
from xenopsd.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """The daemon's parts. *notify* tells clients that an object changed; *scratch* holds suspend images in transit."""

    records: Records
    domains: Domains
    hypervisor: Hypervisor
    datapaths: Datapaths
    store: Store
    scratch: Path
    ballooning: Ballooning
    notify: Callable[[DynamicId], None]

    def is_live(self, entry: Entry) -> bool:
        """Say whether the VM has a domain now."""
        return entry.vm.id in self.hypervisor.domains()
