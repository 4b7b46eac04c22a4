"""A finished run of Vivarium's own lattice, as its emitter gathered it, is read, and an audit says what it lacks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vivarium.core.engine import Engine
from vivarium.library.units import units
from vivarium_multibody.composites.grow_divide import GrowDivide
from vivarium_multibody.composites.lattice import Lattice, make_lattice_config

import surrogate_plugin as sp
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.reading import open_run
from tests.fuzzing import NASTY, assert_one_sentence, byte_damages, json_edits

LATTICE = {"bounds": [60, 40], "n_bins": [12, 8], "depth": 2.0, "molecules": ["glc"], "diffusion": 0.5}


@pytest.fixture(scope="module")
def emitted() -> Any:
    """The host's own fields and two agents, every 10 s for 20 s."""
    config = make_lattice_config(time_step=10, jitter_force=1e-5, **LATTICE)
    config["diffusion"]["gradient"] = {
        "type": "gaussian",
        "molecules": {"glc": {"center": [0.3, 0.5], "deviation": 8}},
    }
    composite = Lattice(config).generate()
    for name, place in (("a", [7.0, 33.0]), ("b", [52.0, 12.0])):
        agent = GrowDivide({"growth": {"default_growth_rate": 0.001, "time_step": 10}, "agent_id": name})
        composite.merge(composite=agent.generate({"agent_id": name}), path=("agents", name))
        boundary = {"boundary": {"location": place, "mass": 1500 * units.fg}}
        composite.merge(state={"agents": {name: boundary}})
    composite.merge(state=composite.initial_state())
    engine = Engine(composite=composite, emitter="timeseries", display_info=False, progress_bar=False)
    engine.update(20)
    return engine


def test_fields_and_agents_are_where_the_host_had_them(emitted: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(emitted.emitter.get_data()))
    run = open_run(path)
    assert run.facts.host == "Vivarium"
    assert [float(name) for name in run.names] == [0.0, 10.0, 20.0]
    moment = run.moment(run.names[-1])
    assert moment.time_min == pytest.approx(1 / 3)
    assert moment.domain.shape == (8, 12)
    np.testing.assert_allclose(moment.domain.spacings_um, 5.0)
    host = emitted.state.get_value()
    np.testing.assert_array_equal(moment.seen["glc"].field, np.array(host["fields"]["glc"]).T)
    assert np.ptp(moment.seen["glc"].field) > 0
    for place, agent in zip(moment.position_um, host["agents"].values(), strict=True):
        np.testing.assert_allclose(place, agent["boundary"]["location"])
    volumes = [agent["boundary"]["volume"].to("femtoliter").magnitude for agent in host["agents"].values()]
    assert moment.radius_um is not None
    np.testing.assert_allclose(4 / 3 * np.pi * moment.radius_um**3, volumes)


def test_what_agents_read_is_what_the_host_gives_them(emitted: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(emitted.emitter.get_data_unitless()))
    run = open_run(path)
    moment = run.moment(run.names[-1])
    diffusion = emitted.processes["diffusion"]
    field = {"glc": moment.seen["glc"].field.T}
    read = [
        diffusion.get_single_local_environments({"location": place}, field)["glc"]["_value"]
        for place in moment.position_um.tolist()
    ]
    np.testing.assert_array_equal(moment.at_cells(moment.seen["glc"].field), read)


def test_an_audit_says_what_the_data_do_not_hold(emitted: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(emitted.emitter.get_data()))
    entries = audit(open_run(path)).entries
    assert {entry.verdict for entry in entries} == {"not audited"}
    assert all("diffusion constant of 'glc'" in entry.sentence for entry in entries)


@pytest.mark.parametrize(
    ("pattern", "by", "said"),
    [
        (r'"n_bins": \[12, 8\]', '"n_bins": [12]', "dimensions have no bounds"),
        (r'"n_bins": \[12, 8\]', '"n_bins": [8, 12]', "is not 8 x 12 finite numbers"),
        (r'"location": \[[^\]]*\]', '"location": ["here", 3]', "agents have no location"),
        (r'"glc": \[\[[0-9.e-]+', '"glc": [[NaN', "finite"),
    ],
)
def test_damaged_data_are_one_sentence(emitted: Any, tmp_path: Path, pattern: str, by: str, said: str) -> None:
    text, count = re.subn(pattern, by, json.dumps(emitted.emitter.get_data()))
    assert count
    path = tmp_path / "run.json"
    path.write_text(text)
    run = open_run(path)
    with pytest.raises(sp.InvalidProblemError, match=said):
        run.moment(run.names[0])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": 1}', '{"0.0": {"agents": {}}}', "[" * 10000])
def test_json_of_something_else_is_left_to_other_readers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(sp.InvalidProblemError, match="is no run that a reader knows"):
        open_run(path)


#: Where a value stands in what is emitted at one time.
PLACES = (
    "", "fields", "fields/glc", "fields/glc/0", "dimensions", "dimensions/bounds", "dimensions/n_bins",
    "dimensions/n_bins/0", "dimensions/depth", "agents", "agents/a", "agents/a/boundary", "agents/a/boundary/location",
    "agents/a/boundary/location/0", "agents/a/boundary/volume",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_value_that_does_not_belong_there_is_read_or_refused_in_one_sentence(
    emitted: Any, tmp_path: Path, place: str
) -> None:
    path = tmp_path / "run.json"
    for value in NASTY:
        data = json.loads(json.dumps(emitted.emitter.get_data()))
        holder, key = data, "10.0" if "10.0" in data else "10"
        for step in filter(None, place.split("/")):
            holder, key = holder[key], int(step) if step.isdigit() else step
        holder[key] = value
        path.write_text(json.dumps(data))
        try:
            run = open_run(path)
            for name in run.names:
                run.moment(name)
        except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
            assert_one_sentence(error)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(damage=st.one_of(byte_damages(), st.just(None)), data=st.data())
def test_data_damaged_at_random_are_read_or_refused_in_one_sentence(
    emitted: Any, tmp_path: Path, damage: Any, data: Any
) -> None:
    path = tmp_path / "run.json"
    whole = json.dumps(emitted.emitter.get_data())
    path.write_bytes(damage(whole.encode()) if damage else whole.encode())
    if not damage:
        json_edits(path, data)
    try:
        run = open_run(path)
        for name in run.names:
            moment = run.moment(name)
            assert all(np.isfinite(seen.field).all() for seen in moment.seen.values())
            assert np.isfinite(moment.position_um).all()
    except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
        assert_one_sentence(error)
