"""What every test runs under: numpy raises where it would invent a NaN or an infinity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# What these modules assert for several tests says what it compared, as in a test.
pytest.register_assert_rewrite("tests.recordings.posed")

# Timing varies with the machine and the first call of a compiled kernel, so no test may fail on it.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _numpy_raises() -> Iterator[None]:
    """Division by zero, overflow and invalid operations raise; underflow to 0 is right far from a source."""
    with np.errstate(all="raise", under="ignore"):
        yield
