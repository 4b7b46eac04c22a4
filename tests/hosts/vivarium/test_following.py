"""A Vivarium field that is solved after all others: what agents read is of the agents as they are, within the bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from vivarium.core.engine import Engine
from vivarium.core.process import Process
from vivarium_multibody.composites.grow_divide import GrowDivide

import surrogate_plugin as sp
from surrogate_adapters.vivarium import HeldField, SurrogateDiffusionField, SurrogateLattice
from tests.exact import exact_field
from tests.hosts.vivarium.test_adapter import BOUNDS, N_BINS, agent, colony, field_alone, growing, lattice_config

TOLERANCE = 1e-3
Script = Callable[[float, dict[str, Any]], dict[str, Any]]


class Scripted(Process):
    """Another process of the composite: at each second it does what a script says."""

    def __init__(self, script: Script) -> None:
        super().__init__({"time_step": 1.0})
        self.script, self.seconds = script, 0.0

    def ports_schema(self) -> dict[str, Any]:
        return {"agents": {"*": {"boundary": {"external": {"glc": {"_default": 0.0}}}}}, "fields": {"glc": {}}}

    def next_update(self, timestep: float, states: dict[str, Any]) -> dict[str, Any]:
        self.seconds += timestep
        return self.script(self.seconds, states)


def composite(
    script: Script, agents: dict[str, Any], followed: bool = True, **parameters: Any
) -> tuple[Engine, SurrogateDiffusionField]:
    field = field_alone(**{"tolerance": TOLERANCE, **parameters})
    ports = ("agents", "fields", "dimensions", "steady", "certificate")
    hold = HeldField({"molecules": ["glc"]})
    hold = hold.follow(field) if followed else hold
    wired = ("fields", "steady", "agents", "certificate") if followed else ("fields", "steady")
    topology = {"field": {port: (port,) for port in ports}, "other": {"agents": ("agents",), "fields": ("fields",)}}
    engine = Engine(
        processes={"field": field, "other": Scripted(script)},
        steps={"hold": hold},
        flow={"hold": []},
        topology={**topology, "hold": {port: (port,) for port in wired}},
        initial_state={"agents": agents, **field.initial_state({})},
        display_info=False,
        emitter="null",
    )
    return engine, field


def present(engine: Engine, field: SurrogateDiffusionField) -> tuple[np.ndarray, dict[str, Any]]:
    """The exact field of what the engine's stores hold now, posed here, and the agents' boundaries."""
    boundaries = {key: one["boundary"] for key, one in engine.state.get_value()["agents"].items()}
    decay, production = np.full(N_BINS, 0.1), np.zeros(N_BINS)
    for one in boundaries.values():
        site = tuple(np.floor(np.array(one["location"]) / 2.0).astype(int))
        share = one["volume"] / 8.0  # bins of 2 x 2 x 2 um
        decay[site] += share * (one["uptake_per_s"]["glc"] + one["secretion_per_s"]["glc"])
        production[site] += share * (
            one["secretion_per_s"]["glc"] * one["secretion_target"]["glc"] + one["production_per_s"]["glc"]
        )
    sides = {"left": 5.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(
        np.zeros(N_BINS[::-1]), decay=decay.T, production=production.T, diffusivity=100.0, spacing=2.0, boundary=sides
    )
    return exact_field(problem).T, boundaries


def check(engine: Engine, field: SurrogateDiffusionField) -> None:
    """Fields and what agents read are those of the agents as they are now, within the bound that is told."""
    exact, boundaries = present(engine, field)
    told = engine.state.get_value()["certificate"]["glc"]
    bound = told["bound"] + 1e-9
    assert bound <= 1.01 * TOLERANCE
    assert told["excess"] == 0.0
    assert np.abs(engine.state.get_value()["fields"]["glc"] - exact).max() <= bound
    for one in boundaries.values():
        site = tuple(np.floor(np.array(one["location"]) / 2.0).astype(int))
        assert abs(one["external"]["glc"] - exact[site]) <= bound


def at(*places: tuple[float, float]) -> Iterator[tuple[str, tuple[float, float]]]:
    return ((str(k), place) for k, place in enumerate(places))


def agents_at(*places: tuple[float, float], **rates: float) -> dict[str, Any]:
    made = {key: agent(place) for key, place in at(*places)}
    for one in made.values():
        one["boundary"] |= {rate: {"glc": value} for rate, value in rates.items()}
    return made


def nothing(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
    return {}


def test_fields_and_what_agents_read_stand_before_the_first_step() -> None:
    engine, field = composite(nothing, agents_at((10.0, 5.0), (30.0, 15.0)))
    check(engine, field)
    lattice, _ = colony(SurrogateLattice(lattice_config()), GrowDivide(growing()))
    assert lattice.state.get_value()["fields"]["glc"].max() == 5.0
    outside = [one["boundary"]["external"]["glc"] for one in lattice.state.get_value()["agents"].values()]
    assert 0 < min(outside) < max(outside) < 5.0


def test_rates_that_another_process_changes_within_the_interval_count_at_once() -> None:
    def hungrier(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        return {"agents": {"0": {"boundary": {"uptake_per_s": {"glc": 3.0 * seconds}}}}} if seconds in (3, 7) else {}

    engine, field = composite(hungrier, agents_at((10.0, 5.0), (30.0, 15.0)), time_step=10.0)
    for _ in range(10):
        engine.run_for(1.0)
        check(engine, field)
    assert len(field.history) == 3
    assert not field.notices.counts


def test_agents_that_move_and_secrete_strongly_read_what_is_there() -> None:
    """A short-range signal, its secretion a thousand times what a bin holds; far beyond where the field is clamped."""

    def walk(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        rng = np.random.default_rng(int(seconds))
        place = {key: rng.uniform((0.1, 0.1), (39.9, 19.9)).tolist() for key in states["agents"]}
        return {"agents": {key: {"boundary": {"location": one}} for key, one in place.items()}}

    strong = agents_at(*[(6.0 * k + 1.0, 9.0) for k in range(6)], secretion_per_s=1e4, secretion_target=40.0)
    engine, field = composite(walk, strong)
    for _ in range(8):
        engine.update(1.0)
        check(engine, field)
    assert len(field.history) == 9


def test_what_agents_produce_at_constant_rates_is_in_the_field() -> None:
    def more(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        return {"agents": {"1": {"boundary": {"production_per_s": {"glc": 20.0}}}}} if seconds == 2 else {}

    engine, field = composite(more, agents_at((10.0, 5.0), (30.0, 15.0), production_per_s=4.0))
    before, _ = present(engine, field)
    for _ in range(4):
        engine.update(1.0)
        check(engine, field)
    after, _ = present(engine, field)
    assert (after > before).all()


def test_newborn_agents_read_the_field_where_they_are() -> None:
    """In the host they have what their mother read, until its field's next step."""
    engine, processes = colony(SurrogateLattice(lattice_config()), GrowDivide(growing(0.02)))
    field, born = processes["diffusion"], 0
    for _ in range(12):
        before = set(engine.state.get_value()["agents"])
        engine.update(10.0)
        state = engine.state.get_value()
        for key, one in state["agents"].items():
            site = tuple(np.floor(np.array(one["boundary"]["location"]) / 2.0).astype(int))
            assert one["boundary"]["external"]["glc"] == state["fields"]["glc"][site]
            born += key not in before
        exact = exact_field(field.backend("glc").problem(field.state("glc"))).T
        assert np.abs(state["fields"]["glc"] - exact).max() <= state["certificate"]["glc"]["bound"] + 1e-12
    assert born >= 4


def test_a_pulse_of_another_process_is_told_once_with_a_count_and_put_back_at_once() -> None:
    def pulse(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        written = np.zeros(N_BINS)
        written[12, 4] = 30.0
        return {"fields": {"glc": written}} if seconds in (2, 4, 5) else {}

    engine, field = composite(pulse, agents_at((10.0, 5.0)))
    with pytest.warns(sp.PromiseWarning, match=r"something else wrote \+30 mmol/L into 'glc' in bin \(12, 4\)"):
        engine.update(2.0)
    check(engine, field)
    for _ in range(4):
        engine.update(1.0)
        check(engine, field)
    assert field.notices.summary() == ["glc: written from outside, 3 times."]


def test_a_step_that_follows_nobody_puts_back_a_pulse_and_tells_of_it_too() -> None:
    def pulse(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        written = np.zeros(N_BINS)
        written[12, 4] = -0.5 if seconds == 3 else 30.0  # drawn once: that is what the step is there for
        return {"fields": {"glc": written}} if seconds in (3, 5, 7) else {}

    engine, field = composite(pulse, agents_at((10.0, 5.0)), followed=False)
    engine.update(4.0)
    with pytest.warns(sp.PromiseWarning, match=r"something else wrote \+30 mmol/L into 'glc' in bin \(12, 4\)"):
        engine.update(2.0)
    engine.update(2.0)
    exact, _ = present(engine, field)
    assert np.abs(engine.state.get_value()["fields"]["glc"] - exact).max() <= field.history[-1].bound + 1e-9
    assert engine.steps["hold"].notices.summary() == ["glc: written from outside, 2 times."]
    assert not field.notices.counts


def test_what_is_drawn_where_no_agent_takes_up_is_told_too() -> None:
    def drain(site: tuple[int, int]) -> Script:
        def at_two(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
            written = np.zeros(N_BINS)
            written[site] = -0.5
            return {"fields": {"glc": written}} if seconds == 2 else {}

        return at_two

    engine, field = composite(drain((5, 2)), agents_at((10.0, 5.0)))  # where an agent takes it up: counted already
    engine.update(3.0)
    check(engine, field)
    engine, field = composite(drain((6, 2)), agents_at((10.0, 5.0)))
    with pytest.warns(sp.PromiseWarning, match=r"something else wrote -0.5 mmol/L into 'glc' in bin \(6, 2\)"):
        engine.update(3.0)
    check(engine, field)


def test_the_process_alone_is_a_step_late_and_says_by_how_much() -> None:
    def jump(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        return {"agents": {"0": {"boundary": {"location": [38.0, 17.0]}}}} if seconds == 4 else {}

    engine, field = composite(jump, agents_at((2.0, 5.0), (30.0, 15.0)), followed=False)
    engine.update(4.0)
    read = engine.state.get_value()["agents"]["0"]["boundary"]["external"]["glc"]
    exact, _ = present(engine, field)
    off = abs(read - exact[19, 8])
    assert off > 100 * TOLERANCE
    with pytest.warns(sp.PromiseWarning, match=f"an agent read 'glc' {off:.3g} mmol/L off"):
        engine.update(2.0)
    assert field.history[-1].excess == pytest.approx(off, abs=2 * TOLERANCE)
    assert field.history[0].excess == 0.0
    assert engine.state.get_value()["certificate"]["glc"]["excess"] == field.history[-1].excess


def test_a_molecule_too_slow_for_its_step_is_told_of_by_name_and_number() -> None:
    """The host's default, 0.5 um2/s over 40 um, and a step of 10 s."""
    with pytest.warns(sp.PromiseWarning, match=r"molecule 'glc' comes to rest in about 245 s, and a step is 10 s"):
        field = field_alone(diffusion=0.5, decay_per_s=0.001, time_step=10.0)
    assert field.notices.counts == {("not quasi-steady", "glc"): 1}
    field_alone(diffusion=0.5, decay_per_s=0.2, time_step=10.0)


def test_a_molecule_that_nothing_holds_is_told_of_once_there_is_some() -> None:
    """What there is in all comes to rest by what agents take up and by decay, which agents may do fast enough."""
    made = {"boundary": "reflecting", "decay_per_s": 0.01, "uptake_per_s": 0.0}
    fields, secretes = {"glc": np.zeros(N_BINS)}, agent(uptake=0.0)
    secretes["boundary"] |= {"secretion_per_s": {"glc": 0.01}, "secretion_target": {"glc": 2.0}}
    slow = field_alone(**made)
    with pytest.warns(sp.PromiseWarning, match=r"molecule 'glc' comes to rest in about \d+\.?\d* s, and a step is 2 s"):
        slow.next_update(2.0, {"fields": fields, "agents": {"a": secretes}})
    fast = field_alone(**made)
    eaten = {str(k): agent((2.0 * k + 1.0, 5.0), uptake=30.0) for k in range(20)}
    fast.next_update(2.0, {"fields": fields, "agents": {"a": secretes, **eaten}})
    assert not fast.notices.counts


def test_nobody_is_told_that_nothing_supplies_what_agents_make_later() -> None:
    def makes(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        rates = {"secretion_per_s": {"glc": 1.0}, "secretion_target": {"glc": 3.0}}
        return {"agents": {"0": {"boundary": rates}}} if seconds == 3 else {}

    engine, field = composite(makes, agents_at((10.0, 5.0)), boundary="reflecting", decay_per_s=0.6)
    assert engine.state.get_value()["fields"]["glc"].max() == 0.0
    engine.update(4.0)
    assert engine.state.get_value()["fields"]["glc"].max() > 0.1
    assert not field.notices.counts


def test_gradients_are_as_good_as_the_tolerance_and_a_tenth_of_the_default_is_for_those_who_climb() -> None:
    """Others read slopes as differences of bins: those of a field that is 1 % off may be far more than 1 % off."""
    agents = agents_at(*[(4.0 * k + 1.0, 1.0 + 1.7 * k) for k in range(10)])
    errors = {}
    for share in (0.01, 0.001):
        engine, field = composite(nothing, agents, tolerance=share * 5.0)
        exact, _ = present(engine, field)
        slope, true = (np.gradient(one, 2.0)[0] for one in (engine.state.get_value()["fields"]["glc"], exact))
        errors[share] = np.abs(slope - true).max()
        # Differences over two bins of a field within its bound.
        assert errors[share] <= field.history[-1].bound / 2.0 + 1e-12
    assert BOUNDS == (40.0, 20.0)


def test_a_step_at_which_nothing_is_new_tells_nothing_anew() -> None:
    """Each entry of an update costs the host as much as reading an agent does."""
    field = field_alone(tolerance=TOLERANCE)
    agents = agents_at((10.0, 5.0), (30.0, 15.0))
    states: dict[str, Any] = {"agents": agents, "fields": {"glc": np.ones(N_BINS)}}
    first = field.follow(states)
    assert first["agents"].keys() == {"0", "1"}
    states["fields"]["glc"] = states["fields"]["glc"] + first["fields"]["glc"]
    for key, update in first["agents"].items():
        agents[key]["boundary"]["external"] = {"glc": update["boundary"]["external"]["glc"]["_value"]}
    states["fields"]["glc"] = first["steady"]["glc"]
    again = field.follow(states)
    assert again["fields"] == {}
    assert again["agents"] == {}
    agents["1"]["boundary"]["location"] = (31.9, 15.0)  # within its bin
    assert field.follow(states)["agents"] == {}
    agents["1"]["boundary"]["location"] = (20.0, 15.0)
    moved = field.follow(states)
    assert moved["agents"].keys() == {"0", "1"}  # the field has changed for both
    assert moved["fields"]["glc"].any()
