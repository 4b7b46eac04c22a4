"""Time an ensemble beside its members one after the other: ``python -m benchmarks.ensemble``.

Each way runs in a process of its own, in turn, round by round; what a process does once (imports, compiled kernels, the
network's price) is done before its time begins. Processes that the ensemble opens have it within their time, and their
start. A figure is worth something on idle cores only.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from benchmarks.document import markdown_table
from surrogate_plugin import ensemble
from surrogate_plugin.ensemble.cores import cores
from surrogate_plugin.ensemble.members import Link, members_of
from surrogate_plugin.ensemble.side_by_side import Function
from surrogate_training.documents import write_into

_EXAMPLE = Path(__file__).parents[1] / "examples" / "ensemble_tumours.py"
#: Left out of the environment, so that each way has the threads that it has where nobody says anything.
_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "SURROGATE_PLUGIN_THREADS", "PHYSICELL_THREADS")
#: What `ensemble.run` is told, if members are not to run in a plain loop.
_WAYS: dict[str, dict[str, Any] | None] = {
    "one after the other": None,
    "by default": {},
    "in one process": {"workers": 0},
    "in other processes": {"workers": cores()},
}
_LOOP = "one after the other"


def main() -> None:
    """Print a table as Markdown, or one way's seconds for the process that asked for it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ensemble", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="of each case (default %(default)s)")
    parser.add_argument("--case", nargs="+", choices=_CASES, help="only these")
    parser.add_argument("--document", type=Path, help="write the table between the markers of this Markdown file")
    parser.add_argument("--way", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(_seconds(*options.way)))
        return
    rows = [_row(name, options.rounds) for name in options.case or _CASES]
    text = f"On {cores()} cores; medians of {options.rounds} rounds, and of each round's ratio.\n\n"
    headings = ["members", f"{_LOOP}, s"]
    for way in list(_WAYS)[1:]:
        headings += [f"{way}, s", "ratio"]
    text += "\n".join(markdown_table(headings, rows)) + "\n"
    print(text)
    if options.document:
        write_into(options.document, "benchmarks.ensemble", text)


def moving_cells(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """A backend without a host: cells that move among vessels, a step after the other."""
    side, cells = given["side"], given["cells"]
    rng, size = link.rng, 20.0 * side
    config = sp.BackendConfig(
        domain=sp.Domain.from_lattice((side, side), spacing_um=20.0),
        diffusivity_um2_per_min=1e5,
        decay_per_min=0.1,
        boundary="reflecting",
        tolerance=0.38,
    )
    backend = sp.Backend(config)
    place = rng.normal(0.5 * size, 0.15 * size, (cells, 2)).clip(0.0, size)
    start = rng.uniform(0.0, size, (30, 2))
    end = (start + rng.normal(0.0, 0.15 * size, (30, 2))).clip(0.0, size)
    vessels = sp.Vessels.from_segments(start, end, radius_um=15.0, value=38.0)
    for _ in range(given["steps"]):
        place = (place + rng.normal(0.0, 8.0, place.shape)).clip(0.0, size)
        result = backend.step(sp.TissueState(sp.Cells(place, 8.4, uptake_per_min=given["uptake"]), vessels))
    return {"mean": result.field.mean(), "bound": result.solution.error_bound}


def _tumour() -> Function:
    spec = importlib.util.spec_from_file_location("ensemble_tumours", _EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Function = module.tumour
    return function


def _grown(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """A pyphysicell tumour; each process finds the example by itself."""
    return dict(_tumour()(given, link) or {})


_UPTAKES = [float(each) for each in np.geomspace(5.0, 40.0, 16)]
#: What is run, a member that stands for all in the warm-up, and the sweep.
_CASES: dict[str, tuple[Function, list[dict[str, Any]]]] = {
    "512": (moving_cells, ensemble.grid({"uptake": _UPTAKES, "side": [512], "cells": [8000], "steps": [60]})),
    "256": (moving_cells, ensemble.grid({"uptake": _UPTAKES, "side": [256], "cells": [3000], "steps": [240]})),
    "128": (moving_cells, ensemble.grid({"uptake": _UPTAKES, "side": [128], "cells": [1000], "steps": [600]})),
    "tumours": (_grown, ensemble.grid({"uptake": _UPTAKES, "vessels": [8], "cells": [500], "hours": [12.0]})),
}
_NAMES = {
    "512": "16 backends of 512 x 512, 60 steps",
    "256": "16 backends of 256 x 256, 240 steps",
    "128": "16 backends of 128 x 128, 600 steps",
    "tumours": "16 pyphysicell tumours of 500 cells, 12 h",
}


def _row(case: str, rounds: int) -> tuple[str, ...]:
    spent: dict[str, list[float]] = {way: [] for way in _WAYS}
    for _ in range(rounds):
        for way in _WAYS:
            spent[way].append(_in_a_process(case, way))
            print(f"{_NAMES[case]}, {way}: {spent[way][-1]:.2f} s", file=sys.stderr)
    cells = [_NAMES[case]]
    for way in _WAYS:
        cells.append(f"{statistics.median(spent[way]):.2f}")
        if way != _LOOP:
            pairs = zip(spent[_LOOP], spent[way], strict=True)
            cells.append(f"{statistics.median(one / other for one, other in pairs):.2f}")
    return tuple(cells)


def _in_a_process(case: str, way: str) -> float:
    command = [sys.executable, "-m", "benchmarks.ensemble", "--way", case, way]
    told = {name: value for name, value in os.environ.items() if name not in _THREADS}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=told)
    return float(json.loads(done.stdout))


def _seconds(case: str, way: str) -> float:
    function, sweep = _CASES[case]
    said = _WAYS[way]
    members = members_of(sweep, "", repeats=1, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        if said is not None:
            ensemble.run(function, sweep[:2], Path(folder) / "first.zarr", **said)
            began = time.perf_counter()
            results = ensemble.run(function, sweep, Path(folder) / "all.zarr", **said)
            spent = time.perf_counter() - began
            assert results.finished.all(), results.failed
            return spent
        function(dict(members[0].parameters), Link.of(members[0], Path(folder)))
        began = time.perf_counter()
        for member in members:
            function(dict(member.parameters), Link.of(member, Path(folder)))
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
