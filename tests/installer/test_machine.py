"""Where the installer refuses to begin."""

from pathlib import Path

import pytest

from embedded.progress import StepFailed
from installer import machine


@pytest.mark.parametrize(("content", "answer"), [("control_d\n", True), ("\n", False), (None, False)])
def test_only_a_control_domain_is_one(tmp_path: Path, content: str | None, answer: bool) -> None:
    file = tmp_path / "capabilities"
    if content is not None:
        file.write_text(content)
    assert machine.is_control_domain(file) is answer


@pytest.mark.skipif(machine.is_control_domain(machine.CAPABILITIES), reason="this machine runs under Xen")
def test_a_machine_without_xen_is_refused_with_a_sentence() -> None:
    with pytest.raises(StepFailed) as caught:
        machine.require_installable()
    assert caught.value.why.endswith(".") and caught.value.do.endswith(".")


def test_the_release_is_read() -> None:
    assert machine.read_release('ID=debian\nVERSION_ID="12"\n') == {"ID": "debian", "VERSION_ID": "12"}
