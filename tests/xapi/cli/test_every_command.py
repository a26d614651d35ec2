"""Every command once, against an API where everything exists and every call succeeds with an empty result.

Finds calls that the API does not have, wrong numbers of parameters and results that are not of their declared type.
"""

from typing import Any

import pytest

from tests.xapi.cli.fake_api import FakeApi, ScriptedClient, full, run_command
from xapi.cli.command import CommandExit
from xapi.cli.commands import COMMANDS
from xapi.cli.failures import CommandFailure, MissingParameter
from xapi.datamodel import MODEL, empty_value
from xapi.datamodel.model import Bool, MessageKind, Ref, Type
from xapi.errors import XenAPIError

WORDS = {
    "class": "vm",
    "mode": "static",
    "primary_address_type": "ipv4",
    "update-sync-frequency": "daily",
    "param-name": "uuid",
    "type": "user",
    "frequency": "daily",
    "placement": "normal",
    "ca": "true",
    "ldaps": "true",
    "update": "true",
    "value": "true",
    "mark": "true",
}
MORE = {
    "blob-create": ["vm-uuid=1"],
    "subject-role-add": ["role-uuid=1"],
    "subject-role-remove": ["role-uuid=1"],
    "message-create": ["vm-uuid=1"],
    "message-destroy": ["uuid=1"],
    "caller-query-usage": ["group=1"],
    "vm-install": ["template=1"],
    "vm-import": ["filename=1"],
    "vm-migrate": ["host=1"],
    "vdi-copy": ["sr-uuid=1"],
    "vmss-create": ["type=snapshot", "frequency=daily"],
    "vm-set-uefi-mode": ["mode=setup"],
    "bond-set-mode": ["mode=lacp"],
    "vbd-create": ["vdi-uuid=1"],
    "vif-configure-ipv4": ["address=1"],
    "vif-configure-ipv6": ["address=1"],
    "vdi-introduce": ["type=user"],
}
MAY_FAIL = {"vm-cd-remove", "vm-cd-eject", "vm-cd-insert", "vm-cd-add", "vm-disk-remove", "hostdriver-select", "console"}
"""What they need is not in this database; their own tests have it."""


VALUES = {"uuid": "1", "name_label": "1", "master": "OpaqueRef:host", "default_SR": "OpaqueRef:SR", "this_host": "OpaqueRef:host"}


class GenerousApi(FakeApi):
    """One object of every class, which is any uuid's; calls are checked and answered with an empty result."""

    def __init__(self) -> None:
        super().__init__()
        for cls in MODEL.classes.values():
            values = {name: value for name, value in VALUES.items() if name in cls.by_name}
            self.objects[cls.name] = {f"OpaqueRef:{cls.name}": full(cls.name, values)}

    async def call(self, method: str, *params: object) -> Any:
        name = method.removeprefix("Async.")
        assert name in MODEL.messages, f"no such message: {name}"
        message = MODEL.messages[name]
        assert message.required_params <= len(params) <= len(message.params), f"{name}{params}"
        if message.kind is MessageKind.GETTER or message.name in ("get_record", "get_all_records", "get_by_uuid"):
            return await super().call(method, *params)
        if message.kind is MessageKind.GET_BY_NAME_LABEL:
            return [f"OpaqueRef:{message.cls}"]
        return {"token": "", "events": []} if name == "event.from" else self._answer(message.result)

    @staticmethod
    def _answer(kind: Type | None) -> Any:
        match kind:
            case None:
                return None
            case Ref(cls):
                return f"OpaqueRef:{cls}"
            case Bool():
                return True
        return empty_value(kind)


@pytest.mark.parametrize("name", sorted(COMMANDS))
async def test_a_command_asks_the_api_for_what_it_has(name: str) -> None:
    api = GenerousApi()
    api.objects["VM"]["OpaqueRef:VM"]["is_a_template"] = name.startswith(("template", "vm-install"))
    api.objects["VM"]["OpaqueRef:VM"]["is_a_snapshot"] = name.startswith("snapshot")
    api.objects["task"]["OpaqueRef:task"]["status"] = "success"
    given = [f"{parameter}={WORDS.get(parameter, '1')}" for parameter in COMMANDS[name].required]
    lines = [name, *MORE.get(name, []), *given, "--force"]
    if "snapshot-uuid" in COMMANDS[name].optional or name in ("snapshot-clone", "snapshot-copy"):
        lines.append("uuid=1")
    if name.endswith(("-recover", "-recovered")):
        lines.append("database:vdi-uuid=1")
    client = ScriptedClient("yes")
    client.files["1"] = b"content"
    try:
        await run_command(COMMANDS, *lines, api=api, client=client)
    except (CommandFailure, MissingParameter, XenAPIError, CommandExit) as failure:
        assert name in MAY_FAIL or "-param-" in name, f"{name}: {failure!r}"
