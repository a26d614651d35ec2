"""Storage: managers, repositories, their connections to hosts, and disk images."""

from xapi.datamodel.declare import HIDDEN, call, define, p, ro, rw, static
from xapi.datamodel.defaults import EPOCH, NULL_REF
from xapi.datamodel.model import BOOL, DATETIME, FLOAT, INT, STRING, Enum, Map, Option, Record, Ref, Set
from xapi.datamodel.roles import LOCAL_ROOT, POOL_ADMIN, POOL_OPERATOR, READ_ONLY, VM_ADMIN, VM_OPERATOR, VM_POWER_ADMIN

SM = define(
    "SM",
    since="rio",
    doc="A kind of storage this pool can use: one per installed storage driver.",
    fields=(
        ro("uuid", STRING),
        ro("name__label", STRING, ""),
        ro("name__description", STRING, ""),
        ro("type", STRING, doc="Type of SR it drives, e.g. `lvm`; what `SR.create` takes."),
        ro("vendor", STRING, doc="Who made it."),
        ro("copyright", STRING, doc="Whose it is."),
        ro("version", STRING, doc="Its version."),
        ro("required_api_version", STRING, doc="Version of the storage interface it needs."),
        ro(
            "configuration", Map(STRING, STRING),
            doc="Keys of `device_config` it understands, each with an explanation.",
        ),
        ro(
            "capabilities", Set(STRING), [], since="miami, deprecated clearwater",
            doc="Deprecated: `features` without versions.",
        ),
        ro(
            "features", Map(STRING, INT), {}, since="clearwater, changed 24.37.0",
            doc="What it can do on every host (VDI_SNAPSHOT …), with versions.",
        ),
        ro(
            "host_pending_features", Map(Ref("host"), Set(STRING)), {}, internal_only=True, since="prototyped 24.37.0",
            doc="Features that only some hosts' version of it has; they count once all have them.",
        ),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
        ro("driver_filename", STRING, "", since="orlando", doc="Its file on the hosts."),
        ro(
            "required_cluster_stack", Set(STRING), [], since="dundee",
            doc="Cluster software it needs, one of these; empty for none.",
        ),
        ro(
            "supported_image_formats", Set(Enum("image_format_type")), [], since="prototyped 26.15.0",
            doc="Image formats it can make, the preferred one first.",
        ),
    ),
)

SR = define(
    "SR",
    since="rio",
    doc="A storage repository: a place that holds disk images.",
    fields=(
        ro("uuid", STRING),
        static("name__label", STRING, ""),
        static("name__description", STRING, ""),
        ro(
            "allowed_operations", Set(Enum("storage_operations")), [], persist=False,
            doc="Operations that its state allows now.",
        ),
        ro("current_operations", Map(STRING, Enum("storage_operations")), {}, persist=False),
        ro("VDIs", Set(Ref("VDI")), doc="Its images."),
        ro("PBDs", Set(Ref("PBD")), doc="How hosts reach it."),
        ro("virtual_allocation", INT, doc="Sum of the sizes that guests see."),
        ro("physical_utilisation", INT, doc="Bytes in use."),
        static("physical_size", INT, doc="Bytes altogether."),
        static("type", STRING, doc="Which driver serves it."),
        static("content_type", STRING, doc="What it is for: user, iso and so on."),
        ro("shared", BOOL, doc="All hosts can reach the same contents."),
        rw(
            "other_config", Map(STRING, STRING),
            key_roles={"folder": VM_OPERATOR, "XenCenter.CustomFields.*": VM_OPERATOR},
        ),
        rw("tags", Set(STRING), [], role=VM_OPERATOR, since="orlando"),
        ro(
            "default_vdi_visibility", BOOL, internal_only=True,
            doc="Whether disks found in it are shown unless they say otherwise.",
        ),
        rw("sm_config", Map(STRING, STRING), {}, since="miami", doc="Settings of the driver."),
        ro("blobs", Map(STRING, Ref("blob")), {}, since="orlando"),
        ro("local_cache_enabled", BOOL, False, since="cowley", doc="Used for caching by its host."),
        ro(
            "introduced_by", Ref("DR_task"), NULL_REF, since="boston",
            doc="The disaster-recovery task that made it known; null otherwise.",
        ),
        ro("clustered", BOOL, False, since="dundee", doc="Needs a cluster under it."),
        ro("is_tools_sr", BOOL, False, since="dundee", doc="Holds the guest tools."),
    ),
    messages=(
        call(
            "create", p("host", Ref("host")), p("device_config", Map(STRING, STRING)), p("physical_size", INT),
            p("name_label", STRING), p("name_description", STRING), p("type", STRING), p("content_type", STRING),
            p("shared", BOOL), p("sm_config", Map(STRING, STRING), {}, since="miami"), result=Ref("SR"),
            errors=("SR_UNKNOWN_DRIVER",), doc="Format storage and connect all hosts concerned to it.",
        ),
        call(
            "introduce", p("uuid", STRING), p("name_label", STRING), p("name_description", STRING), p("type", STRING),
            p("content_type", STRING), p("shared", BOOL), p("sm_config", Map(STRING, STRING), {}, since="miami"),
            result=Ref("SR"), doc="Record a repository that exists already.",
        ),
        call(
            "make", p("host", Ref("host")), p("device_config", Map(STRING, STRING)), p("physical_size", INT),
            p("name_label", STRING), p("name_description", STRING), p("type", STRING), p("content_type", STRING),
            p("sm_config", Map(STRING, STRING), {}, since="miami"), result=STRING, since="rio, deprecated miami",
            doc="As create, but leaves it unrecorded.",
        ),
        call("destroy", p("sr", Ref("SR")), errors=("SR_HAS_PBD",), doc="Forget it and destroy all it contains."),
        call("forget", p("sr", Ref("SR")), errors=("SR_HAS_PBD",), doc="Drop the record; the contents stay."),
        call("update", p("sr", Ref("SR")), since="symc", doc="Ask the driver for the sizes again."),
        call("get_supported_types", result=Set(STRING), role=READ_ONLY, sync=True, doc="Drivers that are installed."),
        call("scan", p("sr", Ref("SR")), role=VM_POWER_ADMIN, doc="Compare what is recorded with what is there."),
        call(
            "probe", p("host", Ref("host"), since="rio"), p("device_config", Map(STRING, STRING), since="rio"),
            p("type", STRING), p("sm_config", Map(STRING, STRING), {}), result=STRING, since="miami",
            doc="Look for storage with these details; XML.",
        ),
        call(
            "probe_ext", p("host", Ref("host"), since="kolkata"),
            p("device_config", Map(STRING, STRING), since="kolkata"), p("type", STRING, since="kolkata"),
            p("sm_config", Map(STRING, STRING), {}, since="kolkata"), result=Set(Record("probe_result")),
            since="prototyped kolkata, lima", doc="Look for storage with these details; records.",
        ),
        call(
            "set_shared", p("sr", Ref("SR")), p("value", BOOL),
            doc="Say whether several hosts can use it. Only where the driver can share and its disks are not in use.",
        ),
        call(
            "set_name_label", p("sr", Ref("SR")), p("value", STRING),
            doc="Set its name; drivers that can write it to the storage do.",
        ),
        call(
            "set_name_description", p("sr", Ref("SR")), p("value", STRING),
            doc="Set its description; drivers that can write it to the storage do.",
        ),
        call(
            "create_new_blob", p("sr", Ref("SR")), p("name", STRING), p("mime_type", STRING),
            p("public", BOOL, False, since="tampa"), result=Ref("blob"), since="orlando",
            doc="Make a binary object that belongs to the SR; its bytes come and go over HTTP (`/blob`).",
        ),
        call(
            "set_physical_size", p("self", Ref("SR")), p("value", INT), sync=True, since="miami",
            doc="Note its size in bytes. For storage drivers.",
        ),
        call(
            "set_virtual_allocation", p("self", Ref("SR")), p("value", INT), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN,), since="miami", doc="Note how many bytes its disks claim. For storage drivers.",
        ),
        call(
            "set_physical_utilisation", p("self", Ref("SR")), p("value", INT), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN,), since="miami", doc="Note how many bytes are in use. For storage drivers.",
        ),
        call(
            "assert_can_host_ha_statefile", p("sr", Ref("SR")), since="orlando",
            doc="Fail with the reason if HA could not keep its state file on it.",
        ),
        call(
            "assert_supports_database_replication", p("sr", Ref("SR")), since="boston",
            doc="Fail with the reason if it cannot hold a copy of the pool's database.",
        ),
        call(
            "enable_database_replication", p("sr", Ref("SR")), since="boston",
            doc="Keep a copy of the pool's database on it, for disaster recovery.",
        ),
        call(
            "disable_database_replication", p("sr", Ref("SR")), since="boston",
            doc="Keep no copy of the pool's database on it.",
        ),
        call(
            "get_data_sources", p("sr", Ref("SR")), result=Set(Record("data_source")), role=READ_ONLY, sync=True,
            since="dundee", doc="Return the metrics that are or could be recorded of it.",
        ),
        call(
            "record_data_source", p("sr", Ref("SR")), p("data_source", STRING), sync=True, since="dundee",
            doc="Start recording a metric.",
        ),
        call(
            "query_data_source", p("sr", Ref("SR")), p("data_source", STRING), result=FLOAT, role=READ_ONLY, sync=True,
            since="dundee", doc="Return the present value of a metric.",
        ),
        call(
            "forget_data_source_archives", p("sr", Ref("SR")), p("data_source", STRING), sync=True, since="dundee",
            doc="Delete what was recorded of a metric.",
        ),
        call(
            "get_live_hosts", p("sr", Ref("SR")), result=Set(Ref("host")), flags=(HIDDEN,), since="stockholm",
            doc="Return the hosts that are up and have it plugged.",
        ),
    ),
)

sr_stat = define(
    "sr_stat",
    since="prototyped kolkata, lima, extended 24.17.0",
    doc="How a repository is doing, as its driver reports it. A record only.",
    role=LOCAL_ROOT,
    in_database=False,
    persist=False,
    events=False,
    fields=(
        ro("uuid", Option(STRING), doc="Uuid of the SR that is there; left out if it has none."),
        ro("name_label", STRING),
        ro("name_description", STRING),
        ro("free_space", INT, doc="Bytes free; -1 if unknown."),
        ro("total_space", INT, doc="Bytes in all; -1 if unknown."),
        ro("clustered", BOOL, doc="Whether several hosts can write to it."),
        ro("health", Enum("sr_health"), doc="Whether it works."),
    ),
)

probe_result = define(
    "probe_result",
    since="prototyped kolkata, lima",
    doc="One thing found while probing for storage. A record only.",
    role=LOCAL_ROOT,
    in_database=False,
    persist=False,
    events=False,
    fields=(
        ro(
            "configuration", Map(STRING, STRING),
            doc="A `device_config` that leads on, or that `SR.create` or `introduce` can use.",
        ),
        ro("complete", BOOL, doc="Whether that configuration is all that is needed."),
        ro("sr", Option(Record("sr_stat")), doc="What is there already; left out if nothing is."),
        ro("extra_info", Map(STRING, STRING), doc="Further facts, as the driver knows them."),
    ),
)

LVHD = define(
    "LVHD",
    since="dundee",
    doc="Operations special to repositories of disk images on logical volumes.",
    role=POOL_ADMIN,
    listed=False,
    fields=(
        ro("uuid", STRING, since="rio"),
    ),
    messages=(
        call(
            "enable_thin_provisioning", p("host", Ref("host")), p("SR", Ref("SR")), p("initial_allocation", INT),
            p("allocation_quantum", INT), result=STRING, forward_to="LVHD.enable_thin_provisioning",
            doc="Left from an experiment: make an LVM-based SR thinly provisioned.",
        ),
    ),
)

VDI = define(
    "VDI",
    since="rio",
    doc="A disk image in a repository.",
    role=VM_ADMIN,
    constructed=True,
    fields=(
        ro("uuid", STRING),
        static("name__label", STRING, ""),
        static("name__description", STRING, ""),
        ro(
            "allowed_operations", Set(Enum("vdi_operations")), [], persist=False,
            doc="Operations that its state allows now.",
        ),
        ro(
            "current_operations", Map(STRING, Enum("vdi_operations")), {}, persist=False,
            doc="Operations under way: task -> operation.",
        ),
        static("SR", Ref("SR"), doc="The repository it is in."),
        ro("VBDs", Set(Ref("VBD")), doc="Where it is plugged."),
        ro("crash_dumps", Set(Ref("crashdump")), doc="Dumps of guests' crashes in it. No longer made."),
        static("virtual_size", INT, doc="Bytes the guest sees."),
        ro("physical_utilisation", INT, doc="Bytes it takes in its repository."),
        static("type", Enum("vdi_type"), doc="What it is for."),
        static("sharable", BOOL, doc="Several writers may use it at once."),
        static("read_only", BOOL, doc="Nobody may write to it."),
        rw(
            "other_config", Map(STRING, STRING),
            key_roles={"folder": VM_OPERATOR, "XenCenter.CustomFields.*": VM_OPERATOR},
        ),
        ro("storage_lock", BOOL, doc="Locked on the storage itself."),
        ro("location", STRING, "", since="miami", doc="How its repository finds it."),
        ro("managed", BOOL, doc="Known to the toolstack rather than internal to the repository."),
        ro("missing", BOOL, doc="Gone when the repository was last scanned."),
        ro("parent", Ref("VDI"), since="rio, deprecated ely", doc="Deprecated: the image it is based on; always null."),
        rw(
            "xenstore_data", Map(STRING, STRING), {}, since="miami",
            doc="Keys and values that are written to xenstore beside its device.",
        ),
        rw("sm_config", Map(STRING, STRING), {}, since="miami", doc="The driver's own notes."),
        ro(
            "is_a_snapshot", BOOL, False, tag="snapshots", since="orlando",
            doc="Whether it is a snapshot of another disk.",
        ),
        ro("snapshot_of", Ref("VDI"), "", tag="snapshots", since="orlando", doc="The image this is a snapshot of."),
        ro("snapshots", Set(Ref("VDI")), tag="snapshots", since="orlando", doc="Its snapshots."),
        ro(
            "snapshot_time", DATETIME, EPOCH, tag="snapshots", since="orlando",
            doc="When the snapshot was made; the epoch for other disks.",
        ),
        rw("tags", Set(STRING), [], role=VM_OPERATOR, since="orlando"),
        ro("allow_caching", BOOL, False, since="cowley", doc="May be cached on local storage."),
        ro(
            "on_boot", Enum("on_boot"), "persist", since="cowley",
            doc="Whether its contents are reset when its VM boots.",
        ),
        ro(
            "metadata_of_pool", Ref("pool"), NULL_REF, since="boston",
            doc="Pool whose database it holds; null for other disks.",
        ),
        ro(
            "metadata_latest", BOOL, False, since="boston",
            doc="Whether it holds the newest known database of that pool.",
        ),
        ro("is_tools_iso", BOOL, False, since="dundee", doc="The disc with the guest tools."),
        ro("cbt_enabled", BOOL, False, tag="snapshots", since="inverness", doc="Changed blocks are tracked."),
    ),
    messages=(
        call(
            "snapshot", p("vdi", Ref("VDI")), p("driver_params", Map(STRING, STRING), {}, since="miami"),
            result=Ref("VDI"), tag="snapshots", doc="A copy as it is now, of which nothing more will change.",
        ),
        call(
            "clone", p("vdi", Ref("VDI")), p("driver_params", Map(STRING, STRING), {}, since="miami"),
            result=Ref("VDI"), tag="snapshots", doc="A writable fast copy.",
        ),
        call("resize", p("vdi", Ref("VDI")), p("size", INT), doc="Change its size; only to grow."),
        call(
            "resize_online", p("vdi", Ref("VDI")), p("size", INT),
            since="rio, deprecated inverness, removed inverness, 26.16.1-next",
            doc="Deprecated: as `resize`, which also works while in use where the driver can.",
        ),
        call(
            "introduce", p("uuid", STRING, since="rio"), p("name_label", STRING, since="rio"),
            p("name_description", STRING, since="rio"), p("SR", Ref("SR"), since="rio"),
            p("type", Enum("vdi_type"), since="rio"), p("sharable", BOOL, since="rio"),
            p("read_only", BOOL, since="rio"), p("other_config", Map(STRING, STRING), since="rio"),
            p("location", STRING, since="rio"), p("xenstore_data", Map(STRING, STRING), {}, since="rio"),
            p("sm_config", Map(STRING, STRING), {}), p("managed", BOOL, True, since="tampa"),
            p("virtual_size", INT, 0, since="tampa"), p("physical_utilisation", INT, 0, since="tampa"),
            p("metadata_of_pool", Ref("pool"), "", since="tampa"), p("is_a_snapshot", BOOL, False, since="tampa"),
            p("snapshot_time", DATETIME, EPOCH, since="tampa"), p("snapshot_of", Ref("VDI"), "", since="tampa"),
            result=Ref("VDI"), errors=("SR_OPERATION_NOT_SUPPORTED",), since="miami",
            doc="Record an image that is already in a repository.",
        ),
        call(
            "pool_introduce", p("uuid", STRING, since="miami"), p("name_label", STRING, since="miami"),
            p("name_description", STRING, since="miami"), p("SR", Ref("SR"), since="miami"),
            p("type", Enum("vdi_type"), since="miami"), p("sharable", BOOL, since="miami"),
            p("read_only", BOOL, since="miami"), p("other_config", Map(STRING, STRING), since="miami"),
            p("location", STRING, since="miami"), p("xenstore_data", Map(STRING, STRING), {}, since="miami"),
            p("sm_config", Map(STRING, STRING), {}, since="miami"), p("managed", BOOL, True, since="tampa"),
            p("virtual_size", INT, 0, since="tampa"), p("physical_utilisation", INT, 0, since="tampa"),
            p("metadata_of_pool", Ref("pool"), "", since="tampa"), p("is_a_snapshot", BOOL, False, since="tampa"),
            p("snapshot_time", DATETIME, EPOCH, since="tampa"), p("snapshot_of", Ref("VDI"), "", since="tampa"),
            p("cbt_enabled", BOOL, False, since="inverness"), result=Ref("VDI"), flags=(HIDDEN,),
            doc="Make a record for a disk that exists. For the pool's own use.",
        ),
        call(
            "db_introduce", p("uuid", STRING, since="miami"), p("name_label", STRING, since="miami"),
            p("name_description", STRING, since="miami"), p("SR", Ref("SR"), since="miami"),
            p("type", Enum("vdi_type"), since="miami"), p("sharable", BOOL, since="miami"),
            p("read_only", BOOL, since="miami"), p("other_config", Map(STRING, STRING), since="miami"),
            p("location", STRING, since="miami"), p("xenstore_data", Map(STRING, STRING), {}, since="miami"),
            p("sm_config", Map(STRING, STRING), {}, since="miami"), p("managed", BOOL, True, since="tampa"),
            p("virtual_size", INT, 0, since="tampa"), p("physical_utilisation", INT, 0, since="tampa"),
            p("metadata_of_pool", Ref("pool"), "", since="tampa"), p("is_a_snapshot", BOOL, False, since="tampa"),
            p("snapshot_time", DATETIME, EPOCH, since="tampa"), p("snapshot_of", Ref("VDI"), "", since="tampa"),
            p("cbt_enabled", BOOL, False, since="inverness"), result=Ref("VDI"), role=LOCAL_ROOT, flags=(HIDDEN,),
            doc="Make a record for a disk, touching nothing else. For storage drivers.",
        ),
        call(
            "db_forget", p("vdi", Ref("VDI")), role=LOCAL_ROOT, flags=(HIDDEN,), since="miami",
            doc="Delete the disk's record, touching nothing else. For storage drivers.",
        ),
        call(
            "update", p("vdi", Ref("VDI")), errors=("SR_OPERATION_NOT_SUPPORTED",), since="symc",
            doc="Look at the storage again for what is recorded of it.",
        ),
        call(
            "copy", p("vdi", Ref("VDI")), p("sr", Ref("SR"), NULL_REF),
            p("base_vdi", Ref("VDI"), NULL_REF, since="clearwater-felton"),
            p("into_vdi", Ref("VDI"), NULL_REF, since="clearwater-felton"), result=Ref("VDI"),
            errors=("VDI_READONLY", "VDI_TOO_SMALL", "VDI_NOT_SPARSE"),
            since="rio, extended cowley, extended clearwater-felton",
            doc="A full copy, into a repository or onto an image.",
        ),
        call(
            "force_unlock", p("vdi", Ref("VDI")), flags=(HIDDEN,), since="rio, deprecated miami",
            doc="Deprecated: does nothing: locks are the storage service's own.",
        ),
        call(
            "set_managed", p("self", Ref("VDI")), p("value", BOOL), role=LOCAL_ROOT, sync=True, flags=(HIDDEN,),
            doc="Say whether the disk is shown. For storage drivers.",
        ),
        call("forget", p("vdi", Ref("VDI")), doc="Drop the record; the image stays."),
        call(
            "set_sharable", p("self", Ref("VDI")), p("value", BOOL), sync=True, since="george",
            doc="Say whether several guests may write to it at once; they must coordinate themselves.",
        ),
        call(
            "set_read_only", p("self", Ref("VDI")), p("value", BOOL), sync=True,
            doc="Say whether nobody may write to it.",
        ),
        call(
            "set_missing", p("self", Ref("VDI")), p("value", BOOL), role=LOCAL_ROOT, sync=True, flags=(HIDDEN,),
            since="miami", doc="Say whether its image is gone. For storage drivers.",
        ),
        call(
            "set_virtual_size", p("self", Ref("VDI")), p("value", INT), role=LOCAL_ROOT, sync=True, flags=(HIDDEN,),
            since="miami", doc="Note its size in bytes. For storage drivers.",
        ),
        call(
            "set_physical_utilisation", p("self", Ref("VDI")), p("value", INT), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN,), since="miami", doc="Note how many bytes it takes. For storage drivers.",
        ),
        call(
            "set_is_a_snapshot", p("self", Ref("VDI")), p("value", BOOL), role=LOCAL_ROOT, sync=True, flags=(HIDDEN,),
            since="boston", doc="Note whether it is a snapshot. For storage drivers.",
        ),
        call(
            "set_snapshot_of", p("self", Ref("VDI")), p("value", Ref("VDI")), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN,), since="boston", doc="Note what it is a snapshot of. For storage drivers.",
        ),
        call(
            "set_snapshot_time", p("self", Ref("VDI")), p("value", DATETIME), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN,), since="boston", doc="Note when the snapshot was made. For storage drivers.",
        ),
        call(
            "set_metadata_of_pool", p("self", Ref("VDI")), p("value", Ref("pool")), role=LOCAL_ROOT, sync=True,
            flags=(HIDDEN,), since="boston", doc="Note whose database it holds. For the pool's own use.",
        ),
        call(
            "set_name_label", p("self", Ref("VDI")), p("value", STRING),
            doc="Set its name; drivers that can write it to the storage do.",
        ),
        call(
            "set_name_description", p("self", Ref("VDI")), p("value", STRING),
            doc="Set its description; drivers that can write it to the storage do.",
        ),
        call(
            "generate_config", p("host", Ref("host")), p("vdi", Ref("VDI")), result=STRING, flags=(HIDDEN,),
            since="orlando", doc="Return what a host needs to attach the disk without the database. For HA.",
        ),
        call(
            "set_on_boot", p("self", Ref("VDI")), p("value", Enum("on_boot")), since="cowley",
            doc="Whether writes survive a reboot of the guest (`persist`) or are dropped (`reset`). Only while unused.",
        ),
        call(
            "set_allow_caching", p("self", Ref("VDI")), p("value", BOOL), since="cowley",
            doc="Whether hosts may cache it on local storage.",
        ),
        call(
            "open_database", p("self", Ref("VDI")), result=Ref("session"), role=POOL_OPERATOR, since="boston",
            doc="Open the pool database that the disk holds and return a session on it, for disaster recovery.",
        ),
        call(
            "checksum", p("self", Ref("VDI")), result=STRING, flags=(HIDDEN,), since="boston",
            doc="Deprecated: return the SHA-1 of its contents.",
        ),
        call(
            "read_database_pool_uuid", p("self", Ref("VDI")), result=STRING, role=READ_ONLY, since="boston",
            doc="Return the uuid of the pool whose database the disk holds.",
        ),
        call(
            "pool_migrate", p("vdi", Ref("VDI")), p("sr", Ref("SR")), p("options", Map(STRING, STRING)),
            result=Ref("VDI"), role=VM_POWER_ADMIN, since="tampa", doc="Move it, in use, to another repository.",
        ),
        call(
            "enable_cbt", p("self", Ref("VDI")),
            errors=(
                "SR_OPERATION_NOT_SUPPORTED", "VDI_MISSING", "SR_NOT_ATTACHED", "SR_HAS_NO_PBDS",
                "OPERATION_NOT_ALLOWED", "VDI_INCOMPATIBLE_TYPE", "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION",
            ),
            since="inverness", doc="Begin to track changed blocks.",
        ),
        call(
            "disable_cbt", p("self", Ref("VDI")),
            errors=(
                "SR_OPERATION_NOT_SUPPORTED", "VDI_MISSING", "SR_NOT_ATTACHED", "SR_HAS_NO_PBDS",
                "OPERATION_NOT_ALLOWED", "VDI_INCOMPATIBLE_TYPE", "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION",
            ),
            since="inverness", doc="Stop tracking changed blocks.",
        ),
        call(
            "set_cbt_enabled", p("self", Ref("VDI")), p("value", BOOL), role=LOCAL_ROOT, flags=(HIDDEN,),
            since="inverness", doc="Note whether changed blocks are tracked. For storage drivers; use `enable_cbt`.",
        ),
        call(
            "data_destroy", p("self", Ref("VDI")),
            errors=(
                "SR_OPERATION_NOT_SUPPORTED", "VDI_MISSING", "SR_NOT_ATTACHED", "SR_HAS_NO_PBDS",
                "OPERATION_NOT_ALLOWED", "VDI_INCOMPATIBLE_TYPE", "VDI_NO_CBT_METADATA", "VDI_IN_USE",
                "VDI_IS_A_PHYSICAL_DEVICE",
            ),
            since="inverness", doc="Drop the data, keep what was tracked of its changes.",
        ),
        call(
            "list_changed_blocks", p("vdi_from", Ref("VDI")), p("vdi_to", Ref("VDI")), result=STRING,
            errors=("SR_OPERATION_NOT_SUPPORTED", "VDI_MISSING", "SR_NOT_ATTACHED", "SR_HAS_NO_PBDS", "VDI_IN_USE"),
            role=VM_OPERATOR, since="inverness",
            doc="Base64 bitmap of the 64 KiB blocks that differ between two images.",
        ),
        call(
            "get_nbd_info", p("self", Ref("VDI")), result=Set(Record("vdi_nbd_server_info")),
            errors=("VDI_INCOMPATIBLE_TYPE",), sync=True, since="inverness", doc="Servers that offer it over NBD now.",
        ),
        call(
            "revert", p("snapshot", Ref("VDI")), errors=("UNIMPLEMENTED_IN_SM_BACKEND",), role=VM_POWER_ADMIN,
            tag="snapshots", since="prototyped 26.16.0",
            doc="Return the disk that this is a snapshot of to the snapshot's contents.",
        ),
    ),
)

PBD = define(
    "PBD",
    since="rio",
    doc="The way by which one host reaches one repository.",
    constructed=True,
    fields=(
        ro("uuid", STRING),
        static("host", Ref("host"), doc="Which host."),
        static("SR", Ref("SR"), doc="Which repository."),
        static("device_config", Map(STRING, STRING), doc="What the driver needs to find the storage."),
        ro("currently_attached", BOOL, doc="The host is connected."),
        rw("other_config", Map(STRING, STRING), {}, since="miami"),
    ),
    messages=(
        call("plug", p("self", Ref("PBD")), errors=("SR_UNKNOWN_DRIVER",), doc="Connect the host to the repository."),
        call("unplug", p("self", Ref("PBD")), doc="Disconnect the host from the repository."),
        call(
            "set_device_config", p("self", Ref("PBD")), p("value", Map(STRING, STRING)), since="miami",
            doc="Change how the storage is found.",
        ),
    ),
)

vdi_nbd_server_info = define(
    "vdi_nbd_server_info",
    since="inverness",
    doc="Where and how a disk image can be read over NBD. A record only.",
    role=LOCAL_ROOT,
    in_database=False,
    persist=False,
    events=False,
    fields=(
        ro("exportname", STRING, doc="Name to ask the NBD server for; contains a session and so is a secret."),
        ro("address", STRING, doc="Address of the NBD server."),
        ro("port", INT, doc="Port of the NBD server."),
        ro("cert", STRING, doc="Certificate (PEM) that the server shows."),
        ro("subject", STRING, doc="Name that the certificate is to be checked against."),
    ),
)
