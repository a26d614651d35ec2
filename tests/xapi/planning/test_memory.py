"""Memory needs and limits."""

import pytest

from xapi.planning.memory import MIB, DomainType, Footprint, Limits, largest_static_max, needed_to_start, overhead


def square(size: int) -> Limits:
    return Limits(size, size, size, size)


@pytest.mark.parametrize(
    ("kind", "expected_mib"), [(DomainType.HVM, 13), (DomainType.PV, 12), (DomainType.PVH, 13), (DomainType.PV_IN_PVH, 47)]
)
def test_overhead_of_a_vm_of_one_gib_and_one_vcpu(kind: DomainType, expected_mib: int) -> None:
    # 9 MiB of shadow for 256 vCPU pages and 2 per MiB, 1 for the vCPU, the rest fixed.
    assert overhead(Footprint(kind, square(1024 * MIB), 1)) == (expected_mib - 1) * MIB


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(1, 2, 3, 4), None),
        (Limits(2, 1, 3, 4), "MEMORY_CONSTRAINT_VIOLATION_ORDER"),
        (Limits(1, 2, 5, 4), "MEMORY_CONSTRAINT_VIOLATION_ORDER"),
        (Limits(-1, 2, 3, 4), "MEMORY_CONSTRAINT_VIOLATION_ORDER"),
    ],
)
def test_limits_are_in_order(limits: Limits, code: str | None) -> None:
    reason = limits.violation(ballooning=True)
    assert (reason.code if reason else None) == code


def test_without_ballooning_there_is_one_size() -> None:
    reason = Limits(1, 2, 3, 4).violation(ballooning=False)
    assert reason is not None and reason.code == "MEMORY_CONSTRAINT_VIOLATION_MAXPIN"


def test_a_vm_starts_with_its_least_size() -> None:
    need = Footprint(DomainType.HVM, Limits(0, 512 * MIB, 1024 * MIB, 1024 * MIB), 1)
    assert needed_to_start(need) == 512 * MIB + overhead(need)


def test_the_largest_vm_fits_exactly() -> None:
    need = Footprint(DomainType.HVM, square(MIB), 2)
    best = largest_static_max(4096 * MIB, need, approximate=False)
    grown = Footprint(DomainType.HVM, square(best), 2)
    beyond = Footprint(DomainType.HVM, square(best + MIB), 2)
    assert best + overhead(grown) <= 4096 * MIB < best + MIB + overhead(beyond)
