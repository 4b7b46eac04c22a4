"""Errors of a network's field as the guard takes it: imposed values in their places, the rest within their range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import nn

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.surrogate.features import impose
from surrogate_training.quality.metrics import measure
from surrogate_training.samples.dataset import DataConfig, exact_field, sample_problem


class Subject(Protocol):
    """A network whose fields are looked at."""

    def fields(self, problems: Sequence[Problem]) -> list[FloatArray]:
        """A field for each problem of one shape, (H, W) float64, field units, as the guard takes it."""


@dataclass(frozen=True)
class StudyNetwork:
    """The study's network, which sees the source image alone; also a predictor for the engine.

    Attributes
    ----------
    network : nn.Module
        A `PaperNetwork`, in evaluation.
    """

    network: nn.Module
    #: Without a card the engine asks it whatever the problem, which is what is looked at here.
    card: None = None
    typical_error: float = 0.1

    @property
    def device(self) -> str:
        """Where the network is."""
        return str(next(self.network.parameters()).device)

    def fields(self, problems: Sequence[Problem]) -> list[FloatArray]:
        """See `Subject`."""
        multiple = int(self.network.multiple)  # type: ignore[arg-type]
        images = np.stack([problem.source / problem.largest_imposed for problem in problems])
        rows, columns = images.shape[1:]
        padded = np.pad(images, ((0, 0), (0, -rows % multiple), (0, -columns % multiple))).astype(np.float32)
        with torch.inference_mode():
            answers = self.network(torch.from_numpy(padded[:, None]).to(self.device))[:, 0, :rows, :columns]
        return [impose(answer, problem) for answer, problem in zip(answers.cpu().numpy(), problems, strict=True)]

    def predict(self, problem: Problem) -> FloatArray:
        """The field of one problem, as the engine asks for it."""
        return self.fields([problem])[0]


@dataclass(frozen=True)
class ShippedModel:
    """A model of those that can be named, such as the default one.

    Attributes
    ----------
    name : str
    """

    name: str

    def fields(self, problems: Sequence[Problem]) -> list[FloatArray]:
        """See `Subject`."""
        from surrogate_plugin.surrogate.model import load

        model = load(self.name)
        return [model.predict(problem) for problem in problems]


@dataclass(frozen=True)
class KnownProblems:
    """Problems with their exact fields, which no run of a study changes."""

    problems: list[Problem]
    exact: list[FloatArray]

    @classmethod
    def drawn(cls, data: DataConfig, count: int) -> KnownProblems:
        """The first problems of the test split."""
        problems = [sample_problem(data, "test", 0, row) for row in range(count)]
        return cls(problems, [exact_field(problem, data.accuracy) for problem in problems])

    def errors(self, subject: Subject) -> list[dict[str, float]]:
        """The metrics of each problem, over its largest imposed value."""
        found = []
        for begin in range(0, len(self.problems), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            fields = subject.fields(self.problems[part])
            for problem, field, exact in zip(self.problems[part], fields, self.exact[part], strict=True):
                scale = problem.largest_imposed
                found.append(measure(field / scale, exact / scale, problem.fixed))
        return found


#: Problems that go through a network together; the larger the lattice, the more memory they take.
_AT_ONCE = 50
