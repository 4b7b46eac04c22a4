"""Images of a problem: their fields are the images of its field, and what is undone is as it was, to the bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from surrogate_plugin import InvalidProblemError, Membranes, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import SIDES
from surrogate_plugin.gallery.extremes import extreme_problems
from surrogate_plugin.gallery.nasty import nasty_problems
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.solvers.multigrid.solver import Multigrid
from surrogate_plugin.solvers.spectral.solver import Spectral
from tests.equation.parts import assert_same
from tests.equation.wider import wide_problems

IMAGES = {
    "rows mirrored": (lambda problem: problem.mirror(0), lambda field: field[::-1]),
    "columns mirrored": (lambda problem: problem.mirror(1), lambda field: field[:, ::-1]),
    "turned": (lambda problem: problem.turn(), lambda field: field[::-1].T),
}
SOLVERS = [SparseDirect(), Multigrid(), Spectral()]


def hostile(seed: int, count: int = 25) -> list[Problem]:
    return [
        *nasty_problems(seed, count, 14),
        *extreme_problems(seed, count, max_side=12),
        *wide_problems(seed, count, 12),
    ]


def solved(problem: Problem, solver) -> np.ndarray:
    return solver.solve(solver.prepare(problem), problem).field


def named_sides(**sides) -> Problem:
    return Problem(np.zeros((3, 4)), decay=0.1, boundary=sides)


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_the_image_of_a_problem_has_the_image_of_its_field(name, solver) -> None:
    of_problem, of_field = IMAGES[name]
    seen = 0
    for problem in hostile(1):
        if solver.refusal(problem) is None:
            seen += 1
            expected = of_field(solved(problem, solver))
            largest = max(float(expected.max()), 1e-300)
            np.testing.assert_allclose(solved(of_problem(problem), solver), expected, rtol=0, atol=1e-9 * largest)
    assert seen >= 5


@pytest.mark.parametrize("seed", range(3))
def test_what_is_undone_is_as_it_was(seed) -> None:
    for problem in hostile(seed):
        assert_same(problem.mirror(0).mirror(0), problem)
        assert_same(problem.mirror(1).mirror(1), problem)
        assert_same(problem.turn().turn().turn().turn(), problem)
        assert_same(problem.turn().turn(), problem.mirror(0).mirror(1))
        assert_same(problem.turn().mirror(0), problem.mirror(1).turn())
        grown = problem.pad((2, 1), (0, 3))
        assert_same(grown.crop(slice(2, -1), slice(None, -3)).replace(boundary=problem.boundary), problem)
        assert_same(problem.crop(), problem)
        assert_same(problem.pad(), problem)
        if problem.membranes is None:
            assert_same(problem.map(np.copy), problem)
        assert_same(problem.replace(), problem)


def test_sides_go_along() -> None:
    problem = named_sides(left=1.0, right=2.0, bottom=3.0, top="reflecting")
    assert problem.mirror(1).boundary == named_sides(left=2.0, right=1.0, bottom=3.0, top="reflecting").boundary
    assert problem.mirror(0).boundary == named_sides(left=1.0, right=2.0, bottom="reflecting", top=3.0).boundary
    assert problem.turn().boundary == named_sides(left="reflecting", right=3.0, bottom=1.0, top=2.0).boundary


def test_a_window_reflects_inside_the_lattice_and_a_ring_that_is_cut_opens() -> None:
    problem = named_sides(left="periodic", right="periodic", bottom=3.0, top=4.0)
    kinds = dict.fromkeys(SIDES, "reflecting")
    assert (
        problem.crop(rows=slice(1, None)).boundary
        == named_sides(left="periodic", right="periodic", bottom="reflecting", top=4.0).boundary
    )
    assert problem.crop(columns=slice(1, None)).boundary == named_sides(**kinds | {"bottom": 3.0, "top": 4.0}).boundary
    assert problem.crop(slice(1, 2), slice(-2, -1)).shape == (1, 1)


@pytest.mark.parametrize(("axis", "half"), [(0, "rows"), (1, "columns")])
def test_half_of_a_problem_that_is_its_own_mirror_image_has_half_of_its_field(axis, half) -> None:
    """What a mirror does is what more of the same does beyond it."""
    solver = SparseDirect()
    for problem in hostile(3, 10):
        sides = dict(zip(SIDES, problem.boundary.sides, strict=True))
        sides = {name: "reflecting" if side.kind != "value" else side.value for name, side in sides.items()}
        low, high = (("bottom", "top"), ("left", "right"))[axis]
        try:
            one = problem.replace(boundary=sides | {high: "reflecting"}, membranes=None)
            one.check_steady()
        except InvalidProblemError:  # nothing anchors it then
            continue
        twice = one.map(lambda array: np.concatenate([array, np.flip(array, axis)], axis))
        twice = twice.replace(boundary=sides | {high: sides[low]})
        window = twice.crop(**{half: slice(None, problem.shape[axis])})
        assert_same(window, one)
        expected = solved(twice, solver)[: problem.shape[0], : problem.shape[1]]
        largest = max(float(expected.max()), 1e-300)
        np.testing.assert_allclose(solved(window, solver), expected, rtol=0, atol=1e-8 * largest)


def test_held_pixels_around_a_lattice_are_walls_that_hold_their_value() -> None:
    solver = SparseDirect()
    for problem in hostile(5):
        value = problem.largest_imposed or 1.0
        walls = problem.replace(boundary=value)
        # Beyond held pixels nothing is seen of the sides.
        grown = walls.pad((1, 1), (1, 1), fixed=True, source=value).replace(boundary="reflecting")
        inside = solved(grown, solver)[1:-1, 1:-1]
        expected = solved(walls, solver)
        np.testing.assert_allclose(inside, expected, rtol=0, atol=1e-9 * expected.max())


def test_new_pixels_are_as_the_nearest_or_as_they_are_said_to_be() -> None:
    decay = np.arange(1.0, 7.0).reshape(2, 3)
    problem = Problem(np.eye(2, 3), decay=decay, production=2.0, uptake=MichaelisMenten(decay, 3.0))
    near = problem.pad((1, 0), (0, 2))
    assert near.source.tolist() == [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]
    assert near.fixed.tolist() == (near.source > 0).tolist()
    assert near.decay.tolist() == [[1, 2, 3, 3, 3], [1, 2, 3, 3, 3], [4, 5, 6, 6, 6]]
    assert near.uptake.vmax.tolist() == near.decay.tolist()
    assert near.production == 2.0
    said = problem.pad((0, 1), diffusivity=0.5, decay=9.0, production=0.0, vmax=0.0)
    assert said.diffusivity.tolist() == [[1, 1, 1], [1, 1, 1], [0.5, 0.5, 0.5]]
    assert said.decay[2].tolist() == [9, 9, 9]
    assert said.production.tolist() == [[2, 2, 2], [2, 2, 2], [0, 0, 0]]
    assert said.uptake.vmax[2].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (lambda problem: problem.mirror(2), "axis is 2; 0, which is rows"),
        (lambda problem: problem.crop(slice(2, 2)), r"rows is slice\(2, 2, None\); a slice without a step that leaves"),
        (lambda problem: problem.crop(columns=slice(None, None, -1)), "columns is slice"),
        (lambda problem: problem.crop(rows=3), "rows is 3"),
        (lambda problem: problem.pad((-1, 0)), r"rows is \(-1, 0\); two whole numbers >= 0"),
        (lambda problem: problem.pad(columns=(0.5, 0)), "columns is"),
        (lambda problem: problem.pad(columns=2), "columns is 2"),
        (lambda problem: problem.pad((10**6, 10**6), (10**6, 10**6)), "the padded lattice"),
        (lambda problem: problem.pad((1, 0), vmax=1.0), "vmax is 1.0, but the problem has no uptake"),
        (lambda problem: problem.pad((1, 0), decay=-1.0), "decay is -1 at"),
        (lambda problem: problem.map(lambda array: array[:0]), r"source has shape \(0, 4\)"),
        (lambda problem: problem.replace(membranes=Membranes(x=1.0)).map(np.copy), "the problem has membranes, which"),
        (lambda problem: problem.replace(decay=-1.0), "decay is -1"),
        (lambda problem: problem.replace(boundary="reflecting", decay=0.0).check_steady(), "no unique steady state"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(asked, words) -> None:
    problem = named_sides(left=1.0)
    with pytest.raises(InvalidProblemError, match=words) as caught:
        asked(problem)
    assert str(caught.value).endswith(".")


def test_a_name_that_no_problem_has_is_no_change() -> None:
    with pytest.raises(TypeError, match="deacy"):
        named_sides().replace(deacy=0.1)


def test_parts_make_the_problem_again() -> None:
    for problem in itertools.chain(hostile(7), hostile(8)):
        again = Problem.of_parts(problem.parts)
        assert_same(again, problem)
        assert again.fingerprint == problem.fingerprint
        assert_same(Problem.of_parts({name: np.asarray(value) for name, value in problem.parts.items()}), problem)


def test_parts_that_lack_or_add_something_are_refused() -> None:
    parts = Problem(np.eye(4), uptake=MichaelisMenten(1.0, 2.0)).parts
    for name in parts:
        with pytest.raises(InvalidProblemError, match=f"lacks '{name}'; its parts are source, fixed"):
            Problem.of_parts({each: value for each, value in parts.items() if each != name})
    with pytest.raises(InvalidProblemError, match="unknown part 'membranes'"):
        Problem.of_parts(parts | {"membranes": 1.0})
    with pytest.raises(InvalidProblemError, match="side_kinds has shape"):
        Problem.of_parts(parts | {"side_kinds": np.array(["value"] * 4)})
    with pytest.raises(InvalidProblemError, match=r"side\.kind is 'open'"):
        Problem.of_parts(parts | {"side_kinds": np.full((2, 2), "open")})
