"""``python -m tests.attack``: attack the guard, and write what came of it.

Stopped at any time it goes on from the pieces in ``--folder`` when called again; another ``--start`` tries other
targets. The exit code is 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.attack.campaign import campaign
from tests.attack.report import report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__.split("\n\n")[0])
    parser.add_argument("--problems", type=int, default=100_000, help="how many, each solved by every method")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="the number of the first problem")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("runs/attack"), help="where pieces are kept")
    parser.add_argument("--report", type=Path, help="a file to write the result into")
    options = parser.parse_args(arguments)
    total = None
    for done, seconds, total in campaign(
        options.seed, options.start, options.problems, options.processes, options.folder
    ):
        print(f"{done:,} of {options.problems:,} problems, {total.faults():,} faults, {seconds:.0f} s", flush=True)
    assert total is not None
    text = report(total, options.seed, options.start)
    print(text)
    for way, examples in sorted(total.examples.items()):
        print(way, *examples, sep="\n    ")
    if options.report:
        options.report.write_text(text)
    return 1 if total.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
