"""The matrix of the study of subsets in Markdown and CSV, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.whole_files import write_text
from surrogate_training.study.result import deviation
from surrogate_training.study.subsets_config import MEASURES, SubsetResult, SubsetsConfig
from surrogate_training.study.table import write_csv

#: An error of up to so many times that of the part's own network counts as carried over.
CARRIES = 1.5


@dataclass(frozen=True)
class Matrix:
    """Relative L2 errors, a row a network, a column a part of the space.

    Attributes
    ----------
    networks, parts : list of str
        Networks are called after the part that they were trained on; models come last.
    values : list of list of list of float
        Of each network and part a number a seed.
    """

    networks: list[str]
    parts: list[str]
    values: list[list[list[float]]]

    @classmethod
    def of(cls, config: SubsetsConfig, results: Sequence[SubsetResult]) -> Matrix:
        """What is finished so far, in the order of the configuration."""
        parts = [subset.name for subset in config.subsets]
        found = {name: [r for r in results if r.network == name] for name in [*parts, *config.models]}
        networks = [name for name, group in found.items() if group]
        values = [[[r.errors[part]["relative_l2"] for r in found[name]] for part in parts] for name in networks]
        return cls(networks, parts, values)

    @property
    def means(self) -> FloatArray:
        """Means over seeds, (networks, parts)."""
        return np.array([[np.mean(cell) for cell in row] for row in self.values])

    def ratios(self) -> dict[tuple[str, str], float]:
        """Of each network and each part but its own: its error over that of the part's own network."""
        means = self.means
        own = {name: means[row, self.parts.index(name)] for row, name in enumerate(self.networks) if name in self.parts}
        return {
            (network, part): float(means[row, column] / own[part])
            for row, network in enumerate(self.networks)
            for column, part in enumerate(self.parts)
            if part in own and network != part
        }


def write(config: SubsetsConfig, results: Sequence[SubsetResult], folder: Path) -> None:
    """Write ``table.md`` and ``results.csv``, a line a network and part."""
    rows = [
        [r.network, "" if r.seed is None else r.seed, part, *(errors[name] for name in MEASURES)]
        for r in results
        for part, errors in r.errors.items()
    ]
    write_csv(folder / "results.csv", ["network", "seed", "tested_on", *MEASURES], rows)
    write_text(folder / "table.md", table(config, results))


def table(config: SubsetsConfig, results: Sequence[SubsetResult]) -> str:
    """The matrix: what was run, means and spreads over seeds in per cent, what it says."""
    matrix = Matrix.of(config, results)
    lines = [_preface(config, results), "", "| trained on | " + " | ".join(matrix.parts) + " |"]
    lines.append("|" + "---|" * (1 + len(matrix.parts)))
    for network, row in zip(matrix.networks, matrix.values, strict=True):
        name = f"{network} (model)" if network in config.models else network
        lines.append("| " + " | ".join([name, *(_cell(values) for values in row)]) + " |")
    return "\n".join([*lines, "", conclusion(config, matrix), ""])


def _cell(values: Sequence[float]) -> str:
    mean = f"{100 * float(np.mean(values)):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * deviation(values):.1f}"


def _preface(config: SubsetsConfig, results: Sequence[SubsetResult]) -> str:
    base = config.base
    rows, columns = base.data.shape
    samples = "endless" if base.data.samples is None else f"{base.data.samples}"
    finished = sum(r.seed is not None for r in results)
    return (
        f"{finished} of {len(config.subsets) * len(config.seeds)} networks, each trained on {samples} samples of one "
        f"part for {base.optimiser.steps} steps of {base.data.batch} on a {rows}x{columns} lattice; rows are what they "
        f"were trained on, columns what they were tested on, {config.test_samples} problems each. Relative L2 errors "
        "in per cent of the field's norm, imposed values put in their places: mean ± standard deviation over seeds."
    )


def conclusion(config: SubsetsConfig, matrix: Matrix) -> str:
    """What carries over, what does not, and how models do that were trained on none of the parts."""
    said = [_carried(config, matrix)]
    for model in config.models:
        if model in matrix.networks:
            row = 100 * matrix.means[matrix.networks.index(model)]
            worst = matrix.parts[int(row.argmax())]
            said.append(
                f"The {model} model, trained on none of these parts, errs by {row.min():.1f} to {row.max():.1f} % on "
                f"them, most on {worst}."
            )
    return " ".join(said)


def _carried(config: SubsetsConfig, matrix: Matrix) -> str:
    ratios = {pair: ratio for pair, ratio in matrix.ratios().items() if pair[0] in matrix.parts}
    if not set(matrix.parts) <= set(matrix.networks) or not ratios:
        return "Too few networks are finished to compare all parts."
    over = [pair for pair, ratio in ratios.items() if ratio <= CARRIES]
    return (
        f"Away from its own part a network's error is {_geometric(list(ratios.values())):.1f} times that of the part's "
        f"own network (geometric mean). Of {len(ratios)} pairs {len(over)} carry over, with at most {CARRIES:g} times "
        f"its error. {_by_row(matrix, ratios)} {_extremes(ratios)}"
    )


def _by_row(matrix: Matrix, ratios: dict[tuple[str, str], float]) -> str:
    means = {
        network: _geometric([ratio for pair, ratio in ratios.items() if pair[0] == network]) for network in matrix.parts
    }
    best, worst = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    return (
        f"The network that carries furthest is that of {best}, {means[best]:.1f} times the own networks' errors, the "
        f"one that carries least that of {worst}, {means[worst]:.1f} times."
    )


def _extremes(ratios: dict[tuple[str, str], float]) -> str:
    (best_from, best_to), (worst_from, worst_to) = (
        min(ratios, key=ratios.__getitem__),
        max(ratios, key=ratios.__getitem__),
    )
    return (
        f"The nearest pair is {best_from} tested on {best_to}, {ratios[best_from, best_to]:.2f} times, the furthest "
        f"{worst_from} tested on {worst_to}, {ratios[worst_from, worst_to]:.1f} times."
    )


def _geometric(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))
