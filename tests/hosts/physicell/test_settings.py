"""PhysiCell_settings.xml is read as PhysiCell reads it, to every number; what is wrong is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_adapters.physicell.cell_types import Rates
from surrogate_adapters.physicell.settings import read_settings
from surrogate_adapters.physicell.variables import SIDES
from tests.fuzzing import assert_one_sentence
from tests.hosts.physicell.settings_files import cell_type, settings_text, variable, write

RECORDED = sorted((Path(__file__).parents[4] / "shared" / "data" / "physicell").glob("*/config/PhysiCell_settings.xml"))
UPTAKE = {"uptake_rate": 10, "secretion_rate": 0, "secretion_target": 1, "net_export_rate": 0}


def test_times_and_saves_are_those_of_the_xml_or_of_physicell(tmp_path: Path) -> None:
    save = "<save><folder>out</folder><full_data><interval>60</interval><enable>true</enable></full_data></save>"
    overall = {"max_time": 1440, "dt_diffusion": 0.005, "time_units": "min", "space_units": "micron"}
    found = read_settings(write(tmp_path, variable("oxygen"), overall=overall, more=save))
    times, saves = found.times, found.saves
    assert (times.diffusion_min, times.mechanics_min, times.phenotype_min, times.end_min) == (0.005, 0.1, 6.0, 1440.0)
    assert (saves.folder, saves.enabled, saves.interval_min) == ("out", True, 60.0)
    assert (times.unit, found.lattice.unit) == ("min", "micron")


def test_a_simulation_runs_above_the_folder_config_and_beside_any_other_xml(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, variable("oxygen"))).folder == tmp_path
    copied = tmp_path / "output" / "PhysiCell_settings.xml"
    copied.parent.mkdir()
    copied.write_text(settings_text(variable("oxygen")))
    assert read_settings(copied).folder == copied.parent
    assert read_settings(copied, tmp_path).folder == tmp_path


def test_a_substrate_has_the_numbers_and_words_of_the_xml(tmp_path: Path) -> None:
    given = variable("oxygen", 2e3, 0.25, options={"xmin": ("true", 20), "ymax": ("false", 30)}, initial=5)
    oxygen = read_settings(write(tmp_path, given)).variable("oxygen")
    assert (oxygen.name, oxygen.unit, oxygen.initial) == ("oxygen", "mmHg", 5.0)
    assert (oxygen.diffusivity_um2_per_min, oxygen.decay_per_min) == (2e3, 0.25)
    assert (oxygen.condition.enabled, oxygen.condition.value) == (True, 38.0)
    assert {side: (one.enabled, one.value) for side, one in oxygen.options.items()} == {
        "xmin": (True, 20.0),
        "ymax": (False, 30.0),
    }
    assert oxygen.sides == {"xmin": 20.0, "xmax": 38.0, "ymin": 38.0}


def test_sides_along_z_count_where_there_are_layers(tmp_path: Path) -> None:
    layered = {"use_2D": "false", "z_min": -60, "z_max": 60}
    found = read_settings(write(tmp_path, variable("oxygen"), domain=layered))
    assert found.lattice.nodes == (50, 40, 6)
    assert found.lattice.origin_um == (-500.0, -400.0, -60.0)
    assert set(found.variable("oxygen").sides) == {"xmin", "xmax", "ymin", "ymax", "zmin", "zmax"}
    with pytest.raises(sp.UnsupportedProblemError, match="6 layers"):
        _ = found.lattice.domain


def test_a_type_inherits_all_from_its_parent_and_writes_over_what_it_says_itself(tmp_path: Path) -> None:
    cells = (
        cell_type("first", 'ID="0"', 1000, oxygen=UPTAKE, a_signal={"secretion_rate": 2, "secretion_target": 3})
        + cell_type("second", 'ID="1" parent_type="first"', oxygen={"uptake_rate": 4})
        + cell_type("third", 'ID="2" parent_type="second"', 500, a_signal={"net_export_rate": 7})
    )
    found = {one.name: one for one in read_settings(write(tmp_path, variable("oxygen"), cells=cells)).cell_types}
    assert [one.volume_um3 for one in found.values()] == [1000.0, 1000.0, 500.0]
    assert [(one.number, one.parent) for one in found.values()] == [(0, None), (1, "first"), (2, "second")]
    assert found["second"].rates == {"oxygen": Rates(4.0, 0.0, 1.0, 0.0), "a signal": Rates(0.0, 2.0, 3.0, 0.0)}
    assert found["third"].rates == {"oxygen": Rates(4.0, 0.0, 1.0, 0.0), "a signal": Rates(0.0, 2.0, 3.0, 7.0)}


HELD = st.tuples(st.booleans(), st.floats(-1e6, 1e6))


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(st.tuples(*[st.floats(0.0, 1e12)] * 3), min_size=1, max_size=4),
    conditions=st.lists(st.booleans(), min_size=4, max_size=4),
    options=st.lists(st.dictionaries(st.sampled_from(SIDES), HELD), min_size=4, max_size=4),
)
def test_whatever_is_written_is_read_back_and_held_as_physicell_holds_it(
    tmp_path_factory, numbers, conditions, options
) -> None:
    """A side is held if anything turns the sides on at all, and its option, or without one the condition, this one."""
    each = list(zip(numbers, conditions, options, strict=False))
    given_variables = [
        variable(
            f"s{k}",
            *(repr(number) for number in coefficients[:2]),
            str(condition).lower(),
            {side: (str(on).lower(), repr(value)) for side, (on, value) in written.items()},
            initial=repr(coefficients[2]),
        )
        for k, (coefficients, condition, written) in enumerate(each)
    ]
    found = read_settings(write(tmp_path_factory.mktemp("any"), *given_variables)).variables
    turned_on = any(condition for _, condition, _ in each)
    for one, (coefficients, condition, written) in zip(found, each, strict=True):
        assert (one.diffusivity_um2_per_min, one.decay_per_min, one.initial) == coefficients
        held = {side: written.get(side, (condition, 38.0)) for side in SIDES[:4]}
        assert one.sides == {side: value for side, (on, value) in held.items() if on and turned_on}


@pytest.mark.parametrize("parent", ["", 'parent_type="nobody"', 'parent_type="later"'])
def test_without_a_parent_above_it_a_type_has_the_defaults_volume_and_no_rates(tmp_path: Path, parent: str) -> None:
    cells = (
        cell_type("default", 'ID="5"', 1000, oxygen=UPTAKE)
        + cell_type("other", f'ID="1" {parent}')
        + cell_type("later", 'ID="2"', 700, oxygen=UPTAKE)
    )
    other = read_settings(write(tmp_path, variable("oxygen"), cells=cells)).cell_types[1]
    assert (other.parent, other.volume_um3, other.rates) == ("default", 1000.0, {})
    legacy = "<options><legacy_cell_defaults_copy>true</legacy_cell_defaults_copy></options>"
    other = read_settings(write(tmp_path, variable("oxygen"), cells=cells, more=legacy)).cell_types[1]
    assert other.rates["oxygen"].uptake_per_min == 10.0


def test_rules_are_read_where_the_simulation_runs_or_beside_the_xml(tmp_path: Path) -> None:
    ruleset = (
        '<cell_rules><rulesets><ruleset enabled="true"><folder>./config</folder>'
        "<filename>rules.csv</filename></ruleset></rulesets></cell_rules>"
    )
    path = write(tmp_path, variable("oxygen"), more=ruleset)
    assert [one.found for one in read_settings(path).rulesets] == [False]
    (tmp_path / "config" / "rules.csv").write_text("// none\n\nA,pressure,decreases,oxygen uptake,0,1,4,0\n")
    rule = read_settings(path).rules[0]
    assert (rule.cell_type, rule.line, rule.exchange("oxygen"), rule.exchange("a signal")) == ("A", 3, "uptake", None)
    copied = tmp_path / "config" / "copy.xml"
    path.rename(copied)
    assert len(read_settings(copied, tmp_path / "elsewhere").rules) == 1


@pytest.mark.parametrize(
    ("element", "inside"),
    [
        ("initial_condition", "microenvironment_setup"),
        ("dirichlet_nodes", "microenvironment_setup"),
        ("cell_positions", ""),
    ],
)
def test_files_that_are_on_are_named_with_their_kind(tmp_path: Path, element: str, inside: str) -> None:
    def named(enabled: str, filename: str) -> Path:
        entry = f'<{element} type="CSV" enabled="{enabled}"><filename>{filename}</filename></{element}>'
        more = "" if inside else f"<initial_conditions>{entry}</initial_conditions>"
        return write(tmp_path, variable("oxygen"), options=entry if inside else "", more=more)

    assert getattr(read_settings(named("false", "")), element) is None
    file = getattr(read_settings(named("true", "./config/numbers.csv")), element)
    assert (file.path, file.kind) == (tmp_path / "config" / "numbers.csv", "csv")
    with pytest.raises(sp.InvalidProblemError, match=rf"line \d+: {element} is enabled and has no filename"):
        read_settings(named("true", ""))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"domain": {"dx": "wide"}}, "dx is 'wide'; a finite number > 0"),
        ({"domain": {"dy": -20}}, "dy is '-20'; a finite number > 0"),
        ({"domain": {"x_max": "1e400"}}, "x_max is '1e400'; a finite number"),
        ({"overall": {"dt_diffusion": 0}}, "dt_diffusion is '0'; a finite number > 0"),
        ({"cells": cell_type("A", volume="big")}, "volume/total of A is 'big'"),
        ({"cells": cell_type("A", 'ID="one"')}, "ID of cell_definition 'A' is 'one'; a whole number"),
        ({"cells": cell_type("A", oxygen={"uptake_rate": "fast"})}, "uptake_rate of oxygen in cell type 'A' is 'fast'"),
    ],
)
def test_what_is_no_number_is_named_with_file_and_line(tmp_path: Path, broken: dict, says: str) -> None:
    path = write(tmp_path, variable("oxygen"), **broken)
    with pytest.raises(sp.InvalidProblemError) as error:
        read_settings(path)
    message = str(error.value)
    assert says in message
    assert_one_sentence(error.value)
    named, value = int(message.split("line ")[1].split(":")[0]), message.split("'")[-2]
    assert message.startswith(f"{path}, line {named}: ")
    assert value in path.read_text().splitlines()[named - 1]


def test_substrates_without_a_name_or_with_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(sp.InvalidProblemError, match="variable has no name"):
        read_settings(write(tmp_path, variable("")))
    with pytest.raises(sp.InvalidProblemError, match="'oxygen' is there twice, at first on line 18"):
        read_settings(write(tmp_path, variable("oxygen"), variable("oxygen")))
    with pytest.raises(sp.InvalidProblemError, match="no substrate 'glucose'; it has oxygen"):
        read_settings(write(tmp_path, variable("oxygen"))).variable("glucose")


@pytest.mark.skipif(not RECORDED, reason="the recorded runs are not here")
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parts[-3])
def test_settings_of_recorded_runs_are_read(path: Path) -> None:
    found = read_settings(path)
    assert found.lattice.domain.shape == found.lattice.nodes[1::-1]
    assert found.names
    assert found.cell_types
    assert all(set(one.rates) <= set(found.names) for one in found.cell_types)
    assert found.times.diffusion_min <= found.times.phenotype_min <= found.times.end_min
