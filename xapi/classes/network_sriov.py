"""XenAPI class network_sriov: how many virtual functions are left. They are made by the networking service, once it can."""

from xapi.server.context import Context
from xapi.server.registry import implements


@implements("network_sriov.get_remaining_capacity")
async def get_remaining_capacity(ctx: Context, self: str) -> int:
    """XenAPI: network_sriov.get_remaining_capacity: functions of the interface's device that no VM has or is about to get."""
    db = ctx.db
    pci = db.get("PIF", db.get("network_sriov", self, "physical_PIF"), "PCI")
    if not db.exists("PCI", pci):
        return 0
    reserved = {row.values["reserved_pci"] for row in db.rows("VIF")}
    functions = [db.row("PCI", ref) for ref in db.get("PCI", pci, "virtual_functions")]
    taken = [
        row for row in functions if row.values["attached_VMs"] or row.ref in reserved
        or db.exists("VM", row.values["scheduled_to_be_attached_to"])
    ]  # fmt: skip
    return len(functions) - len(taken)
