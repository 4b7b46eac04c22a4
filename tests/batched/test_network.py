"""A trained network answers a stack as it answers each problem, and stays on the stack's device."""

from __future__ import annotations

import contextlib
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin.batched.network import Predictor
from surrogate_plugin.batched.solve import solve
from surrogate_plugin.batched.stack import Kind, Stack
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration
from surrogate_plugin.surrogate import diffusion_layer
from surrogate_plugin.surrogate.model import Model, load
from surrogate_plugin.surrogate.networks import CompactNetwork, PaperNetwork
from surrogate_plugin.surrogate.operations import ProgramNetwork, Step
from surrogate_plugin.surrogate.passes import tensors_alone
from tests import fake_device
from tests.surrogate.wider_scenes import scene


@pytest.fixture(scope="module")
def model() -> Model:
    return load(device="cpu")


def plain_problems() -> list[sp.Problem]:
    rng = np.random.default_rng(5)
    source = np.where(rng.random((41, 54)) < 0.02, rng.uniform(0.1, 1.0, (41, 54)), 0.0)
    source[3:6, 4:8] = 1.0
    sides: list[BoundaryLike] = ["reflecting", 0.3, {"left": 1.0, "top": "reflecting"}]
    return [sp.Problem(k * source, decay=0.01 * k, boundary=side) for k, side in enumerate(sides, start=1)]


@pytest.mark.parametrize("kind", ["plain", "torus", "map", "obstacles", "saturating", "all"])
def test_a_stack_is_answered_problem_by_problem(model: Model, kind: str) -> None:
    problems = plain_problems() if kind == "plain" else [scene(kind, seed) for seed in range(2)]
    with mock.patch.object(diffusion_layer, "TOLERANCE", 1e-7):
        expected = np.stack([model.predict(problem) for problem in problems])
        fields = Predictor(model, "cpu").predict(Stack.of(problems, "cpu"))
    assert fields.dtype == torch.float64
    np.testing.assert_allclose(fields.numpy(), expected, rtol=0.0, atol=2e-5 * expected.max())


@pytest.mark.parametrize("kind", ["plain", "all", "saturating"])
def test_dense_layers_in_bfloat16_change_a_field_by_less_than_its_error(model: Model, kind: str) -> None:
    """And the bound after one cycle, by a tenth: that is why a GPU computes them so."""
    problem = plain_problems()[1] if kind == "plain" else scene(kind)
    fields = [
        Predictor(model, "cpu", precision).predict(Stack.of([problem], "cpu"))[0].numpy()
        for precision in (torch.float32, torch.bfloat16)
    ]
    exact = sp.solve(problem, method="exact").field
    change, error = np.abs(fields[1] - fields[0]).max(), np.abs(fields[0] - exact).max()
    assert 0.0 < change < 0.3 * error
    single, half = (_bound_after_one_cycle(problem, field) for field in fields)
    assert half == pytest.approx(single, rel=0.1)


def _bound_after_one_cycle(problem: sp.Problem, start: FloatArray) -> float:
    equation, hierarchy = Operator(problem), Hierarchy(problem.shape, problem.walls)
    iteration = Iteration(equation, hierarchy, start)
    iteration.advance()
    iteration.smooth()
    return Certifier(equation, hierarchy).bound(iteration.field, 0.0).value


class PlainNetwork(CompactNetwork):
    """Without a program for the wider equation."""

    def wider_program(self) -> list[Step]:
        return ProgramNetwork.wider_program(self)


def test_a_network_without_a_program_for_them_refuses_wider_problems(model: Model) -> None:
    predictor = Predictor(Model(model.card, PlainNetwork(width=8).requires_grad_(False), "cpu"), "cpu")
    with pytest.raises(UnsupportedProblemError, match="plain problems"):
        predictor.predict(Stack.of([scene("production")], "cpu"))


def test_the_study_s_network_answers_a_stack() -> None:
    card = mock.Mock()
    card.network.kind = "paper"
    torch.manual_seed(1)
    network = Model(card, PaperNetwork(2, depth=2).eval().requires_grad_(False), "cpu")
    fields = Predictor(network, "cpu").predict(Stack.of(plain_problems(), "cpu"))
    for field, problem in zip(fields.numpy(), plain_problems(), strict=True):
        np.testing.assert_allclose(field, network.predict(problem), rtol=0.0, atol=1e-6 * problem.largest_imposed)


@pytest.mark.parametrize("path", [contextlib.nullcontext, tensors_alone])
def test_a_problem_s_answer_does_not_depend_on_its_mates(model: Model, path: Any) -> None:
    """Not even on one that is no equation, of which the network says NaN."""
    stack, predictor = Stack.of(plain_problems(), "cpu"), Predictor(model, "cpu")
    stack.decay[0, 20:30] = torch.nan
    with path():
        together = predictor.predict(stack)
        alone = predictor.predict(Stack.of(plain_problems()[1:2], "cpu"))
    assert together[0].isnan().any()
    torch.testing.assert_close(together[1:2], alone, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("kind", ["plain", "saturating", "obstacles"])
def test_fields_to_start_from_save_cycles_and_come_with_bounds(model: Model, kind: str) -> None:
    problems = plain_problems() if kind == "plain" else [scene(kind, seed) for seed in range(2)]
    stack = Stack.of(problems, "cpu")
    tolerance = np.array([1e-3 * problem.largest_imposed for problem in problems])
    with tensors_alone():
        started = solve(stack, tolerance=tolerance, start=Predictor(model, "cpu").predict(stack))
    assert (started.cycles < solve(stack, tolerance=tolerance).cycles).all()
    assert (started.bound <= tolerance).all()
    for field, bound, problem in zip(started.field.numpy(), started.bound, problems, strict=True):
        exact = sp.solve(problem, method="exact", tolerance=1e-6 * problem.largest_imposed)
        assert np.abs(field - exact.field).max() <= bound + exact.error_bound


def fake_stack(shape: tuple[int, int], *, plain: bool, saturating: bool) -> Stack:
    """Two problems of which nothing is known but their kind."""

    def empty(*sides: int, dtype: torch.dtype = torch.float64) -> Any:
        return torch.empty(2, *sides, dtype=dtype, device=fake_device.DEVICE)

    (height, width), rings = shape, (False, not plain)
    return Stack(
        kind=Kind(shape, rings, plain, saturating),
        source=empty(*shape), free=empty(*shape, dtype=torch.bool),
        void=None if plain else empty(*shape, dtype=torch.bool),
        decay=empty(*shape), production=empty(*shape), vmax=empty(*shape) if saturating else None, km=empty(),
        north=None if plain else empty(height + 1, width), east=None if plain else empty(height, width + 1),
        wall_value=empty(2, 2), wall_conductance=empty(2, 2), ceiling=empty(), supplied=not plain,
    )  # fmt: skip


def predict_on_the_device() -> None:
    card = mock.Mock()
    card.network.kind = "compact"
    network = fake_device.moved(CompactNetwork(width=6, head=5, sweeps=1, wider=4))
    predictor = Predictor(Model(card, network, fake_device.DEVICE), fake_device.DEVICE)
    for plain in (True, False):
        with mock.patch.multiple(diffusion_layer, STEPS=2, STEPS_FROM_GUESS=1):
            fields = predictor.predict(fake_stack((33, 40), plain=plain, saturating=not plain))
        assert fields.device.type == fake_device.DEVICE
        assert (fields.shape, fields.dtype) == ((2, 33, 40), torch.float64)


def test_a_prediction_stays_on_the_device() -> None:
    fake_device.run(predict_on_the_device)
