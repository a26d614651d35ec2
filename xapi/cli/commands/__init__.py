"""Every command by name: those that all classes have, and those written for one purpose."""

from collections.abc import Mapping
from typing import Final

from xapi.cli import generated
from xapi.cli.command import Command
from xapi.cli.commands import (
    cds,
    certificates,
    devices,
    exports,
    host_files,
    hosts,
    licences,
    machines,
    migration,
    networks,
    one_call_hosts,
    one_call_machines,
    others,
    plugins,
    pool_membership,
    probing,
    recovery,
    snapshots,
    statistics,
    storage,
    users,
    vm,
)

MODULES: Final = (
    vm, migration, devices, cds, snapshots, exports, storage, probing, networks, machines, others, plugins, pool_membership,
    hosts, host_files, certificates, licences, recovery, statistics, users, one_call_hosts, one_call_machines,
)  # fmt: skip

COMMANDS: Final[Mapping[str, Command]] = {
    **generated.commands(),
    **{command.name: command for module in MODULES for command in module.COMMANDS},
}
