"""PhysiCell's output is read by itself, and its figures are those of an independent solve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyphysicell as pc
import pytest
import scipy.sparse
import scipy.sparse.linalg
from scipy.io import loadmat

from surrogate_adapters.physicell.output import PhysiCellRun, read_run
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.reading import open_run
from surrogate_plugin.audit.tables import Entry, Verdict
from tests.audit.files import write_run
from tests.hosts.pyphysicell import tissue

#: Runs of PhysiCell's own samples, beside the checkout or above it, where there are any.
SAMPLES = next(
    (found for parent in Path(__file__).parents if (found := parent / "shared" / "data" / "physicell").is_dir()), None
)


def run_of(folder: Path, *sims: pc.Simulation, **options: object) -> PhysiCellRun:
    run = read_run(write_run(folder, sims), **options)  # type: ignore[arg-type]
    assert run is not None
    return run


def as_physicell(sim: pc.Simulation) -> pc.Simulation:
    """Glucose is let go at a corner that the later side of oxygen takes, as in PhysiCell."""
    me = sim.microenvironment
    me.dirichlet_mask[me.dirichlet_idx == me.nx * me.ny - 1, me.index("glucose")] = 0
    return sim


def test_the_figures_are_those_of_an_assembled_matrix(tmp_path: Path) -> None:
    sim = as_physicell(tissue.tissue(1, second=True, vessels=0))
    sim.run(1.0)
    for entry in audit(run_of(tmp_path, sim)).entries:
        apart = tissue.seen(sim, entry.substrate) - tissue.reference(sim, entry.substrate)
        assert entry.steady is not None
        assert entry.steady.largest == pytest.approx(np.abs(apart).max(), rel=1e-6)
        share = np.linalg.norm(apart) / np.linalg.norm(tissue.reference(sim, entry.substrate))
        assert entry.steady.relative_l2 == pytest.approx(share, rel=1e-6)
        at_cells = apart.ravel()[sim.cells.voxel[: sim.cells.n]]
        assert entry.steady.median == pytest.approx(np.median(at_cells), rel=1e-6, abs=1e-9)
        assert entry.steady.lowest == pytest.approx(at_cells.min(), rel=1e-6, abs=1e-9)
        assert entry.steady.highest == pytest.approx(at_cells.max(), rel=1e-6, abs=1e-9)
        row, column = np.unravel_index(np.abs(apart).argmax(), apart.shape)
        x, y, _z = sim.microenvironment.centers
        assert entry.steady.where_um == (x[column], y[row])
        assert 0 <= entry.bound < 1e-6


def test_what_is_read_is_what_the_host_had(tmp_path: Path) -> None:
    sim = tissue.tissue(2, second=True, vessels=0)
    run = run_of(tmp_path, sim)
    assert run.facts.substrates == ("glucose", "oxygen")
    assert run.facts.units == {"glucose": "mmHg", "oxygen": "mmHg"}
    assert (run.facts.diffusion_step_min, run.facts.held_min) == (0.01, 6.0)
    moment = run.moment(run.names[0])
    assert moment.kind[:2] == ("greedy", "greedy")
    assert moment.alive.all()
    np.testing.assert_array_equal(moment.position_um, sim.cells.position[: sim.cells.n, :2])
    np.testing.assert_array_equal(moment.seen["oxygen"].field, tissue.seen(sim))
    assert moment.radius_um is not None
    np.testing.assert_allclose(moment.radius_um, sim.cells.radius[: sim.cells.n], rtol=1e-6)
    assert moment.domain.voxel_volume_um3 == pytest.approx(8000.0)


@pytest.mark.parametrize("place", ["", "output"])
def test_a_project_and_its_output_are_the_same_run(tmp_path: Path, place: str) -> None:
    write_run(tmp_path, [tissue.tissue(1, vessels=0)])
    assert list(open_run(tmp_path / place).names) == ["output00000000"]


def test_nodes_of_custom_code_are_taken_from_a_file(tmp_path: Path) -> None:
    sim = tissue.tissue(4, vessels=4)
    sim.run(0.5)
    x, y, _z = sim.microenvironment.centers
    held = zip(sim.microenvironment.dirichlet_idx, sim.microenvironment.dirichlet_val[:, 0], strict=True)
    table = tmp_path / "nodes.csv"
    table.write_text("x,y,oxygen\n" + "".join(f"{x[n % len(x)]},{y[n // len(x)]},{value}\n" for n, value in held))
    (without,) = audit(run_of(tmp_path, sim)).entries
    (given,) = audit(run_of(tmp_path, sim, nodes=str(table))).entries
    exact = np.abs(tissue.seen(sim) - tissue.reference(sim)).max()
    assert given.steady is not None
    assert given.steady.largest == pytest.approx(exact, rel=1e-6)
    assert without.steady is not None
    assert without.steady.largest > 1.1 * exact


def test_nodes_that_hold_one_value_are_noticed_and_taken_when_asked_for(tmp_path: Path) -> None:
    sim = tissue.tissue(4, vessels=4, cells=40)
    sim.microenvironment.density[:] = 20.0
    sim.run(0.2)
    earlier = sim.branch()
    sim.run(0.5)
    plain = run_of(tmp_path, earlier, sim)
    assert any("--nodes held" in note for note in plain.facts.notes)
    taken = run_of(tmp_path, earlier, sim, nodes="held")
    moment = taken.moment(taken.names[-1])
    state = moment.seen["oxygen"].state
    assert state is not None
    assert state.voxels is not None
    assert state.voxels.fixed is not None
    held = np.zeros(state.voxels.fixed.size, dtype=bool)
    me = sim.microenvironment
    # a cell exchanges with a node's voxel after the solver, so that such a node does not hold one value
    alone = np.setdiff1d(me.dirichlet_idx, moment.voxel)
    held[alone] = True
    assert (state.voxels.fixed.ravel() | ~held).all()


def test_cells_that_export_below_0_leave_their_substrate_unaudited(tmp_path: Path) -> None:
    sim = tissue.tissue(1, second=True, vessels=0)
    sim.cells.net_export_rate[0, 0] = -1e6
    glucose, oxygen = audit(run_of(tmp_path, sim)).entries
    assert glucose.verdict is Verdict.REFUSED
    assert "net export" in glucose.sentence
    assert oxygen.steady is not None


def of_sample(name: str, substrate: str) -> Entry:
    if SAMPLES is None or not (SAMPLES / name).is_dir():
        pytest.skip(f"the sample {name} is not here")
    run = open_run(SAMPLES / name)
    (entry,) = audit(run, substrates=[substrate], moments=[run.names[-1]]).entries
    return entry


@pytest.mark.parametrize(
    ("name", "substrate", "largest", "median", "verdict"),
    [
        ("heterogeneity", "oxygen", 1.680, -0.495, Verdict.ERROR),
        ("biorobots", "oxygen", 1.721, -0.807, Verdict.ERROR),
        ("interaction", "resource", 0.2482, -0.2073, Verdict.ERROR),
        ("interaction", "pro-inflammatory", 0.1365, -0.0650, Verdict.NOT_YET_STEADY),
    ],
)
def test_samples_of_physicell(name: str, substrate: str, largest: float, median: float, verdict: Verdict) -> None:
    entry = of_sample(name, substrate)
    assert entry.steady is not None
    assert entry.steady.largest == pytest.approx(largest, rel=1e-3)
    assert entry.steady.median == pytest.approx(median, rel=1e-2)
    assert entry.bound < 2e-5
    assert entry.verdict is verdict


@pytest.mark.parametrize(("name", "substrate"), [("heterogeneity", "oxygen"), ("interaction", "resource")])
def test_samples_agree_with_a_matrix_assembled_here(name: str, substrate: str) -> None:
    entry = of_sample(name, substrate)
    assert SAMPLES is not None
    output = SAMPLES / name / "output"
    lattice = loadmat(output / f"{entry.moment}_microenvironment0.mat")["multiscale_microenvironment"]
    cells = loadmat(output / f"{entry.moment}_cells.mat")["cells"]
    # where the sample's labels have uptake, secretion and saturation of the first substrate
    uptake, secretion, target = (cells[row] for row in {"oxygen": (64, 63, 65), "resource": (78, 73, 83)}[substrate])
    side, size = round(lattice.shape[1] ** 0.5), lattice.shape[1]
    i, j = (((cells[row] - lattice[row - 1].min() + 10) // 20).astype(int) for row in (1, 2))
    voxel, share = j * side + i, cells[4] / 8000
    chain = scipy.sparse.diags_array([-np.ones(side - 1), 2 * np.ones(side), -np.ones(side - 1)], offsets=[-1, 0, 1])
    chain = scipy.sparse.lil_array(chain)
    chain[0, 0] = chain[-1, -1] = 1
    links = 250.0 * (scipy.sparse.kron(np.eye(side), chain) + scipy.sparse.kron(chain, np.eye(side)))
    decay = 0.1 + np.bincount(voxel, share * (uptake + secretion), minlength=size)
    matrix = scipy.sparse.csr_array(links + scipy.sparse.diags_array(decay))
    edge = np.zeros((side, side), dtype=bool)
    if substrate == "oxygen":
        edge[[0, -1]] = edge[:, [0, -1]] = True
    field = np.where(edge.ravel(), 38.0, 0.0)
    free = np.flatnonzero(~edge.ravel())
    right = np.bincount(voxel, share * secretion * target, minlength=size) - matrix @ field
    field[free] = scipy.sparse.linalg.spsolve(scipy.sparse.csc_array(matrix[free][:, free]), right[free])
    assert entry.steady is not None
    assert entry.steady.largest == pytest.approx(np.abs(lattice[4] - field).max(), rel=1e-6)
    assert entry.steady.median == pytest.approx(np.median((lattice[4] - field)[voxel]), rel=1e-6)
