"""vivarium-multibody on the backend: the conformance kit, and composites whose agents grow, divide and exchange."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vivarium.core.engine import Engine
from vivarium.core.registry import process_registry
from vivarium.library.units import units
from vivarium_multibody.composites.grow_divide import GrowDivide, GrowDivideExchange
from vivarium_multibody.composites.lattice import Lattice, make_lattice_config
from vivarium_multibody.processes.diffusion_field import DiffusionField

import surrogate_plugin as sp
from surrogate_adapters.vivarium import SurrogateDiffusionField, SurrogateLattice, register
from surrogate_adapters.vivarium.agents import COUNTS_PER_MMOLAR_FL
from surrogate_plugin.testing import AdapterSuite, Scenario
from tests.exact import exact_field
from tests.hosts.vivarium.driver import CANNOT, Vivarium
from tests.hosts.wider import EverythingSuite

GUIDE = Path(__file__).parents[3] / "adapters" / "surrogate_adapters" / "vivarium" / "README.md"


class TestFollowed(AdapterSuite):
    """Solved after all others, as `SurrogateLattice` wires it."""

    outside = "clamp"
    detaches = False  # a composite is put together once
    torus = discs = saturates = produces = writable = True
    sides = "outside"
    vessels_change = False  # bins and vessels that hold a value are parameters

    def build(self, scenario: Scenario) -> Vivarium:
        return Vivarium(scenario)


class TestWider(EverythingSuite):
    """What bins conduct, let decay and are walled off from, what passes the sides, and molecules in time."""

    torus = True
    cannot = CANNOT

    def build(self, scenario: Scenario) -> Vivarium:
        return Vivarium(scenario)


@pytest.mark.filterwarnings("ignore:an agent read:surrogate_plugin.PromiseWarning")
class TestDropIn(TestFollowed):
    """The process alone, a step late, which it says where cells are moved."""

    def build(self, scenario: Scenario) -> Vivarium:
        return Vivarium(scenario, followed=False)

    def test_nothing_is_told_where_nothing_is_amiss(self) -> None:
        """That cells have moved is something to tell for one that is a step late; nothing else is."""
        scenario = self.scenario(90, (12, 17))
        host = self.attached(scenario)
        for cells in (scenario.cells, scenario.moved(91, scenario.cells), scenario.cells.eating(2.0)):
            host.put(cells)
            host.advance()
        assert {kind for kind, _ in host.process.notices.counts} == {"cells read more than the bound"}


# --- composites of the host ---

N_BINS, BOUNDS, TOLERANCE = (20, 10), (40.0, 20.0), 1e-4


def lattice_config(step_s: float = 10.0, **ours: Any) -> dict[str, Any]:
    """The host's own way to configure a lattice, and our parameters: glucose held at 5 mmol / L on the left."""
    wall = np.zeros(N_BINS, dtype=bool)
    wall[0] = True
    diffusion = {"decay_per_s": 0.01, "uptake_per_s": 0.1, "fixed": {"glc": wall}, "fixed_value": 5.0}
    return make_lattice_config(
        time_step=step_s,
        jitter_force=1e-5,
        bounds=list(BOUNDS),
        n_bins=list(N_BINS),
        depth=2.0,
        molecules=["glc"],
        diffusion=100.0,
        set_config={"diffusion": {**diffusion, "tolerance": TOLERANCE, **ours}},
    )


def colony(lattice: Lattice, agent: GrowDivide, count: int = 2) -> tuple[Engine, dict[str, Any]]:
    composite = lattice.generate()
    ids = [str(k) for k in range(count)]
    for key in ids:
        composite.merge(composite=agent.generate({"agent_id": key}), path=("agents", key))
    places = {
        key: {"boundary": {"location": [10.0 + 5 * k, 5.0 + 4 * k], "mass": 1500 * units.fg}}
        for k, key in enumerate(ids)
    }
    engine = Engine(
        processes=composite.processes,
        steps=composite.steps,
        flow=composite.flow,
        topology=composite.topology,
        initial_state={"agents": places},
        display_info=False,
    )
    return engine, composite.processes


def growing(rate: float = 0.002) -> dict[str, Any]:
    return {"growth": {"default_growth_rate": rate, "time_step": 10.0}}


def test_agents_that_grow_divide_and_push_each_other_live_on_the_certified_field():
    engine, processes = colony(SurrogateLattice(lattice_config()), GrowDivide(growing()))
    field = processes["diffusion"]
    for _ in range(50):
        engine.update(10.0)
        state = engine.state.get_value()
        exact = exact_field(field.backend("glc").problem(field.state("glc"))).T
        certificate = state["certificate"]["glc"]
        assert np.abs(state["fields"]["glc"] - exact).max() <= certificate["bound"] + 1e-12
        assert certificate["bound"] <= TOLERANCE
        assert certificate["method"] == field.history[-1].method
    assert len(state["agents"]) >= 4
    external = [agent["boundary"]["external"]["glc"] for agent in state["agents"].values()]
    assert 0 < min(external) < max(external) < 5.0
    taken = [agent["boundary"]["taken_up"]["glc"] for agent in state["agents"].values()]
    assert min(taken) > 1e6
    emitted = engine.emitter.get_data()
    assert emitted[500.0]["certificate"]["glc"] == certificate


def exchanging(step_s: float = 10.0) -> GrowDivideExchange:
    """Agents of 1 fL that take 10 % of what is outside at each of their steps, and count it."""
    rate = {"glc": 0.1}
    counts = COUNTS_PER_MMOLAR_FL * (1339 / 1100)
    exchange = {"molecules": ["glc"], "uptake_rate": rate, "default_secrete_rate": 0.0, "mmol_to_counts": counts}
    return GrowDivideExchange({**growing(0.0), "exchange": {**exchange, "time_step": step_s}})


@pytest.mark.filterwarnings("ignore:an agent read:surrogate_plugin.PromiseWarning")
@pytest.mark.parametrize("composer", [SurrogateLattice, None])
def test_an_exchange_in_counts_does_not_drain_the_field_a_second_time(composer):
    """With `HeldField` nobody ever sees it drained; without, not the agents, and the next step fills it again."""

    class Bare(SurrogateLattice):
        def generate_steps(self, config):
            return {}

        def generate_flow(self, config):
            return {}

        def generate_topology(self, config):
            topology = super().generate_topology(config)
            del topology["hold"]
            return topology

    engine, processes = colony((composer or Bare)(lattice_config(uptake_per_s=0.01)), exchanging())
    field, drained = processes["diffusion"], []
    if composer is None:
        # Nobody follows it, so that it is drained until its next step, of which it tells once.
        with pytest.warns(sp.PromiseWarning, match="something else wrote -"):
            engine.update(40.0)
    for _ in range(5):
        engine.update(10.0)
        state = engine.state.get_value()
        steady = field.backend("glc").step(field.state("glc")).field.T
        drained.append(float(np.abs(state["fields"]["glc"] - steady).max()))
        for k, agent in enumerate(state["agents"].values()):
            there = steady[field._agents.bins][k]
            assert agent["boundary"]["external"]["glc"] == there
    assert composer is None or not field.notices.counts
    assert max(drained) <= 1e-12 if composer else min(drained[1:]) > 1e-6


def test_what_the_exchange_counts_is_what_the_field_gives():
    """Exchange takes ``rate`` of the outside a step: first order, 1 / s times the step, and so is ours."""
    config = lattice_config(uptake_per_s=0.01)
    for key in ("multibody", "diffusion"):
        config[key]["time_step"] = 10.0
    engine, _ = colony(SurrogateLattice(config), exchanging(), count=1)
    internal, taken = [], []
    for _ in range(6):
        engine.update(10.0)
        (agent,) = engine.state.get_value()["agents"].values()
        internal.append(agent["internal"]["glc"])
        taken.append(agent["boundary"]["taken_up"]["glc"])
        mass = agent["boundary"]["mass"].to("fg").magnitude
    volume = mass / 1100
    assert np.allclose(np.array(internal) * volume * COUNTS_PER_MMOLAR_FL, taken, rtol=1e-9)


def test_it_drops_into_a_composite_as_the_host_wires_it():
    class Stock(Lattice):
        def generate_processes(self, config):
            return {**super().generate_processes(config), "diffusion": SurrogateDiffusionField(config["diffusion"])}

    config = lattice_config(tolerance=0.1)
    engine, processes = colony(Stock(config), GrowDivide(growing()))
    engine.update(30.0)
    assert len(processes["diffusion"].history) == 3
    state = engine.state.get_value()
    steady = processes["diffusion"].backend("glc").step(processes["diffusion"].state("glc")).field.T
    assert np.abs(state["fields"]["glc"] - steady).max() <= 1e-12
    assert all(agent["boundary"]["external"]["glc"] > 0 for agent in state["agents"].values())


def field_alone(**parameters: Any) -> SurrogateDiffusionField:
    return SurrogateDiffusionField(
        {
            "molecules": ["glc"],
            "n_bins": list(N_BINS),
            "bounds": list(BOUNDS),
            "depth": 2.0,
            "diffusion": 100.0,
            "time_step": 2.0,
            "decay_per_s": 0.1,
            "uptake_per_s": 0.1,
            "boundary": {"glc": {"left": 5.0}},
            **parameters,
        }
    )


def agent(location: Any = (10.0, 5.0), volume: Any = 50.0, uptake: float = 3.0) -> dict[str, Any]:
    rates = {"uptake_per_s": {"glc": uptake}, "secretion_per_s": {"glc": 0.0}, "secretion_target": {"glc": 0.0}}
    return {"boundary": {"location": location, "volume": volume, **rates}}


@pytest.mark.filterwarnings("ignore:something else wrote:surrogate_plugin.PromiseWarning")
def test_deltas_leave_no_errors_behind_and_undo_what_others_wrote():
    process, field = field_alone(), np.full(N_BINS, 7.0)
    rng = np.random.default_rng(0)
    for step in range(200):
        agents = {str(k): agent(rng.uniform((0, 0), BOUNDS)) for k in range(3)}
        update = process.next_update(1.0, {"fields": {"glc": field}, "agents": agents})
        field = np.maximum(field + update["fields"]["glc"], 0.0)
        assert np.abs(field - update["steady"]["glc"]).max() <= 1e-12
        if step % 10 == 0:
            field = field * rng.uniform(0.0, 100.0, field.shape)


def test_a_state_that_stays_is_held():
    process, agents, field = field_alone(), {"a": agent((10.1, 5.1))}, np.ones(N_BINS)
    for place in ((10.1, 5.1), (10.9, 5.9), (10.1, 5.1), (12.1, 5.1)):
        agents["a"]["boundary"]["location"] = place
        field = process.next_update(2.0, {"fields": {"glc": field}, "agents": agents})["steady"]["glc"]
    # A step within a bin changes nothing.
    assert [(entry.time, entry.held) for entry in process.history] == [(0.0, 2), (6.0, 0)]


def test_agents_that_change_places_are_the_same_to_the_field():
    process, field = field_alone(), np.ones(N_BINS)
    here, there = (10.0, 5.0), (30.0, 15.0)
    for first, second in ((here, there), (there, here), (here, here)):
        agents = {"a": agent(first), "b": agent(second)}
        field = process.next_update(2.0, {"fields": {"glc": field}, "agents": agents})["steady"]["glc"]
    assert [(entry.time, entry.held) for entry in process.history] == [(0.0, 1), (4.0, 0)]


def test_units_of_the_hosts_library_are_understood():
    plain = field_alone().next_update(1.0, {"fields": {"glc": np.ones(N_BINS)}, "agents": {"a": agent()}})
    with_units = agent([10.0 * units.um, 5e-3 * units.mm], 5e-14 * units.L)
    same = field_alone().next_update(1.0, {"fields": {"glc": np.ones(N_BINS)}, "agents": {"a": with_units}})
    assert np.allclose(same["steady"]["glc"], plain["steady"]["glc"], rtol=1e-12)


def test_an_agent_on_the_far_side_reads_the_last_bin_and_not_the_first():
    process = field_alone()
    update = process.next_update(1.0, {"fields": {"glc": np.ones(N_BINS)}, "agents": {"a": agent(BOUNDS)}})
    seen = update["agents"]["a"]["boundary"]["external"]["glc"]["_value"]
    assert seen == update["steady"]["glc"][-1, -1] < update["steady"]["glc"][0, 0]
    assert process.get_bin_site(BOUNDS) == (N_BINS[0] - 1, N_BINS[1] - 1)


def test_vessels_hold_their_value_where_they_are():
    vessel = sp.Vessels([(31.0, 5.0)], radius_um=1.2, value=4.0)
    process = field_alone(boundary="reflecting", vessels={"glc": vessel})
    _, new = process.diffuse({"glc": np.ones(N_BINS)}, 1.0)
    assert np.argwhere(new["glc"] == 4.0).tolist() == [[15, 2]]


def test_a_pickled_process_goes_on_as_the_original_does():
    """The host sends processes with ``_parallel`` to processes of their own."""
    process = field_alone()
    states = {"fields": {"glc": np.ones(N_BINS)}, "agents": {"a": agent()}}
    states["fields"] = process.next_update(1.0, states)["steady"]
    states["agents"]["a"]["boundary"]["location"] = (30.0, 15.0)
    copied = pickle.loads(pickle.dumps(process))
    mine, theirs = process.next_update(1.0, states), copied.next_update(1.0, states)
    bounds = mine["certificate"]["glc"]["bound"] + theirs["certificate"]["glc"]["bound"]
    assert np.abs(mine["steady"]["glc"] - theirs["steady"]["glc"]).max() <= bounds
    assert len(copied.history) == 2


def test_states_are_recorded_if_asked_for(tmp_path):
    process, fields = field_alone(record=tmp_path / "run.zarr"), {"glc": np.ones(N_BINS)}
    for place in ((10.0, 5.0), (20.0, 5.0)):
        fields = process.next_update(1.0, {"fields": fields, "agents": {"a": agent(place)}})["steady"]
    assert len(sp.Recording(tmp_path / "run.zarr")) == 2


def test_the_page_of_a_run_is_written_if_asked_for(tmp_path):
    process, fields = field_alone(report=tmp_path / "run.html"), {"glc": np.ones(N_BINS)}
    process.next_update(1.0, {"fields": fields, "agents": {"a": agent((10.0, 5.0))}})
    assert "glc at step 0" in (tmp_path / "run.html").read_text(encoding="utf-8")
    with pytest.raises(sp.InvalidProblemError, match="report is set for a process with _parallel"):
        field_alone(report=tmp_path / "run.html", _parallel=True)


def test_it_is_registered_once_and_leaves_the_host_alone():
    for _ in range(2):
        assert process_registry.access("surrogate_diffusion_field") is register() is SurrogateDiffusionField
    assert process_registry.list().count("surrogate_diffusion_field") == 1
    field_alone(gradient={"type": "uniform", "molecules": {"glc": 3.0}})
    assert DiffusionField.defaults["initial_state"] == {}
    assert SurrogateDiffusionField.defaults["initial_state"] == {}
    assert DiffusionField({"molecules": ["glc"]}).initial == {}


def test_the_guides_examples_run_as_they_stand():
    code = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_benchmark_beside_the_original_field_runs():
    command = [sys.executable, "-m", "benchmarks.vivarium_composite", "--quick"]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "original" in done.stdout
    assert done.stdout.count("12x12 bins") == 2


def test_the_adapters_package_loads_no_host_until_it_is_asked_for_a_process():
    code = (
        "import sys, surrogate_adapters.vivarium, surrogate_adapters.process_bigraph\n"
        "assert not {'vivarium', 'vivarium_multibody', 'process_bigraph', 'pymunk'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
