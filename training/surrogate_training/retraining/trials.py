"""What parent and child are measured on: held-out steps of a recording, and the parent's own test split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.surrogate.model import Model
from surrogate_plugin.whole_files import replacing
from surrogate_training.damage import reading
from surrogate_training.problems.recordings import Recorded
from surrogate_training.progress import Callback
from surrogate_training.quality.assessment import Answer, Summary, answers, covered, summarise
from surrogate_training.samples.dataset import DataConfig, sample_problem

Trial = Literal["held_out", "base"]
TRIALS: tuple[Trial, ...] = ("held_out", "base")
#: So many held-out steps are measured at most, evenly spread.
MOST_HELD_OUT = 60

_ANSWERS = TypeAdapter(dict[Trial, list[Answer]])


class Trials:
    """The problems of both trials, in an order that does not change.

    Parameters
    ----------
    recorded : Recorded
    base : DataConfig
        Of the parent, whose test split selected nothing.
    count : int
        Problems of this split.
    """

    def __init__(self, recorded: Recorded, base: DataConfig, count: int) -> None:
        self.base = base
        self.held_out = recorded.held_out(MOST_HELD_OUT)
        self.count = {"held_out": len(self.held_out), "base": count}

    def problems(self, trial: Trial) -> Iterator[Problem]:
        """The problems of a trial; those of the test split are drawn anew each time, which is cheap."""
        if trial == "held_out":
            yield from self.held_out
        else:
            for number in range(self.count["base"]):
                index, row = divmod(number, self.base.batch)
                yield sample_problem(self.base, "test", index, row)

    def answers(self, model: Model, callback: Callback) -> dict[Trial, list[Answer]]:
        """How a model answers all of them."""
        total, found = sum(self.count.values()), dict[Trial, list[Answer]]()

        def counted(problems: Iterable[Problem], before: int) -> Iterator[Problem]:
            for number, problem in enumerate(problems):
                callback((before + number) / total, f"measuring {model.card.name}")
                yield problem

        for trial in TRIALS:
            before = sum(map(len, found.values()))
            found[trial] = answers(model, counted(self.problems(trial), before), self.base.accuracy)
        return found

    def summary(self, trial: Trial, model: Model, found: dict[Trial, list[Answer]]) -> Summary:
        """Sum up a model's answers within its card."""
        return summarise(found[trial], covered(self.problems(trial), model.card))


def kept_answers(path: Path, measure: Callable[[], dict[Trial, list[Answer]]]) -> dict[Trial, list[Answer]]:
    """What ``path`` holds, or else what ``measure`` finds, which it then holds."""
    if path.is_file():
        with reading(path, "remove it, and the same command measures again"):
            return _ANSWERS.validate_json(path.read_bytes())
    found = measure()
    with replacing(path) as partial:
        partial.write_bytes(_ANSWERS.dump_json(found))
    return found
