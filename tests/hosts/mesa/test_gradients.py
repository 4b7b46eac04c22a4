"""Slopes that agents climb: those of the exact field within the bound that goes with them."""

from __future__ import annotations

import mesa
import numpy as np
import pytest
from mesa.experimental.continuous_space import ContinuousSpace

from surrogate_adapters.mesa import Substrate, attach
from tests.hosts.mesa.models import H, attached, reference, still
from tests.hosts.mesa.test_in_time import STEP, Meadow
from tests.hosts.mesa.test_scents import Swimmer


def slopes(field: np.ndarray, torus: bool = False) -> np.ndarray:
    """Centred differences along both axes; beside a side that nothing passes lies the edge itself."""
    padded = np.pad(field, 1, mode="wrap" if torus else "edge")
    return np.stack([padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]]) / (2 * H)


@pytest.mark.parametrize("tolerance", [1e-7, 0.5])
def test_slopes_on_a_grid_are_within_their_bound(tolerance):
    model = still(cells=20, vessels=2)
    link = attached(model, tolerance=tolerance)
    model.step()
    off = np.abs(link.gradient("oxygen") - slopes(reference(model))).max()
    assert off <= link.gradient_bound("oxygen") + 1e-12
    assert link.gradient_bound("oxygen") == pytest.approx(link.history[-1].bound / H, rel=1e-6, abs=1e-12)
    assert link.gradient("oxygen").shape == (2, 17, 11)


def test_slopes_at_a_place_lie_between_those_of_the_pixels_around():
    model = mesa.Model(rng=0)
    model.space = ContinuousSpace([[0, 340], [0, 220]], torus=True, random=model.random)
    Swimmer(model, [50.0, 70.0])
    scent = Substrate(diffusivity_um2_per_min=50.0, decay_per_min=0.1, release_per_min={Swimmer: 4.0})
    link = attach(model, substrates={"scent": scent}, spacing_um=H, tolerance=1e-9)
    model.step()
    exact = slopes(link.result("scent").field.T, torus=True)
    at = link.gradient("scent", [[70.0, 90.0], [80.0, 90.0]])
    assert at[0] == pytest.approx(exact[:, 3, 4], abs=1e-12)  # the centre of a pixel
    assert at[1] == pytest.approx(0.5 * (exact[:, 3, 4] + exact[:, 4, 4]), abs=1e-12)
    assert at[0].max() < 0  # it falls away from the swimmer


def test_a_field_in_time_has_slopes_too():
    model = Meadow()
    for _ in range(3):
        model.step()
    assert STEP > 0
    assert np.abs(model.link.gradient("scent") - slopes(model.grid.scent.data)).max() <= 1e-12
