"""A database of a few objects behind the interface that commands use, which notes every call that writes."""

from collections.abc import Mapping
from typing import Any

from idl import cli
from xapi.cli.api import Object, Objects
from xapi.cli.arguments import parse
from xapi.cli.command import Command, Context
from xapi.cli.printing import Printer
from xapi.datamodel import MODEL, empty_value
from xapi.errors import error


def full(cls: str, values: Object) -> Object:
    """A record with every field: the given values, and what the datamodel says of the others."""
    fields = [field for field in MODEL.classes[cls].fields if not field.internal_only]
    unknown = set(values) - {field.name for field in fields}
    assert not unknown, f"{cls} has no {unknown}"
    return {field.name: values.get(field.name, empty_value(field.type)) for field in fields}


class FakeApi:
    def __init__(self, **classes: dict[str, Object]) -> None:
        self.objects = {cls: {ref: full(cls, values) for ref, values in rows.items()} for cls, rows in classes.items()}
        self.messages: dict[str, Object] = {}
        """What ``message.get`` gives, which every command on VMs asks for."""
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[object, ...]] = []

    async def call(self, method: str, *params: object) -> Any:
        cls, _, message = method.partition(".")
        rows = self.objects.get(cls, {})
        if method in self.answers:
            self.calls.append((method, *params))
            answer = self.answers[method]
            if isinstance(answer, Exception):
                raise answer
            return answer
        match message:
            case "get" if cls == "message":
                return self.messages
            case "get_all_records":
                return rows
            case "get_record":
                if params[0] not in rows:
                    raise error("HANDLE_INVALID", cls, params[0])
                return rows[str(params[0])]
            case "get_by_uuid":
                found = [ref for ref, row in rows.items() if row["uuid"] == params[0]]
                if not found:
                    raise error("UUID_INVALID", cls, params[0])
                return found[0]
            case "get_by_name_label":
                return [ref for ref, row in rows.items() if row["name_label"] == params[0]]
        field = message.removeprefix("get_")
        if field != message and params[0] in rows and field in rows[str(params[0])]:
            return rows[str(params[0])][field]
        assert method in MODEL.messages, f"no such message: {method}"
        expected = MODEL.messages[method]
        needed = sum(1 for _ in expected.params)
        assert len(params) <= needed and len(params) >= expected.required_params, f"{method}{params}"
        self.calls.append((method, *params))
        return None

    def under(self, session: str) -> "FakeApi":
        self.calls.append(("under", session))
        return self


class Said:
    """A printer and what came out of it."""

    def __init__(self, *, minimal: bool = False) -> None:
        self.frames: list[cli.Command] = []
        self.printer = Printer(self.frames.append, minimal=minimal)

    @property
    def out(self) -> str:
        return "".join(frame.text + "\n" for frame in self.frames if isinstance(frame, cli.Print))

    @property
    def err(self) -> str:
        return "".join(frame.text for frame in self.frames if isinstance(frame, cli.PrintStderr))


class ScriptedClient:
    """Answers prompts with the lines given and notes what was asked of it."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.transfers: list[cli.Command] = []
        self.transfer_works = True
        self.files: dict[str, bytes] = {}

    async def ask(self) -> str:
        return self.answers.pop(0)

    async def load(self, filename: str) -> bytes | None:
        return self.files.get(filename)

    async def transfer(self, request: cli.HttpGet | cli.HttpPut | cli.HttpConnect) -> bool:
        self.transfers.append(request)
        return self.transfer_works


async def run_command(commands: Mapping[str, Command], *lines: str, api: FakeApi, client: ScriptedClient | None = None) -> Said:
    """One command as the server would run it; what it said."""
    arguments = parse(list(lines))
    said = Said(minimal=arguments.minimal)
    command = commands[arguments.command]
    for name in command.required:
        arguments.required(name)
    client = client or ScriptedClient()
    await command.run(Context(arguments, api, said.printer, client, Objects(api), "OpaqueRef:session"))
    said.printer.finish()
    return said
