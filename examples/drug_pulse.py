"""The same amount of a drug as a pulse, as a drip, and as a pulse with a second dose into the tissue.

    python examples/drug_pulse.py -o drug-pulse.png

Blood that is given a pulse is cleared with a half-life of seven minutes; a drip holds what the pulse is on average.
Both bring tissue the same amount over the time, so what differs is when, and how far it gets. Oxygen, which is at rest
within a second, is solved for beside it as a steady field. Each step says at most how far it is off, estimates what its
length costs, and accounts for what sides let in, cells took up and decay removed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.pictures import view

STEP_MIN, STEPS = 6.0, 40
#: What the pulse begins with, and 1 / min of its clearance from blood.
DOSE, CLEARANCE = 10.0, 0.1
#: The step before which the second dose is injected.
SECOND_DOSE = 20
#: Nearer to a vessel than this is near, and farther than that far, um.
NEAR_UM, FAR_UM = 60.0, 180.0
#: Two vessels that cross the tissue from side to side.
STARTS, ENDS = [(0.0, 100.0), (1280.0, 850.0)], [(1280.0, 300.0), (100.0, 700.0)]
DOMAIN = sp.Domain(origin_um=(0.0, 0.0), size_um=(1280.0, 960.0), shape=(96, 128))


@dataclass(frozen=True)
class Course:
    """What became of the drug: in cells at each step (steps, cells), the fields, the records."""

    inside: np.ndarray
    fields: list[np.ndarray]
    records: list[sp.StepRecord]


def vessels(value: float) -> sp.Vessels:
    """The vessels with this in their blood."""
    return sp.Vessels.from_segments(STARTS, ENDS, radius_um=12.0, value=value)


def cells() -> sp.Cells:
    """A tumour of 300 cells between the vessels."""
    place = np.random.default_rng(3).normal((640.0, 480.0), 170.0, (300, 2)).clip((0.0, 0.0), DOMAIN.size_um)
    return sp.Cells(place, 8.4, uptake_per_min=0.5)


def distance_um(position: np.ndarray) -> np.ndarray:
    """How far places are from the nearest vessel's middle."""
    start, end = np.array(STARTS), np.array(ENDS)
    along = end - start
    part = ((position[:, np.newaxis] - start) * along).sum(axis=2) / (along**2).sum(axis=1)
    foot = start + np.clip(part, 0.0, 1.0)[:, :, np.newaxis] * along
    return np.asarray(np.hypot(*(position[:, np.newaxis] - foot).transpose(2, 0, 1)).min(axis=1))


def pulse(time_min: float) -> float:
    """What is in the blood after a pulse."""
    return DOSE * math.exp(-CLEARANCE * time_min)


def drip(time_min: float) -> float:
    """What is in the blood on a drip of the same amount: the pulse's average over the run's steps."""
    return sum(pulse(STEP_MIN * (step + 1)) for step in range(STEPS)) / STEPS


def given(blood: Callable[[float], float], tumour: sp.Cells, injection: bool = False) -> Course:
    """Step the drug with what ``blood(time)`` says is in the vessels."""
    backend = sp.Backend(
        sp.BackendConfig(
            domain=DOMAIN,
            boundary="reflecting",
            diffusivity_um2_per_min=600.0,
            decay_per_min=0.002,
            tolerance=1e-3,
            stepping="implicit-euler",
            time_tolerance=0.05,  # steps are taken in parts where they would be off by more
        )
    )
    inside, fields, records = [], [], []
    for step in range(STEPS):
        now = STEP_MIN * (step + 1)  # implicit steps are taken with what holds at their end
        if injection and step == SECOND_DOSE:
            injected = backend.field.copy()
            injected[44:52, 60:68] += 10.0  # any array may be handed over
            backend.field = injected
        result = backend.step(sp.TissueState(tumour, vessels(blood(now))), dt_min=STEP_MIN)
        inside.append(result.sample(tumour.position_um))
        fields.append(result.field)
        records.append(result.record)
    return Course(np.array(inside), fields, records)


def oxygen_in(tumour: sp.Cells) -> np.ndarray:
    """Oxygen beside the drug, mmHg: at rest at any time."""
    backend = sp.Backend(
        sp.BackendConfig(
            domain=DOMAIN, boundary="reflecting", diffusivity_um2_per_min=1e5, decay_per_min=0.1, tolerance=0.38
        )
    )
    breathing = sp.Cells(tumour.position_um, tumour.radius_um, uptake_per_min=10.0)
    return backend.step(sp.TissueState(breathing, vessels(38.0))).sample(tumour.position_um)


def report(name: str, course: Course, far: np.ndarray, near: np.ndarray) -> None:
    """What cells had of it, and how sure that is."""
    sums = STEP_MIN * course.inside.sum(axis=0)
    peak = course.inside.mean(axis=1).argmax()
    print(
        f"{name}: near cells had {sums[near].mean():.1f} in all (drug x min), far cells {sums[far].mean():.1f}; "
        f"most at {STEP_MIN * (peak + 1):.0f} min"
    )
    bound, error = (max(getattr(record, what) for record in course.records) for what in ("bound", "time_error"))
    parts, last = sum(record.parts for record in course.records), course.records[-1].balance
    print(f"    at most {bound:.1e} off, and {error:.1e} (estimate) for {STEPS} steps in {parts} parts")
    print(
        f"    last step: sides {last.sides:+.3g}, cells {-last.cells:+.3g}, decay {-last.decay:+.3g}: "
        f"change {last.change:+.3g}, off by {last.relative_defect:.0e}"
    )


def picture(path: Path, courses: dict[str, Course], tumour: sp.Cells, far: np.ndarray, near: np.ndarray) -> None:
    """The pulse soon and late, and what cells near and far have of pulse, drip and injection over time."""
    made, axes = view.figure(9.6, 7.6, (1.0, 1.0), rows=2)
    for each, step in zip(axes[:2], (1, 14), strict=True):
        field = courses["pulse"].fields[step]
        view.draw_field(each, DOMAIN, field, colours="viridis", label="drug", vmin=0.0, vmax=float(field.max()))
        view.draw_cells(each, tumour, "none", edge="#ffffff55")
        view.draw_scale(each, 200.0)
        each.set_title(f"{STEP_MIN * (step + 1):.0f} min after the pulse")
    minutes = STEP_MIN * (np.arange(STEPS) + 1)
    names = (f"cells nearer to vessels than {NEAR_UM:.0f} µm", f"cells farther than {FAR_UM:.0f} µm")
    for each, who, name in zip(axes[2:], (near, far), names, strict=True):
        for (given_as, course), shade in zip(courses.items(), ("#ffb454", "#59c2ff", "#ff6b8b"), strict=True):
            style = ":" if "injection" in given_as else "-"
            each.plot(minutes, course.inside[:, who].mean(axis=1), style, color=shade, linewidth=2.5, label=given_as)
        each.set(xlabel="time (min)", yscale="log", ylim=(1e-3, 6.0), title=name)
    axes[2].set_ylabel("drug in cells, average")
    axes[2].legend(facecolor=view.PAPER, labelcolor=view.INK, framealpha=0.7, fontsize=9)
    made.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description="A drug as a pulse, as a drip, and with a dose into the tissue.")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("drug-pulse.png"), help="the picture (default: %(default)s)"
    )
    chosen = parser.parse_args()
    tumour = cells()
    away = distance_um(tumour.position_um)
    near, far = away < NEAR_UM, away > FAR_UM
    courses = {
        "pulse": given(pulse, tumour),
        "drip": given(drip, tumour),
        "pulse and injection": given(pulse, tumour, injection=True),
    }
    for name, course in courses.items():
        report(name, course, far, near)
    print(f"oxygen, at rest: {oxygen_in(tumour).mean():.1f} mmHg in cells on average")
    picture(chosen.output, courses, tumour, far, near)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
