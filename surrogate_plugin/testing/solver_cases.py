"""What a solver is held to: small hostile problems with their fields in extended precision."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.uptake import MichaelisMenten
from surrogate_plugin.gallery import extreme_problems, nasty_problems, wider_problems
from surrogate_plugin.reference import Reference, solve_extended

__all__ = ["Case", "cases", "every_side", "hostile", "scales", "thin", "tissues"]


@dataclass(frozen=True, eq=False)
class Case:
    """A problem under a name, and its field."""

    name: str
    problem: Problem

    @functools.cached_property
    def reference(self) -> Reference:
        """The field in extended precision, with a bound of its own."""
        return solve_extended(self.problem)

    @property
    def largest(self) -> float:
        """The largest value around, field units."""
        return max(float(self.reference.field.max()), self.problem.largest_imposed)


@functools.cache
def cases(kind: str) -> tuple[Case, ...]:
    """The cases of one kind, made once: ``hostile``, ``every_side``, ``thin``, ``scales`` or ``tissues``."""
    made: dict[str, Any] = {
        "hostile": hostile, "every_side": every_side, "thin": thin, "scales": scales, "tissues": tissues,
    }  # fmt: skip
    return tuple(Case(name, problem) for name, problem in made[kind]())


def hostile() -> Iterator[tuple[str, Problem]]:
    """Constant and varying coefficients on odd lattices, closed rings, no fixed pixel or no free one, extremes."""
    for index, problem in enumerate(nasty_problems(11, 12, 12)):
        yield f"nasty {index}", problem
    for index, problem in enumerate(nasty_problems(12, 6, 12, constant_coefficients=True)):
        yield f"constant {index}", problem
    for index, problem in enumerate(nasty_problems(13, 6, 12, variable_diffusivity=True)):
        yield f"map {index}", problem
    for index, problem in enumerate(extreme_problems(14, 6, 10, saturating=False)):
        yield f"extreme {index}", problem


def tissues() -> Iterator[tuple[str, Problem]]:
    """Obstacles, tissues that conduct differently, membranes, leaky vessels, fluxes, exchange, and two axes."""
    for index, problem in enumerate(wider_problems(15, 18, 12)):
        yield f"tissue {index}", problem


def _plain(shape: tuple[int, int] = (9, 13), seed: int = 3) -> dict[str, Any]:
    """Parts of a problem of one's choice: three held pixels, and coefficients that differ from pixel to pixel."""
    rng = np.random.default_rng(seed)
    source = np.zeros(shape)
    source.ravel()[rng.permutation(source.size)[:3]] = rng.uniform(0.5, 2.0, min(3, source.size))
    return {"source": source, "decay": 0.05}


def _dressed(parts: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same problem with each sort of coefficients, so that solvers of any sort find one they take."""
    shape, rng = parts["source"].shape, np.random.default_rng(5)
    yield "constant", parts
    yield "decay map", {**parts, "decay": rng.uniform(0.01, 0.3, shape)}
    yield "diffusivity map", {**parts, "diffusivity": rng.uniform(0.3, 3.0, shape)}
    yield "uptake", {**parts, "uptake": MichaelisMenten(vmax=rng.uniform(0.0, 0.3, shape), km=0.2)}
    yield "production", {**parts, "production": 0.02}


def every_side() -> Iterator[tuple[str, Problem]]:
    """Each kind of side on each side, where nothing is as it is on the opposite one."""
    boundaries: list[Any] = ["absorbing", "reflecting", "periodic", 0.7]
    boundaries += [
        {"left": 1.5, "right": "reflecting", "bottom": 0.3, "top": "absorbing"},
        {"left": "reflecting", "right": 1.5, "bottom": "absorbing", "top": 0.3},
        {"left": "periodic", "right": "periodic", "bottom": "reflecting", "top": 0.9},
        {"left": 0.9, "right": "reflecting", "bottom": "periodic", "top": "periodic"},
    ]
    for boundary in boundaries:
        for name, parts in _dressed(_plain()):
            yield f"{name}, {boundary}", Problem(**parts, boundary=boundary)


def thin() -> Iterator[tuple[str, Problem]]:
    """Lattices a pixel wide, and of one pixel."""
    for shape in ((1, 9), (9, 1), (1, 2), (1, 1)):
        for name, parts in _dressed(_plain(shape)):
            for boundary in ("absorbing", "periodic"):
                yield f"{name}, {shape}, {boundary}", Problem(**parts, boundary=boundary)


def scales() -> Iterator[tuple[str, Problem]]:
    """Values, lengths and times in units that make them very large or small."""
    for factor in (1e-30, 1e-9, 1e9, 1e30):
        for name, parts in _dressed(_plain()):
            scaled = {**parts, "source": parts["source"] * factor, "boundary": 0.4 * factor}
            if "uptake" in parts:
                law = parts["uptake"]
                scaled["uptake"] = MichaelisMenten(vmax=law.vmax * factor, km=law.km * factor)
            if "production" in parts:
                scaled["production"] = parts["production"] * factor
            yield f"{name}, values times {factor:g}", Problem(**scaled)
    for spacing in (1e-6, 1e6):
        for name, parts in _dressed(_plain()):
            stretched = {**parts, "diffusivity": parts.get("diffusivity", 1.0) * spacing**2}
            yield f"{name}, spacing {spacing:g}", Problem(**stretched, spacing=spacing)


def other_values(problem: Problem) -> Problem:
    """The same operator with other values, which a state must serve."""
    rng = np.random.default_rng(7)
    source: FloatArray = np.where(problem.fixed, rng.uniform(0.2, 1.7, problem.shape), 0.0)
    return problem.replace(source=source * max(problem.largest_imposed, 1e-3))


def other_operator(problem: Problem) -> Problem:
    """The same lattice with another operator, whose states are stale."""
    return problem.replace(decay=2.0 * np.asarray(problem.decay) + 0.1)
