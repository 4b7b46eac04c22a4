"""The published study's losses: each is its formula, and a loss by turns takes the same turns in a resumed run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from surrogate_training.losses.study import Kind, StudyLoss
from surrogate_training.samples.batch import Batch

#: Errors of 0, of less and of more than 0.02, of either sign, and a prediction above 1.
TARGET = [[[1.0, 0.4], [0.05, 0.0]], [[0.8, 0.3], [0.01, 1.0]]]
PREDICTED = [[[1.2, 0.41], [0.045, 0.3]], [[0.8, -0.1], [0.02, 0.99]]]


def batch(target: list[list[list[float]]]) -> Batch:
    values = torch.tensor(target)
    unread = torch.zeros(0)
    return Batch(unread, unread, unread, unread, target=values, size=unread, free=values < 1.0)


def mean(formula: Callable[[float, float], float]) -> float:
    """The mean of ``formula(p, y)`` over the pixels, in plain Python."""
    pairs = [
        (p, y)
        for image, exact in zip(PREDICTED, TARGET, strict=True)
        for row, line in zip(image, exact, strict=True)
        for p, y in zip(row, line, strict=True)
    ]
    return sum(formula(p, y) for p, y in pairs) / len(pairs)


def exp_weight(p: float, w: float = 1.0) -> float:
    return math.exp(-abs(1.0 - p) / w)


def step_weight(y: float) -> float:
    return 1.0 + 4000.0 * math.tanh(10.0 * y)


def huber(d: float) -> float:
    return 0.5 * d * d if abs(d) <= 0.02 else 0.02 * (abs(d) - 0.01)


def inverse_huber(d: float, c: float = 0.02) -> float:
    return abs(d) if abs(d) < c else (d * d + c * c) / (2 * c)


@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        (StudyLoss(kind="mae"), lambda p, y: abs(p - y)),
        (StudyLoss(kind="mse"), lambda p, y: (p - y) ** 2),
        (StudyLoss(kind="exp"), lambda p, y: exp_weight(p) * abs(p - y)),
        (StudyLoss(kind="exp", w=0.3, a=2.0), lambda p, y: exp_weight(p, 0.3) * (p - y) ** 2),
        (StudyLoss(kind="step"), lambda p, y: step_weight(y) * abs(p - y)),
        (StudyLoss(kind="step", wtan=3.0, w2=7.0, a=2.0), lambda p, y: (1 + 7 * math.tanh(3 * y)) * (p - y) ** 2),
        (StudyLoss(kind="huber"), lambda p, y: step_weight(y) * huber(p - y)),
        (StudyLoss(kind="invhuber"), lambda p, y: exp_weight(p) * inverse_huber(p - y)),
        (StudyLoss(kind="invhuber2"), lambda p, y: inverse_huber(p - y)),
        (StudyLoss(kind="invhuber2", c=0.35), lambda p, y: inverse_huber(p - y, 0.35)),
        (StudyLoss(kind="exp2021"), lambda p, y: math.exp(-(1 - y)) * (p - y) ** 2),
        (StudyLoss(kind="exp2021", power=4, w=0.5), lambda p, y: math.exp(-(1 - y) / 0.5) * (p - y) ** 4),
    ],
    ids=lambda value: str(value) if isinstance(value, StudyLoss) else "",
)
def test_each_loss_is_its_formula(loss: StudyLoss, formula: Callable[[float, float], float]) -> None:
    found = float(loss.evaluate(torch.tensor(PREDICTED), batch(TARGET)))
    assert found == pytest.approx(mean(formula), rel=1e-5)


def test_toggle_takes_turns() -> None:
    toggle, step, exp = (StudyLoss(kind=kind) for kind in ("toggle", "step", "exp"))
    for epoch in range(4):
        plain = (step, exp)[epoch % 2]
        found = toggle.evaluate(torch.tensor(PREDICTED), batch(TARGET), epoch)
        assert torch.equal(found, plain.evaluate(torch.tensor(PREDICTED), batch(TARGET), epoch))


def test_rand_is_a_function_of_seed_and_epoch_and_draws_step_as_often_as_asked() -> None:
    kinds = [StudyLoss(kind="rand", probability=0.25).kind_in(epoch) for epoch in range(2000)]
    assert kinds == [StudyLoss(kind="rand", probability=0.25).kind_in(epoch) for epoch in range(2000)]
    assert 0.2 < kinds.count("step") / 2000 < 0.3
    assert kinds.count("step") + kinds.count("exp") == 2000
    assert [StudyLoss(kind="rand", seed=1).kind_in(epoch) for epoch in range(50)] != kinds[:50]
    always, never = StudyLoss(kind="rand", probability=1.0), StudyLoss(kind="rand", probability=0.0)
    assert {always.kind_in(epoch) for epoch in range(50)} == {"step"}
    assert {never.kind_in(epoch) for epoch in range(50)} == {"exp"}


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_perfect_prediction_costs_nothing_and_any_other_has_a_finite_gradient(kind: Kind) -> None:
    loss = StudyLoss(kind=kind)
    assert float(loss.evaluate(torch.tensor(TARGET), batch(TARGET))) == 0.0
    predicted = torch.tensor(PREDICTED, requires_grad=True)
    value = loss.evaluate(predicted, batch(TARGET))
    value.backward()
    assert float(value.detach()) > 0.0
    assert predicted.grad is not None
    assert bool(predicted.grad.isfinite().all())
    assert bool((predicted.grad[0, 0, 0] != 0.0).all())  # an imposed pixel counts


@given(st.floats(0.001, 0.5), st.sampled_from(["huber", "invhuber2"]))
def test_the_two_branches_meet(turn: float, kind: Kind) -> None:
    loss = StudyLoss(kind=kind, delta=turn, c=turn, w2=0.0)
    zero = batch([[[0.0]]])
    below, above = (float(loss.evaluate(torch.full((1, 1, 1), turn * f), zero)) for f in (1 - 1e-4, 1 + 1e-4))
    assert below < above < below * 1.001


@pytest.mark.parametrize(
    ("change", "named"),
    [({"kind": "mape"}, "kind"), ({"w": 0.0}, "w"), ({"power": 3}, "power"), ({"alpha": 1.0}, "alpha")],
)
def test_a_wrong_parameter_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        StudyLoss.model_validate({"kind": "exp"} | change)
