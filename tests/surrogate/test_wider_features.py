"""What networks read of the wider equation is the equation itself: sweeps with the image alone end at its field."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin.equation.faces import faces_of
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.surrogate import features, relaxation_tensors
from surrogate_plugin.surrogate.features import PaddedLattice
from surrogate_plugin.surrogate.relaxation_layer import relax
from surrogate_plugin.surrogate.scale import value_scale
from tests.surrogate.wider_scenes import KINDS, scene

SMALL = (13, 18)


def inner(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    row, column = PaddedLattice.around(shape).first
    return image[row : row + shape[0], column : column + shape[1]]


@pytest.mark.parametrize("kind", KINDS)
def test_sweeps_end_at_the_field(kind: str) -> None:
    """Faces, rings, sides, decay and supply of the image are those of the problem, to float32."""
    problem = scene(kind, shape=SMALL)
    seen = features.see(problem)
    image, saturation = torch.from_numpy(seen.image[None]), torch.tensor([seen.saturation])
    field = torch.zeros_like(image[:, 0])
    for _ in range(8):  # each time uptake counts with its secant at the field before
        field = relax(field, image, saturation, 400)
    found = features.decode(field[0].numpy(), problem, seen)
    expected = sp.solve(problem, method="exact").field
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=2e-4 * expected.max())


@pytest.mark.parametrize("kind", KINDS)
def test_no_unit_matters(kind: str) -> None:
    """Field units, length units and time units change no channel."""
    problem = scene(kind)
    value, length, rate = 38.0, 20.0, 7.0
    y, x = (rate * length**2 * each for each in problem.diffusivities)
    membranes = problem.membranes
    if membranes is not None:
        membranes = sp.Membranes(x=membranes.x * (rate * length), y=membranes.y * (rate * length))
    uptake = problem.uptake
    if uptake is not None:
        uptake = MichaelisMenten(uptake.vmax * value * rate, uptake.km * value)
    sides = {
        "value": lambda side: side.value * value,
        "flux": lambda side: sp.Flux(side.rate * value * rate * length),
        "exchange": lambda side: sp.Exchange(side.rate * rate * length, side.value * value),
    }
    other = Problem(
        problem.source * value, problem.fixed, sp.PerAxis(x=x, y=y), problem.decay * rate,
        problem.production * value * rate, uptake, tuple(length * h for h in problem.spacings),
        {name: sides.get(side.kind, lambda side: side.kind)(side)
         for name, side in zip(("left", "right", "bottom", "top"), problem.boundary.sides, strict=True)},
        membranes,
    )  # fmt: skip
    np.testing.assert_allclose(features.encode(other), features.encode(problem), rtol=2e-5, atol=1e-6)
    assert features.saturation(other) == pytest.approx(features.saturation(problem))


@pytest.mark.parametrize("kind", KINDS)
def test_the_faces_come_back(kind: str) -> None:
    problem = scene(kind)
    image = features.encode(problem)
    found = features.faces_within(image, problem.shape, problem.walls.ring)
    north, east = faces_of(problem)
    if problem.void is not None:  # which the network does not see
        north[:-1][problem.void] = north[1:][problem.void] = 0.0
        east[:, :-1][problem.void] = east[:, 1:][problem.void] = 0.0
    for one, other in zip(found, (north, east), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-30)


def test_a_ring_is_closed_by_pixels_that_conduct_along_it_as_its_one_face_does() -> None:
    problem = Problem(np.eye(14, 18), decay=0.1, boundary={"left": "periodic", "right": "periodic"})
    lattice, image = PaddedLattice.around(problem.shape), features.encode(problem)
    margin = lattice.padded[1] - 18
    row = image[:, lattice.first[0] + 5]
    seam = np.r_[row[features.EAST, lattice.first[1] + 17 :], row[features.EAST, : lattice.first[1]]]
    assert seam.size == margin + 1
    assert 1.0 / (1.0 / seam).sum() == pytest.approx(1.0, rel=1e-6)
    outside = np.ones(lattice.padded[1], np.bool_)
    outside[lattice.first[1] : lattice.first[1] + 18] = False
    assert not row[: features.NORTH + 1, outside].any()


def test_pixels_that_nothing_joins_to_others_are_in_balance_with_themselves() -> None:
    shape = (12, 12)
    diffusivity, production, decay = np.ones(shape), np.zeros(shape), np.full(shape, 0.1)
    diffusivity[3, 4] = diffusivity[8, 2] = diffusivity[5, 9] = 0.0
    production[3, 4], decay[8, 2], production[5, 9] = 0.3, 0.0, 0.2
    uptake = MichaelisMenten(np.where(np.arange(144).reshape(shape) == 5 * 12 + 9, 0.5, 0.0), 0.4)
    problem = Problem(np.eye(12), decay=decay, diffusivity=diffusivity, production=production, uptake=uptake)
    seen = features.see(problem)
    assert seen.alone is not None
    assert np.argwhere(seen.alone).tolist() == [[3, 4], [5, 9], [8, 2]]
    field = features.decode(np.full(PaddedLattice.around(shape).padded, 0.5, np.float32), problem, seen)
    exact = sp.solve(problem, method="exact").field
    np.testing.assert_allclose(field[seen.alone], exact[seen.alone], rtol=1e-9)
    assert field[3, 4] == pytest.approx(3.0)
    assert field[8, 2] == 0.0


def test_an_image_of_four_channels_holds_no_wider_problem() -> None:
    with pytest.raises(ValueError, match="needs 7"):
        features.encode(scene("production"), np.empty((4, 44, 56), np.float32))


@pytest.mark.parametrize("kind", ["production", "torus", "flux", "step", "saturating", "all"])
def test_the_scale_is_about_the_field_s_largest_value(kind: str) -> None:
    problem = scene(kind)
    unfed = problem.replace(source=np.zeros(problem.shape))
    for each in (problem, unfed):
        largest = sp.solve(each, method="exact").field.max()
        assert largest / 6 < value_scale(each) < 6 * largest


def test_the_scale_grows_with_what_is_supplied() -> None:
    problem = Problem(np.zeros((40, 40)), production=np.eye(40), decay=0.01)
    more = problem.replace(production=5.0 * problem.production)
    assert value_scale(more) == pytest.approx(5.0 * value_scale(problem))
    assert value_scale(Problem(np.zeros((40, 40)))) == 1.0


# The last sweeps.


@pytest.mark.parametrize("kind", KINDS)
def test_what_runs_on_a_gpu_is_what_runs_compiled_and_the_gradient_the_transpose(kind: str) -> None:
    seen = features.see(scene(kind, shape=SMALL))
    image, saturation = torch.from_numpy(seen.image[None]), torch.tensor([seen.saturation])
    make = torch.Generator().manual_seed(1)
    x, dx, g = (torch.rand(image[:, 0].shape, generator=make) for _ in range(3))
    x.requires_grad_()
    y = relax(x, image, saturation, 3)
    y.backward(g)  # type: ignore[no-untyped-call]
    field, inverse = relaxation_tensors.forward(x.detach(), image, saturation, 3)
    size = float(field.abs().max())
    torch.testing.assert_close(y.detach(), field, atol=1e-5 * size, rtol=0.0)
    assert x.grad is not None
    torch.testing.assert_close(x.grad, relaxation_tensors.transposed(g, inverse, image, 3), atol=1e-5, rtol=1e-4)
    moves = (inverse > 0).float()  # what stays as it is has no gradient
    moved = relax(x.detach() + dx * moves, image, torch.zeros(1) if kind != "saturating" else saturation, 3)
    if kind != "saturating":  # there the secant moves too
        change = float(((moved - y.detach()) * g).double().sum())
        assert change == pytest.approx(float((x.grad * dx).double().sum()), rel=1e-3, abs=1e-2)
