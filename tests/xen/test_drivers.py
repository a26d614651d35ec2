"""The hypervisor drivers' own tests, run inside a dom0: the contract with ``xen`` as one of the drivers, and real guests.

They run in the host as they run here for the other drivers, with this interpreter's packages; the report is theirs.
"""

import io
import sysconfig
import tarfile
from pathlib import Path

import pytest

from embedded.guest_image.build import image as guest_image
from embedded.layout import CHECKOUT, cache
from tests.lab.host import XenHost

pytestmark = [pytest.mark.xen, pytest.mark.timeout(7200)]

PLACE = "/root/drivers"
SECONDS = 5400.0
ROOMS = ("idl", "sm", "xenopsd", "embedded", "tests/xenopsd", "pyproject.toml")
NOT_NEEDED = ("mypy", "ruff", "numpy", "pip", "aiohttp", "uvloop")


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member


def tests_and_packages() -> bytes:
    """Return the rooms under test, the guest's image and this interpreter's packages, as a tar archive."""
    demo = guest_image(cache())
    packages = Path(sysconfig.get_path("purelib"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for room in ROOMS:
            archive.add(CHECKOUT / room, room, filter=_wanted)
        for path in sorted(packages.iterdir()):
            if not path.name.startswith(NOT_NEEDED):
                archive.add(path, f"site/{path.name}", filter=_wanted)
        for file in (demo.raw, demo.kernel, demo.iso):
            archive.add(file, f"var/cache/{demo.folder.name}/{file.name}")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def dom0(bare_host: XenHost) -> XenHost:
    bare_host.machine.put(tests_and_packages(), PLACE)
    return bare_host


def run(dom0: XenHost, what: str) -> str:
    """Run tests in the host; return pytest's report. A failure there fails here, with that report."""
    command = f"cd {PLACE} && PYTHONPATH=site:. python3 -m pytest -p no:cacheprovider -v --tb=short {what}"
    report = dom0.sh(command, seconds=SECONDS)
    print(report)
    return report


def test_the_contract_holds_for_xen_too(dom0: XenHost) -> None:
    report = run(dom0, "tests/xenopsd/contract -k 'not qemu and not simulator'")
    assert "[xen] PASSED" in report


def test_real_guests_live_under_xen(dom0: XenHost) -> None:
    assert "PASSED" in run(dom0, "tests/xenopsd/test_xen_guests.py")
