"""Vessels that grow into a starving tissue: tips climb the factor that hypoxic cells secrete, and oxygen follows them.

    python examples/angiogenesis.py -o angiogenesis.png

Two fields, each certified at each step: oxygen from vessels that carry blood, and a growth factor like VEGF from cells
that lack it. A sprout carries blood once it has met another one, since blood flows in loops and not into dead ends.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.pictures import view

#: Of oxygen: mmHg of blood and below which cells are hypoxic, um^2 / min, 1 / min of the background and of cells.
BLOOD, HYPOXIC, OXYGEN_D, OXYGEN_DECAY, UPTAKE = 38.0, 10.0, 1e5, 0.1, 15.0
#: Of the factor, in units of what a hypoxic cell makes in a minute where it fills a voxel: um^2 / min, 1 / min.
FACTOR_D, FACTOR_DECAY = 600.0, 0.01
#: Tips: um an hour, radians of wandering and to each side of a branch, chance to branch in an hour; um within which
#: they meet a sprout, and within which a tip keeps others from branching.
SPEED_UM, WANDER, FORK, BRANCH, MEET_UM, APART_UM = 12.0, 0.3, 0.7, 0.08, 14.0, 60.0
#: um of the tissue's side, of a pixel, of vessels, and where the vessel runs that was there before.
SIZE_UM, SPACING_UM, RADIUS_UM, OLD_UM = 960.0, 10.0, 5.0, 30.0


@dataclass(eq=False)
class Sprout:
    """A chain of points that began at the old vessel, or at its mother."""

    points: list[np.ndarray]
    mother: Sprout | None = None
    growing: bool = True
    carries: bool = False

    def family(self) -> list[Sprout]:
        """The sprout, its mother, hers, and so on down to the old vessel."""
        return [self] if self.mother is None else [self, *self.mother.family()]


def vessels(sprouts: list[Sprout]) -> sp.Vessels:
    """The old vessel, and the sprouts that carry blood."""
    pieces = [(np.array([OLD_UM, 0.0]), np.array([OLD_UM, SIZE_UM]))]
    pieces += [piece for sprout in sprouts if sprout.carries for piece in pairwise(sprout.points)]
    start, end = np.array(pieces).swapaxes(0, 1)
    return sp.Vessels.from_segments(start, end, RADIUS_UM, BLOOD)


def meet(sprout: Sprout, sprouts: list[Sprout]) -> None:
    """Close a loop where a tip has come to a sprout of another family: blood flows through both then."""
    for other in sprouts:
        if set(sprout.family()) & set(other.family()):
            continue
        away = np.hypot(*(np.array(other.points) - sprout.points[-1]).T)
        if away.min() < MEET_UM:
            sprout.points.append(other.points[int(away.argmin())])
            sprout.growing = False
            for each in (*sprout.family(), *other.family()):
                each.carries = True
            return


def grow(sprouts: list[Sprout], factor: sp.StepResult, domain: sp.Domain, rng: np.random.Generator) -> None:
    """Each tip goes an hour's way up the gradient of the factor, where there is one."""
    growing = [each for each in sprouts if each.growing]
    tips = np.reshape([each.points[-1] for each in growing], (-1, 2))
    for sprout, tip, (dx, dy) in zip(growing, tips, factor.gradient(tips), strict=True):
        if np.hypot(dx, dy) < 1e-3:
            continue  # nothing calls
        heading = np.arctan2(dy, dx) + rng.normal(0.0, WANDER)
        others = [np.hypot(*(each.points[-1] - tip)) for each in sprouts if each.growing and each is not sprout]
        branches = rng.random() < BRANCH and min(others, default=np.inf) > APART_UM
        ways = [heading - FORK, heading + FORK] if branches else [heading]
        ends = [tip + SPEED_UM * np.array([np.cos(way), np.sin(way)]) for way in ways]
        sprout.growing = bool(domain.contains(ends).all())
        if sprout.growing:
            sprout.points.append(ends[0])
            sprouts += [Sprout([tip, end], mother=sprout) for end in ends[1:]]
            meet(sprout, sprouts)


def run(hours: int, rng: np.random.Generator) -> tuple[dict[str, sp.Backend], list[dict[str, object]]]:
    """The backends of both fields, and what there was at each hour."""
    domain = sp.Domain.from_lattice((round(SIZE_UM / SPACING_UM),) * 2, SPACING_UM)
    rates = {"oxygen": (OXYGEN_D, OXYGEN_DECAY, 0.1), "factor": (FACTOR_D, FACTOR_DECAY, 0.01)}
    backends = {
        name: sp.Backend(
            sp.BackendConfig(
                domain=domain, diffusivity_um2_per_min=d, decay_per_min=k, tolerance=tolerance, boundary="reflecting"
            )
        )
        for name, (d, k, tolerance) in rates.items()
    }
    places = np.meshgrid(np.arange(90.0, SIZE_UM - 10, 20.0), np.arange(15.0, SIZE_UM - 10, 20.0))
    at = np.stack(places, axis=-1).reshape(-1, 2)
    at += rng.uniform(-5.0, 5.0, at.shape)
    sprouts = [Sprout([np.array([OLD_UM, y])]) for y in np.linspace(80.0, SIZE_UM - 80.0, 8)]
    moments: list[dict[str, object]] = []
    for hour in range(hours + 1):
        breathing = sp.Cells(at, 8.4, uptake_per_min=UPTAKE)
        oxygen = backends["oxygen"].step(sp.TissueState(breathing, vessels(sprouts)))
        hypoxic = oxygen.sample(at) < HYPOXIC
        secreting = sp.Cells(at, 8.4, production_per_min=hypoxic.astype(float))
        factor = backends["factor"].step(sp.TissueState(secreting))
        lines = [(np.array(each.points), each.carries) for each in sprouts]
        moments.append({"hour": hour, "oxygen": oxygen, "factor": factor, "hypoxic": hypoxic.mean(), "sprouts": lines})
        grow(sprouts, factor, domain, rng)
    return backends, moments


def draw(path: Path, domain: sp.Domain, moments: list[dict[str, object]]) -> None:
    """Oxygen and sprouts halfway and at the end, and the share of hypoxic cells over time."""
    made, (*tissues, course) = view.figure(11.5, 4.3, (1.15, 1.15, 1.0))
    for axes, moment in zip(tissues, (moments[len(moments) // 2], moments[-1]), strict=True):
        view.draw_field(axes, domain, moment["oxygen"].field, label="oxygen (mmHg)", vmin=0.0, vmax=BLOOD)
        axes.contour(*domain.centres_um(), moment["factor"].field, levels=6, colors="#b5e48c", linewidths=0.8)
        for points, carries in moment["sprouts"]:
            axes.plot(*points.T, color=view.FIXED if carries else "#7fd1ff", linewidth=2.5 if carries else 1.5)
        view.draw_scale(axes, 200.0)
        axes.set_title(f"after {moment['hour']} h")
    hours = [moment["hour"] for moment in moments]
    course.plot(hours, [100 * moment["hypoxic"] for moment in moments], color="#f4a259", label="hypoxic cells (%)")
    most = max(moment["factor"].field.mean() for moment in moments)
    levels = [100 * moment["factor"].field.mean() / most for moment in moments]
    course.plot(hours, levels, color="#b5e48c", label="factor (% of its most)")
    flowing = [100 * np.mean([carries for _, carries in moment["sprouts"]]) for moment in moments]
    course.plot(hours, flowing, color=view.FIXED, label="sprouts that carry blood (%)")
    course.set(xlabel="time (h)", ylim=(0, 140))
    course.legend(fontsize=8, loc="upper right", facecolor=view.PAPER, labelcolor=view.INK)
    made.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description="Vessels that grow into a starving tissue.")
    parser.add_argument("--hours", type=int, default=72, help="how long (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=Path("angiogenesis.png"), help="(default: %(default)s)")
    chosen = parser.parse_args()
    backends, moments = run(chosen.hours, np.random.default_rng(1))
    for moment in moments[::12]:
        carry = [carries for _, carries in moment["sprouts"]]
        print(
            f"{moment['hour']:3d} h: {moment['hypoxic']:4.0%} of the cells are hypoxic; "
            f"{sum(carry)} of {len(carry)} sprouts carry blood"
        )
    for name, backend in backends.items():
        print(f"{name}: {backend.summary()}")
    draw(chosen.output, backends["oxygen"].config.domain, moments)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
