"""What is tried: a problem with a method, a tolerance, a previous field and a network, drawn from one generator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.gallery import KINDS, extreme_problem, tumour_and_vessels
from surrogate_plugin.reference import Reference, solve_extended
from tests.attack import plugins

METHODS = ("guarded", "exact", "multigrid", "spectral", "sparse-direct", "surrogate")
ASKED = (*METHODS, plugins.NAME)


@dataclass(frozen=True)
class Trial:
    """One solve: ``network`` names who proposes (see `tests.attack.networks`), ``previous`` may be anything."""

    method: str
    network: str
    policy: str
    tolerance: float | None
    previous: FloatArray | None


class Target:
    """Number ``number`` of a seed: a problem, its reference, and the generator that draws the trials."""

    def __init__(self, seed: int, number: int) -> None:
        self.name = f"{seed}-{number}"
        self.rng = np.random.default_rng([seed, number])
        self.problem = _any_problem(self.rng)

    @cached_property
    def reference(self) -> Reference:
        return solve_extended(self.problem)

    @cached_property
    def largest(self) -> float:
        """The largest value of the exact field, field units."""
        return float(self.reference.field.max())

    def trials(self, networks: list[str]) -> list[Trial]:
        """The guard with the shipped network and with a hostile one, two of the other methods, at times a plugin."""
        rng = self.rng
        chosen = [
            ("guarded", "shipped"),
            (str(rng.choice(["guarded", "guarded", "surrogate"])), str(rng.choice(networks))),
        ]
        chosen += [(str(method), "shipped") for method in rng.choice(METHODS[1:], 2, replace=False)]
        if rng.random() < 0.2:
            chosen.append((plugins.NAME, "shipped"))
        return [
            Trial(method, network, "fastest" if rng.random() < 0.2 else "surrogate-first", *self._asked())
            for method, network in chosen
        ]

    def _asked(self) -> tuple[float | None, FloatArray | None]:
        rng = self.rng
        tolerance = None if rng.random() < 0.2 else max(self.largest, 1e-90) * 10.0 ** rng.uniform(-12, -0.3)
        return tolerance, _any_previous(rng, self.reference.field.astype(np.float64)) if rng.random() < 0.3 else None


def _any_problem(rng: np.random.Generator) -> Problem:
    """Extreme and small mostly, nasty often; some on deep hierarchies, and a tissue that the shipped network knows."""
    form = rng.random()
    if form < 0.0005:
        return tumour_and_vessels(rng, (96, 96 + int(rng.integers(32))), boundary="reflecting", diffusion_length=20.0)
    if form < 0.01:
        return extreme_problem(rng, shape=(int(rng.integers(41, 81)), int(rng.integers(41, 81))))
    if form < 0.03:
        rows, columns = rng.permutation([int(rng.integers(8, 17)), int(rng.integers(64, 400))])
        return extreme_problem(rng, shape=(int(rows), int(columns)))
    if form < 0.08:
        return extreme_problem(rng, 7, min_side=1)
    if form < 0.2:
        shape = (int(rng.integers(8, 21)), int(rng.integers(8, 21)))
        varied = {"variable_diffusivity": True} if rng.random() < 0.2 else {}
        return KINDS[int(rng.integers(len(KINDS)))](rng, shape, **varied)
    return extreme_problem(rng)


def _any_previous(rng: np.random.Generator, exact: FloatArray) -> FloatArray:
    """The right field, nearly that, one of another size, noise, a huge one; now and then one that is no field."""
    largest = float(exact.max()) or 1.0
    form = rng.random()
    if form < 0.05:
        previous = exact.copy()
        previous[rng.random(exact.shape) < 0.1] = rng.choice([np.nan, -np.nan, np.inf, -np.inf, 1e300, -1.0])
        return previous
    if form < 0.2:
        return np.full(exact.shape, rng.choice([1e30, 1e99, 1e100, 0.0, 1e-300]))
    if form < 0.35:
        return exact
    if form < 0.55:
        return np.abs(exact * (1.0 + 10.0 ** rng.uniform(-12, 0) * rng.normal(size=exact.shape)))
    if form < 0.75:
        return exact * 10.0 ** rng.uniform(-12, 6)
    return np.abs(largest * 10.0 ** rng.uniform(-6, 12) * rng.normal(size=exact.shape))
