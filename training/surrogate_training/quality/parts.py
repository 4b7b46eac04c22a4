"""How a network answers each part of a mixture: the test split, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.surrogate.predictor import Predictor
from surrogate_training.problems.distributions import Mixture, Part
from surrogate_training.progress import Callback, silent
from surrogate_training.quality.assessment import Summary, answer, covered, summarise
from surrogate_training.samples.dataset import DataConfig, sample_problem


def by_part(
    predictor: Predictor, data: DataConfig, problems: int, callback: Callback = silent
) -> dict[str, Summary]:  # fmt: skip
    """Answers to test problems of each part of a mixture by itself, which selected nothing.

    Parameters
    ----------
    predictor : Predictor
        With a card, what it does not cover counts as not certified.
    data : DataConfig
        Without a mixture all of it is one part.
    problems : int
        Of each part.
    callback : Callback

    Returns
    -------
    dict of Summary
        By the parts' names.
    """
    parts, found = _parts(data), dict[str, Summary]()
    for number, part in enumerate(parts):
        tried = list(problems_of(data, part, problems))
        within = [True] * len(tried) if predictor.card is None else covered(tried, predictor.card)
        answers = [answer(predictor, problem, data.accuracy) for problem in tried]
        found[part.name or part.distribution.kind] = summarise(answers, within)
        callback((number + 1) / len(parts), f"measuring part {number + 1} of {len(parts)}")
    return found


def problems_of(data: DataConfig, part: Part, problems: int) -> Iterator[Problem]:
    """The first test problems of one part, on lattices as it is trained on."""
    config = alone(data, part)
    for number in range(problems):
        yield sample_problem(config, "test", number, 0)


def alone(data: DataConfig, part: Part) -> DataConfig:
    """With this part of a mixture in the place of all of them."""
    mixture = Mixture(parts=(part.model_copy(update={"taught": True}),), whole_batches=True)
    return data.model_copy(update={"distribution": mixture})


def table(found: dict[str, Summary], weights: Mapping[str, float] | None = None) -> str:
    """One row a part, as Markdown; with the parts' weights also what is certified of all of a test split."""
    lines = [
        "| part | problems | relative L2, median | 95 % | largest error, median | at 1 % after 1 cycle | 2 | 3 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, summary in found.items():
        errors = summary.relative_l2["median"], summary.relative_l2["p95"], summary.largest_error["median"]
        shown = [*(f"{100 * error:.2f} %" for error in errors), *(f"{100 * s:.1f} %" for s in summary.certified[0.01])]
        lines.append(f"| {name} | {summary.states} | {' | '.join(shown)} |")
    if weights:
        parts = np.array([weights[name] for name in found])
        of_all = parts @ np.array([each.certified[0.01] for each in found.values()]) / parts.sum()
        shares, states = (f"{100 * share:.1f} %" for share in of_all), sum(each.states for each in found.values())
        lines.append(f"| all, by weight | {states} |  |  |  | {' | '.join(shares)} |")
    return "\n".join(lines) + "\n"


def weights_of(data: DataConfig) -> dict[str, float]:
    """The parts' weights, by the names that `by_part` gives them."""
    return {part.name or part.distribution.kind: part.weight for part in _parts(data)}


def _parts(data: DataConfig) -> tuple[Part, ...]:
    distribution = data.distribution
    return distribution.parts if isinstance(distribution, Mixture) else (Part(distribution=distribution),)
