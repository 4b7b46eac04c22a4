"""The demo's pictures: oxygen with cells and vessels, and how far it is from exact beside what was promised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.demo.outcome import Outcome
from surrogate_adapters.demo.tissue import HYPOXIC_MMHG, TOLERANCE_MMHG
from surrogate_plugin.pictures import view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from surrogate_adapters.pyphysicell import Attachment

WELL_FED, HYPOXIC, NECROTIC = "#7fd8be", "#f4a259", "#8d5a97"


def known(solution: sp.Solution) -> dict[str, str | float]:
    """What is written beside a field, so that a file alone says how good it is."""
    return {
        "method": solution.method,
        "error_bound": solution.error_bound,
        "tolerance": TOLERANCE_MMHG,
        "units": "mmHg",
        "length_units": "um",
    }


def oxygen(path: Path, simulation: Any, link: Attachment, domain: sp.Domain) -> Figure:
    """The whole tissue, and its tumour from near."""
    result = link.result("oxygen")
    assert result is not None
    state = link.state("oxygen")
    cells, fixed = state.cells, link.backend("oxygen").rasterise(state).fixed
    made, (whole, near) = view.figure(15.0, 7.0, (1.0, 1.0))
    top = float(result.field.max())
    view.draw_field(whole, domain, result.field, label="oxygen (mmHg)", vmin=0.0, vmax=top)
    view.draw_fixed(whole, domain, fixed)
    view.draw_cells(whole, cells, view.INK, alpha=0.14)
    whole.set_title(f"Oxygen around {len(cells)} cells after {simulation.t / 60:.1f} h")
    view.draw_scale(whole, 1000.0 if domain.size_um[0] > 3000 else 100.0)
    view.draw_field(near, domain, result.field, label="oxygen (mmHg)", vmin=0.0, vmax=top)
    view.draw_fixed(near, domain, fixed)
    view.draw_cells(near, cells, _colours(simulation, result.sample(cells.position_um)), edge=view.PAPER, alpha=0.8)
    _zoom(near, cells)
    near.set_title("The tumour from near")
    for shade, name in ((WELL_FED, "oxygenated"), (HYPOXIC, f"hypoxic (< {HYPOXIC_MMHG:g} mmHg)"), (NECROTIC, "dead")):
        near.scatter([], [], color=shade, label=name)
    near.scatter([], [], color=view.FIXED, marker="s", label="vessel")
    near.legend(loc="upper right", fontsize=8, facecolor=view.PAPER, labelcolor=view.INK, framealpha=0.7)
    view.draw_scale(near, 200.0 if domain.size_um[0] > 3000 else 50.0)
    made.savefig(path, dpi=150, metadata={name: str(value) for name, value in known(result.solution).items()})
    return made


def certificate(path: Path, domain: sp.Domain, outcome: Outcome) -> Figure:
    """Where the last audited field is how far from exact, and the bound of every field beside the tolerance."""
    audit = outcome.audits[-1]
    made, (where, when) = view.figure(15.0, 6.4, (1.0, 1.1))
    view.draw_field(where, domain, audit.error, colours="viridis", label="distance from exact (mmHg)", vmin=0.0)
    view.draw_scale(where, 1000.0 if domain.size_um[0] > 3000 else 100.0)
    where.set_title(f"Largest error {audit.largest_error:.2g} mmHg, certified at most {audit.bound:.2g} mmHg")
    time = [entry.time_min for entry in outcome.history]
    bound = [entry.bound for entry in outcome.history]
    when.axhline(outcome.tolerance, color=view.FIXED, linewidth=1.2, label="tolerance")
    when.set_yscale("log")
    for method in dict.fromkeys(entry.method for entry in outcome.history):
        chosen = [entry.method == method for entry in outcome.history]
        when.plot(np.compress(chosen, time), np.compress(chosen, bound), "o", markersize=5, label=f"bound: {method}")
    when.plot(
        [each.time_min for each in outcome.audits],
        [each.largest_error for each in outcome.audits],
        "D",
        color=view.INK,
        markersize=5,
        label="largest error, audited",
    )
    when.set_xlabel("time (min)")
    when.set_ylabel("mmHg")
    when.set_title("Every field with its bound")
    when.legend(fontsize=8, facecolor=view.PAPER, labelcolor=view.INK, framealpha=0.7)
    made.savefig(path, dpi=150)
    return made


def _colours(simulation: Any, level: Any) -> Any:
    from matplotlib.colors import to_rgba

    dead = simulation.cells.dead[: simulation.cells.n].astype(bool)
    kind = np.where(dead, 2, np.where(level < HYPOXIC_MMHG, 1, 0))
    return np.array([to_rgba(WELL_FED), to_rgba(HYPOXIC), to_rgba(NECROTIC)])[kind]


def _zoom(axes: Any, cells: sp.Cells) -> None:
    low, high = cells.position_um.min(axis=0), cells.position_um.max(axis=0)
    middle, half = (low + high) / 2, 0.53 * float((high - low).max())
    axes.set_xlim(middle[0] - half, middle[0] + half)
    axes.set_ylim(middle[1] - half, middle[1] + half)
