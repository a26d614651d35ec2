"""Commands about hosts, their updates and drivers, and the pool's limits that are more than one call."""

from typing import Any, Final

from xapi.cli import values
from xapi.cli.command import Command, CommandExit, Context, Run
from xapi.cli.failures import CommandFailure
from xapi.cli.records.model import Subject
from xapi.cli.selectors import Selection, Several, on_each
from xapi.errors import XenAPIError


async def set_hostname(ctx: Context) -> None:
    host = await ctx.api.call("host.get_by_uuid", ctx.arguments.required("host-uuid"))
    await ctx.api.call("host.set_hostname_live", host, ctx.arguments.required("host-name"))


async def healthcheck(ctx: Context) -> None:
    """For high availability: exit code 2 if this xapi is not well, 3 if that cannot be told."""
    try:
        well = await ctx.api.call("host.ha_xapi_healthcheck")
    except XenAPIError as error:
        ctx.printer.raw_error(f"{error}\n")
        raise CommandExit(3) from error
    if not well:
        ctx.printer.raw("xapi is unhealthy")
        raise CommandExit(2)
    ctx.printer.raw("xapi is healthy")


def _upload(cls: str, by_uuid: bool) -> Run:
    """Sends a crash dump or bug report to a web server; every other parameter goes with it."""

    async def options(ctx: Context) -> tuple[str, dict[str, str]]:
        others = {name: text for name, text in ctx.arguments.params if name not in ("uuid", "url")}
        return ctx.arguments.text("url"), others

    async def run(ctx: Context) -> None:
        url, others = await options(ctx)
        if by_uuid:
            ref = await ctx.api.call(f"{cls}.get_by_uuid", ctx.arguments.required("uuid"))
            await ctx.api.call(f"{cls}.upload", ref, url, others)
        else:
            selection = Selection("host", not_filters=frozenset({"url", "http_proxy"}))
            await on_each(ctx, selection, lambda host: host.call("bugreport_upload", url, others))

    return run


PRECHECKS: Final = {
    "ok": "No live patch belongs to this update.",
    "ok_livepatch_complete": "All of the update's live patches can be applied.",
    "ok_livepatch_incomplete": "Not all of the update's live patches can be applied.",
}


async def precheck(ctx: Context) -> None:
    update = await ctx.api.call("pool_update.get_by_uuid", ctx.arguments.required("uuid"))

    async def act(host: Subject) -> None:
        result = await ctx.api.call("pool_update.precheck", update, host.ref)
        ctx.printer.list([f"{host.record['name_label']}: {PRECHECKS[result]}"])

    await on_each(ctx, Selection("host", not_filters=frozenset({"uuid"})), act)


async def apply_update(ctx: Context) -> None:
    update = await ctx.api.call("pool_update.get_by_uuid", ctx.arguments.required("uuid"))
    selection = Selection("host", not_filters=frozenset({"uuid"}))
    await on_each(ctx, selection, lambda host: ctx.api.call("pool_update.apply", update, host.ref))


async def apply_updates(ctx: Context) -> None:
    digest = ctx.arguments.required("hash")

    async def act(host: Subject) -> None:
        warnings = await host.call("apply_updates", digest)
        if warnings:
            ctx.printer.message("\n".join("; ".join(warning) for warning in warnings))

    await on_each(ctx, Selection("host", Several.NEVER, not_filters=frozenset({"hash"})), act)


async def stuck_vms(ctx: Context) -> None:
    """The VMs that keep a host from being evacuated."""
    host = await ctx.api.call("host.get_by_uuid", ctx.arguments.required("uuid"))
    reasons = await ctx.api.call("host.get_vms_which_prevent_evacuation", host)
    for ref, reason in reasons.items():
        vm = await ctx.api.call("VM.get_record", ref)
        labels = (("uuid ( RO)", vm["uuid"]), ("name-label ( RO)", vm["name_label"]), ("reason ( RO)", ": ".join(reason)))
        ctx.printer.table([labels])


async def select_driver(ctx: Context) -> None:
    driver = await ctx.api.call("Host_driver.get_by_uuid", ctx.arguments.required("uuid"))
    wanted = ctx.arguments.required("variant-name")
    for ref in await ctx.api.call("Host_driver.get_variants", driver):
        if (await ctx.api.call("Driver_variant.get_record", ref))["name"] == wanted:
            await ctx.api.call("Host_driver.select", driver, ref)
            return
    raise CommandFailure(f"The driver has no variant '{wanted}'")


async def failure_limit(ctx: Context) -> None:
    """How many hosts could fail if these VMs (repeated, paired in order with priorities) were protected."""
    params = ctx.arguments.params
    uuids = [text for name, text in params if name == "vm-uuid"]
    priorities = [text for name, text in params if name == "restart-priority"]
    if len(uuids) != len(priorities):
        raise CommandFailure("Give a restart-priority= for each vm-uuid=")
    plan = {await ctx.api.call("VM.get_by_uuid", uuid): priority for uuid, priority in zip(uuids, priorities, strict=True)}
    limit = await ctx.api.call("pool.ha_compute_hypothetical_max_host_failures_to_tolerate", plan)
    ctx.printer.list([str(limit)])


async def _name(ctx: Context, cls: str, ref: str) -> str:
    record = await ctx.objects.get(cls, ref)
    return ref if record is None else f"{record['uuid']} ({record['name_label']})"


async def failover_plan(ctx: Context) -> None:
    """Where the VMs of hosts would be restarted if those failed."""
    hosts = [await ctx.api.call("host.get_by_uuid", uuid) for uuid in ctx.arguments.words("host-uuids")]
    vms = await ctx.objects.all("VM")
    lost = [ref for ref, vm in vms.items() if vm["resident_on"] in hosts and not vm["is_control_domain"]]
    plan = await ctx.api.call("pool.ha_compute_vm_failover_plan", hosts, lost)
    rows = [("VM", "Destination host (or error)")]
    for vm, outcome in plan.items():
        target = await _name(ctx, "host", outcome["host"]) if "host" in outcome else outcome.get("error_code", "")
        rows.append((await _name(ctx, "VM", vm), target))
    ctx.printer.table([rows])


def _recommendations(cls: str, message: str, heading: tuple[str, str]) -> Run:
    """What workload balancing recommends: an object, and the words it says about it."""

    async def run(ctx: Context) -> None:
        if message == "VM.retrieve_wlb_recommendations":
            selection = Selection("vm", Several.NEVER)
            (found,) = await on_each(ctx, selection, lambda vm: vm.call("retrieve_wlb_recommendations"))
        elif message.startswith("host."):
            found = await ctx.api.call(message, await ctx.api.call("host.get_by_uuid", ctx.arguments.required("uuid")))
        else:
            found = await ctx.api.call(message)
        rows = [(await _name(ctx, cls, ref), " ".join(words)) for ref, words in found.items()]
        ctx.printer.table([[heading, *rows]])

    return run


async def caller_create(ctx: Context) -> None:
    fields = ("name-label", "name-description", "user-agent", "client-ip")
    record = {name.replace("-", "_"): ctx.arguments.text(name) for name in fields}
    ctx.printer.message(await ctx.api.call("Caller.get_uuid", await ctx.api.call("Caller.create", record)))


async def rate_limit_create(ctx: Context) -> None:
    arguments = ctx.arguments
    callers = [await ctx.api.call("Caller.get_by_uuid", uuid) for uuid in arguments.words("caller-uuids")]
    record: dict[str, Any] = {
        "name_label": arguments.text("name-label"),
        "name_description": arguments.text("name-description"),
        "burst_size": values.exact_float("burst-size", arguments.required("burst-size")),
        "fill_rate": values.exact_float("fill-rate", arguments.required("fill-rate")),
    }
    limit = await ctx.api.call("Rate_limit.create", record)
    for caller in callers:
        await ctx.api.call("Rate_limit.add_caller", limit, caller)
    ctx.printer.message(await ctx.api.call("Rate_limit.get_uuid", limit))


async def observer_create(ctx: Context) -> None:
    arguments = ctx.arguments
    pairs = [pair.split(":") for pair in arguments.words("attributes")]
    record: dict[str, Any] = {
        "name_label": arguments.required("name-label"),
        "name_description": arguments.text("name-description"),
        "hosts": [await ctx.api.call("host.get_by_uuid", uuid) for uuid in arguments.words("host-uuids")],
        "attributes": {pair[0]: pair[1] for pair in pairs if len(pair) == 2},
        "endpoints": arguments.words("endpoints") or ["bugtool"],
        "components": arguments.words("components"),
        "enabled": arguments.flag("enabled"),
    }
    ctx.printer.list([await ctx.api.call("Observer.get_uuid", await ctx.api.call("Observer.create", record))])


_UUID: Final = ("uuid",)
_TO_HOST: Final = ("Host", "rating, identifier, reason")

COMMANDS: Final = (
    Command("host-set-hostname-live", set_hostname, ("host-uuid", "host-name"), selects="host"),
    Command("host-ha-xapi-healthcheck", healthcheck, local_session=True, never_forward=True, hidden=True),
    Command("host-crashdump-upload", _upload("host_crashdump", by_uuid=True), _UUID, ("url", "http_proxy")),
    Command("host-bugreport-upload", _upload("host", by_uuid=False), (), ("url", "http_proxy"), selects="host"),
    Command("update-precheck", precheck, _UUID, selects="host"),
    Command("update-apply", apply_update, _UUID, selects="host"),
    Command("host-apply-updates", apply_updates, ("hash",), selects="host"),
    Command("host-get-vms-which-prevent-evacuation", stuck_vms, _UUID),
    Command("hostdriver-select", select_driver, ("uuid", "variant-name")),
    Command("pool-ha-compute-hypothetical-max-host-failures-to-tolerate", failure_limit, (), ("vm-uuid", "restart-priority")),
    Command("pool-ha-compute-vm-failover-plan", failover_plan, ("host-uuids",), hidden=True),
    Command("pool-retrieve-wlb-recommendations",
            _recommendations("VM", "pool.retrieve_wlb_recommendations", ("VM", "host, identifiers, reason"))),
    Command("vm-retrieve-wlb-recommendations", _recommendations("host", "VM.retrieve_wlb_recommendations", _TO_HOST),
            selects="vm"),
    Command("host-retrieve-wlb-evacuate-recommendations",
            _recommendations("VM", "host.retrieve_wlb_evacuate_recommendations", ("VM", "host, identifier, reason")), _UUID,
            hidden=True),
    Command("caller-create", caller_create, (), ("name-label", "name-description", "user-agent", "client-ip")),
    Command("rate-limit-create", rate_limit_create, ("burst-size", "fill-rate"),
            ("name-label", "name-description", "caller-uuids")),
    Command("observer-create", observer_create, ("name-label",),
            ("host-uuids", "name-description", "enabled", "attributes", "endpoints", "components")),
)  # fmt: skip
