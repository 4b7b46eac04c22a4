"""A network that the compiled passes do not know is run by torch, and nobody has to say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.card import ModelCard
from surrogate_plugin.surrogate.compiled.network import compiled
from surrogate_plugin.surrogate.model import Model, find
from surrogate_plugin.surrogate.networks import CompactNetwork, PaperNetwork
from surrogate_plugin.surrogate.operations import Add, Operation, Rectify, Step


class Squash(Operation):
    def __call__(self, *read: Tensor) -> Tensor:
        return torch.tanh(read[0])


class Leaky(Rectify):
    """Of a known kind, and yet another operation."""

    def __call__(self, *read: Tensor) -> Tensor:
        return nn.functional.leaky_relu(read[0], 0.1)


class Replaced(CompactNetwork):
    """With another operation in place of each rectifying one."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(width=8)
        self.operation = operation

    def program(self) -> list[Step]:
        steps = super().program()
        return [
            self.operation.on(*step.reads, to=step.writes) if isinstance(step.operation, Rectify) else step
            for step in steps
        ]


class Halved(CompactNetwork):
    """The program is not all that it does."""

    def forward(self, image: Tensor, saturation: Tensor | None = None) -> Tensor:
        return 0.5 * super().forward(image, saturation)


class Broadcast(CompactNetwork):
    """An addition of values of different widths, which torch understands."""

    def program(self) -> list[Step]:
        steps = super().program()
        return [*steps[:3], Add().on("cells", "share", to="cells"), *steps[3:]]


class DrawnTwice(CompactNetwork):
    """The pixels before the relaxation are read after it."""

    def program(self) -> list[Step]:
        return [*super().program(), Add().on("pixels", "answer", to="twice")]


@pytest.mark.parametrize(
    "network",
    [Replaced(Squash()), Replaced(Leaky()), Halved(width=8), Broadcast(width=8), DrawnTwice()],
    ids=lambda network: type(network).__name__,
)
def test_torch_answers(network: CompactNetwork) -> None:
    torch.manual_seed(1)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.15)
    problem = Problem(np.eye(30, 41), decay=0.01)
    card = ModelCard.read(Path(find("default")).with_suffix(".json"))
    with torch.inference_mode():
        image, saturation = features.encode(problem), features.saturation(problem)
        expected = network(torch.from_numpy(image[None]), torch.tensor([saturation]))[0].numpy()
    model = Model(card, network.eval().requires_grad_(False), "cpu")
    np.testing.assert_array_equal(model.predict(problem), features.decode(expected, problem))
    assert compiled(network) is None


def test_the_replacement_alone_makes_it_unknown() -> None:
    assert compiled(Replaced(Rectify())) is not None
    assert compiled(Replaced(Leaky())) is None


def test_what_lists_nothing_known_is_left_to_torch() -> None:
    assert compiled(PaperNetwork(2)) is None
    assert compiled(nn.Linear(2, 2)) is None
