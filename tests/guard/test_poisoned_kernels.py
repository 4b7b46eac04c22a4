"""Kernels that return NaN of either sign, infinities or nothing: whatever is not finite makes no finite bound."""

from __future__ import annotations

import numpy as np
import pytest

from tests.attack.certifying import certified, factorised
from tests.attack.poison import POISONS, seams
from tests.attack.poisoned import poisoned, warm


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    warm()


def test_every_kernel_between_a_problem_and_its_bound_is_found() -> None:
    names = {str(seam).rpartition(".")[2] for seam in seams()}
    assert names >= {
        "residual", "tangent_decay", "set_up", "invert_finest", "take_faces", "v_cycle", "dot_and_max",
        "direction_and_curvature", "add_direction", "deficit", "inflated_residual", "least_slope", "scale",
        "add_positive_part", "sweep", "fold",
    }  # fmt: skip


def test_the_two_signs_of_nan_are_two() -> None:
    signs = {name: bool(np.signbit(value)) for name, value in POISONS.items() if np.isnan(value)}
    assert signs == {"NaN": False, "NaN, negative": True}


@pytest.mark.parametrize("start", range(0, 600, 150))
def test_a_poisoned_kernel_makes_no_false_bound(start: int) -> None:
    found, spilled = [], 0
    for what, faults in poisoned(0, start, 150):
        spilled += 1
        found += [f"{what}: {fault.kind}, {fault.detail}" for fault in faults]
    assert not found, "\n".join(found)
    assert spilled > 50


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 20_000, 2_000))
def test_a_poisoned_kernel_makes_no_false_bound_in_a_larger_sweep(start: int) -> None:
    found = [f"{what}: {fault.kind}, {fault.detail}" for what, faults in poisoned(1, start, 2_000) for fault in faults]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("start", [0, 600])
def test_the_certifier_alone_makes_no_false_bound(start: int, hostile: bool) -> None:
    """Any field; cycles of NaN, infinities, nothing, noise; barriers made for whichever field came before."""
    bounds = [*certified(2, start, 600, hostile=hostile)]
    found = [f"{name}: {fault.kind}, {fault.detail}" for name, faults in bounds for fault in faults]
    assert not found, "\n".join(found)
    assert len(bounds) > 1200


def test_the_certificate_by_factorisation_makes_no_false_bound() -> None:
    """Any field; factors of the matrix, of another one, or that return anything."""
    bounds = [*factorised(4, 0, 400)]
    found = [f"{name}: {fault.kind}, {fault.detail}" for name, faults in bounds for fault in faults]
    assert not found, "\n".join(found)
    assert len(bounds) > 800


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 50_000, 5_000))
def test_the_certifier_alone_makes_no_false_bound_in_a_larger_sweep(start: int) -> None:
    found = [
        f"{name}: {fault.kind}, {fault.detail}"
        for hostile in (False, True)
        for name, faults in certified(3, start, 5_000, hostile=hostile)
        for fault in faults
    ]
    assert not found, "\n".join(found)
