"""Attaching leaves other substrates and other hosts alone, goes along with copies, and detaching leaves no trace."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from pyphysicell import _kernels as host_kernels

from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import TOLERANCE, error, seen, tissue


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
