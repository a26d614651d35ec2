"""Clusters of hosts: the membership layer under clustered file systems."""

from xapi.datamodel.declare import HIDDEN, POOL_INTERNAL, call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Ref, Set
from xapi.datamodel.roles import LOCAL_ROOT, READ_ONLY

Cluster = define(
    "Cluster",
    since="prototyped kolkata, lima",
    doc="Hosts that agree on membership, so that they can share a clustered file system.",
    fields=(
        ro("uuid", STRING),
        ro("cluster_hosts", Set(Ref("Cluster_host")), doc="Hosts in it."),
        ro("pending_forget", Set(STRING), [], since="lima", doc="Hosts that are being forgotten."),
        static("cluster_token", STRING, "", doc="Secret that its hosts share."),
        static("cluster_stack", STRING, "corosync", doc="Software that it runs on, e.g. `corosync`."),
        static("cluster_stack_version", INT, 2, since="prototyped 24.15.0", doc="Major version of that software."),
        ro("is_quorate", BOOL, False, since="prototyped 24.3.0", doc="Whether enough hosts are there to go on."),
        ro("quorum", INT, 0, since="prototyped 24.3.0", doc="How many hosts are enough."),
        ro("live_hosts", INT, 0, since="prototyped 24.3.0", doc="How many hosts are there."),
        ro("expected_hosts", INT, 0, since="prototyped 25.17.0", doc="How many hosts ought to be there."),
        ro("allowed_operations", Set(Enum("cluster_operation")), [], persist=False, since="rio"),
        ro("current_operations", Map(STRING, Enum("cluster_operation")), {}, persist=False, since="rio"),
        static("pool_auto_join", BOOL, True, doc="Whether hosts that join the pool join it too."),
        static(
            "token_timeout", FLOAT, 20.0, since="prototyped kolkata, changed lima, lima",
            doc="Seconds until a silent host is thought lost.",
        ),
        static(
            "token_timeout_coefficient", FLOAT, 1.0, since="prototyped kolkata, changed lima, lima",
            doc="Seconds added to that for each host beyond two.",
        ),
        static("cluster_config", Map(STRING, STRING), {}, doc="Settings of the cluster software."),
        rw("other_config", Map(STRING, STRING), {}),
    ),
    messages=(
        call(
            "create", p("PIF", Ref("PIF"), since="kolkata"), p("cluster_stack", STRING, since="kolkata"),
            p("pool_auto_join", BOOL, since="kolkata"), p("token_timeout", FLOAT, 20.0, since="kolkata"),
            p("token_timeout_coefficient", FLOAT, 1.0, since="kolkata"), result=Ref("Cluster"),
            errors=("INVALID_CLUSTER_STACK", "INVALID_VALUE", "PIF_ALLOWS_UNPLUG", "REQUIRED_PIF_IS_UNPLUGGED"),
            doc="Make a cluster of the host of a PIF alone.",
        ),
        call(
            "destroy", p("self", Ref("Cluster")), errors=("CLUSTER_DOES_NOT_HAVE_ONE_NODE", "CLUSTER_STACK_IN_USE"),
            doc="End a cluster that has one host left.",
        ),
        call(
            "get_network", p("self", Ref("Cluster")), result=Ref("network"), role=READ_ONLY,
            doc="Return the network it runs over; all hosts' PIFs must be on it.",
        ),
        call(
            "pool_create", p("network", Ref("network"), since="kolkata"), p("cluster_stack", STRING, since="kolkata"),
            p("token_timeout", FLOAT, 20.0, since="kolkata"),
            p("token_timeout_coefficient", FLOAT, 1.0, since="kolkata"), result=Ref("Cluster"),
            doc="Make a cluster of all hosts of the pool, over a network.",
        ),
        call(
            "pool_force_destroy", p("self", Ref("Cluster")), errors=("CLUSTER_FORCE_DESTROY_FAILED",),
            doc="End a cluster whatever state its hosts are in.",
        ),
        call(
            "pool_destroy", p("self", Ref("Cluster")),
            errors=("CLUSTER_STACK_IN_USE", "CLUSTERING_DISABLED", "CLUSTER_HOST_IS_LAST"),
            doc="Take all hosts out and end the cluster.",
        ),
        call("pool_resync", p("self", Ref("Cluster")), doc="Add the hosts of the pool that it lacks."),
        call(
            "cstack_sync", p("self", Ref("Cluster")), flags=(HIDDEN, POOL_INTERNAL),
            doc="Have the cluster software's state written to the records. For the pool's own use.",
        ),
    ),
)

Cluster_host = define(
    "Cluster_host",
    since="prototyped kolkata, lima",
    doc="One host's part in a cluster.",
    fields=(
        ro("uuid", STRING),
        static("cluster", Ref("Cluster"), NULL_REF, doc="Cluster it is in."),
        static("host", Ref("host"), NULL_REF, doc="Host it stands for."),
        ro("enabled", BOOL, False, doc="Whether the host takes part."),
        static("PIF", Ref("PIF"), NULL_REF, doc="Interface that the cluster runs over on it."),
        ro("joined", BOOL, True, doc="Whether the host has joined."),
        ro("live", BOOL, False, since="prototyped 24.3.0", doc="Whether the others see it."),
        ro("last_update_live", DATETIME, EPOCH, since="prototyped 24.3.0", doc="When `live` last changed."),
        ro("allowed_operations", Set(Enum("cluster_host_operation")), [], persist=False, since="rio"),
        ro("current_operations", Map(STRING, Enum("cluster_host_operation")), {}, persist=False, since="rio"),
        static("other_config", Map(STRING, STRING), {}),
    ),
    messages=(
        call(
            "create", p("cluster", Ref("Cluster")), p("host", Ref("host")), p("pif", Ref("PIF")),
            result=Ref("Cluster_host"), errors=("PIF_NOT_ATTACHED_TO_HOST", "NO_CLUSTER_HOSTS_REACHABLE"),
            doc="Have a host join a cluster over an interface.",
        ),
        call(
            "destroy", p("self", Ref("Cluster_host")),
            errors=("CLUSTER_STACK_IN_USE", "CLUSTERING_DISABLED", "CLUSTER_HOST_IS_LAST"),
            doc="Have a host leave its cluster.",
        ),
        call(
            "enable", p("self", Ref("Cluster_host")), errors=("PIF_ALLOWS_UNPLUG", "REQUIRED_PIF_IS_UNPLUGGED"),
            doc="Have a host take part again.",
        ),
        call(
            "force_destroy", p("self", Ref("Cluster_host")), errors=("CLUSTER_STACK_IN_USE",),
            doc="Have a host leave its cluster even if that fails.",
        ),
        call(
            "forget", p("self", Ref("Cluster_host")), role=LOCAL_ROOT, flags=(HIDDEN,), since="lima",
            doc="Forget a host that is dead for good.",
        ),
        call(
            "disable", p("self", Ref("Cluster_host")), errors=("CLUSTER_STACK_IN_USE",),
            doc="Have a host take no part for now. No clustered storage may be plugged.",
        ),
    ),
)
