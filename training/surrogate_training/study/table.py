"""A study's numbers: one line a run for machines, mean and spread over seeds for people."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from surrogate_plugin.whole_files import replacing, write_text
from surrogate_training.study import laws as study_laws
from surrogate_training.study import sensitivity
from surrogate_training.study.config import StudyConfig, StudyKind
from surrogate_training.study.measures import MEASURES
from surrogate_training.study.ranking import ranking
from surrogate_training.study.result import Result, by_variant, deviation

#: How people call the measures.
NAMES = {
    "mae": "whole lattice",
    "sources": "sources",
    "field": "field",
    "r1": "R1",
    "r2": "R2",
    "r3": "R3",
    "max": "maximum",
    "relative_l2": "relative L2",
}
_HEADS: dict[StudyKind, str] = {"training-set-size": "training samples", "losses": "loss", "seeds": "runs"}


def write(config: StudyConfig, results: Sequence[Result], zeros: dict[str, float], folder: Path) -> None:
    """Write ``results.csv`` (a line a run), ``by_sources.csv`` (a line a run and source count) and ``table.md``."""
    rows = [[r.variant, r.seed, r.picked_step, *(r.measures.get(name, "") for name in MEASURES)] for r in results]
    write_csv(folder / "results.csv", ["variant", "seed", "picked_step", *MEASURES], rows)
    rows = [
        [r.variant, r.seed, count, *(measures.get(name, "") for name in MEASURES)]
        for r in results
        for count, measures in r.by_sources.items()
    ]
    write_csv(folder / "by_sources.csv", ["variant", "seed", "sources_drawn", *MEASURES], rows)
    write_text(folder / "table.md", table(config, results, zeros))


def table(config: StudyConfig, results: Sequence[Result], zeros: dict[str, float]) -> str:
    """The study in Markdown: what was run, mean and spread over seeds beside a field of 0 (``zeros``), what it says."""
    lines = [_preface(config, results), ""]
    if config.kind == "hyperparameters":
        rows = [
            (f"{point.label} | {point.value:g}{' (base)' * point.is_base}", point.variant) for point in config.design()
        ]
        heads = "hyperparameter | value"
    else:
        rows = [(variant, variant) for variant in by_variant(results)]
        heads = _HEADS[config.kind]
    lines += ["| " + " | ".join([heads, "seeds", *NAMES.values()]) + " |"]
    lines += ["|" + "---|" * (2 + heads.count("|") + len(NAMES))]
    groups = by_variant(results)
    for head, variant in rows:
        if group := groups.get(variant):
            cells = [cell([r.measures[name] for r in group if name in r.measures]) for name in NAMES]
            lines.append("| " + " | ".join([head, str(len(group)), *cells]) + " |")
    cells = [cell([zeros[name]] if name in zeros else []) for name in NAMES]
    lines.append("| " + " | ".join(["0 everywhere" + " |" * heads.count("|"), "", *cells]) + " |")
    return "\n".join([*lines, "", conclusion(config, results), ""])


def sizes_and_errors(results: Sequence[Result], measure: str = "mae") -> tuple[list[int], list[float], list[float]]:
    """Training-set sizes, and the mean and the standard deviation over seeds of a measure (nan for a single seed)."""
    groups = {int(variant): [r.measures[measure] for r in group] for variant, group in by_variant(results).items()}
    sizes = sorted(groups)
    return sizes, [float(np.mean(groups[n])) for n in sizes], [deviation(groups[n]) for n in sizes]


def conclusion(config: StudyConfig, results: Sequence[Result]) -> str:
    """What the study says, in plain words."""
    if config.kind == "training-set-size":
        sizes, means, spreads = sizes_and_errors(results)
        if len(sizes) < 4:
            return "Too few sizes are finished to judge a law of two parameters."
        said = study_laws.verdict(study_laws.fit("logarithmic", sizes, means), study_laws.fit("power", sizes, means))
        if np.isfinite(spreads).all():
            said += f" The standard deviation over seeds {_course(sizes, spreads)}."
        return said
    if config.kind == "hyperparameters":
        return sensitivity.conclusion(sensitivity.sensitivities(config, results))
    if config.kind == "losses" and len(by_variant(results)) > 1:
        return ranking(results)
    values = [r.measures["mae"] for r in results]
    ratio, share = max(values) / min(values), deviation(values) / float(np.mean(values))
    said = f"Over {len(values)} runs the largest whole-lattice error is {ratio:.2f} times the smallest"
    return said + (f"; the standard deviation is {100 * share:.1f} % of the mean." if np.isfinite(share) else ".")


def _course(sizes: Sequence[int], spreads: Sequence[float]) -> str:
    """Whether the spread over seeds falls with the number of samples."""
    slope = float(np.polyfit(np.log(sizes), spreads, 1)[0]) * np.log(2.0) * 1e3
    course, found = ("falls", "as") if slope < 0 else ("does not fall", "other than")
    first, last = 1e3 * spreads[0], 1e3 * spreads[-1]
    return (
        f"{course} with the number of samples on the whole: from {first:.2f} to {last:.2f} thousandths between the "
        f"smallest and the largest set, {slope:+.3f} a doubling in the line of least squares, {found} the paper found"
    )


def _preface(config: StudyConfig, results: Sequence[Result]) -> str:
    base, problems = config.base, config.distribution
    rows, columns = base.data.shape
    low, high = problems.sources
    radius = " to ".join(f"{value:g}" for value in sorted(set(problems.radius)))
    shown = ", ".join(f"{name} {value}" for name, value in base.network.hyperparameters.items()) or "as it comes"
    length = f"{base.optimiser.steps} steps" if config.epochs is None else f"{config.epochs} passes over its samples"
    return (
        f"{len(results)} of {len(config.runs())} runs, each of {length} in batches of "
        f"{base.data.batch} on a {rows}x{columns} lattice; {low} to {high} discs of radius "
        f"{radius} px, diffusion length {problems.decay**-0.5:g} px; "
        f"network {base.network.kind} ({shown}). Tested on {config.test_per_count} samples for each number of "
        "sources. Errors are those of the network's own field, in thousandths of the largest imposed value (relative "
        "L2: of the field's norm): mean ± standard deviation over seeds; maximum is the mean over samples of the "
        "largest error."
    )


def cell(values: Sequence[float]) -> str:
    """Mean and standard deviation in thousandths."""
    if not values:
        return ""
    mean = f"{1e3 * float(np.mean(values)):.2f}"
    return mean if len(values) == 1 else f"{mean} ± {1e3 * deviation(values):.2f}"


def write_csv(path: Path, head: list[str], rows: Sequence[Sequence[object]]) -> None:
    """Write lines as CSV, whole or not at all."""
    with replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
