"""What a distribution samples, said in a table and shown in a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.applicability import Extent, measure
from surrogate_plugin.guard.applicability_kernels import groups
from surrogate_plugin.whole_files import replacing
from surrogate_training.problems.distributions import Distribution
from surrogate_training.progress import Callback, silent
from surrogate_training.samples.dataset import DataConfig, exact_field
from surrogate_training.toml_files import ConfigurationError, read_toml

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

#: Problems in the picture, and how they stand.
SHOWN, _ACROSS = 12, 6
_BINS = 31
_INK, _BLUE, _RUST = "#333333", "#2f6f9f", "#c4472b"


@dataclass(frozen=True)
class Description:
    """Problems of a distribution, measured, and the first of them solved.

    Attributes
    ----------
    extents : list of Extent
        What a model's card speaks of, one a problem.
    sizes : list of int
        Of each problem, the pixels of its largest source; the groups of producing pixels where none is fixed.
    sources : list of int
    saturating : int
        Problems with Michaelis-Menten uptake.
    shown : list of (Problem, (H, W) float64)
        The first problems and their fields, field units.
    """

    kind: str
    extents: list[Extent]
    sources: list[int]
    sizes: list[int]
    saturating: int
    shown: list[tuple[Problem, FloatArray]]

    def measures(self) -> dict[str, list[float]]:
        """What is tabled and drawn, one value a problem; infinite lengths, of problems without decay, left out."""
        extents = self.extents
        measures: dict[str, list[float]] = {
            "longest diffusion length, px": [e.longest_length_px for e in extents],
            "shortest diffusion length, px": [e.shortest_length_px for e in extents],
            "decay contrast": [e.contrast for e in extents],
            "sources": [float(count) for count in self.sources],
            "largest source, px": [float(size) for size in self.sizes],
            "fixed pixels, %": [100.0 * e.fixed_share for e in extents],
        }
        return {name: [value for value in values if math.isfinite(value)] for name, values in measures.items()}

    def table(self) -> str:
        """The measures as Markdown, with the shares of problems that have each kind of side.

        Examples
        --------
        >>> from surrogate_training.problems.distributions import Paper
        >>> print(describe(Paper(), (64, 64), 12, seed=0).table().splitlines()[0])
        12 problems of kind `paper`, 64 x 64; sides: absorbing in 100 %; saturating uptake in 0 %.
        """
        shapes = sorted({extent.shape for extent in self.extents})
        count = len(self.extents)
        kinds = sorted(set().union(*(extent.boundaries for extent in self.extents)))
        sides = ", ".join(
            f"{kind} in {100 * sum(kind in e.boundaries for e in self.extents) / count:.0f} %" for kind in kinds
        )
        shown = " and ".join(f"{rows} x {columns}" for rows, columns in shapes)
        lines = [
            f"{count} problems of kind `{self.kind}`, {shown}; sides: {sides}; "
            f"saturating uptake in {100 * self.saturating / count:.0f} %.",
            "",
            "| | least | 5 % | median | 95 % | largest |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for name, values in self.measures().items():
            if values:
                found = (f"{value:.3g}" for value in np.percentile(values, [0, 5, 50, 95, 100]))
                lines.append(f"| {name} | {' | '.join(found)} |")
        return "\n".join(lines) + "\n"


def describe(
    distribution: Distribution,
    shape: tuple[int, int],
    count: int,
    seed: int,
    callback: Callback = silent,
) -> Description:
    """Draw ``count`` problems, measure them, and solve the first `SHOWN`.

    Parameters
    ----------
    distribution : Distribution
    shape : (int, int)
        Rows and columns.
    count : int
    seed : int
        Problem n depends on (seed, n) alone.
    callback : Callback
    """
    extents, sources, sizes, shown, saturating = [], [], [], [], 0
    for number in range(count):
        problem = distribution.sample(np.random.default_rng([seed, number]), shape)
        extents.append(measure(problem))
        fed, largest = groups(_feeding(problem))
        sources.append(int(fed))
        sizes.append(int(largest))
        saturating += problem.uptake is not None
        if number < SHOWN:
            shown.append((problem, _solve(problem)))
        callback((number + 1) / count, "drawing problems")
    return Description(distribution.kind, extents, sources, sizes, saturating, shown)


def read_distribution(path: Path) -> tuple[Distribution, tuple[int, int]]:
    """The distribution and the lattice of a training configuration, or of a file with a distribution of its own.

    Raises
    ------
    ConfigurationError
        If there is no such file, or it is no TOML.
    pydantic.ValidationError
        Names the field and what is allowed.
    """
    given = read_toml(path)
    data = given if "distribution" in given else given.get("data", {})
    if not isinstance(data, dict):
        raise ConfigurationError(f"data is {str(data)[:60]!r}; a section is expected.")
    distribution: Distribution = TypeAdapter(Distribution).validate_python(
        data.get("distribution", {"kind": "vessels"})
    )  # fmt: skip
    shape = DataConfig.model_validate({"shape": data["shape"]} if "shape" in data else {}).shape
    return distribution, shape


def draw(description: Description, path: Path) -> None:
    """Draw sources, uptake and field of a dozen problems, and a histogram of each measure, into a PNG.

    Parameters
    ----------
    description : Description
    path : Path
        Replaced in one move.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 16.0), layout="constrained", facecolor="white")
    parts = figure.subfigures(2, 1, height_ratios=(4.0, 1.5), squeeze=False)
    _draw_problems(parts[0, 0], description.shown)
    _draw_histograms(parts[1, 0], description.measures())
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110, format="png")


def _draw_problems(sheet: SubFigure, shown: list[tuple[Problem, FloatArray]]) -> None:
    """Three pictures a problem, one below the other."""
    blocks = -(-len(shown) // _ACROSS)
    axes = sheet.subplots(3 * blocks, _ACROSS, squeeze=False)
    for cell in axes.flat:
        cell.set_axis_off()
    for number, (problem, field) in enumerate(shown):
        block, column = divmod(number, _ACROSS)
        cells = axes[3 * block : 3 * block + 3, column]
        largest = float(field.max()) or 1.0
        for cell, (name, image, colours, low, high) in zip(cells, _pictures(problem, field, largest), strict=True):
            cell.imshow(np.zeros_like(image), origin="lower", cmap="Greys", vmin=-0.1, vmax=1.0)  # where nothing feeds
            cell.imshow(image, origin="lower", cmap=colours, vmin=low, vmax=high, interpolation="nearest")
            if column == 0:
                cell.text(-0.04, 0.5, name, rotation=90, ha="right", va="center", transform=cell.transAxes, color=_INK)


def _pictures(
    problem: Problem, field: FloatArray, largest: float
) -> Iterator[tuple[str, FloatArray, str, float | None, float | None]]:  # fmt: skip
    feeding = _feeding(problem)
    values = np.where(problem.fixed, problem.source, problem.production)
    top = float(values.max()) or 1.0
    yield "sources", np.where(feeding, values / top, np.nan), "viridis", 0.0, 1.0
    uptake = np.broadcast_to(_first_order(problem), problem.shape)
    yield "log uptake", np.log10(np.maximum(uptake, 1e-6)), "YlOrBr", -4.0, 0.0
    yield "field", field / largest, "magma", 0.0, 1.0


def _draw_histograms(below: SubFigure, measures: dict[str, list[float]]) -> None:
    axes = below.subplots(2, 3)
    for cell, (name, values) in zip(axes.flat, measures.items(), strict=True):
        _histogram(cell, name, np.array(values))


def _histogram(axes: Axes, name: str, values: FloatArray) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_title(name, loc="left", fontsize=10, color=_INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_yticks([])
    axes.tick_params(colors=_INK, labelsize=8)
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    if low > 0 and high > 5 * low:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 200 * low else (1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        edges = np.geomspace(low, high, _BINS + 1)
    else:
        margin = 0.5 if high - low < 1e-9 else 0.0
        edges = np.linspace(low - margin, high + margin, _BINS + 1)
    axes.hist(values, bins=edges.tolist(), color=_BLUE, edgecolor="white", linewidth=0.5)
    axes.axvline(float(np.median(values)), color=_RUST, lw=1.5)


def _feeding(problem: Problem) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The pixels that feed the field: fixed ones, or producing ones where none is fixed."""
    if problem.fixed.any():
        return problem.fixed
    return np.broadcast_to(np.asarray(problem.production) > 0, problem.shape).copy()


def _first_order(problem: Problem) -> FloatArray:
    """Decay and what cells take up at low values, 1 / time."""
    uptake = problem.uptake
    return np.asarray(problem.decay + (0.0 if uptake is None else uptake.initial_slope))


def _solve(problem: Problem) -> FloatArray:
    return exact_field(problem, 1e-4)
