"""A finished run of CompuCell3D, as its own 4.8.0 saved it (tests/data/README.md), is audited from its files alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.output import CompuCell3DRun, read_run
from surrogate_adapters.compucell3d.script import read_script
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.reading import open_run
from tests.fuzzing import assert_one_sentence, byte_damages

RUN = Path(__file__).parents[2] / "data" / "compucell3d_run"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RUN, tmp_path / "run"))


def edited(run: Path, pattern: str, by: str) -> Path:
    """The run with its XML changed."""
    path = run / "Simulation" / "oxygen.xml"
    text, count = re.subn(pattern, by, path.read_text(), count=1, flags=re.DOTALL)
    assert count == 1
    path.write_text(text)
    return run


def opened(path: Path) -> CompuCell3DRun:
    run = read_run(path)
    assert run is not None
    return run


def test_a_field_that_the_host_brought_to_rest_is_the_steady_field() -> None:
    """Held vessels and a held side, periodic sides, decay by type and secretion, after 500 MCS of standing cells."""
    result = audit(open_run(RUN), substrates=["Oxygen"], moments=["Step_500"])
    (entry,) = result.entries
    assert entry.steady is not None
    assert entry.verdict == "steady"
    assert entry.steady.largest < 1e-5  # of 10, as the host's own steps and digits leave it


def test_a_field_that_is_still_spreading_is_told_from_an_error() -> None:
    (entry,) = audit(open_run(RUN), substrates=["Drug"], moments=["Step_500"]).entries
    assert entry.verdict == "not yet steady"
    assert entry.steady is not None
    assert entry.steady.largest > 50
    assert not entry.error_at_least


def test_what_is_posed_is_what_the_files_hold_pixel_by_pixel() -> None:
    moment = opened(RUN).moment("Step_500")
    lines = (RUN / "LatticeData" / "Step_500.vtk").read_text().split("CellType 1 720 unsigned_char")[1]
    types = np.array(lines.split()[:720], dtype=int).reshape(24, 30)
    seen = moment.seen["Oxygen"]
    assert seen.state is not None
    voxels = seen.state.voxels
    assert voxels is not None
    np.testing.assert_array_equal(voxels.fixed, types == 2)
    np.testing.assert_array_equal(np.asarray(voxels.value)[types == 2], 10.0)
    np.testing.assert_array_equal(voxels.decay_per_min, np.where(types == 1, 0.2, 0.01))
    np.testing.assert_array_equal(voxels.production_per_min, np.where(types == 1, 0.05, 0.0))
    boundary = sp.Boundary.parse(seen.boundary)
    assert [side.kind for side in boundary.sides].count("periodic") == 2
    assert boundary.left.value == 4.0


def test_cells_stand_where_their_pixels_are_with_their_types() -> None:
    moment = opened(RUN).moment("Step_500")
    assert moment.time_min == 500
    assert set(moment.kind) == {"Tumour", "Vessel"}
    assert len(set(moment.cell_id)) == len(moment.cell_id) == 10
    vessel = moment.kind.index("Vessel")
    # The initialiser puts it on pixels 2 to 5 by 4 to 7.
    np.testing.assert_allclose(moment.position_um[vessel], [4.0, 6.0])
    assert moment.radius_um is not None
    np.testing.assert_allclose(moment.radius_um[vessel], np.sqrt(16 / np.pi))
    assert moment.at_cells(moment.seen["Oxygen"].field)[vessel] == 10.0


def test_a_cell_across_the_edge_of_a_periodic_lattice_is_where_it_is(copy: Path) -> None:
    edited(copy, "<Potts>", "<Potts><Boundary_x>Periodic</Boundary_x>")
    path = copy / "LatticeData" / "Step_500.vtk"
    head, ids = path.read_text().split("CellId 1 720 long\n")
    numbers, rest = ids.split("ClusterId", maxsplit=1)
    moved = np.roll(np.array(numbers.split(), dtype=int).reshape(24, 30), -4, axis=1)
    rest = "ClusterId" + rest
    path.write_text(f"{head}CellId 1 720 long\n{' '.join(map(str, moved.ravel()))}\n{rest}")
    moment = opened(copy).moment("Step_500")
    x = moment.position_um[:, 0]
    assert np.min(np.minimum(x, 30 - x)) < 1e-9  # the vessel on 28, 29, 0, 1: its middle is at the edge, not at 14


@pytest.mark.parametrize(
    ("pattern", "by", "said"),
    [
        (r"<GlobalDecayConstant>0.01</GlobalDecayConstant>", "<AdditionalTerm>-Oxygen</AdditionalTerm>", "AdditionalT"),
        (r"<GlobalDiffusionConstant>2.0", "<GlobalDiffusionConstant>two", "'two'; a finite number is allowed"),
        (r"<GlobalDiffusionConstant>2.0", "<GlobalDiffusionConstant>0", "above 0 is audited"),
        (r'"DiffusionSolverFE"', '"KernelDiffusionSolver"', "is solved by KernelDiffusionSolver"),
        (r'<Secretion Type="Tumour">', '<Secretion Type="Tumor">', "the cell types are Medium, Tumour, Vessel"),
        (r'ConstantDerivative PlanePosition="Max" Value="0.0"', 'Robin PlanePosition="Max" Value="1"', "<Robin>"),
    ],
)
def test_a_field_with_another_equation_is_not_audited_and_says_why(
    copy: Path, pattern: str, by: str, said: str
) -> None:
    (entry,) = audit(open_run(edited(copy, pattern, by)), substrates=["Oxygen"], moments=["Step_500"]).entries
    assert entry.verdict == "not audited"
    assert said in entry.sentence


def test_uptake_with_a_ceiling_is_said_in_the_table_of_its_field() -> None:
    (entry,) = audit(open_run(RUN), substrates=["Toxin"], moments=["Step_500"]).entries
    assert entry.verdict == "not audited"
    assert "<Uptake>" in entry.sentence


def test_diffusion_by_type_and_on_contact_is_read_and_the_mean_is_told(copy: Path) -> None:
    edited(copy, r"<GlobalDecay", '<DiffusionCoefficient CellType="Tumour">0.5</DiffusionCoefficient><GlobalDecay')
    edited(copy, r"<Constant", '<SecretionOnContact Type="Tumour" SecreteOnContactWith="Vessel, Medium">3</Secretion'
           "OnContact><Constant")  # fmt: skip
    script = read_script(copy / "Simulation" / "oxygen.xml")
    field = script.fields["Oxygen"]
    assert dict(field.diffusivity_by_type_pixel2_per_mcs) == {"Tumour": 0.5}
    assert {name: dict(by) for name, by in field.production_on_contact_per_mcs.items()} == {
        "Tumour": {"Vessel": 3.0, "Medium": 3.0}
    }
    run = opened(copy)
    assert any("harmonic mean" in note for note in run.facts.notes)
    state = run.moment("Step_500").seen["Oxygen"].state
    assert state is not None
    assert state.voxels is not None
    assert set(np.unique(state.voxels.diffusivity_um2_per_min)) == {0.5, 2.0}


@pytest.mark.parametrize(
    ("pattern", "by", "said"),
    [
        ('z="1"', 'z="7"', "30 x 24 x 7"),
        ('"Square"', '"Hexagonal"', "Hexagonal"),
        ("<Dimensions.*?>", "", "no list of lattices"),
        ("</Fields>", "", "no list of lattices"),
    ],
)
def test_a_lattice_that_is_not_solved_on_is_one_sentence(copy: Path, pattern: str, by: str, said: str) -> None:
    path = copy / "LatticeData" / "StepLDF.dml"
    path.write_text(re.sub(pattern, by, path.read_text(), count=1))
    with pytest.raises(sp.InvalidProblemError, match=said):
        open_run(copy)


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "nan"])
def test_a_damaged_lattice_is_one_sentence(copy: Path, damage: str) -> None:
    path = copy / "LatticeData" / "Step_500.vtk"
    text = path.read_text()
    path.write_text(
        {
            "cut": text[: text.index("Oxygen 1")],
            "empty": "",
            "other": text.replace("DIMENSIONS 30 24 1", "DIMENSIONS 6 5 1").replace("720", "30"),
            "nan": text[: text.index("Oxygen 1")] + "Oxygen 1 720 double\n" + "nan " * 720,
        }[damage]
    )
    with pytest.raises(sp.InvalidProblemError, match=r"Step_500\.vtk"):
        opened(copy).moment("Step_500")


def test_what_the_steady_solver_does_in_its_own_way_is_told(copy: Path) -> None:
    assert not any("steady solver" in note for note in opened(copy).facts.notes)
    edited(copy, r'"DiffusionSolverFE"', '"SteadyStateDiffusionSolver2D"')
    (note,) = (note for note in opened(copy).facts.notes if "steady solver" in note)
    assert "Oxygen" in note
    seen = opened(copy).moment("Step_500").seen["Oxygen"]
    assert seen.state is not None
    assert seen.state.voxels is not None
    # It holds a side's value in the edge pixels themselves.
    np.testing.assert_array_equal(np.asarray(seen.state.voxels.value)[:, 0], 4.0)


def test_of_several_xml_files_the_project_says_which(copy: Path) -> None:
    (copy / "Simulation" / "another.xml").write_text("<CompuCell3D/>")
    (copy / "Simulation" / "oxygen.xml").rename(copy / "Simulation" / "zz.xml")
    (copy / "run.cc3d").write_text("<Simulation><XMLScript Type='XMLScript'>Simulation/zz.xml</XMLScript></Simulation>")
    assert set(opened(copy).script.fields) == {"Oxygen", "Drug"}


def test_without_its_xml_a_run_says_what_is_missing_and_takes_another(copy: Path) -> None:
    (copy / "Simulation" / "oxygen.xml").rename(copy.parent / "mine.xml")
    with pytest.raises(sp.InvalidProblemError, match=r"no XML in Simulation/.*--settings"):
        open_run(copy)
    assert open_run(copy, settings=copy.parent / "mine.xml").facts.substrates == ("Drug", "Oxygen", "Toxin")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    name=st.sampled_from(["LatticeData/StepLDF.dml", "LatticeData/Step_500.vtk", "Simulation/oxygen.xml"]),
    damage=byte_damages(),
)
def test_files_damaged_at_random_are_read_or_refused_in_one_sentence(copy: Path, name: str, damage: object) -> None:
    path, whole = copy / name, (RUN / name).read_bytes()
    path.write_bytes(damage(whole))  # type: ignore[operator]
    try:
        run = read_run(copy)
        assert run is not None
        moment = run.moment("Step_500")
        assert all(np.isfinite(seen.field).all() for seen in moment.seen.values())
        assert all((seen.state is None) == bool(seen.refusal) for seen in moment.seen.values())
    except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
        assert_one_sentence(error)
    finally:
        path.write_bytes(whole)
