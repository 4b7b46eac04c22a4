"""One tissue through every host: ``python -m tests.hosts.shared_scenario``.

The same vessels, and cells that take up, secrete and make, through each host's adapter and through the engine called
directly; how far apart they are, relative to the largest value. PhysiCell is the stand-in that the header is tested on,
CompuCell3D the double of its Python interface; the others are the real ones.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

import surrogate_plugin as sp
from benchmarks.document import markdown_table
from surrogate_plugin.testing import Scenario
from surrogate_training.documents import write_into
from tests.hosts import every
from tests.hosts.test_shared_scenario import AGREEMENT, SHAPES, shared


def main() -> None:
    """Run every host on every lattice, and print how far each is from the engine."""
    parser = argparse.ArgumentParser(prog="python -m tests.hosts.shared_scenario", description=__doc__.splitlines()[0])
    parser.add_argument("--document", type=Path, help="put the table between this document's two marks too")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in track(every.NAMES, "hosts", transient=True):
            with every.host(name, Path(folder)) as build:
                gaps = [_gap(build(scenario), scenario) for scenario in map(shared, SHAPES)]
            rows.append([name, *(f"{gap:.1e}" for gap in gaps)])
    headings = ["host", *(f"{rows} x {columns}" for rows, columns in SHAPES)]
    text = "\n".join(markdown_table(headings, rows))
    print(text)
    if options.document:
        write_into(options.document, "tests.hosts.shared_scenario", text + "\n")


def _gap(host: Any, scenario: Scenario) -> float:
    """The largest difference to the engine's field, in any substrate's field or what a cell reads of it."""
    tolerance = 0.1 * AGREEMENT * min(map(scenario.scale, scenario.names))
    host.attach(scenario.names, tolerance)
    host.advance()
    gaps = []
    for name in scenario.names:
        direct = sp.solve(scenario.problem(name), tolerance=tolerance).field
        read = host.seen(name) - direct[scenario.voxels(scenario.cells)]
        gaps.append(max(np.abs(host.field(name) - direct).max(), np.abs(read).max()) / scenario.scale(name))
    return float(max(gaps))


if __name__ == "__main__":
    main()
