"""Numbers with a unit, as pint makes them: taken wherever the Mesa adapter says a unit, and refused where not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pint
import pytest

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate
from tests.hosts.mesa.lake import WATER, lake
from tests.hosts.mesa.models import OXYGEN, VOLUME, Tumour, Vessel, attached, still

units = pint.UnitRegistry()
WITH_UNITS = Substrate(
    diffusivity_um2_per_min=1e5 / 60 * units.um**2 / units.s,
    decay_per_min=6.0 / units.hour,
    uptake_per_min={Tumour: 10.0 / 60 / units.s},
    vessels={Vessel: "value"},
)


def field(substrate: Substrate, uptake: Any = 10.0, **options: Any) -> np.ndarray:
    model = still(cells=9, vessels=2)
    for agent in model.agents_by_type[Tumour]:
        agent.uptake = uptake
    attached(model, substrate, tolerance=1e-9, **options)
    return model.grid.oxygen.data.copy()


def test_quantities_are_the_numbers_that_they_are_in_the_units_said():
    lengths = {"spacing_um": 0.02 * units.mm, "thickness_um": 20.0 * units.um, "step_min": 1.0 * units.day}
    expected = field(OXYGEN)
    found = field(WITH_UNITS, volume_um3=VOLUME / 1e9 * units.mm**3, **lengths)
    assert np.abs(found - expected).max() <= 2e-9
    found = field(OXYGEN, uptake=10.0 / 60 / units.s, volume_um3=lambda agent: VOLUME * units.um**3)
    assert np.abs(found - expected).max() <= 2e-9


def test_quantities_are_taken_in_a_continuous_space():
    fields = []
    for micrometre in (1.0, units.um):
        link = attached(lake(), WATER, spacing_um=10.0 * micrometre, vessel_radius_um=25.0 * micrometre, tolerance=1e-9)
        fields.append(link.result("oxygen").field)
    assert np.abs(fields[1] - fields[0]).max() <= 2e-9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"decay_per_min": 2.0 * units.s},
            "decay_per_min: it is 2.0 second; a number, or a quantity in 1/min",
        ),
        (
            {"uptake_per_min": {Tumour: 2.0 * units.um}},
            "reading for Tumour is 2.0 micrometer; a number, or a quantity",
        ),
        (
            {"vessels": {Vessel: 38.0 * units.mmHg}},
            "reading for Vessel is 38.0 .*; a number in the unit of the field",
        ),
    ],
)
def test_quantities_of_other_dimensions_are_refused(options, message):
    with pytest.raises(sp.InvalidProblemError, match=message):
        Substrate(**{"diffusivity_um2_per_min": 1e5} | options)


def test_what_agents_say_in_other_dimensions_is_refused_with_their_number():
    with pytest.raises(sp.InvalidProblemError, match=r"spacing_um is 20.0 second; a number, or a quantity in um"):
        field(OXYGEN, spacing_um=20.0 * units.s)
    model = still(cells=1)
    attached(model)
    next(iter(model.agents)).uptake = 10.0 * units.m
    with pytest.raises(sp.InvalidProblemError, match=r"uptake_per_min \(oxygen\) of agent 1 \(Tumour\) is 10.0 meter"):
        model.step()
