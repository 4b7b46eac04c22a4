"""What the host decides between cycles, from a few numbers a problem."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.batched.course import Course


def test_a_bound_far_below_the_tolerance_asks_for_no_more_and_overflows_nothing() -> None:
    tolerance = np.array([1e10, 0.38, 0.38])
    course = Course.begun(np.arange(3), tolerance)
    ones = np.ones(3)
    course.see(ones, ones, np.zeros(3, np.bool_))
    before = course.target.copy()
    with np.errstate(all="raise"):
        course.tried(np.array([False, True, True]), np.array([0.0, 0.76, np.inf]), mapped=True)
    assert course.target[0] == before[0]
    # Twice the tolerance asks for half of what 0.3 of it would; a bound that shows nothing asks for all there is.
    assert 0.0 < course.target[1] < 0.5 * 0.3 * 0.38
    assert course.target[2] == 0.0
