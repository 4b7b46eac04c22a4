"""An error and a field that is not yet steady are told apart, on runs where it is known which it is."""

from __future__ import annotations

import numpy as np
import pyphysicell as pc
import pytest
import scipy.linalg

from surrogate_adapters.pyphysicell.saves import SimulationRun
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.tables import Entry, Verdict
from tests.hosts.pyphysicell import tissue


def slow(dt: float, minutes: tuple[float, ...], *, diffusivity: float = 200.0, uptake: float = 10.0) -> SimulationRun:
    """A substrate with nodes at two sides and cells that stand still, saved at some times."""
    sim = tissue.tissue(1, vessels=0, dt=dt)
    me = sim.microenvironment
    me._D[:] = diffusivity
    sim.cells.uptake_rate[:] *= uptake / 10.0
    sim.cells.secretion_rate[:] = sim.cells.net_export_rate[:] = 0.0
    tissue.still(sim)
    moments = [sim.branch()]
    for until in minutes:
        sim.run(until)
        moments.append(sim.branch())
    return SimulationRun(moments)


def exponential(sim: pc.Simulation, field: np.ndarray, minutes: float) -> np.ndarray:
    """The field after a time, with its exact course in time, of the assembled matrix."""
    sim.model.substrates[0].diffusion_coefficient = sim.microenvironment._D[0]
    matrix, _made, held = tissue.assembled(sim)
    rest, free = tissue.reference(sim), np.flatnonzero(~held)
    apart = (field - rest).ravel()
    apart[free] = scipy.linalg.expm(-minutes * matrix[free][:, free].toarray()) @ apart[free]
    apart[held] = 0.0
    return rest + apart.reshape(rest.shape)


def last(run: SimulationRun) -> Entry:
    return audit(run).entries[-1]


def test_the_first_moment_is_the_initial_condition() -> None:
    first = audit(slow(0.01, (0.1,))).entries[0]
    assert first.verdict is Verdict.INITIAL
    assert first.error_at_least == 0.0
    assert first.steady is not None
    assert first.steady.largest > first.tolerance


def test_a_slow_field_that_is_stepped_well_is_not_yet_steady_and_no_error() -> None:
    entry = last(slow(0.002, (3.0, 6.0)))
    assert entry.verdict is Verdict.NOT_YET_STEADY
    assert entry.error_at_least <= entry.tolerance
    assert entry.steady is not None
    assert entry.steady.largest > 5 * entry.tolerance
    assert entry.in_time is not None
    assert entry.in_time.difference.largest < 2 * entry.tolerance
    assert entry.pace is not None
    assert entry.pace.relaxation_min > 3.0


def test_a_fast_field_that_is_stepped_badly_is_an_error() -> None:
    entry = last(slow(0.01, (3.0, 6.0), diffusivity=1e5))
    assert entry.verdict is Verdict.ERROR
    assert entry.steady is not None
    assert 0.9 * entry.steady.largest < entry.error_at_least <= entry.steady.largest
    assert entry.pace is not None
    assert entry.pace.relaxation_min < 1.0


def test_a_fast_field_is_told_to_be_in_error_without_a_moment_before() -> None:
    run = slow(0.01, (6.0,), diffusivity=1e5)
    entry = last(SimulationRun(run.simulations[-1:]))
    assert entry.in_time is None
    assert entry.verdict is Verdict.ERROR


def test_a_field_that_is_stepped_well_and_fast_is_steady() -> None:
    (*_, entry) = audit(slow(2e-3, (0.5, 1.0), diffusivity=1e5, uptake=0.1), tolerance=2.0).entries
    assert entry.verdict is Verdict.STEADY
    assert entry.error_at_least <= entry.tolerance


def test_error_is_never_more_than_the_true_error_of_a_transient() -> None:
    """With cells that stand still the truth from one moment to the next is known: an exponential."""
    run = slow(0.02, (0.5, 1.0), diffusivity=2e4)
    entry, (before, now) = last(run), run.simulations[-2:]
    truth = exponential(before, tissue.seen(before), now.t - before.t)
    assert 0.0 < entry.error_at_least <= np.abs(tissue.seen(now) - truth).max()
    assert entry.steady is not None
    assert entry.error_at_least < entry.steady.largest


def test_what_the_cells_did_in_between_is_not_blamed_on_the_solver() -> None:
    """Cells that stop taking up, unseen, just before a moment leave a field that no error has made."""
    run = slow(0.004, (6.0, 12.0))
    before, now = run.simulations[-2:]
    changed = now.branch()
    changed.cells.uptake_rate[:] = 0.0
    entry = last(SimulationRun([before, changed]))
    assert entry.verdict is not Verdict.ERROR
    assert entry.error_at_least <= entry.tolerance


def test_cells_on_the_wrong_side_of_a_threshold_are_named() -> None:
    sim = tissue.tissue(1, vessels=0)
    sim.run(2.0)
    sim.cells.dead[3] = 1
    run = SimulationRun([sim])
    limit = float(np.median(tissue.seen(sim).ravel()[sim.cells.voxel[: sim.cells.n]])) + 0.5
    (entry,) = audit(run, thresholds={"oxygen": limit}).entries
    at = sim.cells.voxel[: sim.cells.n]
    saved, steady = tissue.seen(sim).ravel()[at], tissue.reference(sim).ravel()[at]
    alive = sim.cells.dead[: sim.cells.n] == 0
    ids = sim.cells.ID[: sim.cells.n]
    assert entry.crossing is not None
    assert entry.crossing.made_low == tuple(ids[alive & (saved < limit) & (steady >= limit)])
    assert entry.crossing.made_high == tuple(ids[alive & (saved >= limit) & (steady < limit)])
    assert entry.crossing.below_saved == int((alive & (saved < limit)).sum())
    assert len(entry.crossing.made_low) > 0


def test_oxygen_has_a_threshold_of_its_own_and_nothing_else_has() -> None:
    sim = tissue.tissue(1, vessels=0, second=True)
    sim.run(0.1)
    glucose, oxygen = audit(SimulationRun([sim])).entries
    assert glucose.crossing is None
    assert oxygen.crossing is not None
    assert oxygen.crossing.threshold == 5.0


def test_the_slowest_time_is_that_of_an_assembled_matrix() -> None:
    sim = tissue.tissue(1, vessels=2)
    (entry,) = audit(SimulationRun([sim])).entries
    matrix, _made, held = tissue.assembled(sim)
    free = np.flatnonzero(~held)
    slowest = np.linalg.eigvalsh(matrix[free][:, free].toarray())[0]
    assert entry.pace is not None
    assert entry.pace.relaxation_min == pytest.approx(1.0 / slowest, rel=1e-3)


def test_a_substrate_that_nothing_anchors_is_left_out_with_a_reason() -> None:
    sim = tissue.tissue(1, vessels=0, second=True, cells=0)
    me = sim.microenvironment
    me._lambda[0] = 0.0
    me.dirichlet_mask[:, 0] = 0
    glucose, oxygen = audit(SimulationRun([sim])).entries
    assert glucose.verdict is Verdict.REFUSED
    assert glucose.steady is None
    assert glucose.sentence.endswith(".")
    assert oxygen.steady is not None


def test_moments_without_cells_are_audited() -> None:
    sim = pc.Simulation(tissue.tissue(1).model)
    sim.run(1.0)
    (entry,) = audit(SimulationRun([sim])).entries
    assert entry.cells == 0
    assert entry.steady is not None
    assert entry.steady.largest == pytest.approx(tissue.error(sim), rel=1e-6)
