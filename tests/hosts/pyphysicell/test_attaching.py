"""Attaching leaves other substrates and other hosts alone, goes along with copies, and detaching leaves no trace."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pyphysicell import _kernels as host_kernels

from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import TOLERANCE, error, seen, still, tissue


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


class Paused:
    """Does something while the simulation that holds it is copied, after its attachment was."""

    def __init__(self, meanwhile):
        self.meanwhile = meanwhile

    def __deepcopy__(self, _memo):
        self.meanwhile()
        return self


def test_a_simulation_that_is_being_copied_disturbs_no_other_one():
    other, sim = tissue(1), tissue(2)
    still(other)
    with attach(other, substrates=["oxygen"], tolerance=TOLERANCE), attach(sim, substrates=["oxygen"]):
        sim.paused = Paused(other.step)
        copy.deepcopy(sim)
        assert other.t > 0
        assert error(other) <= TOLERANCE


def test_simulations_are_attached_stepped_and_let_go_on_threads_of_their_own():
    # The host's own threads are those of all its simulations, and do not bear two that step at once.
    stepping = threading.Lock()

    def step(sim):
        with stepping:
            sim.step()

    def life(seed):
        sims = [tissue(seed, voxels=(6, 5), cells=9, track=True) for _ in range(6)]
        for sim in sims:
            still(sim)
            with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE):
                step(sim)
                step(sim)
                # Where the host's own uptake has gone unguarded, the field is drained.
                yield error(sim)
                step(sim.branch())

    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for errors in pool.map(lambda seed: list(life(seed)), range(8)):
                assert max(errors) <= TOLERANCE
    finally:
        sys.setswitchinterval(often)
