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
        ro("cluster_hosts", Set(Ref("Cluster_host"))),
        ro("pending_forget", Set(STRING), [], since="lima"),
        static("cluster_token", STRING, ""),
        static("cluster_stack", STRING, "corosync"),
        static("cluster_stack_version", INT, 2, since="prototyped 24.15.0"),
        ro("is_quorate", BOOL, False, since="prototyped 24.3.0"),
        ro("quorum", INT, 0, since="prototyped 24.3.0"),
        ro("live_hosts", INT, 0, since="prototyped 24.3.0"),
        ro("expected_hosts", INT, 0, since="prototyped 25.17.0"),
        ro("allowed_operations", Set(Enum("cluster_operation")), [], persist=False, since="rio"),
        ro("current_operations", Map(STRING, Enum("cluster_operation")), {}, persist=False, since="rio"),
        static("pool_auto_join", BOOL, True),
        static("token_timeout", FLOAT, 20.0, since="prototyped kolkata, changed lima, lima"),
        static("token_timeout_coefficient", FLOAT, 1.0, since="prototyped kolkata, changed lima, lima"),
        static("cluster_config", Map(STRING, STRING), {}),
        rw("other_config", Map(STRING, STRING), {}),
    ),
    messages=(
        call(
            "create", p("PIF", Ref("PIF"), since="kolkata"), p("cluster_stack", STRING, since="kolkata"),
            p("pool_auto_join", BOOL, since="kolkata"), p("token_timeout", FLOAT, 20.0, since="kolkata"),
            p("token_timeout_coefficient", FLOAT, 1.0, since="kolkata"), result=Ref("Cluster"),
            errors=("INVALID_CLUSTER_STACK", "INVALID_VALUE", "PIF_ALLOWS_UNPLUG", "REQUIRED_PIF_IS_UNPLUGGED"),
        ),
        call("destroy", p("self", Ref("Cluster")), errors=("CLUSTER_DOES_NOT_HAVE_ONE_NODE", "CLUSTER_STACK_IN_USE")),
        call("get_network", p("self", Ref("Cluster")), result=Ref("network"), role=READ_ONLY),
        call(
            "pool_create", p("network", Ref("network"), since="kolkata"), p("cluster_stack", STRING, since="kolkata"),
            p("token_timeout", FLOAT, 20.0, since="kolkata"),
            p("token_timeout_coefficient", FLOAT, 1.0, since="kolkata"), result=Ref("Cluster"),
        ),
        call("pool_force_destroy", p("self", Ref("Cluster")), errors=("CLUSTER_FORCE_DESTROY_FAILED",)),
        call(
            "pool_destroy", p("self", Ref("Cluster")),
            errors=("CLUSTER_STACK_IN_USE", "CLUSTERING_DISABLED", "CLUSTER_HOST_IS_LAST"),
        ),
        call("pool_resync", p("self", Ref("Cluster"))),
        call("cstack_sync", p("self", Ref("Cluster")), flags=(HIDDEN, POOL_INTERNAL)),
    ),
)

Cluster_host = define(
    "Cluster_host",
    since="prototyped kolkata, lima",
    doc="One host's part in a cluster.",
    fields=(
        ro("uuid", STRING),
        static("cluster", Ref("Cluster"), NULL_REF),
        static("host", Ref("host"), NULL_REF),
        ro("enabled", BOOL, False),
        static("PIF", Ref("PIF"), NULL_REF),
        ro("joined", BOOL, True),
        ro("live", BOOL, False, since="prototyped 24.3.0"),
        ro("last_update_live", DATETIME, EPOCH, since="prototyped 24.3.0"),
        ro("allowed_operations", Set(Enum("cluster_host_operation")), [], persist=False, since="rio"),
        ro("current_operations", Map(STRING, Enum("cluster_host_operation")), {}, persist=False, since="rio"),
        static("other_config", Map(STRING, STRING), {}),
    ),
    messages=(
        call(
            "create", p("cluster", Ref("Cluster")), p("host", Ref("host")), p("pif", Ref("PIF")),
            result=Ref("Cluster_host"), errors=("PIF_NOT_ATTACHED_TO_HOST", "NO_CLUSTER_HOSTS_REACHABLE"),
        ),
        call(
            "destroy", p("self", Ref("Cluster_host")),
            errors=("CLUSTER_STACK_IN_USE", "CLUSTERING_DISABLED", "CLUSTER_HOST_IS_LAST"),
        ),
        call("enable", p("self", Ref("Cluster_host")), errors=("PIF_ALLOWS_UNPLUG", "REQUIRED_PIF_IS_UNPLUGGED")),
        call("force_destroy", p("self", Ref("Cluster_host")), errors=("CLUSTER_STACK_IN_USE",)),
        call("forget", p("self", Ref("Cluster_host")), role=LOCAL_ROOT, flags=(HIDDEN,), since="lima"),
        call("disable", p("self", Ref("Cluster_host")), errors=("CLUSTER_STACK_IN_USE",)),
    ),
)
