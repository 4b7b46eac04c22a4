"""What PhysiCell's XML says for and against each substrate: read as PhysiCell reads it, right or one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_adapters.physicell.facts import substrate_of
from surrogate_adapters.physicell.proposal import Verdict, verdicts
from surrogate_adapters.physicell.settings import read_settings
from surrogate_adapters.physicell.variables import Variable
from tests.fuzzing import assert_one_sentence, byte_damages

PROJECT = Path(__file__).parent / "project"
SIDES = ("xmin", "xmax", "ymin", "ymax")


def variable(
    name: str,
    diffusion: float = 1e5,
    decay: float = 0.1,
    condition: str = "true",
    options: Mapping[str, tuple[str, float]] | None = None,
) -> str:
    """A substrate of the XML, held at 38 unless the condition is off; `options` are a side's flag and value."""
    lines = "".join(
        f'<boundary_value ID="{side}" enabled="{on}">{value}</boundary_value>'
        for side, (on, value) in (options or {}).items()
    )
    return (
        f'<variable name="{name}"><physical_parameter_set><diffusion_coefficient>{diffusion}</diffusion_coefficient>'
        f"<decay_rate>{decay}</decay_rate></physical_parameter_set>"
        f'<Dirichlet_boundary_condition enabled="{condition}">38</Dirichlet_boundary_condition>'
        f"{f'<Dirichlet_options>{lines}</Dirichlet_options>' if options is not None else ''}</variable>"
    )


def cell_type(name: str, exchange: str = "", motility: str = "") -> str:
    return (
        f'<cell_definition name="{name}"><phenotype><secretion>{exchange}</secretion>'
        f"<motility><options>{motility}</options></motility></phenotype></cell_definition>"
    )


def exchange(name: str, **rates: float) -> str:
    return f'<substrate name="{name}">{"".join(f"<{key}>{rate}</{key}>" for key, rate in rates.items())}</substrate>'


def chemotaxis(name: str) -> str:
    return f"<chemotaxis><enabled>true</enabled><substrate>{name}</substrate></chemotaxis>"


def write(folder: Path, *variables: str, cells: str = "", rules: str = "", domain: Mapping[str, object] | None = None):
    extent = {"x_min": -500, "x_max": 500, "y_min": -400, "y_max": 400, "z_min": -10, "z_max": 10}
    lattice = {**extent, "dx": 20, "dy": 20, "dz": 20, "use_2D": "true"} | dict(domain or {})
    path = folder / "PhysiCell_settings.xml"
    path.write_text(
        f"<PhysiCell_settings><domain>{''.join(f'<{key}>{value}</{key}>' for key, value in lattice.items())}</domain>"
        f"<microenvironment_setup>{''.join(variables)}</microenvironment_setup>"
        f"<cell_definitions>{cells}</cell_definitions>{rules}</PhysiCell_settings>"
    )
    return path


def only(folder: Path, *variables: str, **others: str) -> Variable:
    """The first substrate as it is read."""
    return read_settings(write(folder, *variables, **others), folder).variables[0]


def judged(folder: Path, *variables: str, **others: str) -> Verdict:
    """What is proposed for the first substrate."""
    return verdicts(read_settings(write(folder, *variables, **others), folder))[0]


def test_the_lattice_and_the_step_are_those_of_the_xml() -> None:
    found = read_settings(PROJECT / "config" / "PhysiCell_settings.xml", PROJECT)
    lattice = found.lattice
    assert (lattice.nodes, lattice.spacing_um) == ((20, 12, 1), (20.0, 20.0, 20.0))
    assert (lattice.origin_um, lattice.size_um) == ((-200.0, -120.0, -10.0), (400.0, 240.0))
    assert (found.times.phenotype_min, found.names) == (6.0, ["oxygen"])


@pytest.mark.parametrize(
    ("condition", "options", "held"),
    [
        ("true", None, dict.fromkeys(SIDES, 38.0)),
        ("false", None, {}),
        ("1", {"xmin": ("false", 38)}, dict.fromkeys(SIDES[1:], 38.0)),
        ("yes", dict.fromkeys(SIDES, ("false", 38)), {}),
        ("True", dict.fromkeys(SIDES, ("false", 38)) | {"ymax": ("True", 5)}, {"ymax": 5.0}),
        ("false", {"xmin": ("true", 38)}, {}),
        (" true", None, {}),
        ("true", {"zmin": ("false", 1)}, dict.fromkeys(SIDES, 38.0)),
    ],
)
def test_sides_are_held_as_physicell_holds_them(tmp_path: Path, condition: str, options: dict, held: dict) -> None:
    assert only(tmp_path, variable("oxygen", condition=condition, options=options)).sides == held


def test_one_condition_that_is_on_turns_the_sides_of_all_substrates_on(tmp_path: Path) -> None:
    glucose = variable("glucose", condition="false", options={"xmin": ("true", 17)})
    assert only(tmp_path, glucose).sides == {}
    assert only(tmp_path, glucose, variable("oxygen")).sides == {"xmin": 17.0}


def test_a_condition_without_a_side_and_a_side_without_a_condition_are_remarked_on(tmp_path: Path) -> None:
    off = dict.fromkeys(SIDES, ("false", 38))
    assert "no side of oxygen is" in judged(tmp_path, variable("oxygen", options=off)).reason
    on = {"xmin": ("true", 38)}
    assert "Dirichlet_options enable xmin" in judged(tmp_path, variable("oxygen", condition="no", options=on)).reason


def test_what_fits_is_proposed_with_1_percent_of_the_largest_value_held(tmp_path: Path) -> None:
    options = {"xmin": ("true", 38), "xmax": ("true", 10), "ymin": ("false", 50), "ymax": ("true", 38)}
    verdict = judged(tmp_path, variable("oxygen", options=options))
    assert (verdict.fits, verdict.tolerance) == (True, 0.38)
    assert "38 by xmin, ymax" in verdict.reason


@pytest.mark.parametrize(
    "motility",
    [
        chemotaxis("oxygen"),
        "<advanced_chemotaxis><enabled>true</enabled><chemotactic_sensitivities>"
        '<chemotactic_sensitivity substrate="oxygen">-0.5</chemotactic_sensitivity>'
        "</chemotactic_sensitivities></advanced_chemotaxis>",
    ],
)
def test_where_a_cell_type_climbs_it_a_tenth_of_that(tmp_path: Path, motility: str) -> None:
    verdict = judged(tmp_path, variable("oxygen"), cells=cell_type("walker", motility=motility))
    assert verdict.tolerance == pytest.approx(0.038)
    assert "walker climbs it" in verdict.reason


@pytest.mark.parametrize(
    "motility",
    [
        chemotaxis("glucose"),
        chemotaxis("oxygen").replace("true", "false"),
        chemotaxis("oxygen") + "<advanced_chemotaxis><enabled>true</enabled></advanced_chemotaxis>",
    ],
)
def test_chemotaxis_that_is_off_or_along_another_substrate_changes_nothing(tmp_path: Path, motility: str) -> None:
    assert judged(tmp_path, variable("oxygen"), cells=cell_type("walker", motility=motility)).tolerance == 0.38


def test_what_a_steady_field_does_not_suit_is_not_proposed_and_told_why(tmp_path: Path) -> None:
    slow = judged(tmp_path, variable("antigen", diffusion=10, decay=0.001))
    assert not slow.fits
    assert "910 min" in slow.reason
    still = judged(tmp_path, variable("ecm", diffusion=0), variable("oxygen"))
    assert not still.fits
    assert "does not diffuse" in still.reason


@pytest.mark.parametrize("rates", [{"secretion_rate": 0.1, "secretion_target": 1}, {"net_export_rate": 0.1}])
def test_what_cells_secrete_or_export_is_supplied(tmp_path: Path, rates: dict) -> None:
    signal = variable("a signal", decay=1.0, condition="false")
    unsupplied = judged(tmp_path, signal, cells=cell_type("A"))
    assert not unsupplied.fits
    assert "nothing supplies a signal" in unsupplied.reason.lower()
    assert "--substrates" in unsupplied.reason
    assert judged(tmp_path, signal, cells=cell_type("A", exchange("a signal", **rates))).fits
    assert not judged(tmp_path, signal, cells=cell_type("A", exchange("another", **rates))).fits


def test_secretion_to_a_target_of_0_supplies_nothing(tmp_path: Path) -> None:
    sink = cell_type("A", exchange("a signal", secretion_rate=5, secretion_target=0))
    found = read_settings(write(tmp_path, variable("a signal", condition="false"), cells=sink), tmp_path)
    substrate = substrate_of(found, found.variables[0])
    assert (substrate.supplied, substrate.taken_up) == (False, True)


def test_any_number_of_voxels_from_2_on_is_allowed(tmp_path: Path) -> None:
    """PhysiCell's own solver of 2-D models needs as many along x and y."""
    small = {"x_min": 0, "x_max": 45, "y_min": 0, "y_max": 40}
    found = read_settings(write(tmp_path, variable("oxygen"), domain=small), tmp_path)
    assert found.lattice.nodes == (3, 2, 1)
    assert verdicts(found)[0].fits
    found = read_settings(write(tmp_path, variable("oxygen"), domain=small | {"y_max": 20}), tmp_path)
    with pytest.raises(sp.UnsupportedProblemError, match="3 x 1 voxels; at least 2 along x and y"):
        verdicts(found)


def test_what_a_rule_makes_cells_secrete_is_supplied(tmp_path: Path) -> None:
    signal = variable("debris", decay=1.0, condition="false")
    (tmp_path / "config").mkdir()
    rules = tmp_path / "config" / "rules.csv"
    ruleset = (
        '<cell_rules><rulesets><ruleset enabled="{}"><folder>./config</folder><filename>rules.csv</filename></ruleset>'
        "</rulesets></cell_rules>"
    )
    rules.write_text("// a comment\nA,dead,increases, debris secretion,0.017,0.1,10,1\n")
    assert judged(tmp_path, signal, rules=ruleset.format("true")).fits
    assert not judged(tmp_path, signal, rules=ruleset.format("false")).fits
    rules.write_text("// A,dead,increases,debris secretion,0.017,0.1,10,1\n")
    assert not judged(tmp_path, signal, rules=ruleset.format("true")).fits
    rules.unlink()
    assert not judged(tmp_path, signal, rules=ruleset.format("true")).fits


def test_a_lattice_that_is_not_allowed_is_refused_with_the_path(tmp_path: Path) -> None:
    path = write(tmp_path, variable("oxygen"), domain={"use_2D": "false", "z_max": 40})
    with pytest.raises(sp.UnsupportedProblemError, match="3 layers of voxels along z") as error:
        verdicts(read_settings(path, tmp_path))
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<PhysiCell_settings><domain></PhysiCell_settings>", "is not XML: mismatched tag"),
        (b"", "is not XML"),
        (b'<?xml version="1.0" encoding="martian"?><a/>', "is not XML"),
        (b"<sbml/>", "is no configuration of PhysiCell"),
        (b"<PhysiCell_settings><domain><dx>a lot</dx></domain></PhysiCell_settings>", "dx is 'a lot'"),
    ],
)
def test_what_is_no_configuration_is_one_sentence_with_the_path(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "PhysiCell_settings.xml"
    path.write_bytes(content)
    with pytest.raises(sp.InvalidProblemError, match=says) as error:
        read_settings(path, tmp_path)
    assert str(path) in str(error.value)
    assert_one_sentence(error.value)


def test_a_number_that_is_none_is_named_with_its_substrate(tmp_path: Path) -> None:
    path = write(tmp_path, variable("oxygen").replace(">0.1<", ">fast<"))
    with pytest.raises(sp.InvalidProblemError, match="decay_rate of oxygen is 'fast'"):
        read_settings(path, tmp_path)


@settings(max_examples=150, deadline=None)
@given(byte_damages(), st.randoms(use_true_random=False))
def test_a_damaged_configuration_is_right_or_one_sentence(tmp_path_factory, damage, random) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "PhysiCell_settings.xml"
    path.write_bytes(damage((PROJECT / "config" / "PhysiCell_settings.xml").read_bytes()))
    try:
        told = verdicts(read_settings(path, folder))
    except ValueError as error:
        assert_one_sentence(error)
    else:
        assert all(one.reason for one in told)
