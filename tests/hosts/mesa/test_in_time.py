"""Substrates that go on in time beside steady ones: the field that agents read is that of the model's own time."""

from __future__ import annotations

import copy
from typing import Any

import mesa
import numpy as np
import pytest
from mesa.discrete_space import CellAgent, OrthogonalMooreGrid
from mesa.experimental.continuous_space import ContinuousSpace
from scipy.sparse.linalg import expm_multiply

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach
from tests.hosts.mesa.models import Tumour, Vessel, still
from tests.hosts.mesa.test_scents import Swimmer

D, DECAY, H, STEP = 50.0, 0.05, 20.0, 2.0
SHAPE = (9, 7)


def operator(decay: Any = DECAY, shape: tuple[int, int] = SHAPE, torus: bool = False) -> np.ndarray:
    """The five-point scheme of reflecting sides or a torus, 1 / min, cell by cell as Mesa counts them."""
    width, height = shape
    matrix, decay = np.zeros((width * height,) * 2), np.broadcast_to(decay, shape)
    for x, y in np.ndindex(shape):
        row = x * height + y
        matrix[row, row] -= decay[x, y]
        for i, j in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            i, j = (i % width, j % height) if torus else (i, j)
            if 0 <= i < width and 0 <= j < height:
                matrix[row, row] -= D / H**2
                matrix[row, i * height + j] += D / H**2
    return matrix


def implicit(field: np.ndarray, made: np.ndarray, matrix: np.ndarray, dt: float = STEP) -> np.ndarray:
    """One step of implicit Euler, densely."""
    system = np.eye(field.size) - dt * matrix
    return np.linalg.solve(system, (field + dt * made).ravel()).reshape(field.shape)


def exact(field: np.ndarray, made: np.ndarray, matrix: np.ndarray, minutes: float) -> np.ndarray:
    """In continuous time: the rest, and what is not at rest yet by the matrix exponential."""
    rest = np.linalg.solve(matrix, -made.ravel())
    return (rest + expm_multiply(minutes * matrix, field.ravel() - rest)).reshape(field.shape)


class Ant(CellAgent):
    """Walks to the right, releases what its model says, and notes what it smells before."""

    def __init__(self, model: mesa.Model, place: tuple[int, int]) -> None:
        super().__init__(model)
        self.cell, self.smelt = model.grid[place], []

    def step(self) -> None:
        self.smelt.append(self.cell.scent)
        x, y = self.cell.coordinate
        self.cell = self.model.grid[(x + 1) % SHAPE[0], y]


SCENT = Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, release_per_min={Ant: 3.0})


class Meadow(mesa.Model):
    def __init__(self, scent: Substrate = SCENT, torus: bool = False, **options: Any) -> None:
        super().__init__(rng=0)
        self.grid = OrthogonalMooreGrid(SHAPE, torus=torus, random=self.random)
        self.ants = [Ant(self, (0, 3)), Ant(self, (4, 0)), Ant(self, (4, 0))]
        given = {"spacing_um": H, "step_min": STEP, "tolerance": 1e-10, "stepping": "implicit-euler"} | options
        self.link = attach(self, substrates={"scent": scent}, **given)

    def made(self) -> np.ndarray:
        made = np.zeros(SHAPE)
        for ant in self.ants:
            made[ant.cell.coordinate] += 3.0
        return made

    def step(self) -> None:
        for ant in self.ants:
            ant.step()


@pytest.mark.parametrize("torus", [False, True])
def test_a_trail_stays_behind_the_ants_and_fades(torus):
    model, field, matrix = Meadow(torus=torus), np.zeros(SHAPE), operator(torus=torus)
    for step in range(12):
        if step:
            field = implicit(field, model.made(), matrix)
        expected = [field[ant.cell.coordinate] for ant in model.ants]
        model.step()
        assert [ant.smelt[-1] for ant in model.ants] == pytest.approx(expected, abs=1e-8)
        assert np.abs(model.grid.scent.data - field).max() <= 1e-8
    assert [entry.time for entry in model.link.history] == list(range(1, 12))
    for entry in model.link.history:
        assert entry.record.dt_min == STEP
        assert entry.bound <= 1e-8
        assert abs(entry.record.balance.defect) <= 1e-9


def test_within_a_time_tolerance_it_is_the_field_of_continuous_time():
    model, field, matrix = Meadow(time_tolerance=0.02, tolerance=1e-6), np.zeros(SHAPE), operator()
    coarse, rough = Meadow(), np.zeros(SHAPE)
    for _ in range(6):
        for each in (model, coarse):
            each.step()
        model.link.update(), coarse.link.update()  # to the end of the step
        field = exact(field, model.made(), matrix, STEP)
        rough = implicit(rough, model.made(), matrix)
    assert np.abs(coarse.grid.scent.data - rough).max() <= 1e-8
    assert np.abs(rough - field).max() > 0.3
    records = [entry.record for entry in model.link.history]
    assert np.abs(model.grid.scent.data - field).max() <= 1.1 * sum(record.time_error for record in records) <= 0.14
    assert {record.parts for record in records} <= {64, 128, 256}


def test_what_agents_write_into_the_layer_is_gone_on_from():
    model, field, matrix = Meadow(), np.zeros(SHAPE), operator()
    model.step()
    model.grid.scent.data[6, 2] += 25.0
    field[6, 2] += 25.0
    for _ in range(3):
        field = implicit(field, model.made(), matrix)
        model.step()
        assert np.abs(model.grid.scent.data - field).max() <= 1e-8
    assert model.link.notices.counts == {}


def test_an_update_between_steps_takes_no_time_of_its_own():
    model, field, matrix = Meadow(), np.zeros(SHAPE), operator()
    model.step()
    field = implicit(field, model.made(), matrix)
    for _ in range(3):
        model.link.update()  # the first goes on to the end of the step, the others are of the same time
        assert np.abs(model.grid.scent.data - field).max() <= 1e-8
    model.step()
    assert np.abs(model.grid.scent.data - field).max() <= 1e-8
    assert [entry.time for entry in model.link.history] == [1]


@pytest.mark.parametrize("kept", ["copy", "initial", "layer"])
def test_it_begins_with_what_is_there(kept):
    begin = np.full(SHAPE, 4.0)
    scent = SCENT.model_copy(update={"initial": 4.0}) if kept == "initial" else SCENT
    model = Meadow(scent)
    if kept == "layer":
        model.grid.scent.data[:] = begin = np.arange(63.0).reshape(SHAPE)
    if kept == "copy":
        model.grid.scent.data[:] = begin
        model.step()
        model = copy.deepcopy(model)
    else:
        model.step()
    assert np.array_equal(model.grid.scent.data, begin)
    field = implicit(begin, model.made(), operator())
    model.step()
    assert np.abs(model.grid.scent.data - field).max() <= 1e-8
    assert model.ants[0].smelt[0] == begin[0, 3]


def test_oxygen_is_at_rest_while_a_drug_goes_on():
    model = still(cells=8, vessels=1)
    oxygen = Substrate(
        diffusivity_um2_per_min=1e5, decay_per_min=0.1, uptake_per_min={Tumour: 10.0}, vessels={Vessel: 38.0}
    )
    drug = Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, production_per_min={Tumour: 1.0})
    given = {"spacing_um": H, "volume_um3": 0.5 * H**3, "step_min": STEP, "tolerance": 1e-9}
    stepping = {"drug": "implicit-euler"}
    link = attach(model, substrates={"oxygen": oxygen, "drug": drug}, stepping=stepping, **given)
    made = np.zeros((17, 11))
    for agent in model.agents_by_type[Tumour]:
        made[agent.cell.coordinate] += 0.5
    field, matrix = np.zeros((17, 11)), operator(shape=(17, 11))
    for step in range(4):
        field = implicit(field, made, matrix) if step else field
        model.step()
        assert np.abs(model.grid.drug.data - field).max() <= 1e-8
    kept = [(entry.substrate, entry.time, entry.held) for entry in link.history]
    assert kept == [("oxygen", 0, 4), ("drug", 1, 0), ("drug", 2, 0), ("drug", 3, 0)]
    audit = sp.solve(link.backend("oxygen").problem(link.state("oxygen")), method="sparse-direct").field
    assert np.abs(model.grid.oxygen.data - audit.T).max() <= 1e-7


def test_in_a_continuous_space_agents_sample_the_field_of_the_models_time():
    model = mesa.Model(rng=0)
    model.space = ContinuousSpace([[0, 180], [0, 140]], random=model.random)
    swimmer = Swimmer(model, [70.0, 70.0])
    scent = Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, release_per_min={Swimmer: 4.0}, initial=1.0)
    options = {"spacing_um": H, "step_min": STEP, "tolerance": 1e-10, "stepping": "implicit-euler"}
    link = attach(model, substrates={"scent": scent}, **options)
    assert link.sample("scent", swimmer.position).item() == 1.0
    with pytest.raises(sp.UnsupportedProblemError, match="'scent' goes on in time and has no solution before"):
        link.result("scent")
    model.step()
    assert link.sample("scent", swimmer.position).item() == 1.0
    field = np.ones(SHAPE)
    made = link.backend("scent").problem(link.state("scent")).production.T
    assert made.sum() == pytest.approx(4.0, rel=1e-12)
    for _ in range(3):
        model.step()
        field = implicit(field, made, operator())
    assert np.abs(link.result("scent").field.T - field).max() <= 1e-8


def test_the_length_of_a_step_has_to_be_said():
    with pytest.raises(sp.InvalidProblemError, match="step_min is None, but substrate 'scent' goes on in time"):
        Meadow(step_min=None)
    with pytest.raises(sp.InvalidProblemError, match="stepping names 'trail'"):
        Meadow(stepping={"trail": "implicit-euler"})


def test_a_slow_substrate_is_told_how_to_follow_it():
    slow = SCENT.model_copy(update={"decay_per_min": 1e-3})
    with pytest.warns(sp.PromiseWarning, match="follow it in time, by stepping='implicit-euler'"):
        Meadow(slow, stepping="steady")
    assert Meadow(slow).link.notices.counts == {}
