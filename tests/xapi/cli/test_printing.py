"""Output to the byte."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.xapi.cli.fake_api import Said
from xapi.cli.printing import layout

VECTORS = [p for parent in Path(__file__).parents if (p := parent / "shared/xe/vectors.json").exists()]


def test_labels_of_a_record_are_aligned_to_the_colon() -> None:
    row = [("uuid ( RO)", "1"), ("name-label ( RW)", "web"), ("name-description ( RW)", "")]
    assert layout(row) == ("uuid ( RO)                : 1\n          name-label ( RW): web\n    name-description ( RW): \n\n")


@pytest.mark.parametrize(
    ("minimal", "out"),
    [(False, "one\nmessage\nuuid    : a,b\nname    : c\n\n\nraw\n"), (True, "raw\na\\,b,on\\\\e\n")],
)
def test_minimal_drops_messages_and_prints_the_latest_first(minimal: bool, out: str) -> None:
    said = Said(minimal=minimal)
    said.printer.list(["on\\e" if minimal else "one"])
    said.printer.message("message")
    said.printer.table([[("uuid", "a,b"), ("name", "c")]])
    said.printer.raw("raw")
    said.printer.finish()
    assert said.out == (out if minimal else out.replace("name    : c", "    name: c"))


@pytest.mark.parametrize("mode", ["normal", "minimal"])
def test_recorded_output_is_reproduced(mode: str) -> None:
    if not VECTORS:
        pytest.skip("no recorded output on this machine")
    for case in json.loads(VECTORS[0].read_text())["printer"]:
        said = Said(minimal=mode == "minimal")
        for kind, value in case["values"]:
            _print(said, kind, value)
        said.printer.finish()
        assert {"stdout": said.out, "stderr": said.err} == case[mode], case["case"]


def _print(said: Said, kind: str, value: Any) -> None:
    kinds: dict[str, Callable[[Any], None]] = {
        "list": said.printer.list,
        "table": said.printer.table,
        "message": said.printer.message,
        "stderr": said.printer.note,
    }
    kinds[kind](value)
