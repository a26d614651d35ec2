"""The KVM probe believes only a kernel that spoke."""

from pathlib import Path

import pytest

from embedded import accelerator
from embedded.accelerator import Accelerator
from embedded.guest_image.build import GuestImage


def test_without_the_device_guests_are_emulated(tmp_path: Path) -> None:
    assert accelerator.probe(tmp_path / "kernel", device=tmp_path / "kvm") is Accelerator.TCG


@pytest.mark.guest
def test_a_kernel_that_runs_says_hello(guest_image: GuestImage) -> None:
    assert accelerator.GREETING in accelerator.start(guest_image.kernel, Accelerator.TCG)


def test_something_that_is_no_kernel_says_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "kernel"
    broken.write_bytes(b"not a kernel")
    assert accelerator.GREETING not in accelerator.start(broken, Accelerator.TCG)
