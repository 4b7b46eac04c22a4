"""What the study of edge cases found, in Markdown and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from surrogate_plugin.whole_files import write_text
from surrogate_training.study.edge_cases_config import EdgeCasesConfig, Guarded, Searched
from surrogate_training.study.result import deviation
from surrogate_training.study.table import write_csv


def by_network(results: Sequence[Searched]) -> dict[str, list[Searched]]:
    """The seeds of each network: sizes first, then trainings that knew the worst, then models."""
    groups: dict[str, list[Searched]] = {}
    for result in sorted(results, key=lambda r: (r.seed is None, " " in r.network)):
        groups.setdefault(result.network, []).append(result)
    return groups


def write(config: EdgeCasesConfig, results: Sequence[Searched], folder: Path) -> None:
    """Write ``table.md`` and ``results.csv``, a line a network."""
    head = ["network", "seed", "evaluations", "test_mean", "test_largest", "random_largest", "largest"]
    guarded = ["problems", "certified", "caught", "over", "raw_within", "largest_error", "largest_bound", "mean_cycles"]
    rows = [
        [r.network, "" if r.seed is None else r.seed, r.evaluations, r.test_mean, r.test_largest, r.largest_random,
         r.largest, *(getattr(r.worst_guarded, name) for name in guarded), r.test_guarded.mean_cycles]
        for r in results
    ]  # fmt: skip
    write_csv(folder / "results.csv", [*head, *guarded, "test_mean_cycles"], rows)
    write_text(folder / "table.md", table(config, results))


def table(config: EdgeCasesConfig, results: Sequence[Searched]) -> str:
    """What was searched, the largest errors, what the guard made of them, and what it says."""
    groups = by_network(results)
    lines = [_preface(config, results), ""]
    lines.append("| trained on | seeds | test, mean | test, largest | random search | evolution |")
    lines.append("|---|---|---|---|---|---|")
    for name, group in groups.items():
        columns = ("test_mean", "test_largest", "largest_random", "largest")
        cells = [_cell([100 * getattr(r, column) for r in group]) for column in columns]
        lines.append("| " + " | ".join([_called(name, group), str(len(group)), *cells]) + " |")
    lines += ["", f"The worst problems through the guard at {100 * config.tolerance:g} %, network first:", ""]
    heads = ["trained on", "worst problems", "within as they came", "certified", "caught", "over", "largest error"]
    heads += ["cycles", "cycles, test split"]
    lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for name, group in groups.items():
        worst, tests = _together([r.worst_guarded for r in group]), _together([r.test_guarded for r in group])
        numbers = [worst.problems, worst.raw_within, worst.certified, worst.caught, worst.over]
        cells = [*map(str, numbers), f"{100 * worst.largest_error:.2f} %"]
        cells += [f"{guarded.mean_cycles:.2f}" for guarded in (worst, tests)]
        lines.append("| " + " | ".join([_called(name, group), *cells]) + " |")
    return "\n".join([*lines, "", conclusion(config, groups), ""])


def _called(name: str, group: Sequence[Searched]) -> str:
    if group[0].seed is None:
        return f"{name} (model)"
    size, _, taught = name.partition(" ")
    return f"{size} samples, its worst cases known" if taught else f"{size} samples"


def _cell(values: Sequence[float]) -> str:
    mean = f"{float(np.mean(values)):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {deviation(values):.1f}"


def _together(parts: Sequence[Guarded]) -> Guarded:
    """The guard's answers of several networks."""
    cycles: dict[int, int] = {}
    for part in parts:
        for count, times in part.cycles.items():
            cycles[count] = cycles.get(count, 0) + times
    sums = {name: sum(getattr(part, name) for part in parts) for name in _SUMMED}
    largest = {name: max(getattr(part, name) for part in parts) for name in ("largest_error", "largest_bound")}
    return Guarded(**sums, **largest, cycles=cycles)


_SUMMED = ("problems", "certified", "caught", "over", "raw_within")


def _preface(config: EdgeCasesConfig, results: Sequence[Searched]) -> str:
    base, space = config.base, config.space
    rows, columns = base.data.shape
    tried = config.rounds * config.evaluations
    expected = len(config.models) + len(config.seeds) * (len(config.sizes) + 1)
    return (
        f"Networks of {base.optimiser.steps} steps of {base.data.batch} on a {rows}x{columns} lattice; "
        f"{space.sources[0]} to {space.sources[1]} discs. Of each network {tried} problems "
        f"were tried at random, then {tried} by an evolution strategy (CMA-ES) that "
        "begins at the worst of them, all within the space of its training. Errors are the largest of a field, imposed "
        "values put in their places, in per cent of the largest imposed value: mean ± standard deviation over seeds. "
        f"The test split has {config.test_samples} problems; {len(results)} of {expected} networks are finished."
    )


def conclusion(config: EdgeCasesConfig, groups: dict[str, list[Searched]]) -> str:
    """Whether training takes the edge cases away, and what the guard does about them."""
    said = []
    sizes = [groups[str(size)] for size in sorted(config.sizes) if str(size) in groups]
    if len(sizes) > 1:
        first, last = sizes[0], sizes[-1]
        mean, largest = (_mean(first, name) / _mean(last, name) for name in ("test_mean", "largest"))
        found = _mean(last, "largest")
        said.append(
            f"From {first[0].network} to {last[0].network} training samples the mean over the test split falls "
            f"{mean:.2f} times, the largest error that is found {largest:.2f} times: on the largest set it is still "
            f"{100 * found:.0f} % of the largest value, {found / _mean(last, 'test_mean'):.1f} times the test split's "
            f"mean and {found / _mean(last, 'test_largest'):.2f} times its largest."
        )
        if found > config.tolerance:
            said.append("So edge cases remain and no bound is trained for, as the paper concluded.")
    for name, group in groups.items():
        if name.endswith("taught"):
            before = _kept_mean(groups[name.partition(" ")[0]])
            left = float(np.mean([r.worst_again for r in group if r.worst_again is not None]))
            said.append(
                "A training that knew its network's worst cases leaves on them "
                f"{100 * left:.0f} % on average, where they had {100 * before:.0f} %; another search finds "
                f"{100 * _mean(group, 'largest'):.0f} % all the same."
            )
        elif group[0].seed is None:
            said.append(
                f"The {name} model has edge cases too: {100 * _mean(group, 'largest'):.0f} % at the worst, where its "
                f"mean over the test split is {100 * _mean(group, 'test_mean'):.1f} %."
            )
    worst = _together([r.worst_guarded for group in groups.values() for r in group])
    said.append(
        f"Through the guard {worst.certified} of all {worst.problems} worst problems are certified from the network's "
        f"field after {worst.mean_cycles:.1f} cycles on average, {worst.caught} are caught and solved exactly, and "
        f"{worst.over} are over the tolerance."
    )
    return " ".join(said)


def _mean(group: Sequence[Searched], name: str) -> float:
    return float(np.mean([getattr(r, name) for r in group]))


def _kept_mean(group: Sequence[Searched]) -> float:
    """Mean error of the worst problems that were kept."""
    return float(np.mean([error for r in group for each in (*r.random, *r.evolution) for error in each.errors]))
