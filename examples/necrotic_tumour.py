"""A tumour without vessels, whose core dies as it grows: how thick the living rim is, beside a formula.

    python examples/necrotic_tumour.py -o necrotic-tumour.png

Cells are discs off any lattice. They divide where there is oxygen, rest where there is little, die where there is next
to none, and push each other apart. Oxygen comes from a stirred medium, of which a layer around the tumour is still.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.spatial import cKDTree
from scipy.special import i0, i1, k0, k1

import surrogate_plugin as sp
from surrogate_plugin.pictures import view

#: Of a slab as thick as a cell is wide: um, mmHg, and 1 / min in a voxel that cells fill.
RADIUS_UM, MEDIUM, DIFFUSIVITY, UPTAKE, STILL_UM = 8.4, 38.0, 1e5, 20.0, 60.0
#: mmHg below which cells no longer divide, and below which they die; 1 / h; h.
HYPOXIC, NECROTIC, DIVIDE, DIE, STEP_H = 15.0, 5.0, 1 / 36, 1 / 6, 4.0
DIVIDING, RESTING, DEAD = range(3)
STATES = {"dividing": "#7fd8be", "hypoxic": "#f4a259", "necrotic": "#8d5a97"}


def relaxed(at: np.ndarray, rounds: int = 30) -> np.ndarray:
    """Discs that overlap push each other apart, each by half of what is too close."""
    for _ in range(rounds):
        one, other = cKDTree(at).query_pairs(2 * RADIUS_UM, output_type="ndarray").T
        apart = at[one] - at[other]
        distance = np.maximum(np.hypot(*apart.T), 1e-9)
        push = 0.4 * (2 * RADIUS_UM - distance)[:, np.newaxis] * apart / distance[:, np.newaxis]
        np.add.at(at, one, 0.5 * push)
        np.add.at(at, other, -0.5 * push)
    return at


def grown(at: np.ndarray, state: np.ndarray, oxygen: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Positions and states one step later, by what cells read."""
    chance = rng.random(len(at)) / STEP_H
    alive = state != DEAD
    state = np.where(alive, np.where(oxygen < HYPOXIC, RESTING, DIVIDING), DEAD)
    state[alive & (oxygen < NECROTIC) & (chance < DIE)] = DEAD
    mothers = np.flatnonzero((state == DIVIDING) & (chance < DIVIDE))
    turned = rng.uniform(0, 2 * np.pi, len(mothers))
    daughters = at[mothers] + RADIUS_UM * np.column_stack([np.cos(turned), np.sin(turned)])
    return relaxed(np.vstack([at, daughters])), np.append(state, np.full(len(mothers), DIVIDING))


def measured_rim(at: np.ndarray, state: np.ndarray) -> tuple[float, float]:
    """Radius of the tumour and thickness of its living rim, um: medians over 36 directions; NaN if there is no core."""
    distance, sector = np.hypot(*at.T), (np.degrees(np.arctan2(*at.T)) // 10).astype(int)
    outer = np.array([distance[sector == k].max(initial=0.0) for k in range(-18, 18)]) + RADIUS_UM
    core = (
        np.array([distance[(sector == k) & (state == DEAD)].max(initial=-np.inf) for k in range(-18, 18)]) + RADIUS_UM
    )
    return float(np.median(outer)), float(np.median(outer - core)) if np.isfinite(core).all() else np.nan


def expected_rim(radius_um: float, surface: float, uptake_per_min: float) -> float:
    """Thickness of the ring in which a tumour keeps more than `NECROTIC`, if nothing flows into its core, um."""
    per_um = np.sqrt(uptake_per_min / DIFFUSIVITY)

    def at_surface(core: float) -> float:
        def shape(r: float) -> float:
            return float(i0(per_um * r) * k1(per_um * core) + k0(per_um * r) * i1(per_um * core))

        return NECROTIC * shape(radius_um) / shape(core)

    if at_surface(1e-6) < surface:
        return np.nan  # no core: there is enough for the very middle
    return radius_um - brentq(lambda core: at_surface(core) - surface, 1e-6, radius_um)


def run(hours: float, rng: np.random.Generator) -> tuple[sp.Backend, sp.StepResult, np.ndarray, np.ndarray, np.ndarray]:
    """The backend; of the last step its field, positions and states; and a row of numbers for each step."""
    domain = sp.Domain((-700.0, -700.0), (1400.0, 1400.0), (140, 140), thickness_um=2 * RADIUS_UM)
    backend = sp.Backend(
        sp.BackendConfig(
            domain=domain, diffusivity_um2_per_min=DIFFUSIVITY, decay_per_min=0.0, boundary=MEDIUM, tolerance=0.01
        )
    )
    away, turn = np.hypot(*np.meshgrid(*domain.centres_um())), np.linspace(0, 2 * np.pi, 72, endpoint=False)
    around = np.column_stack([np.cos(turn), np.sin(turn)])
    at, rows = relaxed(rng.normal(0.0, 30.0, (40, 2)), 200), []
    state = np.full(len(at), DIVIDING)
    for step in range(round(hours / STEP_H) + 1):
        radius, rim = measured_rim(at, state)
        stirred = sp.Voxels(fixed=away > radius + STILL_UM, value=MEDIUM)
        cells = sp.Cells(at, RADIUS_UM, uptake_per_min=np.where(state == DEAD, 0.0, UPTAKE))
        result = backend.step(sp.TissueState(cells, voxels=stirred))
        oxygen = result.sample(at)
        surface = float(result.sample(radius * around).mean())
        uptake = UPTAKE * float(cells.volume_um3[0] * len(at) / (np.pi * radius**2 * domain.thickness_um))
        counts = np.bincount(state, minlength=3)
        undecided = int(((np.abs(oxygen - NECROTIC) <= result.record.bound) & (state != DEAD)).sum())
        rows.append((step * STEP_H / 24, *counts, radius, rim, expected_rim(radius, surface, uptake), undecided))
        before = at, state
        at, state = grown(at.copy(), state, oxygen, rng)
    return backend, result, *before, np.array(rows)


def draw(
    path: Path, backend: sp.Backend, result: sp.StepResult, at: np.ndarray, state: np.ndarray, rows: np.ndarray
) -> None:
    """Cells by state over oxygen with its hypoxic contours, what became of them, and the rim beside the formula."""
    made, (tissue, counts, rim) = view.figure(11.5, 4.2, (1.25, 1.0, 1.0))
    domain, days = backend.config.domain, rows[:, 0]
    view.draw_field(tissue, domain, result.field, label="oxygen (mmHg)", vmin=0.0, vmax=MEDIUM)
    for k, (name, colour) in enumerate(STATES.items()):
        view.draw_cells(tissue, sp.Cells(at[state == k], RADIUS_UM), colour, alpha=0.75)
        counts.plot(days, rows[:, 1 + k], color=colour, linewidth=2, label=name)
    tissue.contour(*domain.centres_um(), result.field, levels=[HYPOXIC], colors=view.INK)
    view.draw_scale(tissue, 200.0)
    tissue.set_title(f"day {days[-1]:g}; contour at {HYPOXIC:g} mmHg", fontsize=10)
    counts.set(xlabel="time (days)", title="cells")
    rim.plot(days, rows[:, 5], color=view.INK, linewidth=2, label="measured")
    rim.plot(days, rows[:, 6], "--", color="#7fd1ff", linewidth=2, label="formula")
    rim.set(xlabel="time (days)", title="living rim (µm)", ylim=0)
    for axes in (counts, rim):
        axes.legend(fontsize=8, facecolor=view.PAPER, labelcolor=view.INK)
    made.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description="A tumour whose core dies as it grows.")
    parser.add_argument("--days", type=float, default=14.0, help="how long (default: %(default)g)")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("necrotic-tumour.png"), help="picture (default: %(default)s)"
    )
    chosen = parser.parse_args()
    backend, *last, rows = run(24 * chosen.days, np.random.default_rng(5))
    for day, dividing, hypoxic, dead, radius, measured, expected, _ in rows[:: round(48 / STEP_H)]:
        rim = "no core yet" if np.isnan(measured) else f"living rim {measured:.0f} um, by the formula {expected:.0f} um"
        cells = f"{dividing:.0f} dividing, {hypoxic:.0f} hypoxic, {dead:.0f} dead"
        print(f"day {day:2.0f}: radius {radius:3.0f} um, {rim}; {cells}")
    unsure, readings = rows[:, 7].sum(), rows[:, 1:3].sum()
    print(
        f"In {unsure:.0f} of {readings:,.0f} readings of living cells the bound leaves open whether the cell starves."
    )
    print(backend.summary())
    draw(chosen.output, backend, *last, rows)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
