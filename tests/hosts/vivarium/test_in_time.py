"""Molecules that go on in time beside steady ones, by the process's own time step and from what the host holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse.linalg import expm_multiply
from vivarium.core.engine import Engine

import surrogate_plugin as sp
from surrogate_adapters.vivarium import HeldField, SurrogateDiffusionField, SurrogateLattice
from tests.hosts.vivarium.test_adapter import BOUNDS, agent, lattice_config
from tests.hosts.vivarium.test_following import Scripted

SHAPE, SIDE, D, DECAY, STEP = (9, 7), 2.0, 0.5, 0.01, 2.0
PARAMETERS: dict[str, Any] = {
    "molecules": ["glc", "lac"],
    "n_bins": list(SHAPE),
    "bounds": [SIDE * SHAPE[0], SIDE * SHAPE[1]],
    "depth": SIDE,
    "diffusion": {"glc": 100.0, "lac": D},
    "decay_per_s": {"glc": 0.1, "lac": DECAY},
    "boundary": {"glc": {"left": 5.0}, "lac": "reflecting"},
    "stepping": {"lac": "implicit-euler"},
    "tolerance": 1e-10,
    "time_step": STEP,
}


def operator(uptake: np.ndarray) -> np.ndarray:
    """The five-point scheme of lactate, 1 / s, bin by bin."""
    size = SHAPE[0] * SHAPE[1]
    matrix = np.zeros((size, size))
    for x, y in np.ndindex(SHAPE):
        row = x * SHAPE[1] + y
        matrix[row, row] -= DECAY + uptake[x, y]
        for i, j in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if 0 <= i < SHAPE[0] and 0 <= j < SHAPE[1]:
                matrix[row, row] -= D / SIDE**2
                matrix[row, i * SHAPE[1] + j] += D / SIDE**2
    return matrix


def implicit(field: np.ndarray, uptake: np.ndarray, made: np.ndarray) -> np.ndarray:
    system = np.eye(field.size) - STEP * operator(uptake)
    return np.linalg.solve(system, (field + STEP * made).ravel()).reshape(SHAPE)


def posed(agents: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Uptake and production of lactate in each bin, 1 / s and mmol / L / s."""
    uptake, made = np.zeros(SHAPE), np.zeros(SHAPE)
    for one in agents.values():
        boundary = one["boundary"]
        site = tuple(np.floor(np.array(boundary["location"]) / SIDE).astype(int))
        uptake[site] += boundary["volume"] / SIDE**3 * boundary["uptake_per_s"]["lac"]
        made[site] += boundary["volume"] / SIDE**3 * boundary["production_per_s"]["lac"]
    return uptake, made


def tissue() -> dict[str, Any]:
    """One that takes lactate up and one that makes it."""
    agents = {}
    for name, place, uptake, made in (("a", (3.0, 5.0), 0.2, 0.0), ("b", (13.0, 9.0), 0.0, 1.5)):
        agents[name] = agent(place, 6.0)
        agents[name]["boundary"]["uptake_per_s"] = {"glc": 1.0, "lac": uptake}
        agents[name]["boundary"]["production_per_s"] = {"glc": 0.0, "lac": made}
    return agents


def composite(script: Any, followed: bool, **parameters: Any) -> tuple[Engine, SurrogateDiffusionField]:
    field = SurrogateDiffusionField({**PARAMETERS, **parameters})
    hold = HeldField({"molecules": ["glc", "lac"]})
    hold = hold.follow(field) if followed else hold
    ports = ("agents", "fields", "dimensions", "steady", "certificate")
    wired = ("fields", "steady", "agents", "certificate") if followed else ("fields", "steady")
    start = {"lac": np.linspace(0.0, 3.0, 63).reshape(SHAPE)}
    engine = Engine(
        processes={"field": field, "other": Scripted(script)},
        steps={"hold": hold},
        flow={"hold": []},
        topology={
            "field": {port: (port,) for port in ports},
            "other": {"agents": ("agents",), "fields": ("fields",)},
            "hold": {port: (port,) for port in wired},
        },
        initial_state={"agents": tissue(), "fields": {"glc": np.ones(SHAPE), **start}},
        display_info=False,
        emitter="null",
    )
    return engine, field


@pytest.mark.parametrize("followed", [True, False])
@pytest.mark.filterwarnings("ignore:an agent read:surrogate_plugin.PromiseWarning")
def test_each_time_step_is_one_of_the_agents_at_its_beginning_from_what_the_host_holds(followed):
    engine, field = composite(lambda seconds, states: {}, followed)
    expected = np.linspace(0.0, 3.0, 63).reshape(SHAPE)
    uptake, made = posed(tissue())
    for step in range(1, 6):
        engine.update(STEP)
        expected = implicit(expected, uptake, made)
        state = engine.state.get_value()
        assert np.abs(state["fields"]["lac"] - expected).max() <= 1e-8
        assert state["certificate"]["lac"]["bound"] <= 1e-8
        for name, (x, y) in (("a", (1, 2)), ("b", (6, 4))):
            assert state["agents"][name]["boundary"]["external"]["lac"] == state["fields"]["lac"][x, y]
        counted = state["agents"]["a"]["boundary"]["taken_up"]["lac"]
        assert counted > 0.0
        entry = [one for one in field.history if one.substrate == "lac"][-1]
        assert entry.time == step * STEP
        assert entry.record.dt_min == pytest.approx(STEP / 60.0)
    taken = [entry.record.balance for entry in field.history if entry.substrate == "lac"]
    assert max(abs(one.defect) for one in taken) <= 1e-9
    # Glucose is at rest all the time.
    assert [entry.held > 0 for entry in field.history if entry.substrate == "glc"] == [True]


def test_agents_that_move_and_a_dose_of_another_process_are_gone_on_from():
    def place(step: int) -> list[float]:
        return [13.0 - SIDE * step, 9.0]

    def script(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        update: dict[str, Any] = {}
        if seconds == 4.0:
            dose = np.zeros(SHAPE)
            dose[2, 2] = 7.0
            update["fields"] = {"lac": dose}
        if seconds % STEP == 0:
            update["agents"] = {"b": {"boundary": {"location": place(round(seconds / STEP))}}}
        return update

    engine, field = composite(script, followed=True)
    expected = np.linspace(0.0, 3.0, 63).reshape(SHAPE)
    agents = tissue()
    for step in range(1, 5):
        agents["b"]["boundary"]["location"] = place(step - 1)
        expected = implicit(expected, *posed(agents))
        if step == 2:  # the dose came at the end of the second time step
            expected[2, 2] += 7.0
        engine.update(STEP)
        state = engine.state.get_value()
        assert np.abs(state["fields"]["lac"] - expected).max() <= 1e-8
        here = tuple(np.floor(np.array(place(step)) / SIDE).astype(int))
        # An agent that has moved reads where it is now.
        assert state["agents"]["b"]["boundary"]["external"]["lac"] == state["fields"]["lac"][here]
    assert field.notices.counts == {}


def test_within_a_time_tolerance_it_is_the_field_of_continuous_time():
    engine, field = composite(lambda seconds, states: {}, followed=True, time_tolerance=2e-3, tolerance=1e-6)
    start, (uptake, made) = np.linspace(0.0, 3.0, 63), posed(tissue())
    engine.update(6.0)
    matrix = operator(uptake)
    rest = np.linalg.solve(matrix, -made.ravel())
    exact = (rest + expm_multiply(6.0 * matrix, start - rest)).reshape(SHAPE)
    records = [entry.record for entry in field.history if entry.substrate == "lac"]
    assert len(records) == 3
    off = np.abs(engine.state.get_value()["fields"]["lac"] - exact).max()
    assert off <= 1.1 * sum(record.time_error for record in records) <= 0.007


def test_the_hosts_own_explicit_solver_comes_to_the_same_field():
    """`DiffusionField` takes steps of 0.01 s of a field that nobody takes up and that does not decay."""
    parameters = {"decay_per_s": {"glc": 0.1, "lac": 1e-12}, "time_tolerance": 1e-3, "tolerance": 1e-7}
    ours = SurrogateDiffusionField({**PARAMETERS, **parameters})
    glucose = {"substrates": ["glc"], "stepping": "steady", "decay_per_s": 0.1, "boundary": {"glc": {"left": 5.0}}}
    theirs = SurrogateDiffusionField({**PARAMETERS, **glucose})
    pulse = np.zeros(SHAPE)
    pulse[4, 3] = 10.0
    fields = {"glc": np.ones(SHAPE), "lac": pulse}
    own, host = dict(fields), dict(fields)
    for _ in range(4):
        _, own = ours.diffuse(own, 1.0)
        _, host = theirs.diffuse(host, 1.0)
    assert np.abs(own["lac"] - host["lac"]).max() <= 0.02
    assert own["lac"].sum() == pytest.approx(10.0, abs=1e-6)
    assert own["lac"][4, 3] < 5.0


def test_a_lattice_of_the_host_has_molecules_of_both_kinds():
    config = lattice_config(stepping="implicit-euler", uptake_per_s=0.0)
    composite = SurrogateLattice(config).generate()
    field = composite.processes["diffusion"]
    engine = Engine(
        processes=composite.processes,
        steps=composite.steps,
        flow=composite.flow,
        topology=composite.topology,
        initial_state={"agents": {"a": agent((10.0, BOUNDS[1] / 2))}},
        display_info=False,
        emitter="null",
    )
    assert (engine.state.get_value()["fields"]["glc"] == 1.0).all()  # as the host begins
    engine.update(20.0)
    glucose = engine.state.get_value()["fields"]["glc"]
    assert glucose[0].tolist() == [5.0] * 10
    assert 1.0 < glucose[10].mean() < 5.0
    assert [entry.record.dt_min for entry in field.history] == pytest.approx([10.0 / 60.0] * 2)
    assert field.notices.counts == {}


def test_stepping_names_molecules_that_are_answered_for():
    with pytest.raises(sp.InvalidProblemError, match="stepping names 'pyruvate'"):
        SurrogateDiffusionField({**PARAMETERS, "stepping": {"pyruvate": "implicit-euler"}})
