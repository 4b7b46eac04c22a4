"""`python -m benchmarks.vivarium_composite`: a multibody composite on its own diffusion field and on ours.

The same agents grow, divide and push each other on the same lattice, with vivarium-multibody's `DiffusionField` and
with `SurrogateDiffusionField`. The table has wall time per simulated second, of the whole composite and of the field's
process within it; each is the median over the rounds, taken in turns.

The original steps a transient field that nothing takes up; ours is the steady one of the agents' uptake, within the
tolerance. They are not the same field: the table says what a composite pays for either.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.document import markdown_table
from surrogate_plugin.team import thread_count
from surrogate_training.documents import write_into

SPACING_UM, DEPTH_UM, SATURATED = 2.0, 2.0, 5.0
#: um^2 / s. The original is stable up to 100 in bins of 2 um, since its own step is 0.01 s.
DIFFUSION = 80.0
FIELDS = ("original", "ours at 1 %", "ours at 1e-6")
_HEADINGS = ("composite", *FIELDS, "field: original / ours at 1 %", "bound at 1 %, mmol/L")


@dataclass(frozen=True)
class Case:
    """One composite: bins along each side, agents at first, time step of all processes."""

    bins: int
    agents: int
    step_s: float

    @property
    def label(self) -> str:
        return f"{self.bins}x{self.bins} bins, {self.agents} agents, step {self.step_s:g} s"


CASES = (
    Case(25, 10, 1.0),
    Case(50, 50, 1.0),
    Case(50, 50, 10.0),
    Case(100, 200, 1.0),
    Case(100, 200, 10.0),
    Case(256, 200, 1.0),
    Case(256, 200, 10.0),
    Case(512, 200, 10.0),
)
QUICK = (Case(12, 3, 1.0), Case(12, 3, 5.0))


def main() -> None:
    """Time every case and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10, help="time steps a round")
    parser.add_argument("--quick", action="store_true", help="two small cases, to see that it runs")
    parser.add_argument("--json", type=Path, help="write the numbers there too")
    parser.add_argument("--document", type=Path, help="put the table between this document's two marks too")
    options = parser.parse_args()
    cases, rounds, steps = (QUICK, 2, 2) if options.quick else (CASES, options.rounds, options.steps)
    console = Console(width=120)
    console.print(f"{platform.processor() or platform.machine()}, {thread_count()} threads\n")
    report = {}
    bar = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*bar, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(cases) * rounds * len(FIELDS))
        for case in cases:
            progress.update(task, description=case.label)
            report[case.label] = _timed(case, rounds, steps, lambda: progress.advance(task))
    console.print(_table(report))
    if options.document:
        table = "\n".join(markdown_table(_HEADINGS, _rows(report)))
        write_into(options.document, "benchmarks.vivarium_composite", table + "\n")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


def _timed(case: Case, rounds: int, steps: int, advance: Callable[[], None]) -> dict[str, Any]:
    """Median wall seconds per simulated second, whole and of the field alone, and the largest bound of ours."""
    whole: dict[str, list[float]] = {name: [] for name in FIELDS}
    alone: dict[str, list[float]] = {name: [] for name in FIELDS}
    largest: dict[str, float] = {}
    simulated = steps * case.step_s
    for _ in range(rounds):
        for name in FIELDS:
            engine, field = _composite(case, name)
            engine.update(case.step_s)  # caches and kernels
            clock = _Clock(field)
            began = time.perf_counter()
            engine.update(simulated)
            whole[name].append((time.perf_counter() - began) / simulated)
            alone[name].append(clock.seconds / simulated)
            if name.startswith("ours"):
                largest[name] = max(entry.bound for entry in field.history)
            advance()
    return {
        "composite": {name: statistics.median(spent) for name, spent in whole.items()},
        "field": {name: statistics.median(spent) for name, spent in alone.items()},
        "largest bound": largest,
    }


class _Clock:
    """The time that a process spends in its updates, and in those of the step that follows it."""

    def __init__(self, process: Any) -> None:
        self.seconds = 0.0
        for name in ("next_update", "follow"):
            if hasattr(process, name):
                setattr(process, name, self._timed(getattr(process, name)))

    def _timed(self, update: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            began = time.perf_counter()
            done = update(*given)
            self.seconds += time.perf_counter() - began
            return done

        return timed


def _composite(case: Case, field: str) -> tuple[Any, Any]:
    """The engine and its field process."""
    from vivarium.core.engine import Engine
    from vivarium.library.units import units
    from vivarium_multibody.composites.grow_divide import GrowDivide
    from vivarium_multibody.composites.lattice import Lattice

    from surrogate_adapters.vivarium import SurrogateLattice

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the host draws from the global generators
    rng = np.random.default_rng(0)
    side = case.bins * SPACING_UM
    lattice = {"multibody": {"bounds": [side, side], "time_step": case.step_s}, "diffusion": _diffusion(case, field)}
    composite = (SurrogateLattice if field.startswith("ours") else Lattice)(lattice).generate()
    cell = GrowDivide({"growth": {"default_growth_rate": 0.0005, "time_step": case.step_s}})
    agents = {}
    for k in range(case.agents):
        composite.merge(composite=cell.generate({"agent_id": str(k)}), path=("agents", str(k)))
        place = rng.uniform(0.1 * side, 0.9 * side, 2).tolist()
        agents[str(k)] = {"boundary": {"location": place, "mass": float(rng.uniform(1000, 1900)) * units.fg}}
    parts = {key: composite[key] for key in ("processes", "steps", "flow", "topology")}
    process = composite["processes"]["diffusion"]
    state = {"agents": agents, **process.initial_state({})}
    return Engine(**parts, initial_state=state, display_info=False, emitter="null"), process


def _diffusion(case: Case, field: str) -> dict[str, Any]:
    side, shape = case.bins * SPACING_UM, (case.bins, case.bins)
    # A gradient: the original skips a field that is the same everywhere.
    gradient = np.linspace(0.0, SATURATED, case.bins)[:, np.newaxis] * np.ones(shape)
    shared = {
        "molecules": ["glc"],
        "n_bins": list(shape),
        "bounds": [side, side],
        "depth": DEPTH_UM,
        "diffusion": DIFFUSION,
        "time_step": case.step_s,
        "initial_state": {"glc": gradient},
    }
    if not field.startswith("ours"):
        return shared
    bath = np.zeros(shape, dtype=bool)
    bath[-1] = True
    share = 1e-2 if field.endswith("1 %") else 1e-6
    return shared | {
        "decay_per_s": 0.01,
        "uptake_per_s": 1.0,
        "fixed": {"glc": bath},
        "fixed_value": SATURATED,
        "tolerance": share * SATURATED,
    }


def _table(report: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="Wall ms per simulated second; the field's process alone in brackets", show_lines=True)
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading == "composite" else "right")
    for row in _rows(report):
        table.add_row(*row)
    return table


def _rows(report: dict[str, dict[str, Any]]) -> list[list[str]]:
    rows = []
    for label, row in report.items():
        times = [f"{1e3 * row['composite'][name]:.2f} ({1e3 * row['field'][name]:.2f})" for name in FIELDS]
        ratio = row["field"]["original"] / row["field"]["ours at 1 %"]
        rows.append([label, *times, f"{ratio:.1f}", f"{row['largest bound']['ours at 1 %']:.1e}"])
    return rows


if __name__ == "__main__":
    main()
