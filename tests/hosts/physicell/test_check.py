"""`surrogate-plugin physicell check`: each thing that is not as one may think is told, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from surrogate_adapters.physicell.checking import Checked, check
from surrogate_adapters.physicell.commands import app
from tests.fuzzing import assert_one_sentence, byte_damages
from tests.hosts.physicell.settings_files import cell_type, variable, write

PROJECT = Path(__file__).parent / "project" / "config" / "PhysiCell_settings.xml"
OFF = dict.fromkeys(("xmin", "xmax", "ymin", "ymax"), ("false", 38))
UPTAKE = {"uptake_rate": 10}
POSITIONS = (
    '<initial_conditions><cell_positions type="csv" enabled="true"><folder>config</folder>'
    "<filename>cells.csv</filename></cell_positions></initial_conditions>"
)
RULES = (
    '<cell_rules><rulesets><ruleset enabled="true"><folder>config</folder><filename>rules.csv</filename></ruleset>'
    "</rulesets></cell_rules>"
)
NODES = '<dirichlet_nodes type="csv" enabled="true"><filename>nodes.csv</filename></dirichlet_nodes>'
#: Of which nothing is told: slow enough for the sides, and no cells that a step would surprise.
PLAIN = variable("oxygen", diffusion=1e4)


def checked(folder: Path, *variables: str, share: float = 0.05, **parts: object) -> Checked:
    return check(write(folder, *variables, **parts), share)


def told(found: Checked, kind: str) -> list[str]:
    return [one.sentence for one in (*found.errors, *found.warnings) if one.kind == kind]


def run(*arguments: str, columns: str = "60") -> tuple[int, str]:
    made = CliRunner().invoke(app, ["check", *arguments], env={"COLUMNS": columns, "NO_COLOR": "1"})
    return made.exit_code, made.output


def test_of_a_plain_model_nothing_is_told(tmp_path: Path) -> None:
    found = checked(tmp_path, PLAIN)
    assert (found.errors, found.warnings) == ((), ())
    row = found.rows[0]
    assert row.length_um == pytest.approx((1e4 / 0.1) ** 0.5)
    assert row.nodes == 2 * 50 + 2 * 40 - 4
    assert row.step_error is not None
    assert row.step_error < 0.05


@pytest.mark.parametrize(
    ("kind", "says", "variables", "parts"),
    [
        ("ignored Dirichlet_boundary_condition", "holds none", [variable("oxygen", options=OFF)], {}),
        (
            "ignored Dirichlet_boundary_condition",
            "the 38 of its Dirichlet_boundary_condition is ignored where Dirichlet_options say otherwise: xmin 20",
            [variable("oxygen", diffusion=1e4, options={"xmin": ("true", 20)})],
            {},
        ),
        (
            "ignored Dirichlet_boundary_condition",
            "Dirichlet_options enable xmin, but PhysiCell holds no side",
            [variable("oxygen", condition="false", options={"xmin": ("true", 20)})],
            {},
        ),
        ("ignored nodes", "PhysiCell up to 1.14 passes it over", [PLAIN], {"options": NODES}),
        ("not anchored", "virus has decay rate 0", [PLAIN, variable("virus", 10, 0, "false")], {}),
        ("nothing supplies it", "Nothing supplies virus", [PLAIN, variable("virus", 1e4, 1, "false")], {}),
        ("does not diffuse", "ecm has diffusion coefficient 0", [PLAIN, variable("ecm", 0)], {}),
        ("short length", "falls off within 10 um", [variable("drug", 100, 1)], {}),
        ("3-D", "The lattice has 3 layers", [PLAIN], {"domain": {"use_2D": "false", "z_min": -30, "z_max": 30}}),
        (
            "uneven voxels",
            "Voxels are 20 x 40 um, and PhysiCell's solver takes dx = 20",
            [PLAIN],
            {"domain": {"dy": 40}},
        ),
        ("lattice", "the last voxel reaches to x = 520", [PLAIN], {"domain": {"x_max": 501}}),
        ("steps", "dt_diffusion is 10 min", [PLAIN], {"overall": {"dt_diffusion": 10}}),
        ("units", "time_units is 'hour', but PhysiCell counts in min", [PLAIN], {"overall": {"time_units": "hour"}}),
        ("no substrates", "No substrates are declared", [], {}),
        ("parent", "names the parent 'nobody'", [PLAIN], {"cells": cell_type("A", 'parent_type="nobody"')}),
        ("missing rules", "there are no rules at", [PLAIN], {"more": RULES}),
        ("missing file", "there is no such file", [PLAIN], {"more": POSITIONS}),
        ("unknown substrate", "'A' exchanges 'drug'; oxygen are", [PLAIN], {"cells": cell_type("A", drug=UPTAKE)}),
        (
            "negative rate",
            "uptake of oxygen of cell type 'A' is -1; a number >= 0",
            [PLAIN],
            {"cells": cell_type("A", oxygen={"uptake_rate": -1})},
        ),
        ("coefficient", "'oxygen' has decay rate -1; a finite number >= 0", [variable("oxygen", decay=-1)], {}),
    ],
)
def test_what_is_not_as_one_may_think_is_told_in_a_sentence(
    tmp_path: Path, kind: str, says: str, variables: list[str], parts: Mapping[str, object]
) -> None:
    found = checked(tmp_path, *variables, **parts)
    sentences = told(found, kind)
    assert any(says in sentence for sentence in sentences), (sentences, found.warnings, found.errors)
    for sentence in sentences:
        assert sentence.endswith(".")
        assert "\n" not in sentence


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (
            "<decay_rate>",
            "<decay_rat>",
            "decay_rat of physical_parameter_set is nothing that PhysiCell reads; did you mean",
        ),
        ("<decay_rate>", "<decay_rat>", "physical_parameter_set has no decay_rate, for which PhysiCell takes 0."),
        ("<use_2D>", "<flat>", "flat of domain is nothing that PhysiCell reads; it reads x_min, x_max"),
        ("<max_time>", "<end>", "overall has no max_time"),
        (
            "<uptake_rate>",
            "<uptake>",
            "uptake of substrate 'oxygen' is nothing that PhysiCell reads; did you mean uptake_rate?",
        ),
        ('ID="xmin"', 'ID="x_min"', "boundary_value 'x_min' is of no side; did you mean xmin?"),
    ],
)
def test_elements_that_nobody_reads_are_told_with_their_line(tmp_path: Path, right: str, wrong: str, says: str) -> None:
    options = {"xmin": ("true", 38.0)}
    path = write(tmp_path, variable("oxygen", 1e4, options=options), cells=cell_type("A", oxygen={"uptake_rate": 0.1}))
    assert told(check(path), "unread") == []
    text = path.read_text()
    path.write_text(text.replace(right, wrong).replace(right.replace("<", "</"), wrong.replace("<", "</")))
    [sentence] = [one for one in told(check(path), "unread") if says in one]
    line = int(sentence.removeprefix("Line ").partition(":")[0])
    tag = "physical_parameter_set" if "has no decay" in says else "overall" if "max_time" in says else wrong
    assert tag in path.read_text().splitlines()[line - 1]


def test_rules_that_change_rates_are_told_with_their_types_and_lines(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN, cells=cell_type("A", oxygen={"uptake_rate": 0.1}), more=RULES)
    (path.parent / "rules.csv").write_text(
        "A,pressure,decreases,oxygen uptake,0,1,4,0\nA,oxygen,increases,necrosis,1,5,4,0\n"
    )
    [sentence] = told(check(path), "rules change rates")
    assert "Rules change the uptake of oxygen during the run, of 'A' (line 1)" in sentence


def test_cells_off_the_lattice_and_of_no_type_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN, cells=cell_type("A", 'ID="0"'), more=POSITIONS)
    (path.parent / "cells.csv").write_text("0,0,0,0\n0,0,0,7\n9999,0,0,0\n")
    [sentence] = told(check(path), "cells left out")
    assert sentence.startswith("2 of the cells")
    (path.parent / "cells.csv").write_text("0,0,0,zero\n")
    assert told(check(path), "cells left out") == []
    assert "type is 'zero'" in told(check(path), "file")[0]


def test_a_step_error_is_told_from_the_share_on_that_one_asks_for(tmp_path: Path) -> None:
    given = (variable("oxygen"),)
    cells = cell_type("A", oxygen=UPTAKE)
    [sentence] = told(checked(tmp_path, *given, cells=cells, share=0.05), "step error")
    assert "off by 24 % in tissue of touching 'A' (by 2.2 % without cells)" in sentence
    assert "at the diffusion step of 0.01 min; a step of 0.0015 min" in sentence
    assert told(checked(tmp_path, *given, cells=cells, share=0.3), "step error") == []
    [enough] = [checked(tmp_path, *given, cells=cells, overall={"dt_diffusion": 0.0015})]
    assert told(enough, "step error") == []


def test_cells_that_make_much_in_a_step_are_told(tmp_path: Path) -> None:
    makes = cell_type("A", a_signal={"secretion_rate": 1, "secretion_target": 1})
    sentences = told(checked(tmp_path, variable("a signal", condition="false"), cells=makes), "step error")
    assert [sentence.split(" too")[0] for sentence in sentences] == ["A lone 'A' is predicted to read 118 %"]
    fast = cell_type("A", a_signal={"secretion_rate": 1000, "secretion_target": 1})
    sentences = told(checked(tmp_path, variable("a signal", condition="false"), cells=fast), "step error")
    assert any(
        "A lone 'A' is predicted to give" in sentence and "too little a signal" in sentence for sentence in sentences
    )


def test_the_page_is_no_wider_than_60_columns_and_has_no_colour(tmp_path: Path) -> None:
    names = ("oxygen", "anti-inflammatory factor", "[bold]odd[/]")
    cells = cell_type("malignant epithelial cell", oxygen=UPTAKE)
    path = write(tmp_path, *(variable(name) for name in names), cells=cells, domain={"use_2D": "false", "z_max": 50})
    code, page = run(str(path))
    assert code == 0
    assert "\x1b" not in page
    lines = page.replace(str(path), "").splitlines()
    assert max(len(line) for line in lines) <= 60
    for words in ("anti-inflammatory", "[bold]odd[/]", "uptake 10: malignant", "zmax", "Warning: The lattice has 3"):
        assert words in page
    assert "warnings." in lines[-1]


def test_exit_codes_tell_warnings_errors_and_no_file_apart(tmp_path: Path) -> None:
    assert run(str(write(tmp_path, PLAIN)))[0] == 0
    code, page = run(str(write(tmp_path, PLAIN, more=POSITIONS)))
    assert (code, "Error: line" in page, "1 error." in page) == (1, True, True)
    code, page = run(str(write(tmp_path, variable("oxygen", decay="fast"))))
    assert (code, "decay_rate of oxygen is 'fast'" in page) == (1, True)
    assert run(str(tmp_path / "none.xml"))[0] == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no XML", "is not XML"),
        (b"<a>", "is not XML"),
        (b"", "is not XML"),
        (b"\x89PNG\r\n\x1a\n\x00", "is not XML"),
        (b"<a/>", "is no configuration of PhysiCell"),
        (b"<PhysiCell_settings/>", "is no configuration of PhysiCell"),
    ],
)
def test_a_file_of_which_nothing_can_be_said_is_bad_input(tmp_path: Path, content: bytes, says: str) -> None:
    """As docs/command-line.md has it: 1 is what was found in settings, 2 what could not be read as such."""
    path = tmp_path / "settings.xml"
    path.write_bytes(content)
    code, page = run(str(path))
    assert (code, says in " ".join(page.split())) == (2, True)
    code, text = run(str(path), "--json")
    assert (code, json.loads(text)["errors"][0]["kind"]) == (2, "unreadable")


def test_json_holds_what_the_page_does(tmp_path: Path) -> None:
    path = write(tmp_path, variable("oxygen"), variable("virus", 10, 0, "false"), cells=cell_type("A", oxygen=UPTAKE))
    code, text = run(str(path), "--json")
    found = json.loads(text)
    assert code == 0
    oxygen, virus = found["substrates"]
    assert (oxygen["decay_per_min"], oxygen["sides"]["xmin"], oxygen["nodes"]) == (0.1, 38.0, 176)
    assert virus["length_um"] is None
    assert found["cell_types"][0]["rates"]["oxygen"]["uptake_per_min"] == 10.0
    assert {one["kind"] for one in found["warnings"]} >= {"step error", "not anchored"}
    path.write_text("<a>")
    code, text = run(str(path), "--json")
    assert (code, json.loads(text)["errors"][0]["kind"]) == (2, "unreadable")


@settings(max_examples=60, deadline=None)
@given(
    spacing=st.tuples(*[st.floats(1.0, 50.0)] * 3),
    voxels=st.tuples(*[st.integers(1, 40)] * 3),
    flat=st.booleans(),
    coefficients=st.lists(
        st.tuples(st.floats(0.0, 1e8), st.floats(0.0, 1e3), st.booleans(), st.floats(0.0, 1e3)), max_size=3
    ),
    rates=st.lists(st.tuples(*[st.floats(0.0, 1e3)] * 4), max_size=2),
    step=st.floats(1e-6, 10.0),
)
def test_whatever_physicell_takes_is_checked(
    tmp_path_factory, spacing, voxels, flat, coefficients, rates, step
) -> None:
    """And each error that is told of is beyond what is allowed, with a step that is not."""
    domain = {"use_2D": str(flat).lower()}
    for axis, size, count in zip("xyz", spacing, voxels, strict=True):
        domain |= {f"d{axis}": size, f"{axis}_min": 0, f"{axis}_max": size * count}
    variables = [
        variable(f"s{k}", diffusion, decay, str(held).lower(), initial=value)
        for k, (diffusion, decay, held, value) in enumerate(coefficients)
    ]
    names = ("uptake_rate", "secretion_rate", "secretion_target", "net_export_rate")
    exchange = {f"s{k}": dict(zip(names, rates[0], strict=True)) for k in range(len(variables)) if rates}
    cells = "".join(cell_type(f"t{k}", f'ID="{k}"', **exchange) for k in range(len(rates)))
    found = checked(
        tmp_path_factory.mktemp("any"), *variables, cells=cells, domain=domain, overall={"dt_diffusion": step}
    )
    assert len(found.rows) == len(variables)
    assert all(one.kind == "lattice" for one in found.errors)
    json.dumps(found.as_dict(), allow_nan=False)
    for row in found.rows:
        if row.step_error is not None and row.step_error > 0.05:
            assert any(one.kind == "step error" for one in found.warnings if one.substrate == row.variable.name)


@settings(max_examples=60, deadline=None)
@given(byte_damages())
def test_damaged_settings_are_checked_or_refused_in_one_sentence(tmp_path_factory, damage) -> None:
    path = tmp_path_factory.mktemp("damaged") / "PhysiCell_settings.xml"
    path.write_bytes(damage(PROJECT.read_bytes()))
    try:
        check(path)
    except ValueError as error:
        assert_one_sentence(error)
