"""Table and figure of the study of sampling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.whole_files import write_text
from surrogate_training.study.drawing import CYCLE, GRID_STYLE, new_figure, save
from surrogate_training.study.result import deviation
from surrogate_training.study.sampling_config import Course, SamplingConfig, Strategy
from surrogate_training.study.table import write_csv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES: dict[Strategy, str] = {"uniform": "at random", "sobol": "by a Sobol sequence", "errors": "where it errs"}
_COLUMNS = {"relative_l2": "relative L2", "max": "largest error, mean", "worst": "largest error, worst"}


def write(config: SamplingConfig, courses: Sequence[Course], folder: Path) -> None:
    """Write ``table.md``, ``results.csv``, a line a training and round, and ``sampling.png``."""
    import matplotlib as mpl

    rows = [
        [course.strategy, course.seed, at.samples, *(getattr(at, name) for name in _COLUMNS)]
        for course in courses
        for at in course.rounds
    ]
    write_csv(folder / "results.csv", ["strategy", "seed", "samples", *_COLUMNS], rows)
    write_text(folder / "table.md", table(config, courses))
    with mpl.rc_context(GRID_STYLE):
        save(figure_of(courses), folder / "sampling.png")


def by_strategy(courses: Sequence[Course]) -> dict[Strategy, list[Course]]:
    """The seeds of each strategy."""
    groups: dict[Strategy, list[Course]] = {}
    for course in courses:
        groups.setdefault(course.strategy, []).append(course)
    return groups


def table(config: SamplingConfig, courses: Sequence[Course]) -> str:
    """Errors at the end, when each strategy reached what the slowest ended with, and what that says."""
    groups = by_strategy(courses)
    goal = max(_means(group, "relative_l2")[-1] for group in groups.values())
    lines = [_preface(config, courses), ""]
    lines.append(f"| samples are chosen | seeds | {' | '.join(_COLUMNS.values())} | samples to {100 * goal:.1f} % |")
    lines.append("|---|---|---|---|---|---|")
    for strategy, group in groups.items():
        cells = [_cell([100 * getattr(course.rounds[-1], name) for course in group]) for name in _COLUMNS]
        cells.append(f"{reached(group, goal):.0f}")
        lines.append("| " + " | ".join([_NAMES[strategy], str(len(group)), *cells]) + " |")
    return "\n".join([*lines, "", conclusion(groups, goal), ""])


def reached(group: Sequence[Course], goal: float) -> float:
    """How many samples the mean over seeds takes to fall to a relative L2 error, on lines between rounds."""
    samples, means = [at.samples for at in group[0].rounds], _means(group, "relative_l2")
    for at, mean in enumerate(means):
        if mean <= goal:
            if at == 0:
                return float(samples[0])
            share = (means[at - 1] - goal) / (means[at - 1] - mean)
            return float(samples[at - 1] + share * (samples[at] - samples[at - 1]))
    return float("nan")


def conclusion(groups: dict[Strategy, list[Course]], goal: float) -> str:
    """Who is first, and whether that is more than the seeds' spread."""
    if len(groups) < 2:
        return "Too few strategies are finished to compare them."
    order = sorted(groups, key=lambda strategy: reached(groups[strategy], goal))
    first, last = order[0], order[-1]
    ends = {strategy: [course.rounds[-1].relative_l2 for course in group] for strategy, group in groups.items()}
    apart = abs(float(np.mean(ends[last]) - np.mean(ends[first])))
    spread = max(deviation(values) for values in ends.values())
    worst = {strategy: float(np.mean([c.rounds[-1].worst for c in group])) for strategy, group in groups.items()}
    text = (
        f"Samples chosen {_NAMES[first]} reach a relative L2 error of {100 * goal:.1f} % first, after "
        f"{reached(groups[first], goal):.0f} samples; {_NAMES[last]} it takes {reached(groups[last], goal):.0f}."
    )
    if np.isfinite(spread):
        than = "more than" if apart > spread else "within"
        text += f" At the end they are {100 * apart:.1f} % apart, {than} the largest spread over seeds"
        text += f" ({100 * spread:.1f} %)."
    least = min(worst, key=worst.__getitem__)
    return f"{text} The largest error on the test split is smallest with samples chosen {_NAMES[least]}."


def figure_of(courses: Sequence[Course]) -> Figure:
    """Errors on the test split against samples trained on, mean and range over seeds."""
    figure = new_figure(10.0, 4.2)
    panels = figure.subplots(1, 2)
    for index, (strategy, group) in enumerate(by_strategy(courses).items()):
        samples, colour = [at.samples for at in group[0].rounds], CYCLE[index]
        for axes, name in zip(panels, ("relative_l2", "max"), strict=True):
            values = 100 * np.array([[getattr(at, name) for at in course.rounds] for course in group])
            axes.fill_between(samples, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, lw=0)
            axes.plot(samples, values.mean(axis=0), "o-", ms=4, color=colour, label=_NAMES[strategy])
    for axes, title in zip(panels, ("Relative L2 error", "Largest error, mean over the test split"), strict=True):
        axes.set_title(title)
        axes.set_xlabel("training samples so far")
        axes.set_ylabel("%")
    panels[0].legend(title="samples are chosen")
    return figure


def _means(group: Sequence[Course], name: str) -> FloatArray:
    return np.asarray(np.mean([[getattr(at, name) for at in course.rounds] for course in group], axis=0))


def _cell(values: Sequence[float]) -> str:
    mean = f"{float(np.mean(values)):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {deviation(values):.1f}"


def _preface(config: SamplingConfig, courses: Sequence[Course]) -> str:
    base = config.base
    rows, columns = base.data.shape
    return (
        f"{len(courses)} of {len(config.strategies) * len(config.seeds)} trainings of {base.optimiser.steps} steps of "
        f"{base.data.batch} on a {rows}x{columns} lattice. The set grows {config.rounds} times, by {config.per_round} "
        f"samples each; every sample that is solved is trained on. Errors on {config.test_samples} problems drawn at "
        "random, imposed values put in their places, in per cent: mean ± standard deviation over seeds."
    )
