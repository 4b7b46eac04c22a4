"""Oxygen and glucose, whose uptake depends on one another: two certified fields, iterated until cells agree with both.

    python examples/two_substrates.py -o two-substrates.png

Cells respire where there is oxygen, and need glucose for it; where oxygen is short they burn more glucose (Pasteur's
effect). Each field is certified for the rates that cells have. That rates fit fields is found by iteration, which no
bound covers: the example estimates what is left of it, and compares with an iteration that is carried to its end.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.pictures import view

#: Oxygen in mmHg and glucose in mM: of blood, um^2 / min, largest uptake a minute of packed cells, half of it at.
OXYGEN, OXYGEN_D, OXYGEN_VMAX, OXYGEN_KM = 38.0, 1e5, 250.0, 1.0
GLUCOSE, GLUCOSE_D, GLUCOSE_VMAX, GLUCOSE_KM = 2.5, 1.8e4, 0.25, 0.3
#: How many times more glucose is burnt without oxygen, and the mmHg at which it is half of the way there.
PASTEUR, SWITCH = 8.0, 2.0
#: mM of dissolved oxygen in a mmHg; molecules of ATP from one of oxygen and of glucose; mM / min that a cell needs.
MM_PER_MMHG, ATP_OXYGEN, ATP_GLUCOSE, NEEDED = 1.3e-3, 5.0, 2.0, 1.0
RADIUS_UM = 8.4


SUBSTRATES = ((OXYGEN, OXYGEN_D, OXYGEN_KM), (GLUCOSE, GLUCOSE_D, GLUCOSE_KM))
STATES = {"respire": "#7fd8be", "ferment": "#f4a259", "starve": "#8d5a97"}


@dataclass
class Round:
    """One round of the iteration: what cells read (2, n), how much that changed, (2,), both bounds and results."""

    reads: np.ndarray
    change: np.ndarray
    bounds: np.ndarray
    results: list[sp.StepResult]


def tissue() -> tuple[sp.Domain, np.ndarray, np.ndarray]:
    """The lattice; where packed cells are, and where vessels run through the plane, um."""
    domain = sp.Domain((0.0, 0.0), (960.0, 640.0), (64, 96), thickness_um=2 * RADIUS_UM)
    x, y = np.meshgrid(np.arange(10.0, 952.0, 16.0), np.arange(10.0, 632.0, 16.0))
    at = np.stack([x, y], axis=-1).reshape(-1, 2)
    at += np.random.default_rng(2).uniform(-2.0, 2.0, at.shape)
    return domain, at, np.array([[0.18, 0.75], [0.32, 0.28], [0.55, 0.9]]) * domain.size_um


def largest_uptakes(reads: np.ndarray) -> np.ndarray:
    """What each cell may take of oxygen, with this much glucose, and of glucose, with this much oxygen; (2, n)."""
    oxygen, glucose = reads
    respiration = OXYGEN_VMAX * glucose / (glucose + GLUCOSE_KM)
    glycolysis = GLUCOSE_VMAX * (1 + (PASTEUR - 1) * SWITCH / (SWITCH + oxygen))
    return np.stack([respiration, glycolysis])


def atp(reads: np.ndarray) -> np.ndarray:
    """What each cell makes from oxygen and from glucose, (2, n), mM / min."""
    taken = largest_uptakes(reads) * reads / (reads + np.array([[OXYGEN_KM], [GLUCOSE_KM]]))
    return taken * np.array([[ATP_OXYGEN * MM_PER_MMHG], [ATP_GLUCOSE]])


def iterate(tolerances: tuple[float, float], rounds: int) -> list[Round]:
    """Solve for one field with the rates that cells have by the other, and for the other by the one, and again."""
    domain, at, vessels = tissue()
    backends = [
        sp.Backend(
            sp.BackendConfig(
                domain=domain, diffusivity_um2_per_min=diffusivity, decay_per_min=0.0, michaelis_km=km,
                tolerance=tolerance, boundary="reflecting",
            )
        )
        for (_, diffusivity, km), tolerance in zip(SUBSTRATES, tolerances, strict=True)
    ]  # fmt: skip
    reads, found = np.array([[OXYGEN], [GLUCOSE]]) * np.ones(len(at)), []
    for _ in range(rounds):
        before, results = reads.copy(), []
        for k, (blood, _, _) in enumerate(SUBSTRATES):
            cells = sp.Cells(at, RADIUS_UM, max_uptake_per_min=largest_uptakes(reads)[k])
            results.append(backends[k].step(sp.TissueState(cells, sp.Vessels(vessels, 12.0, blood))))
            reads[k] = results[k].sample(at)
        bounds = np.array([each.record.bound for each in results])
        found.append(Round(reads.copy(), np.abs(reads - before).max(axis=1), bounds, results))
    return found


def left(found: list[Round]) -> np.ndarray:
    """An estimate of how far the last round is from both fields as they should be, (2,).

    Changes fall by about the same factor q each round, so those to come add up to q / (1 - q) of the last one. What the
    bounds leave of each round fades by the same factor: 1 / (1 - q) of a bound.
    """
    q = min(float((found[-1].change / np.maximum(found[-2].change, 1e-300)).max()), 0.9)
    return (q * found[-1].change + found[-1].bounds) / (1 - q)


def states(reads: np.ndarray) -> np.ndarray:
    """0 where most of a cell's ATP is respiration's, 1 where glycolysis' is, 2 where there is too little, (n,)."""
    made = atp(reads)
    return np.where(made.sum(axis=0) < NEEDED, 2, np.where(made[0] > made[1], 0, 1))


def draw(path: Path, found: list[Round], truth: list[Round]) -> None:
    """Both fields, the cells by what they live on, and how the iteration went."""
    made, (air, sugar, fates, course) = view.figure(9.6, 6.6, (1.0, 1.0), rows=2)
    domain, at, _ = tissue()
    for axes, result, label in zip((air, sugar), found[-1].results, ("oxygen (mmHg)", "glucose (mM)"), strict=True):
        view.draw_field(axes, domain, result.field, label=label, vmin=0.0)
        view.draw_scale(axes, 200.0)
    fates.set(xlim=(0, domain.size_um[0]), ylim=(0, domain.size_um[1]), xticks=[], yticks=[], aspect="equal")
    fate = states(found[-1].reads)
    for k, (name, colour) in enumerate(STATES.items()):
        view.draw_cells(fates, sp.Cells(at[fate == k], RADIUS_UM), colour)
        fates.scatter([], [], color=colour, label=name)
    rounds = np.arange(1, len(found) + 1)
    course.semilogy(rounds, [each.change[0] for each in found], "o-", color="#f4a259", label="change of a round")
    course.semilogy(rounds, [each.bounds[0] for each in found], "x:", color="#7fd1ff", label="certified bound")
    estimates = [left(found[:k])[0] for k in rounds[2:]]
    course.semilogy(rounds[2:], estimates, "--", color=view.INK, label="left, estimated")
    wrong = [np.abs(each.reads - truth[-1].reads).max(axis=1)[0] for each in found]
    course.semilogy(rounds, wrong, "s-", color="#b5e48c", label="left, in truth")
    course.set(xlabel="round", ylabel="oxygen at cells (mmHg)")
    for axes in (fates, course):
        axes.legend(
            fontsize=8, loc="lower right" if axes is fates else "upper right", facecolor=view.PAPER, labelcolor=view.INK
        )
    made.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description="Oxygen and glucose, whose uptake depends on one another.")
    parser.add_argument("--rounds", type=int, default=7, help="of the iteration, 3 or more (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=Path("two-substrates.png"), help="(default: %(default)s)")
    chosen = parser.parse_args()
    found, truth = iterate((0.05, 0.005), chosen.rounds), iterate((1e-7, 1e-8), 40)
    print("       oxygen (mmHg)                        glucose (mM)")
    print("round" + "   change  bound    left in truth" * 2)
    for k, each in enumerate(found):
        wrong = np.abs(each.reads - truth[-1].reads).max(axis=1)
        estimate = left(found[: k + 1]) if k > 1 else np.full(2, np.nan)
        columns = np.column_stack([each.change, each.bounds, estimate, wrong])
        print(f"{k + 1:5d}" + "".join("  {:7.0e} {:6.0e} {:7.0e} {:7.0e}".format(*row) for row in columns))
    last = found[-1].reads
    corners = [states(last + left(found)[:, np.newaxis] * np.array([[a], [b]])) for a in (-1, 1) for b in (-1, 1)]
    unsure = int((np.array(corners) != states(last)).any(axis=0).sum())
    counts = np.bincount(states(last), minlength=3)
    told = ", ".join(f"{count:,} {name}" for count, name in zip(counts, STATES, strict=True))
    print(f"Cells: {told}; with all that is left, {unsure} of them may be something else.")
    draw(chosen.output, found, truth)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
