"""Time what a fresh process waits for, beside an empty one: ``python -m benchmarks.import_time``."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

_SOLVE = (
    "import numpy as np, surrogate_plugin as sp; s = np.zeros((512, 512)); s[9:12, 9:12] = 1.0; "
    "sp.solve(sp.Problem(s, decay=0.01 + s), {})"
)
_STATEMENTS = {
    "an empty process": "pass",
    "import numpy": "import numpy",
    "import surrogate_plugin": "import surrogate_plugin",
    "surrogate-plugin --help": "import sys; from surrogate_plugin.cli import main; sys.argv[1:] = ['--help']; main()",
    "first exact solve, kernels compiled before": _SOLVE.format("method='exact'"),
    "first guarded solve, kernels compiled before": _SOLVE.format(""),
    "first solve that asks the network, kernels compiled before": _SOLVE.format("policy='surrogate-first'"),
}
_ROUNDS = 7


def main() -> None:
    """Print the median over a few rounds; all statements in turn each round."""
    taken: dict[str, list[float]] = {name: [] for name in _STATEMENTS}
    for _ in range(_ROUNDS):
        for name, statement in _STATEMENTS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - began)
    for name, seconds in taken.items():
        print(f"{1e3 * statistics.median(seconds):7.0f} ms  {name}")
    for name, options in (("solve", ""), ("solve that asks the network", "policy='surrogate-first'")):
        with tempfile.TemporaryDirectory() as empty:
            began = time.perf_counter()
            here = {**os.environ, "SURROGATE_PLUGIN_CACHE": empty}
            subprocess.run([sys.executable, "-c", _SOLVE.format(options)], check=True, env=here)
            print(f"{1e3 * (time.perf_counter() - began):7.0f} ms  first {name} on a machine, nothing compiled yet")


if __name__ == "__main__":
    main()
