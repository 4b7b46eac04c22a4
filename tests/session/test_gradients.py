"""What cells that follow a field read of it: its slope along x and y, in the order of their own positions."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.session.scenes import config, tissue

SIDES = ["absorbing", "reflecting", "periodic", {"left": 7.0, "right": "reflecting", "top": sp.Exchange(0.5, 9.0)}]


def centres(domain: sp.Domain) -> np.ndarray:
    return np.stack(np.meshgrid(*domain.centres_um()), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("boundary", SIDES)
def test_at_the_centres_of_pixels_it_is_the_solutions_own_along_x_first(boundary):
    backend = sp.Backend(config(boundary=boundary))
    result = backend.step(tissue(3))
    along_y, along_x = result.solution.gradient()
    slope = result.gradient(centres(backend.config.domain))
    scale = np.abs(slope).max()
    np.testing.assert_allclose(slope[:, 0], along_x.ravel(), atol=1e-9 * scale)
    np.testing.assert_allclose(slope[:, 1], along_y.ravel(), atol=1e-9 * scale)


def test_a_step_up_it_finds_more_and_a_step_along_it_by_as_much_as_it_says():
    """Away from the vessel's wall, where the field has a kink."""
    result = sp.Backend(config(boundary="reflecting", tolerance=1e-6)).step(tissue(5))
    at = np.random.default_rng(0).uniform((0.0, 60.0), (400.0, 300.0), (300, 2))
    at = at[np.hypot(*(at - (200.0, 200.0)).T) > 70.0]
    slope = result.gradient(at)
    steepness = np.hypot(*slope.T)
    step = 4.0 * slope / steepness[:, np.newaxis]
    rise = (result.sample(at + step) - result.sample(at - step)) / 8.0
    assert len(at) > 200
    assert np.abs(rise - steepness).max() < 0.25 * steepness.max()
    assert np.all(rise[steepness > 0.1 * steepness.max()] > 0.0)


def test_around_a_ring_it_goes_on_at_the_other_side():
    backend = sp.Backend(config(boundary={"left": "periodic", "right": "periodic", "top": 3.0, "bottom": 0.0}))
    result = backend.step(tissue(4))
    (x0, _), (width, _) = backend.config.domain.origin_um, backend.config.domain.size_um
    y = backend.config.domain.centres_um()[1][3]
    seam = result.gradient([(x0, y), (x0 + width, y), (x0 + 3 * width, y)])
    np.testing.assert_allclose(seam, seam[[0, 0, 0]], rtol=1e-9)
    along_y, along_x = (each[3, [0, -1]].mean() for each in result.solution.gradient())
    np.testing.assert_allclose(seam[0], (along_x, along_y), rtol=1e-9)


def test_points_off_the_domain_are_refused_or_brought_back_as_for_samples():
    domain = sp.Backend(config()).config.domain
    off = [(domain.origin_um[0] + domain.size_um[0] + 5.0, domain.centres_um()[1][2])]
    with pytest.raises(sp.InvalidProblemError, match="off the domain"):
        sp.Backend(config()).step(tissue(1)).gradient(off)
    result = sp.Backend(config(outside="drop")).step(tissue(1))
    rim = [(domain.origin_um[0] + domain.size_um[0], domain.centres_um()[1][2])]
    assert result.gradient(off).tolist() == result.gradient(rim).tolist()
