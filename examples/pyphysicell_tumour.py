"""A pyphysicell tumour among vessels, its oxygen from the certified backend: the main demo.

    python examples/pyphysicell_tumour.py --steps 24 --cells 8000 --out demo-output

Prints who answered, the largest bound, the largest error against an exact solve, and the time beside the host's own
solver; writes pictures and a series for ParaView. The same as ``surrogate-plugin demo``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from surrogate_adapters.demo import run


def main() -> None:
    parser = argparse.ArgumentParser(description="Grow a pyphysicell tumour among vessels on the certified backend.")
    parser.add_argument("--steps", type=int, default=24, help="phenotype steps of 6 minutes (default: %(default)s)")
    parser.add_argument("--cells", type=int, default=8000, help="cells at the start (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("demo-output"), help="where to write (default: %(default)s)")
    parser.add_argument("--policy", choices=("surrogate-first", "fastest"), default="surrogate-first")
    parser.add_argument("--seed", type=int, default=7, help="of the tissue and the host (default: %(default)s)")
    parser.add_argument("--small", action="store_true", help="64 x 64 voxels and at most 300 cells, over in seconds")
    chosen = parser.parse_args()
    run(chosen.out, chosen.steps, chosen.cells, small=chosen.small, policy=chosen.policy, seed=chosen.seed)


if __name__ == "__main__":
    main()
