"""How wrong was a finished run? A pyphysicell tumour on the host's own solver, audited, and again with a shorter step.

    python examples/audit_a_run.py -o audit-a-run.png --out audit-output

Runs the tumour for two phenotype steps at the host's default diffusion step, saves it, and audits the saves: how far
the oxygen that cells saw was from the certified field, and which step would have been small enough. Then it runs for
two minutes with that step, which shows that it is. Draws the moment that was off most, and writes the page
``audit.html``.
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

import numpy as np
import pyphysicell as pc

from surrogate_adapters.pyphysicell.saves import SimulationRun
from surrogate_plugin.audit import audit, audit_page, difference_picture, open_run

TOLERANCE = 0.76  # mmHg, 2 % of what the sides hold


def tumour(dt: float) -> pc.Simulation:
    """A disc of 300 cells, with oxygen held at all sides."""
    sides = dict.fromkeys(("xmin", "xmax", "ymin", "ymax"), (True, 38.0))
    oxygen = pc.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces=sides)
    cancer = pc.CellType("cancer")
    cancer.secretion["oxygen"] = pc.SecretionEntry(uptake_rate=60.0)
    domain = pc.Domain(x_min=-400.0, x_max=400.0, y_min=-400.0, y_max=400.0)
    model = pc.Model(domain=domain, time=pc.Time(dt_diffusion=dt), substrates=[oxygen], cell_types=[cancer])
    sim = pc.Simulation(model, seed=1)
    turn, reach = np.arange(300) * 2.4, 9.5 * np.sqrt(np.arange(300) + 0.5)
    sim.add_cells(np.stack([reach * np.cos(turn), reach * np.sin(turn), 0.0 * turn], axis=1), "cancer")
    return sim


def main() -> None:
    parser = argparse.ArgumentParser(description="Audit a finished run.")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("audit-a-run.png"), help="the picture (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("audit-output"), help="folder of the run and its page (default: %(default)s)"
    )
    chosen = parser.parse_args()
    out = chosen.out
    out.mkdir(parents=True, exist_ok=True)

    sim = tumour(dt=0.01)
    for minutes in (6.0, 12.0):
        sim.run(minutes)
        sim.save(out / f"at-{minutes:02.0f}-min.pkl")

    found = audit(open_run(out), tolerance=TOLERANCE)
    for entry in found.entries:
        told = f"{entry.time_min:4.0f} min: {entry.verdict}. {entry.sentence}"
        print(textwrap.fill(told, width=88, subsequent_indent=10 * " "))
        print(
            f"          cells read {entry.steady.median:+.2f} mmHg (median), {entry.steady.lowest:+.2f} at worst; "
            f"{len(entry.crossing.made_low)} were below 5 mmHg for it"
        )
    step = found.entries[-1].time_step
    print(f"predicted: with a step of {step.small_enough_min:g} min no cell is off by more than {step.then:.2f} mmHg")

    again = tumour(dt=step.small_enough_min)
    again.run(1.0)
    again.run(2.0)
    entry = audit(SimulationRun([again]), tolerance=TOLERANCE).entries[-1]
    print(f"with that step: cells are off by up to {entry.steady.largest_at_cells:.2f} mmHg")
    print(f"page: {audit_page(found).write(out / 'audit.html')}")
    difference_picture(*found.worst("oxygen")).savefig(chosen.output, dpi=100)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
