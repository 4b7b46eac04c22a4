"""Many targets, in pieces that are kept as they are done, so that a campaign can be stopped and go on."""

from __future__ import annotations

import json
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from surrogate_plugin.whole_files import write_text
from tests.attack.judge import KINDS, Court, Fault, Verdict
from tests.attack.networks import NETWORKS
from tests.attack.trials import Target, Trial

#: Targets in a piece.
PIECE = 500
#: Examples kept of each way to break a promise.
_EXAMPLES = 3


class Tally:
    """Counts of a piece, by the method that was asked."""

    def __init__(self) -> None:
        self.targets = 0
        self.counts: Counter[str] = Counter()
        self.largest: dict[str, float] = {}
        self.examples: dict[str, list[str]] = {}

    def add(self, other: Tally) -> None:
        self.targets += other.targets
        self.counts += other.counts
        for way, examples in other.examples.items():
            self.examples[way] = (self.examples.get(way, []) + examples)[:_EXAMPLES]
        for method, ratio in other.largest.items():
            self.largest[method] = max(ratio, self.largest.get(method, 0.0))

    def faults(self) -> int:
        return sum(count for key, count in self.counts.items() if key.split("|")[1] in KINDS)

    def write(self, path: Path) -> None:
        write_text(path, json.dumps(vars(self)))

    @classmethod
    def read(cls, path: Path) -> Tally:
        tally, stored = cls(), json.loads(path.read_text())
        tally.targets, tally.examples, tally.largest = stored["targets"], stored["examples"], stored["largest"]
        tally.counts = Counter(stored["counts"])
        return tally


def attack(seed: int, start: int, count: int) -> Tally:
    """All trials of targets ``start`` to ``start + count - 1`` of a seed, judged."""
    court, tally = Court(), Tally()
    for number in range(start, start + count):
        target = Target(seed, number)
        tally.targets += 1
        for trial in target.trials(list(NETWORKS)):
            verdict = court.judge(target, trial)
            tally.counts[f"{trial.method}|solves"] += 1
            tally.counts[f"{trial.method}|{'answered' if verdict.answered else 'refused'}"] += bool(
                verdict.answered or not verdict.faults
            )
            if verdict.effectivity is not None and math.isfinite(verdict.effectivity):
                tally.counts[f"{trial.method}|told"] += 1
                tally.counts[f"{trial.method}|tight"] += int(verdict.effectivity <= 10.0)
                tally.largest[trial.method] = max(verdict.effectivity, tally.largest.get(trial.method, 0.0))
            for fault in verdict.faults:
                tally.counts[f"{trial.method}|{fault.kind}"] += 1
                tally.examples.setdefault(_way(trial, verdict, fault), [])
                if len(tally.examples[_way(trial, verdict, fault)]) < _EXAMPLES:
                    tally.examples[_way(trial, verdict, fault)].append(
                        f"{target.name} {trial.method} ({trial.network}, {trial.policy}, tolerance {trial.tolerance}"
                        f"{', previous' if trial.previous is not None else ''}): {fault.detail}"
                    )
    return tally


def _way(trial: Trial, verdict: Verdict, fault: Fault) -> str:
    """Faults of one way have one cause, as far as can be told from outside."""
    what = f"{fault.kind} ({fault.detail.split(':')[0]})" if fault.kind == "exception" else fault.kind
    return f"{what}, asked for {trial.method}, answered by {verdict.answered or 'nobody'}"


def campaign(seed: int, start: int, count: int, processes: int, folder: Path) -> Iterator[tuple[int, float, Tally]]:
    """Attack in pieces, which are kept in ``folder`` and not made twice; yields how many are done, and the sum."""
    firsts = range(start, start + count, PIECE)
    began, total = time.monotonic(), Tally()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: dict[Any, Path] = {}
        for first in firsts:
            path = folder / f"{seed}-{first}.json"
            if path.exists():
                total.add(Tally.read(path))
            else:
                waiting[pool.submit(attack, seed, first, min(PIECE, start + count - first))] = path
        yield total.targets, 0.0, total
        for done in as_completed(waiting):
            tally = done.result()
            tally.write(waiting[done])
            total.add(tally)
            yield total.targets, time.monotonic() - began, total
