"""Levels of faces that conduct differently are the compiled ones by Galerkin's product, weighted throughout."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin import gallery
from surrogate_plugin.batched.iteration import Iteration
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.stack import Stack, kind_of
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.solvers.multigrid import hierarchy as compiled
from tests.batched.posed import stacks
from tests.exact import exact_field

SHAPES = [(1, 1), (2, 2), (3, 3), (5, 5), (6, 6), (8, 8), (9, 16), (13, 13), (16, 16), (33, 20)]
#: Sums of products that cancel, in float32, beside the largest value.
CLOSE = 2e-3


@pytest.fixture(autouse=True)
def _weighted_from_the_finest_level_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the compiled hierarchy does it where there are walls thinner than a pixel."""
    monkeypatch.setattr(compiled, "difficulty_of", lambda faces: SimpleNamespace(thin_walls=True))


def mapped_stacks(seed: int, shape: tuple[int, int]) -> list[list[sp.Problem]]:
    return [group for group in stacks(seed, shape, 16) if not group[0].plain]


def levels_of(stack: Stack) -> Levels:
    levels = Levels(stack.shape, stack.rings, stack.count, stack.device, mapped=True)
    levels.set_up(stack.free, stack.decay, stack.north, stack.east, stack.wall_conductance)
    return levels


def hierarchy_of(problem: sp.Problem) -> compiled.Hierarchy:
    hierarchy, one = compiled.Hierarchy(problem.shape, problem.walls), Operator(problem)
    hierarchy.rebuild(one.free, one.decay, one.faces)
    return hierarchy


def right_hand_side(stack: Stack) -> torch.Tensor:
    b = torch.zeros((stack.count, stack.shape[0] + 2, stack.shape[1] + 2))
    noise = np.random.default_rng(1).standard_normal(stack.source.shape)
    b[:, 1:-1, 1:-1] = torch.from_numpy(noise).to(torch.float32) * stack.free
    return b


@pytest.mark.parametrize("shape", SHAPES)
def test_cycles_are_those_of_the_hierarchies(shape: tuple[int, int]) -> None:
    for group in mapped_stacks(1, shape):
        stack = Stack.of(group, "cpu")
        levels, b = levels_of(stack), right_hand_side(stack)
        z, swept = levels.v_cycle(b), levels.sweep(b, 6)
        for i, problem in enumerate(group):
            hierarchy, out = hierarchy_of(problem), np.zeros(b[i].shape, np.float32)
            for found, run in ((z, hierarchy.v_cycle), (swept, lambda z, b, of=hierarchy: of.sweep(z, b, 6))):
                run(out, b[i].numpy())
                inside = out[1:-1, 1:-1]
                difference = np.abs(found[i].numpy()[1:-1, 1:-1] - inside)
                assert float(difference.max()) <= CLOSE * float(np.abs(inside).max())
            edge = torch.cat((z[i, 0], z[i, -1], z[i, :, 0], z[i, :, -1]))
            assert not bool(edge.any())


def test_coarse_levels_may_see_fewer_free_pixels() -> None:
    rng = np.random.default_rng(5)
    for group in mapped_stacks(5, (13, 13)):
        stack = Stack.of(group, "cpu")
        levels, b = levels_of(stack), right_hand_side(stack)
        seen = stack.free & torch.from_numpy(rng.random(stack.source.shape) < 0.7)
        levels.set_up(stack.free, stack.decay, stack.north, stack.east, stack.wall_conductance, seen=seen)
        z = levels.v_cycle(b)
        for i, problem in enumerate(group):
            hierarchy, out, one = hierarchy_of(problem), np.zeros(b[i].shape, np.float32), Operator(problem)
            hierarchy.rebuild(seen[i].numpy(), one.decay, one.faces)
            hierarchy.relinearise(one.free, one.decay)
            hierarchy.v_cycle(out, b[i].numpy())
            difference = np.abs(z[i].numpy() - out)[1:-1, 1:-1]
            assert float(difference.max()) <= CLOSE * float(np.abs(out[1:-1, 1:-1]).max())


def test_a_cycle_is_symmetric() -> None:
    for group in mapped_stacks(2, (8, 8)):
        stack = Stack.of(group, "cpu")
        levels, x = levels_of(stack), right_hand_side(stack)
        y = x.flip(1) * torch.nn.functional.pad(stack.free, (1, 1, 1, 1))
        one, other = (y * levels.v_cycle(x)).sum((1, 2)), (x * levels.v_cycle(y)).sum((1, 2))
        size = (x * levels.v_cycle(x)).sum((1, 2)) + (y * levels.v_cycle(y)).sum((1, 2))
        assert bool(((one - other).abs() <= 1e-4 * size).all())


def test_some_of_the_levels_cycle_as_all_did() -> None:
    for group in mapped_stacks(3, (13, 13)):
        stack = Stack.of(group, "cpu")
        levels, b, index = levels_of(stack), right_hand_side(stack), torch.arange(stack.count - 1, -1, -2)
        assert torch.equal(levels.take(index).v_cycle(b[index]), levels.v_cycle(b)[index])


@pytest.mark.parametrize("kind", [gallery.obstacles, gallery.cells_with_membranes, gallery.leaky_vessels])
def test_fields_come_to_the_exact_ones(kind: type) -> None:
    rng = np.random.default_rng(4)
    made = [kind(rng, (40, 33)) for _ in range(6)]
    for one in {kind_of(problem) for problem in made}:
        group = [problem for problem in made if kind_of(problem) == one]
        stack = Stack.of(group, "cpu")
        iteration = Iteration(stack, Levels(stack.shape, stack.rings, stack.count, stack.device, mapped=True))
        for _ in range(40):
            iteration.advance()
        for i, problem in enumerate(group):
            exact = exact_field(problem)
            error = np.abs(iteration.solution()[i].numpy() - exact).max()
            assert float(error) <= 1e-7 * float(exact.max())


@pytest.mark.parametrize("km", [1e-3, 1.0])
def test_uptake_that_saturates_among_obstacles_comes_to_the_exact_field(km: float) -> None:
    rng = np.random.default_rng(6)
    diffusivity = np.where(rng.random((24, 31)) < 0.2, 0.01, 1.0)
    source = np.where(rng.random((24, 31)) < 0.02, 1.0, 0.0)
    group = [
        sp.Problem(source, decay=1e-3, diffusivity=diffusivity, uptake=sp.MichaelisMenten(vmax=vmax, km=km))
        for vmax in (1e-3, 0.02, 0.3)
    ]
    stack = Stack.of(group, "cpu")
    iteration = Iteration(stack, Levels(stack.shape, stack.rings, stack.count, stack.device, mapped=True))
    for _ in range(30):
        iteration.advance()
    assert not bool(iteration.on_path.any())
    for i, problem in enumerate(group):
        assert float(np.abs(iteration.solution()[i].numpy() - exact_field(problem)).max()) < 1e-9


def test_a_membrane_lets_nothing_leak_on_coarse_levels() -> None:
    across = np.full((64, 63), np.inf)
    across[:, 31] = 1e-6
    problem = sp.Problem(
        np.zeros((64, 64)),
        decay=1e-9,
        boundary={"left": 1.0, "right": 0.0, "bottom": "reflecting", "top": "reflecting"},
        membranes=sp.Membranes(x=across),
    )
    stack = Stack.of([problem], "cpu")
    iteration = Iteration(stack, Levels(stack.shape, stack.rings, stack.count, stack.device, mapped=True))
    for _ in range(10):
        iteration.advance()
    assert float(np.abs(iteration.solution()[0].numpy() - exact_field(problem)).max()) < 1e-9
