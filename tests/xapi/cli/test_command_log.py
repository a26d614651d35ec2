"""Nothing secret is written to the log."""

import logging

import pytest

from xapi.cli.arguments import parse
from xapi.cli.command_log import loggable, note


@pytest.mark.parametrize(
    ("lines", "hidden"),
    [
        (["vm-list", "password=x", "username=root"], {"password"}),
        (["pool-join", "master-address=a", "master-Password=x"], {"master-Password"}),
        (["vm-import", "url=http://u:p@h/x"], {"url"}),
        (["user-password-change", "old=x", "new=y"], {"old", "new"}),
        (["vdi-resize", "old=x"], set()),
        (["secret-create", "value=x"], {"value"}),
        (["pool-enable-external-auth", "config:pass=x", "config:user=y"], {"config:pass"}),
        (["host-call-plugin", "args:token=x", "fn=f"], {"args:token"}),
        (["pool-sync-updates", "token=x", "token-id=y"], {"token"}),
    ],
)
def test_secrets_are_left_out(lines: list[str], hidden: set[str]) -> None:
    shown = loggable(parse(lines))
    assert {word.partition("=")[0] for word in shown if word.endswith("=(omitted)")} == hidden
    assert shown[0] == lines[0] and len(shown) == len(lines)


def test_reading_commands_are_logged_for_debugging_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        note(parse(["vm-list"]))
        note(parse(["vm-start", "uuid=a b"]))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", "xe vm-list"),
        ("INFO", "xe vm-start 'uuid=a b'"),
    ]
