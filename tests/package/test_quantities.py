"""Quantities of pint in rates and parameters: read in the unit that a name says, or refused in a sentence."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pint
import pytest

import surrogate_plugin as sp

units = pint.UnitRegistry()
MM, SECOND = units.millimeter, units.second
FIELD = "a number in the unit of the field is"


def test_a_domain_is_measured_in_any_length() -> None:
    domain = sp.Domain((0.1 * MM, -0.2 * MM), (0.64 * MM, 320.0 * units.um), (16, 32), thickness_um=1e-5 * units.meter)
    assert domain.origin_um == pytest.approx((100.0, -200.0))
    assert domain.size_um == pytest.approx((640.0, 320.0))
    assert (domain.spacing_um, domain.thickness_um) == pytest.approx((20.0, 10.0))
    assert sp.Domain.from_lattice((4, 4), 0.02 * MM).spacing_um == pytest.approx(20.0)


@pytest.mark.parametrize(
    "positions",
    [np.array([[0.01, 0.02], [0.03, 0.04]]) * MM, [(0.01 * MM, 0.02 * MM), (30.0 * units.um, 40 * units.um)]],
)
def test_cells_come_in_lengths_and_rates_of_any_unit(positions) -> None:
    cells = sp.Cells(
        positions,
        radius_um=8.4e-3 * MM,
        uptake_per_min=np.array([0.1, 0.5]) / SECOND,
        secretion_per_min=[0.5 / SECOND, 60.0 / units.hour],
        secretion_target=3.0,
    )
    assert cells.position_um == pytest.approx(np.array([[10.0, 20.0], [30.0, 40.0]]))
    assert cells.radius_um == pytest.approx([8.4, 8.4])
    assert cells.uptake_per_min == pytest.approx([6.0, 30.0])
    assert cells.secretion_per_min == pytest.approx([30.0, 1.0])


def test_vessels_and_voxels_too() -> None:
    vessels = sp.Vessels([(0.1, 0.2)] * MM, 10 * units.um, 38.0, end_um=[(0.2, 0.2)] * MM)
    assert (vessels.length_um[0], vessels.radius_um[0]) == pytest.approx((100.0, 10.0))
    assert sp.Voxels(uptake_per_min=2.0 / SECOND).uptake_per_min == pytest.approx(120.0)


def test_a_backend_and_a_problem_are_those_of_plain_numbers() -> None:
    diffusivity, decay = 1e5 / 60 * units.um**2 / SECOND, 6.0 / units.hour
    domain = sp.Domain.from_lattice((8, 8), 20.0)
    plain = sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1)
    config = sp.BackendConfig(domain=domain, diffusivity_um2_per_min=diffusivity, decay_per_min=decay)
    assert config.diffusivity_um2_per_min == pytest.approx(plain.diffusivity_um2_per_min)
    assert config.decay_per_min == pytest.approx(plain.decay_per_min)
    problem = sp.Problem(np.eye(8), diffusivity=diffusivity, decay=decay * np.ones((8, 8)), spacing=0.02 * MM)
    assert (problem.diffusivity, problem.decay, problem.spacing) == pytest.approx((1e5, 0.1, 20.0))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sp.Cells([(0, 0)], 5 * SECOND), "cells.radius_um is 5 second; a number, or a quantity in um, is"),
        (lambda: sp.Cells([(0, 0)], 5.0, 2 * MM), "cells.uptake_per_min is 2 millimeter; .* or a quantity in 1/min,"),
        (lambda: sp.Cells([(0, 0)] * SECOND, 5.0), "cells.position_um is a quantity in second; .* in um,"),
        (lambda: sp.Cells([(0, 0)], 5.0, secretion_target=1 * MM), f"cells.secretion_target is 1 millimeter; {FIELD}"),
        (lambda: sp.Vessels([(0, 0)], 5.0, 38 * units.mmHg), f"vessels.value is 38 .*; {FIELD}"),
        (
            lambda: sp.Cells([(0.0, 0.0)], 8.0, max_uptake_per_min=1 / SECOND),
            f"cells.max_uptake_per_min is 1.* second; {FIELD}",
        ),
        (lambda: sp.Voxels(production_per_min=1 / SECOND), f"voxels.production_per_min is 1.* second; {FIELD}"),
        (lambda: sp.Domain((0, 0), (1 * SECOND, 2 * SECOND), (2, 1)), "domain.size_um is 1 second; .* in um,"),
        (lambda: sp.Problem(np.eye(8), decay=1 * MM), "decay is 1 millimeter; a number, or a quantity in 1/min, is"),
        (lambda: sp.solve(sp.Problem(np.eye(8)), tolerance=1 * units.mmHg), f"tolerance is 1 .*; {FIELD}"),
    ],
)  # fmt: skip
def test_a_quantity_of_another_dimension_is_refused_in_a_sentence(make, words) -> None:
    with pytest.raises(sp.InvalidProblemError, match=words) as caught:
        make()
    assert str(caught.value).endswith(" is allowed.")
    assert "\n" not in str(caught.value)


def test_pint_is_not_imported_for_that() -> None:
    code = (
        "import sys, surrogate_plugin as sp; sp.Cells([(1.0, 2.0)], 8.4, [3.0]); sp.Problem([[1.0]])"
        "; sys.exit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("item", [1.0, 0.1 * MM], ids=["number", "quantity"])
def test_a_list_that_holds_itself_is_refused_like_any_other_that_is_no_array(item) -> None:
    endless = [item]
    endless.append(endless)
    with pytest.raises(sp.InvalidProblemError, match="radius_um"):
        sp.Cells([(0.0, 0.0)], radius_um=endless)
