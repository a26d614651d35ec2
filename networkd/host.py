"""The host's network as one thing: observe it, carry plans out, take half-done ones back.

The edge behind :mod:`networkd.service`; everything here blocks and runs in worker threads.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from idl.config import read_inventory
from idl.paths import Root
from networkd import ethtool, firstboot, planner
from networkd.backends.base import Backend
from networkd.config import Desired, write_atomically
from networkd.dhcp import Clients
from networkd.errors import CommandFailed, internal_error
from networkd.kernel import Kernel, connect
from networkd.order import sort_cards
from networkd.records import Actual, Plan, SetEthtool, SetOffload, StartDhcp, Step, StopDhcp, WriteResolvConf
from networkd.status import cards

log = logging.getLogger(__name__)

PlanFor = Callable[[Actual], Plan]
BEST_EFFORT = (SetOffload, SetEthtool)
"""What a card may refuse without the interface being unusable."""


@dataclass(frozen=True, slots=True)
class Host:
    root: Root
    backend: Backend
    clients: Clients

    @property
    def _resolv_conf(self) -> Path:
        return self.root.under("/etc/resolv.conf")

    def resolv_conf(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return self._resolv_conf.read_text()
        return ""

    def observe(self, offload_of: Iterable[str] = ()) -> Actual:
        """Return the present state; offload settings only of the devices named."""
        with connect() as kernel:
            return self._observe(kernel, offload_of)

    def _observe(self, kernel: Kernel, offload_of: Iterable[str] = ()) -> Actual:
        actual = replace(kernel.observe(), dhcp=self.clients.running(), resolv_conf=self.resolv_conf())
        offload = {device: ethtool.read_offload(device) for device in offload_of if device in actual.links}
        return replace(actual, bridges=self.backend.bridges(actual), offload=offload)

    def first_boot(self) -> Desired:
        """Return what the installer wrote down, for a host without a database."""
        answers = self.root.under(firstboot.PATH)
        if not answers.is_file():
            return Desired()
        inventory = read_inventory(self.root.inventory) if self.root.inventory.is_file() else {}
        actual = self.observe()
        order = sort_cards([], cards(actual))
        macs = {link.name: link.mac for link in actual.links.values()}
        try:
            return firstboot.desired_state(read_inventory(answers), order, macs, inventory.get("MANAGEMENT_INTERFACE"))
        except (KeyError, ValueError) as error:
            # Better up without its addresses than not at all.
            log.error("%s cannot be used: %r", answers, error)
            return Desired(interface_order=order)

    def carry_out(self, plan_for: PlanFor, offload_of: Iterable[str] = ()) -> int:
        """Observe, plan, apply; return the number of steps. When a step fails those before it are taken back.

        :raises RpcError: what *plan_for* raises, or ``Internal_error`` with the failed step and the reason.
        """
        with connect() as kernel:
            before = self._observe(kernel, offload_of)
            plan = plan_for(before)
            for number, step in enumerate(plan):
                log.info("step %d/%d: %s", number + 1, len(plan), step)
                try:
                    self._apply(step, kernel)
                except CommandFailed as error:
                    if isinstance(step, BEST_EFFORT):
                        log.warning("not done: %s", error)
                        continue
                    self._take_back(plan[:number], before, kernel)
                    raise internal_error(str(error)) from error
            return len(plan)

    def _take_back(self, done: Plan, before: Actual, kernel: Kernel) -> None:
        for step in reversed(done):
            for opposite in planner.undo(step, before):
                try:
                    self._apply(opposite, kernel)
                except CommandFailed as error:
                    # The first failure is what the caller hears; the rest of the undo must still be tried.
                    log.warning("undo: %s", error)

    def _apply(self, step: Step, kernel: Kernel) -> None:
        match step:
            case StartDhcp():
                self.clients.start(step)
            case StopDhcp(device, family):
                self.clients.stop(device, family)
            case WriteResolvConf(text):
                write_atomically(self._resolv_conf, text.encode())
            case SetOffload(device, values):
                ethtool.set_offload(device, values)
            case SetEthtool(device, settings):
                ethtool.set_link(device, settings)
            case _:
                self.backend.apply(step, kernel)
