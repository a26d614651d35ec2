"""When the next sample is due."""

import pytest

from rrdd.monitor import next_sample


@pytest.mark.parametrize(("now", "due"), [(1000.0, 1000.5), (1000.5, 1005.5), (1003.0, 1005.5), (1005.6, 1010.5)])
def test_samples_are_aligned_half_a_second_after_the_points(now: float, due: float) -> None:
    assert next_sample(now) == due
