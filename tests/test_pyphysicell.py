"""A real host on the backend: what its cells see, that uptake counts once, and that detaching leaves no trace."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pyphysicell as pc
import pytest
import scipy.sparse
import scipy.sparse.linalg
from pyphysicell import _kernels as host_kernels

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach

TOLERANCE = 0.05


def tissue(
    seed: int = 0,
    *,
    voxels: tuple[int, int] = (20, 12),
    cells: int = 60,
    vessels: int = 3,
    second: bool = False,
    track: bool = False,
    dt: float = 0.01,
) -> pc.Simulation:
    """A wide lattice (columns, rows) with cells that take oxygen up, some that secrete, and vessel voxels inside."""
    rng = np.random.default_rng(seed)
    nx, ny = voxels
    dx = 20.0
    oxygen = pc.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces={"xmin": (True, 38.0), "ymax": (True, 10.0)})
    substrates = [oxygen]
    if second:
        substrates = [pc.Substrate("glucose", 3e4, 0.05, 5.0, dirichlet_faces={"xmax": (True, 5.0)}), oxygen]
    greedy = pc.CellType("greedy", cycle=pc.Cycle(transition_rates={(0, 0): 0.01}))
    giving = pc.CellType("giving")
    for k, substrate in enumerate(substrates):
        greedy.secretion[substrate.name] = pc.SecretionEntry(uptake_rate=10.0 / (k + 1))
        giving.secretion[substrate.name] = pc.SecretionEntry(
            secretion_rate=3.0, secretion_target=20.0, uptake_rate=0.5, net_export_rate=50.0
        )
    model = pc.Model(
        domain=pc.Domain(x_min=-130.0, x_max=-130.0 + nx * dx, y_min=40.0, y_max=40.0 + ny * dx),
        time=pc.Time(dt_diffusion=dt),
        substrates=substrates,
        cell_types=[greedy, giving],
        track_internalized_substrates=track,
    )
    sim = pc.Simulation(model, seed=seed)
    low, high = np.array([-130.0, 40.0]), np.array([-130.0 + nx * dx, 40.0 + ny * dx])
    for name, count in (("greedy", cells - cells // 5), ("giving", cells // 5)):
        if count:
            # Some centres sit exactly on edges of voxels, where a sloppy binning would put them next door.
            place = rng.uniform(low, high, (count, 2))
            place = np.where(rng.random((count, 2)) < 0.2, np.round(place / dx) * dx - 10.0, place)
            sim.add_cells(np.column_stack([np.clip(place, low, high), np.zeros(count)]), name)
    add_vessels(sim, rng.integers(0, nx * ny, vessels), 38.0)
    return sim


def add_vessels(sim: pc.Simulation, voxels: np.ndarray, value: float) -> None:
    """Interior Dirichlet voxels for oxygen, beside those of the faces."""
    me = sim.microenvironment
    s = me.index("oxygen")
    new = np.setdiff1d(voxels, me.dirichlet_idx)
    val, mask = np.zeros((new.size, me.ns)), np.zeros((new.size, me.ns), dtype=np.uint8)
    val[:, s], mask[:, s] = value, 1
    me.dirichlet_idx = np.concatenate([me.dirichlet_idx, new])
    me.dirichlet_val = np.concatenate([me.dirichlet_val, val])
    me.dirichlet_mask = np.concatenate([me.dirichlet_mask, mask])


def reference(sim: pc.Simulation, name: str = "oxygen") -> np.ndarray:
    """The steady field (ny, nx) of the host's state, assembled voxel by voxel and solved with scipy alone."""
    me, c = sim.microenvironment, sim.cells
    s = me.index(name)
    substrate = sim.model.substrates[s]
    nx, ny, h = me.nx, me.ny, me.dx
    size = nx * ny
    link = substrate.diffusion_coefficient / h**2
    number = np.arange(size).reshape(ny, nx)
    ends = np.concatenate(
        [
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
            np.stack([number[:-1].ravel(), number[1:].ravel()]),
        ],
        axis=1,
    )
    a, b = ends
    ones = np.full(a.size, link)
    entries = np.r_[-ones, -ones, ones, ones], (np.r_[a, b, a, b], np.r_[b, a, a, b])
    matrix = scipy.sparse.coo_array(entries, (size, size))
    decay, made = np.full(size, substrate.decay_rate), np.zeros(size)
    for k in range(c.n):
        i = min(max(int((c.position[k, 0] - me.origin[0]) / me.dx), 0), nx - 1)
        j = min(max(int((c.position[k, 1] - me.origin[1]) / me.dy), 0), ny - 1)
        share = c.volume_total[k] / me.voxel_volume
        decay[j * nx + i] += share * (c.uptake_rate[k, s] + c.secretion_rate[k, s])
        made[j * nx + i] += share * c.secretion_rate[k, s] * c.secretion_target[k, s]
        made[j * nx + i] += c.net_export_rate[k, s] / me.voxel_volume
    matrix = scipy.sparse.csr_array(matrix + scipy.sparse.diags_array(decay))
    held = np.zeros(size, dtype=bool)
    field = np.zeros(size)
    on = me.dirichlet_mask[:, s] == 1
    held[me.dirichlet_idx[on]] = True
    field[me.dirichlet_idx[on]] = me.dirichlet_val[on, s]
    right = made - matrix @ field
    free = np.flatnonzero(~held)
    field[free] = scipy.sparse.linalg.spsolve(scipy.sparse.csc_array(matrix[free][:, free]), right[free])
    return field.reshape(ny, nx)


def seen(sim: pc.Simulation, name: str = "oxygen") -> np.ndarray:
    return sim.microenvironment[name][0]


def error(sim: pc.Simulation, name: str = "oxygen") -> float:
    return float(np.abs(seen(sim, name) - reference(sim, name)).max())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("voxels", [(20, 12), (9, 31)])
def test_the_first_call_solves_the_hosts_own_equation_at_once(seed, voxels):
    sim = tissue(seed, voxels=voxels)
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        sim.microenvironment.step(0.01)
        assert error(sim) <= min(TOLERANCE, link.history[0].bound)
        assert [entry.reason for entry in link.history] == ["first"]


@pytest.mark.parametrize("policy", ["surrogate-first", "fastest"])
def test_what_the_cells_see_is_within_the_tolerance_at_every_phenotype_step(policy):
    sim = tissue(3, cells=80, dt=0.5)
    errors: list[float] = []
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE, policy=policy, move_limit_um=0.0) as link:
        step = sim.microenvironment.step

        def audited(dt: float) -> None:
            step(dt)
            errors.append(error(sim))

        sim.microenvironment.step = audited
        born = sim.cells.n
        while sim.t < 36.0:
            sim.step()
            # What the host sampled for its cells is what was written for them.
            columns = seen(sim).ravel()[sim.cells.voxel[: sim.cells.n]]
            fresh = sim.cells.sampled[: sim.cells.n, 0] > 0
            assert np.array_equal(sim.cells.sampled[: sim.cells.n, 0][fresh], columns[fresh])
        sim.microenvironment.step = step
        assert sim.cells.n > born
        assert len(link.history) >= 6
    assert len(errors) == 72
    assert max(errors) <= TOLERANCE


def still(sim: pc.Simulation) -> None:
    """No mechanics and no phenotype steps: diffusion and uptake alone."""
    sim._next_phenotype = sim._next_mechanics = 1e9


def past_the_first_phenotype_step(sim: pc.Simulation) -> pc.Simulation:
    sim._next_phenotype = sim.model.time.dt_phenotype
    return sim


def test_the_field_is_held_until_something_changes():
    sim = past_the_first_phenotype_step(tissue(1))
    me = sim.microenvironment
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        reasons = []

        def step() -> None:
            me.step(0.01)
            reasons.append(link.history[-1].reason if link.history[-1].held == 0 else "held")
            assert error(sim) <= TOLERANCE

        step()
        step()
        me.density[0, 3, 4, 0] = 99.0  # somebody wrote into the field; holding it means putting it back
        step()
        sim.cells.uptake_rate[0, 0] = 12.0
        step()
        step()
        sim.cells.position[2, 0] += 10.5
        step()
        sim.add_cells([(0.0, 100.0, 0.0)], "greedy")
        step()
        add_vessels(sim, np.array([105]), 30.0)
        step()
        me.dirichlet_val[-1] = 20.0
        step()
        step()
        assert reasons == ["first", "held", "held", "rates", "held", "moved", "count", "dirichlet", "dirichlet", "held"]
        assert link.history[0].held == 2


@pytest.mark.parametrize(
    "rate", ["uptake_rate", "secretion_rate", "secretion_target", "net_export_rate", "volume_total"]
)
def test_any_change_of_a_cell_that_the_field_feels_asks_for_a_new_one(rate):
    sim = past_the_first_phenotype_step(tissue(1))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        sim.microenvironment.step(0.01)
        getattr(sim.cells, rate)[sim.cells.n - 1] *= 1.5
        sim.microenvironment.step(0.01)
        assert [entry.reason for entry in link.history] == ["first", "rates"]
        assert error(sim) <= TOLERANCE


def test_cells_that_move_less_than_the_limit_do_not_ask_for_a_new_field():
    sim = past_the_first_phenotype_step(tissue(1))
    with attach(sim, substrates=["oxygen"], move_limit_um=5.0) as link:
        sim.microenvironment.step(0.01)
        sim.cells.position[:, 1] += 4.9
        sim.microenvironment.step(0.01)
        assert len(link.history) == 1
        sim.cells.position[0, 1] += 0.2
        sim.microenvironment.step(0.01)
        assert [entry.reason for entry in link.history] == ["first", "moved"]


def test_cells_decide_on_a_field_solved_for_right_before_their_phenotype_step():
    sim = tissue(2)
    sim.model.time.dt_phenotype = 1.0
    errors = []
    sim.hook("phenotype")(lambda context: errors.append(error(sim)))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE, refresh="phenotype") as link:
        for _ in range(301):
            sim.step()
        assert [entry.reason for entry in link.history] == ["first", "phenotype", "phenotype", "phenotype"]
        assert [round(entry.time_min, 6) for entry in link.history] == [0.0, 1.0, 2.0, 3.0]
    assert len(errors) == 4
    assert max(errors) <= TOLERANCE


def test_minutes_pass_for_steps_of_the_microenvironment_alone():
    sim = tissue(2, cells=0)
    sim.model.time.dt_phenotype = 1.0
    with attach(sim, substrates=["oxygen"]) as link:
        for _ in range(300):
            sim.microenvironment.step(0.01)
        assert [entry.reason for entry in link.history] == ["first", "phenotype", "phenotype"]
        assert [entry.held for entry in link.history] == [99, 99, 99]
        # Nothing had changed, so there was nothing to solve.
        assert [entry.method for entry in link.history[1:]] == ["held", "held"]


def test_solving_only_once_per_phenotype_step_is_there_for_the_asking():
    sim = tissue(2)
    sim.model.time.dt_phenotype = 0.5
    with attach(sim, substrates=["oxygen"], refresh="phenotype") as link:
        for _ in range(99):
            sim.cells.uptake_rate[: sim.cells.n, 0] *= 1.01
            sim.microenvironment.step(0.01)
        assert [entry.reason for entry in link.history] == ["first", "phenotype"]


def test_uptake_counts_once_wherever_the_host_looks():
    sim = tissue(4)
    looks: dict[str, list[float]] = {}

    def look(slot):
        def record(context):
            looks.setdefault(slot, []).append(float(np.abs(seen(sim) - link.result("oxygen").field).max()))

        return record

    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        for slot in ("phenotype", "custom_rule", "step"):
            sim.hook(slot)(look(slot))
        for _ in range(60):
            sim.step()
            # After the host has applied its own uptake, the field is still the steady one.
            assert np.array_equal(seen(sim), link.result("oxygen").field)
        gradient = sim.microenvironment.gradient[0, ..., 0, 0]
        expected = np.gradient(link.result("oxygen").field, 20.0, axis=1)
        assert np.abs(gradient - expected).max() < 1e-9
    assert set(looks) == {"phenotype", "custom_rule", "step"}
    assert max(map(max, looks.values())) == 0.0


def test_internalised_totals_keep_counting_what_the_cells_take_up():
    sim = tissue(5, track=True)
    still(sim)
    with attach(sim, substrates=["oxygen"], tolerance=1e-8) as link:
        minutes = 0.2
        for _ in range(20):
            sim.step()
        c = sim.cells
        taken = c.internalized[: c.n, 0]
        at = link.result("oxygen").field.ravel()[c.voxel[: c.n]]
        kinds = ("uptake_rate", "secretion_rate", "secretion_target", "net_export_rate")
        uptake, secretion, target, export = (getattr(c, kind)[: c.n, 0] for kind in kinds)
        rate = c.volume_total[: c.n] * ((uptake + secretion) * at - secretion * target) - export
        assert np.bincount(c.voxel[: c.n]).max() > 1
        assert np.abs(taken - minutes * rate).max() <= 1e-9 * np.abs(minutes * rate).max()


def test_the_other_substrates_are_stepped_by_the_host_as_if_nothing_were_attached():
    plain, attached = tissue(6, second=True), tissue(6, second=True)
    with attach(attached, substrates=["oxygen"], tolerance=TOLERANCE, move_limit_um=0.0):
        for _ in range(40):
            plain.step()
            attached.step()
        assert np.array_equal(seen(plain, "glucose"), seen(attached, "glucose"))
        assert not np.array_equal(seen(plain), seen(attached))
        attached.microenvironment.step(0.01)
        assert error(attached) <= TOLERANCE


def test_both_substrates_each_with_its_own_tolerance():
    sim = tissue(7, second=True)
    with attach(sim, tolerance={"oxygen": 1e-3, "glucose": 1e-6}) as link:
        sim.microenvironment.step(0.01)
        assert error(sim, "oxygen") <= 1e-3
        assert error(sim, "glucose") <= 1e-6
        assert [entry.substrate for entry in link.history] == ["glucose", "oxygen"]


def test_two_attachments_share_one_host():
    sim = tissue(7, second=True)
    oxygen = attach(sim, substrates=["oxygen"], tolerance=TOLERANCE)
    glucose = attach(sim, substrates=["glucose"], tolerance=TOLERANCE)
    sim.step()
    assert np.array_equal(seen(sim, "oxygen"), oxygen.result("oxygen").field)
    assert np.array_equal(seen(sim, "glucose"), glucose.result("glucose").field)
    with pytest.raises(RuntimeError, match="detach what was attached last first"):
        oxygen.detach()
    glucose.detach()
    oxygen.detach()
    assert "step" not in vars(sim.microenvironment)


def test_detaching_gives_the_host_back_untouched():
    kernel = host_kernels.secretion_uptake
    plain, attached = tissue(8), tissue(8)
    before = set(vars(attached.microenvironment)), set(vars(attached)), set(vars(attached.cells))
    link = attach(attached, substrates=["oxygen"])
    attached.microenvironment.step(0.01)
    link.detach()
    link.detach()
    assert (set(vars(attached.microenvironment)), set(vars(attached)), set(vars(attached.cells))) == before
    assert host_kernels.secretion_uptake is kernel
    attached.microenvironment.density[:] = plain.microenvironment.density
    for _ in range(30):
        plain.step()
        attached.step()
    assert np.array_equal(plain.microenvironment.density, attached.microenvironment.density)
    assert np.array_equal(plain.cells.positions, attached.cells.positions)


def test_an_attached_host_leaves_other_hosts_alone():
    plain, bystander = tissue(9), tissue(9)
    other = tissue(10)
    for _ in range(15):
        plain.step()
    with attach(other, substrates=["oxygen"]):
        for _ in range(15):
            other.step()
            bystander.step()
    assert np.array_equal(plain.microenvironment.density, bystander.microenvironment.density)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda sim: pickle.loads(pickle.dumps(sim))])
def test_a_branch_or_a_saved_copy_is_attached_as_its_original_is(duplicate):
    sim = tissue(11)
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        sim.step()
        branch = duplicate(sim)
        branch.cells.uptake_rate[: branch.cells.n, 0] = 0.5
        branch.step()
        sim.step()
        assert error(sim) <= TOLERANCE
        copied = branch.microenvironment.step.__self__
        assert copied is not link
        assert np.array_equal(seen(branch), copied.result("oxygen").field)
        assert not np.allclose(seen(branch), seen(sim))
        copied.detach()
        assert "step" not in vars(branch.microenvironment)


def test_no_cells_and_no_vessels_leave_what_the_faces_hold():
    sim = tissue(12, cells=0, vessels=0)
    with attach(sim, substrates=["oxygen"], tolerance=1e-6) as link:
        sim.step()
        assert error(sim) <= 1e-6
        assert link.history[0].bound <= 1e-6


def test_the_hosts_own_stepping_converges_to_the_attached_field_as_its_time_step_shrinks():
    """The host splits x from y and releases Dirichlet voxels inside its sweeps, both first order in its time step."""
    gaps = []
    for dt in (4e-4, 2e-4, 1e-4):
        sim = tissue(13, voxels=(10, 8), cells=30, vessels=2, dt=dt)
        me = sim.microenvironment
        me._D[:], me._lambda[:] = 2e4, 5.0
        sim.model.substrates[0].diffusion_coefficient, sim.model.substrates[0].decay_rate = 2e4, 5.0
        still(sim)
        me.density[..., 0] = reference(sim)
        for _ in range(round(1.0 / dt)):
            sim.step()
        own = seen(sim).copy()
        with attach(sim, substrates=["oxygen"], tolerance=1e-9):
            me.step(dt)
            gaps.append(float(np.abs(own - seen(sim)).max()))
    assert gaps[0] > 1.5 * gaps[1] > 1.5**2 * gaps[2]
    assert 2 * gaps[2] - gaps[1] < 0.1 * gaps[0]


def test_coefficients_changed_in_mid_run_are_taken_up():
    sim = tissue(14)
    me = sim.microenvironment
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        me.step(0.01)
        me._lambda[0] = sim.model.substrates[0].decay_rate = 3.0
        me.step(0.01)
        assert error(sim) <= TOLERANCE
        assert [entry.reason for entry in link.history] == ["first", "coefficients"]
        assert len(link.backend("oxygen").records) == 2


def thick(sim: pc.Simulation) -> pc.Simulation:
    model = sim.model.copy()
    model.domain.use_2D = False
    model.domain.z_min, model.domain.z_max = -40.0, 40.0
    model.initial_cells = []
    return pc.Simulation(model)


def oblong(sim: pc.Simulation) -> pc.Simulation:
    model = sim.model.copy()
    model.domain.dy = 10.0
    return pc.Simulation(model)


def solid(sim: pc.Simulation) -> pc.Simulation:
    model = sim.model.copy()
    model.substrates[0].diffusion_coefficient = 0.0
    return pc.Simulation(model)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (thick, {}, "4 layers of voxels"),
        (oblong, {}, "20 x 10 um; square"),
        (solid, {}, "substrate 'oxygen' has diffusion coefficient 0"),
        (None, {"substrates": ["glucose"]}, "no substrate 'glucose'; it has oxygen"),
        (None, {"substrates": "oxygen"}, r"a list of names is allowed, as \['oxygen'\]"),
        (None, {"substrates": []}, "at least one name"),
        (None, {"tolerance": -1.0}, "BackendConfig.tolerance is -1.0"),
        (None, {"tolerance": {"oxigen": 1.0}}, "tolerance names 'oxigen'"),
        (None, {"refresh": "never"}, "refresh is 'never'"),
        (None, {"move_limit_um": -1.0}, "move_limit_um is -1.0"),
    ],
)
def test_what_cannot_be_attached_is_refused_in_one_sentence_and_left_alone(change, options, message):
    sim = tissue(15, cells=0)
    sim = change(sim) if change else sim
    with pytest.raises((sp.InvalidProblemError, sp.UnsupportedProblemError), match=message):
        attach(sim, **options)
    assert "step" not in vars(sim.microenvironment)


def test_a_cell_that_exports_a_negative_amount_is_named():
    sim = tissue(16)
    sim.cells.net_export_rate[3, 0] = -5.0
    with (
        attach(sim, substrates=["oxygen"]),
        pytest.raises(sp.UnsupportedProblemError, match="cell 3 has net export -5"),
    ):
        sim.microenvironment.step(0.01)
