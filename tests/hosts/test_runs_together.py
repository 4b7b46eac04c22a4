"""Real runs of pyphysicell and Mesa with several substrates: solved for together, they are the runs of each in turn.

Cells move, divide and take up; two or three substrates are steady and one goes on in time. Each run is made twice, and
both are compared number by number: fields, what cells took in, where cells are, histories, notices and errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import mesa
import numpy as np
import pyphysicell as pc
import pytest
from mesa.discrete_space import OrthogonalMooreGrid

import surrogate_plugin as sp
from surrogate_adapters import mesa as ours_for_mesa
from surrogate_adapters import pyphysicell as ours_for_pyphysicell
from tests.at_once import TOGETHER, Where, solved
from tests.hosts.mesa.models import Tumour, Vessel

TOLERANCE = 1e-6
TROUBLE = {sp.Reason.TOLERANCE_NOT_REACHED, sp.Reason.DEVICE_STALLED, sp.Reason.DEVICE_FAILED, sp.Reason.DEVICE_MEMORY}
everywhere = pytest.mark.parametrize("where", TOGETHER)


def both(run: Callable[[], Any], where: Where) -> tuple[Any, Any, list[int]]:
    """What a run leaves in turns and together, with the notices of each, and how many were solved for together."""
    left = []
    for each in ("in turns", where):
        with solved(each) as counts, warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            left.append((*run(), [str(one.message) for one in told]))
    return left[0], left[1], counts


def assert_alike(alone: list[Any], found: list[Any], where: Where) -> None:
    """Histories: the same fields at the same times, by the same reasons, each certified."""
    assert len(alone) == len(found) > 4
    for one, other in zip(alone, found, strict=True):
        for name in ("substrate", "time", "held", "reason"):
            assert getattr(one, name) == getattr(other, name)
        if where == "on cores":  # elsewhere nobody has to be told why the network was not asked
            assert one.record.flags == other.record.flags
        assert not {flag.reason for flag in other.record.flags} & TROUBLE
        assert (one.record.step, one.record.dt_min) == (other.record.step, other.record.dt_min)
        assert other.bound <= max(TOLERANCE, 1.01 * one.bound)
        assert abs(one.excess - other.excess) <= 4.0 * TOLERANCE


def tumour(second: str = "glucose") -> pc.Simulation:
    """Greedy cells that divide among faces that hold oxygen and glucose, and a drug that nobody holds."""
    substrates = [
        pc.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces={"xmin": (True, 38.0), "ymax": (True, 10.0)}),
        pc.Substrate(second, 3e4, 0.05, 5.0, dirichlet_faces={"xmax": (True, 5.0)}),
        pc.Substrate("drug", 600.0, 0.01, 1.0),
    ]
    greedy = pc.CellType("greedy", cycle=pc.Cycle(transition_rates={(0, 0): 0.02}))
    for substrate, rate in zip(substrates, (10.0, 5.0, 0.5), strict=True):
        greedy.secretion[substrate.name] = pc.SecretionEntry(uptake_rate=rate)
    model = pc.Model(
        domain=pc.Domain(x_min=-160.0, x_max=160.0, y_min=-120.0, y_max=120.0),
        time=pc.Time(dt_diffusion=0.05, dt_mechanics=0.1, dt_phenotype=1.0),
        substrates=substrates,
        cell_types=[greedy],
        track_internalized_substrates=True,
    )
    sim = pc.Simulation(model, seed=3)
    place = np.random.default_rng(5).uniform([-120.0, -90.0, 0.0], [120.0, 90.0, 0.0], (40, 3))
    sim.add_cells(place, "greedy")
    return sim


IN_TIME = {"stepping": {"drug": "implicit-euler"}, "tolerance": TOLERANCE}


@everywhere
def test_a_tumour_of_pyphysicell_is_the_one_that_it_is_in_turns(where: Where) -> None:
    def run() -> tuple[Any, Any]:
        sim = tumour()
        with ours_for_pyphysicell.attach(sim, **IN_TIME) as link:
            sim.run(until=3.0)
            sim.cells.uptake_rate[: sim.cells.n, 1] *= 2.0  # what one substrate alone feels
            sim.run(until=5.0)
        return sim, link.history

    (one, alone, told), (other, found, said), counts = both(run, where)
    assert one.cells.n == other.cells.n > 40
    n = one.cells.n
    np.testing.assert_allclose(one.cells.position[:n], other.cells.position[:n], atol=1e-9)
    fields = (one.microenvironment.density, other.microenvironment.density)
    assert np.abs(fields[0] - fields[1]).max() <= 2.0 * TOLERANCE
    taken = (one.cells.internalized[:n], other.cells.internalized[:n])
    assert taken[0].min() > 0
    np.testing.assert_allclose(*taken, rtol=1e-5)
    assert_alike(alone, found, where)
    assert told == said
    assert set(counts) == {2}  # oxygen and glucose; where one has changed alone, it is by itself
    assert 2 * len(counts) < sum(entry.substrate != "drug" for entry in found)


@everywhere
@pytest.mark.parametrize("bad", [0, 1])
def test_an_error_in_one_substrate_of_pyphysicell_leaves_what_it_leaves_in_turns(bad: int, where: Where) -> None:
    def run() -> tuple[Any, Any]:
        sim, said = tumour(), []
        link = ours_for_pyphysicell.attach(sim, **IN_TIME)
        sim.run(until=1.0)
        sim.cells.net_export_rate[0, bad] = -1.0
        for _ in range(2):
            with pytest.raises((sp.InvalidProblemError, sp.UnsupportedProblemError)) as caught:
                sim.microenvironment.step(0.05)
            said.append(str(caught.value))
        before = sim.microenvironment.density.copy()
        sim.cells.net_export_rate[0, bad] = 0.0
        sim.run(until=3.0)
        return (said, before, sim.microenvironment.density), link.history

    (one, alone, told), (other, found, notices), counts = both(run, where)
    assert one[0] == other[0]
    for mine, theirs in zip(one[1:], other[1:], strict=True):
        assert np.abs(mine - theirs).max() <= 2.0 * TOLERANCE
    assert_alike(alone, found, where)
    assert told == notices
    assert 2 in counts


class Tissue(mesa.Model):
    """Cells that wander, divide and die among vessels, in three steady substrates and a drug that goes on in time."""

    def __init__(self, failing: int | None = None) -> None:
        super().__init__(rng=4)
        self.grid = OrthogonalMooreGrid((17, 11), torus=False, capacity=None, random=self.random)
        self.failing = failing
        for k, cell in enumerate(((3, 4), (12, 8), (8, 2))):
            Vessel(self, self.grid[cell], 38.0 - 5.0 * k)
        for _ in range(25):
            Tumour(self, self.grid.all_cells.select_random_cell())
        rates: dict[str, Any] = {"decay_per_min": 0.1, "vessels": {Vessel: "value"}}
        self.link = ours_for_mesa.attach(
            self,
            substrates={
                "oxygen": ours_for_mesa.Substrate(
                    diffusivity_um2_per_min=1e5, uptake_per_min={Tumour: "uptake"}, **rates
                ),
                "drug": ours_for_mesa.Substrate(diffusivity_um2_per_min=600.0, **rates),
                "glucose": ours_for_mesa.Substrate(
                    diffusivity_um2_per_min=3e4, uptake_per_min={Tumour: self._glucose}, michaelis_km=2.0, **rates
                ),
                "lactate": ours_for_mesa.Substrate(
                    diffusivity_um2_per_min=4e4, decay_per_min=0.05, production_per_min={Tumour: 1.0}
                ),
            },
            spacing_um=20.0,
            volume_um3=2494.0,
            stepping={"drug": "implicit-euler"},
            step_min=1.0,
            tolerance=TOLERANCE,
        )

    def _glucose(self, agent: Any) -> float:
        return -1.0 if self.failing == self.steps else 3.0

    def step(self) -> None:
        if self.steps % 3:  # every third step nobody moves, and all steady fields are held
            self.agents_by_type[Tumour].shuffle_do("step")

    def layers(self) -> dict[str, np.ndarray]:
        return {name: getattr(self.grid, name).data.copy() for name in self.link.substrates}


@everywhere
def test_a_tissue_of_mesa_is_the_one_that_it_is_in_turns(where: Where) -> None:
    def run() -> tuple[Any, Any]:
        model = Tissue()
        seen = []
        for _ in range(7):
            model.step()
            seen.append(model.layers())
        return seen, model.link.history

    (one, alone, told), (other, found, said), counts = both(run, where)
    for mine, theirs in zip(one, other, strict=True):
        for name, field in mine.items():
            assert np.abs(field - theirs[name]).max() <= 2.0 * TOLERANCE, name
    assert_alike(alone, found, where)
    assert {entry.substrate for entry in found} == {"oxygen", "drug", "glucose", "lactate"}
    assert max(entry.held for entry in found) == 1
    assert told == said
    assert counts[0] == 3
    assert set(counts) <= {2, 3}


@everywhere
def test_an_error_in_one_substrate_of_mesa_leaves_what_it_leaves_in_turns(where: Where) -> None:
    def run() -> tuple[Any, Any]:
        model = Tissue(failing=3)
        for _ in range(2):
            model.step()
        with pytest.raises(sp.InvalidProblemError) as caught:
            model.step()
        after = model.layers()
        model.failing = None
        for _ in range(3):
            model.step()
        return (str(caught.value), after, model.layers(), model.steps), model.link.history

    (one, alone, told), (other, found, said), _ = both(run, where)
    assert (one[0], one[3]) == (other[0], other[3])
    for mine, theirs in zip(one[1:3], other[1:3], strict=True):
        for name, field in mine.items():
            assert np.abs(field - theirs[name]).max() <= 2.0 * TOLERANCE, name
    assert_alike(alone, found, where)
    assert told == said
