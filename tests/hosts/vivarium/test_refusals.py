"""What a Vivarium composite asks for and cannot have is refused by name, with what is there; what is meant is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from vivarium.core.engine import Engine
from vivarium.library.units import units

import surrogate_plugin as sp
from tests.hosts.vivarium.test_adapter import N_BINS, agent, field_alone


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"decay": 0.1}, "SurrogateDiffusionField has no setting 'decay'; it has substrates"),
        ({"decay_per_s": -1.0}, "SurrogateDiffusionField: decay_per_s is -1.0; input should be greater"),
        ({"decay_per_s": {"glc": "fast"}}, "decay_per_s.glc is 'fast'"),
        ({"decay_per_s": 2.0 * units.um}, "decay_per_s is 2.0 micrometer; a number, or a quantity in 1/s, is allowed"),
        ({"uptake_per_s": {"oxygen": 1.0}}, "uptake_per_s names 'oxygen'; the substrates answered for are glc"),
        ({"substrates": ["oxygen"]}, "no substrate 'oxygen'; it has glc"),
        ({"substrates": "glc"}, "a list of names is allowed"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"policy": "never"}, "policy is 'never'"),
        ({"model": "defualt"}, "model is 'defualt'; the models installed are .*default"),
        ({"model": "runs/mine.safetensors"}, "model is 'runs/mine.safetensors'; the weights mine.safetensors are"),
        ({"diffusion": 0.0}, "molecule 'glc' has diffusion 0 um2/s; one > 0 is allowed, or leave it out of substrates"),
        ({"diffusion": {"oxygen": 5.0}}, "diffusion names 'oxygen'; the substrates answered for are glc"),
        ({"fixed": {"glc": np.ones((10, 20), dtype=bool)}}, r"fixed\['glc'\] has shape \(10, 20\).*\(20, 10\)"),
        ({"boundary": {"left": 5.0}}, "boundary names 'left'"),
        ({"boundary": {"glc": {"west": 5.0}}}, "unknown side 'west'; the sides are left, right, bottom, top"),
        ({"boundary": {"glc": {"left": "periodic"}}}, "periodic sides come in opposite pairs"),
        ({"boundary": {"glc": "open"}}, "boundary .* is 'open'"),
        ({"record": "run.zarr", "_parallel": True}, "record is set for a process with _parallel"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises((sp.InvalidProblemError, sp.UnsupportedProblemError), match=message) as refused:
        field_alone(**parameters)
    assert "\n" not in str(refused.value)


def misspelt(rate: str) -> dict[str, Any]:
    state = agent()
    state["boundary"][rate] = {"glc": 1.0, "gluc": 5.0}
    return state


@pytest.mark.parametrize(
    ("field", "agents", "message"),
    [
        (np.ones(N_BINS[::-1]), {}, r"fields\['glc'\] has shape \(10, 20\)"),
        (np.full(N_BINS, np.nan), {}, r"fields\['glc'\] holds a value that is not finite"),
        (np.ones(N_BINS), {"a": agent((np.nan, 1.0))}, "an agent's location is"),
        (np.ones(N_BINS), {"a": agent(volume=-1.0)}, "agent 'a' has volume -1 fL"),
        (
            np.ones(N_BINS),
            {"a": agent(volume=3.0 * units.s)},
            "volume of agent 'a' is 3.0 second; .* quantity in femto",
        ),
        (np.ones(N_BINS), {"a": agent(uptake=-1.0)}, r"uptake_per_min\[0\] is -60"),
        (
            np.ones(N_BINS),
            {"a": misspelt("uptake_per_s")},
            "agent 'a' has uptake_per_s of 'gluc'; the molecules are glc",
        ),
        (np.ones(N_BINS), {"a": misspelt("production_per_s")}, "agent 'a' has production_per_s of 'gluc'"),
    ],
)
def test_a_broken_state_is_refused_in_one_sentence(field: np.ndarray, agents: dict[str, Any], message: str) -> None:
    with pytest.raises(sp.InvalidProblemError, match=message):
        field_alone().next_update(1.0, {"fields": {"glc": field}, "agents": agents})


def engine_of(process: Any, boundary: dict[str, Any]) -> Engine:
    return Engine(
        processes={"field": process},
        topology={"field": {port: (port,) for port in ("agents", "fields", "dimensions", "steady")}},
        initial_state={
            "agents": {"a": {"boundary": {"location": [10.0, 5.0], **boundary}}},
            **process.initial_state({}),
        },
        display_info=False,
        emitter="null",
    )


def test_a_misspelt_molecule_in_the_store_of_an_agent_is_refused_and_not_left_out() -> None:
    with pytest.raises(sp.InvalidProblemError, match="agent 'a' has uptake_per_s of 'gluc'; the molecules are glc"):
        engine_of(field_alone(), {"uptake_per_s": {"gluc": 5.0}}).update(2.0)


@pytest.mark.parametrize("more", [{"molecules": ["glc", "lac"], "substrates": ["glc"]}, {"elsewhere": ["lac"]}])
def test_a_molecule_that_others_answer_for_is_none_of_ours(more: dict[str, Any]) -> None:
    engine = engine_of(field_alone(**more), {"uptake_per_s": {"lac": 5.0, "glc": 1.0}, "volume": 50.0})
    engine.update(2.0)
    assert engine.state.get_path(("fields", "glc")).get_value().min() < 5.0


def test_quantities_are_taken_wherever_numbers_are() -> None:
    per_s, mM = 1 / units.s, units.mmol / units.L
    held = {"fixed": {"glc": np.eye(*N_BINS, dtype=bool)}}
    plain = {
        "uptake_per_s": 0.1,
        "secretion_per_s": 0.2,
        "secretion_target": 3.0,
        "production_per_s": 0.5,
        "michaelis_km": 2.0,
        "volume_fL": 4.0,
        "fixed_value": 1.5,
        "boundary": {"glc": {"left": 5.0}},
        "tolerance": 1e-6,
        **held,
    }
    quantities = {
        "bounds": [0.04 * units.mm, 20.0 * units.um],
        "depth": 2e-3 * units.mm,
        "diffusion": 6000.0 * units.um**2 / units.min,
        "time_step": 2000.0 * units.ms,
        "decay_per_s": 6.0 / units.min,
        "uptake_per_s": 0.1 * per_s,
        "secretion_per_s": {"glc": 0.2 * per_s},
        "secretion_target": 3000.0 * units.umol / units.L,
        "production_per_s": 0.5 * mM * per_s,
        "michaelis_km": 2.0 * mM,
        "volume_fL": 4.0 * units.um**3,
        "fixed_value": {"glc": 1.5 * mM},
        "boundary": {"glc": {"left": 5.0 * mM}},
        "tolerance": 1e-6 * mM,
        **held,
    }
    fields = {"glc": np.ones(N_BINS)}
    bare = agent()
    given = {
        "location": [0.01, 0.005] * units.mm,
        "volume": 50.0 * units.fL,
        "uptake_per_s": {"glc": 180.0 / units.min},
    }
    given |= {"secretion_per_s": {"glc": 0.0 * per_s}, "secretion_target": {"glc": 0.0 * mM}}
    expected = field_alone(**plain).next_update(2.0, {"fields": fields, "agents": {"a": bare}})
    found = field_alone(**quantities).next_update(2.0, {"fields": fields, "agents": {"a": {"boundary": given}}})
    np.testing.assert_allclose(found["steady"]["glc"], expected["steady"]["glc"], rtol=1e-9)
    told = (update["agents"]["a"]["boundary"]["taken_up"]["glc"] for update in (found, expected))
    assert next(told) == pytest.approx(next(told), rel=1e-9)


def test_each_molecule_may_have_a_diffusion_of_its_own_those_left_to_the_host_too() -> None:
    """One number for all is what the host takes; a mapping used to end in a TypeError."""
    several = {"molecules": ["glc", "lac", "ace"], "substrates": ["glc"], "time_step": 10.0}
    several["diffusion"] = {"glc": 100.0, "lac": 3.0}
    start = np.zeros(N_BINS)
    start[5, 5] = 1.0
    fields = dict.fromkeys(several["molecules"], start)
    _, new = field_alone(**several).diffuse(fields, 1.0)
    for name, diffusion in (("lac", 3.0), ("ace", 0.5)):  # 0.5 is the host's default
        _, alone = field_alone(**{**several, "diffusion": diffusion}).diffuse({name: start}, 1.0)
        np.testing.assert_array_equal(new[name], alone[name])
    _, glucose = field_alone(diffusion=100.0).diffuse({"glc": start}, 1.0)
    np.testing.assert_array_equal(new["glc"], glucose["glc"])


def test_a_molecule_that_agents_alone_may_hold_down_is_told_of_and_not_refused() -> None:
    """Agents bring their own rates; while none takes it up there is no unique steady field."""
    bare = {"decay_per_s": 0.0, "uptake_per_s": 0.0, "boundary": "reflecting"}
    with pytest.warns(sp.PromiseWarning, match="molecule 'glc' has no decay, no side"):
        process = field_alone(**bare)
    assert process.notices.counts == {("not anchored", "glc"): 1}
    process.next_update(2.0, {"fields": {"glc": np.ones(N_BINS)}, "agents": {"a": agent()}})
    with pytest.raises(sp.InvalidProblemError, match=r"substrate 'glc': .*no unique steady state"):
        process.next_update(2.0, {"fields": {"glc": np.zeros(N_BINS)}, "agents": {}})


def test_bins_of_any_size_and_any_number_are_taken() -> None:
    small = field_alone(n_bins=[5, 5], bounds=[10.0, 10.0], tolerance=1e-9)
    _, new = small.diffuse({"glc": np.zeros((5, 5))}, 2.0)
    columns = np.arange(5)
    rate = np.arccosh(1 + 0.1 * 4.0 / (2 * 100.0))  # the exact decay of the discrete equation, a mirror on the right
    exact = 5.0 * np.cosh(rate * (4.5 - columns - 0.0)) / np.cosh(rate * (4.5 + 1.0))
    np.testing.assert_allclose(new["glc"], np.broadcast_to(exact[:, np.newaxis], (5, 5)), rtol=1e-6)
