"""Shared by the tests of the embedded host: the real guest image, built once per checkout."""

from pathlib import Path

import pytest

from embedded.guest_image.build import GuestImage, image

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def guest_image() -> GuestImage:
    return image(CHECKOUT / "var" / "cache")
