"""HTTP handlers: what is reached by a URI rather than by a call."""

from xapi.datamodel.model import HttpAction
from xapi.datamodel.model import HttpArg as arg
from xapi.datamodel.roles import (
    CLIENT_CERT,
    LOCAL_ROOT,
    POOL_ADMIN,
    POOL_OPERATOR,
    READ_ONLY,
    VM_ADMIN,
    VM_OPERATOR,
    VM_POWER_ADMIN,
)

HTTP_ACTIONS: tuple[HttpAction, ...] = (
    HttpAction("get_services", "GET", "/services", READ_ONLY, in_sdk=True),
    HttpAction("post_services", "POST", "/services", POOL_ADMIN),
    HttpAction("put_services", "PUT", "/services", POOL_ADMIN),
    HttpAction("post_remote_db_access", "POST", "/remote_db_access", POOL_ADMIN),
    HttpAction("post_remote_db_access_v2", "POST", "/remote_db_access_v2", POOL_ADMIN),
    HttpAction("get_services_xenops", "GET", "/services/xenops", VM_POWER_ADMIN),
    HttpAction("post_services_xenops", "POST", "/services/xenops", VM_POWER_ADMIN, role_extra=(CLIENT_CERT,)),
    HttpAction("put_services_xenops", "PUT", "/services/xenops", VM_POWER_ADMIN, role_extra=(CLIENT_CERT,)),
    HttpAction("get_services_sm", "GET", "/services/SM", VM_POWER_ADMIN),
    HttpAction("post_services_sm", "POST", "/services/SM", VM_POWER_ADMIN),
    HttpAction("put_services_sm", "PUT", "/services/SM", VM_POWER_ADMIN),
    HttpAction(
        "put_import", "PUT", "/import", VM_ADMIN,
        args=(arg("restore", "bool"), arg("force", "bool"), arg("sr_id", "string")), in_sdk=True,
    ),
    HttpAction(
        "put_import_metadata", "PUT", "/import_metadata", VM_ADMIN,
        args=(arg("restore", "bool"), arg("force", "bool"), arg("dry_run", "bool")), in_sdk=True,
    ),
    HttpAction(
        "put_import_raw_vdi", "PUT", "/import_raw_vdi", VM_ADMIN,
        args=(arg("vdi", "string"), arg("format", "string"), arg("chunked", "bool")), in_sdk=True,
    ),
    HttpAction(
        "get_export", "GET", "/export", VM_ADMIN,
        args=(arg("uuid", "string"), arg("use_compression", "string"), arg("preserve_power_state", "bool")),
        in_sdk=True,
    ),
    HttpAction(
        "get_export_metadata", "GET", "/export_metadata", VM_ADMIN,
        args=(
            arg("uuid", "string"), arg("all", "bool"), arg("include_dom0", "bool"),
            arg("include_vhd_parents", "bool"), arg("export_snapshots", "bool"),
            arg("excluded_device_types", "string"),
        ),
        in_sdk=True,
    ),
    HttpAction(
        "get_export_raw_vdi", "GET", "/export_raw_vdi", VM_ADMIN,
        args=(arg("vdi", "string"), arg("format", "string")), in_sdk=True,
    ),
    HttpAction("connect_console", "CONNECT", "/console", VM_OPERATOR, sub_actions={"host_console": POOL_ADMIN}),
    HttpAction("connect_console_ws", "GET", "/console", VM_OPERATOR, sub_actions={"host_console_ws": POOL_ADMIN}),
    HttpAction("get_root", "GET", "/", READ_ONLY, rbac_check=False),
    HttpAction("post_cli", "POST", "/cli", READ_ONLY, rbac_check=False, custom_rate_limit=True),
    HttpAction("get_host_backup", "GET", "/host_backup", POOL_ADMIN, in_sdk=True),
    HttpAction("put_host_restore", "PUT", "/host_restore", POOL_ADMIN, in_sdk=True),
    HttpAction("get_host_logs_download", "GET", "/host_logs_download", POOL_OPERATOR, in_sdk=True),
    HttpAction(
        "put_pool_patch_upload", "PUT", "/pool_patch_upload", POOL_OPERATOR, args=(arg("sr_id", "string"),),
        in_sdk=True,
    ),
    HttpAction(
        "get_vncsnapshot", "GET", "/vncsnapshot", VM_OPERATOR, args=(arg("uuid", "string"),),
        sub_actions={"host_console": POOL_ADMIN}, in_sdk=True,
    ),
    HttpAction("get_pool_xml_db_sync", "GET", "/pool/xmldbdump", POOL_ADMIN, in_sdk=True),
    HttpAction("put_pool_xml_db_sync", "PUT", "/pool/xmldbdump", POOL_ADMIN),
    HttpAction("get_config_sync", "GET", "/sync_config_files", POOL_ADMIN),
    HttpAction(
        "get_system_status", "GET", "/system-status", POOL_OPERATOR,
        args=(arg("entries", "string"), arg("output", "string")), in_sdk=True,
    ),
    HttpAction(
        "vm_rrd", "GET", "/vm_rrd", READ_ONLY, args=(arg("uuid", "string"), arg("json", "bool")), in_sdk=True,
    ),
    HttpAction("get_vm_rrds", "GET", "/vm_rrds", READ_ONLY, args=(arg("uuid", "string"), arg("json", "bool"))),
    HttpAction("host_rrd", "GET", "/host_rrd", READ_ONLY, args=(arg("json", "bool"),), in_sdk=True),
    HttpAction("get_host_rrds", "GET", "/host_rrds", READ_ONLY, args=(arg("json", "bool"),)),
    HttpAction("sr_rrd", "GET", "/sr_rrd", READ_ONLY, args=(arg("uuid", "string"),), in_sdk=True),
    HttpAction(
        "rrd_updates", "GET", "/rrd_updates", READ_ONLY,
        args=(
            arg("start", "int"), arg("cf", "string"), arg("interval", "int"), arg("host", "bool"),
            arg("uuid", "string"), arg("json", "bool"),
        ),
        in_sdk=True,
    ),
    HttpAction("rrd", "PUT", "/rrd", POOL_ADMIN),
    HttpAction("get_blob", "GET", "/blob", READ_ONLY, rbac_check=False),
    HttpAction("put_blob", "PUT", "/blob", VM_POWER_ADMIN, args=(arg("ref", "string"),), in_sdk=True),
    HttpAction("put_messages", "PUT", "/messages", VM_POWER_ADMIN),
    HttpAction("connect_remotecmd", "CONNECT", "/remotecmd", POOL_ADMIN),
    HttpAction(
        "get_wlb_report", "GET", "/wlb_report", READ_ONLY, args=(arg("report", "string"), arg("*", "varargs")),
        in_sdk=True,
    ),
    HttpAction("get_wlb_diagnostics", "GET", "/wlb_diagnostics", READ_ONLY, in_sdk=True),
    HttpAction("get_audit_log", "GET", "/audit_log", READ_ONLY, args=(arg("since", "string"),), in_sdk=True),
    HttpAction("post_root", "POST", "/", READ_ONLY, rbac_check=False, custom_rate_limit=True),
    HttpAction("post_RPC2", "POST", "/RPC2", READ_ONLY, rbac_check=False, custom_rate_limit=True),
    HttpAction("post_json", "POST", "/json", READ_ONLY, rbac_check=False),
    HttpAction("post_root_options", "OPTIONS", "/", READ_ONLY, rbac_check=False),
    HttpAction("post_json_options", "OPTIONS", "/json", READ_ONLY, rbac_check=False),
    HttpAction("post_jsonrpc", "POST", "/jsonrpc", READ_ONLY, rbac_check=False, custom_rate_limit=True),
    HttpAction("post_jsonrpc_options", "OPTIONS", "/jsonrpc", READ_ONLY, rbac_check=False),
    HttpAction("get_pool_update_download", "GET", "/update/", READ_ONLY, rbac_check=False),
    HttpAction("get_repository", "GET", "/repository", LOCAL_ROOT),
    HttpAction("get_enabled_repository", "GET", "/repository/enabled", POOL_OPERATOR, role_extra=(CLIENT_CERT,)),
    HttpAction("get_host_updates", "GET", "/host_updates", POOL_OPERATOR, role_extra=(CLIENT_CERT,)),
    HttpAction("get_updates", "GET", "/updates", POOL_OPERATOR, role_extra=(CLIENT_CERT,), in_sdk=True),
    HttpAction("put_bundle", "PUT", "/bundle", POOL_OPERATOR, in_sdk=True),
)
