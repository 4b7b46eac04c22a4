"""A picture of the shipped network at work: ``python -m benchmarks.surrogate_picture docs/default-model.png``.

One test problem of each distribution: what is given, what the network says, its error, and the error after one cycle.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot: no display is needed

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from benchmarks.surrogate import cases
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.surrogate.model import Model, load
from surrogate_training.quality.guard_metrics import polished
from surrogate_training.samples.dataset import DataConfig, exact_field, sample_problem

_SMALLEST, _LARGEST = 1e-5, 1e-1


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.surrogate_picture", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="a .png file")
    parser.add_argument("--model", default="default", help="a registered model, or its .safetensors file")
    parser.add_argument("--index", type=int, default=4, help="the first test problem shown (default 4)")
    options = parser.parse_args()
    model, distributions = load(options.model), cases()
    figure, axes = plt.subplots(len(distributions), 4, figsize=(15, 9.6), constrained_layout=True)
    for number, (name, distribution) in enumerate(distributions.items()):
        data = DataConfig(distribution=distribution, seed=97, batch=1, other_shapes=0.0)
        _draw(axes[number], name, model, sample_problem(data, "test", options.index + number, 0))
    titles = ("given", "the network's field", "its error", "error after one cycle")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=14)
    figure.savefig(options.out, dpi=75)


def _draw(row: Any, name: str, model: Model, problem: Problem) -> None:
    largest = problem.largest_imposed
    exact, said = exact_field(problem, 1e-7) / largest, model.predict(problem) / largest
    cycled = polished(Operator(problem), Hierarchy(problem.shape, problem.walls), said * largest, 1)
    after = np.abs(cycled.solution() / largest - exact)
    row[0].set_ylabel(name, fontsize=12)
    _show(row[0], np.log10(_strength(problem)), "log10 of uptake x px^2", "bone_r")
    row[0].contour(problem.fixed, levels=[0.5], colors="#d55e00", linewidths=0.8)
    _show(row[1], said, "over the largest value", "viridis", vmin=0.0, vmax=1.0)
    for axis, error in ((row[2], np.abs(said - exact)), (row[3], after)):
        norm = LogNorm(_SMALLEST, _LARGEST)
        _show(axis, np.clip(error, _SMALLEST, None), f"largest {100 * error.max():.2f} %", "magma", norm=norm)


def _strength(problem: Problem) -> FloatArray:
    """Decay plus the uptake's rate at low values, per squared pixel."""
    rate = 0.0 if problem.uptake is None else problem.uptake.initial_slope
    scaled = (problem.decay + rate) / problem.reference_link
    return np.broadcast_to(scaled, problem.shape)


def _show(axis: Any, image: FloatArray, label: str, colours: str, **options: Any) -> None:
    shown = axis.imshow(image, origin="lower", cmap=colours, **options)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.figure.colorbar(shown, ax=axis, shrink=0.85, label=label)


if __name__ == "__main__":
    main()
