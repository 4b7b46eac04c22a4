"""What the surrogate is retrained on: the states that a host handed over."""

from __future__ import annotations

import functools
import math
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.guard.applicability import Extent, measure
from surrogate_plugin.recordings.reader import Header, Recording, RecordingError
from surrogate_training.problems.symmetry import Symmetry

Rng = np.random.Generator
Shape = tuple[int, int]


class Recorded(BaseModel):
    """The steps of one recording, which a `Recorder` wrote.

    Neighbouring steps are nearly equal, so that held-out steps strewn among the others would be known already, and a
    network that learnt the run by heart would look good on them. So the last steps of the run are held out in one
    piece, which is also what a user asks of a retrained network: what comes next. A gap of steps before them belongs
    to neither, and a step that occurs on both sides of the gap, as where a run was repeated, is held out only.

    Steps with nothing above 0 imposed or supplied, or with no free pixel, teach the network nothing and are skipped;
    `report` counts them. A step in time is one of the steady problem that it solves.

    Examples
    --------
    >>> Recorded(path="run.zarr", vary=0.0).held_out_share
    0.2
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, ignored_types=(functools.cached_property,)
    )

    kind: Literal["recorded"] = "recorded"
    path: Path
    held_out_share: float = Field(default=0.2, gt=0, lt=1, description="of the usable steps, the last ones")
    gap_share: float = Field(default=0.05, ge=0, lt=1, description="of the usable steps, dropped before those held out")
    vary: float = Field(default=0.1, ge=0, le=1, description="uptake and decay are scaled by up to e^vary, both ways")
    symmetries: bool = Field(default=True, description="draw mirror images, and transposed ones where they fit")

    def lattice(self) -> Shape:
        """Rows and columns of the recorded states."""
        return self._recording.shape

    def sample(self, rng: Rng, shape: Shape) -> Problem:
        """A training step as one of its mirror images, its decay varied; the seed names it.

        Parameters
        ----------
        rng : numpy.random.Generator
        shape : (int, int)
            Where this is smaller than the recorded lattice, a random window that holds a source, touches a side with a
            value or a flux, or holds a pixel that produces; a side of the window inside the lattice reflects. Where it
            is larger, the whole lattice: of each axis the smaller one counts, so that all samples of one ``shape`` have
            one shape.

        Returns
        -------
        Problem
            In the host's units.

        Raises
        ------
        RecordingError
            If there is no recording, it is damaged, or too few of its steps can be learnt from.
        """
        training = self.training_steps
        problem = self._recording.problem(training[int(rng.integers(len(training)))])
        rows, columns = (min(wanted, there) for wanted, there in zip(shape, problem.shape, strict=True))
        if self.symmetries:
            fits = (min(shape[0], problem.shape[1]), min(shape[1], problem.shape[0])) == (rows, columns)
            draw = rng.random(3) < 0.5
            problem = Symmetry(bool(draw[0]), bool(draw[1]), bool(draw[2]) and fits).problem(problem)
        return _scaled(_window(rng, problem, (rows, columns)), math.exp(rng.uniform(-self.vary, self.vary)))

    def held_out(self, most: int | None = None) -> list[Problem]:
        """The held-out steps as they were recorded; ``most`` of them, evenly spread, where that is given.

        Raises
        ------
        RecordingError
            As `sample`.
        """
        return [self._recording.problem(step) for step in _spread(self.held_out_steps, most)]

    def extents(self, most: int | None = 200) -> list[Extent]:
        """What a card's ranges speak of, measured on ``most`` training steps, evenly spread."""
        return [measure(self._recording.problem(step)) for step in _spread(self.training_steps, most)]

    @property
    def training_steps(self) -> list[int]:
        """Which recorded steps `sample` draws from."""
        return self._split[0]

    @property
    def held_out_steps(self) -> list[int]:
        """Which recorded steps `held_out` returns."""
        return self._split[1]

    def report(self) -> str:
        """What the recording holds, in a few lines."""
        recording, extents = self._recording, self.extents()
        skipped = Counter(reason for header in recording.headers if (reason := _useless(header)))
        kinds = sorted(set().union(*(extent.boundaries for extent in extents)))
        lines = [
            f"{self.path}: {len(recording)} steps of {recording.shape[0]} x {recording.shape[1]} pixels",
            f"training {len(self.training_steps)}, held out {len(self.held_out_steps)}, skipped "
            + (", ".join(f"{count} ({reason})" for reason, count in skipped.items()) or "none"),
            "answered by " + ", ".join(f"{who} {count}" for who, count in sorted(Counter(recording.methods).items())),
            "flags: "
            + (
                ", ".join(f"{reason} {count}" for reason, count in sorted(_reasons(recording.headers).items()))
                or "none"
            ),
            _range("shortest diffusion length", [extent.shortest_length_px for extent in extents], " px"),
            _range("longest diffusion length", [extent.longest_length_px for extent in extents], " px"),
            _range("decay contrast", [extent.contrast for extent in extents]),
            _range("sources", [extent.sources for extent in extents]),
            _range("largest source", [extent.largest_source_px for extent in extents], " px"),
            _range("share of fixed pixels", [extent.fixed_share for extent in extents]),
            _range("contrast of what faces conduct", [extent.link_contrast for extent in extents]),
            f"sides: {', '.join(kinds)}",
            f"with supply: {sum(extent.supplied for extent in extents)} of {len(extents)}",
        ]
        return "\n".join(lines)

    @functools.cached_property
    def _recording(self) -> Recording:
        return Recording(self.path)

    @functools.cached_property
    def _split(self) -> tuple[list[int], list[int]]:
        headers = self._recording.headers
        usable = [step for step, header in enumerate(headers) if _useless(header) is None]
        held = max(1, round(self.held_out_share * len(usable)))
        gap = math.ceil(self.gap_share * len(usable))
        last = {headers[step].digest for step in usable[-held:]}
        training = [step for step in usable[: max(0, len(usable) - held - gap)] if headers[step].digest not in last]
        if not training:
            raise RecordingError(
                f"{self.path} has {len(usable)} steps of {len(headers)} that the network can learn from, which leaves "
                "none to train on beside those held out; record more steps, with something imposed or produced."
            )
        return training, usable[-held:]


def _useless(header: Header) -> str | None:
    """Why the network cannot learn from a step."""
    let_in = (side.rate for side in header.sides if side.kind == "flux")
    if max(header.largest_imposed, header.largest_production, *let_in) <= 0:
        return "nothing imposed or supplied"
    return None if header.free_pixels else "no free pixel"


def _reasons(headers: tuple[Header, ...]) -> Counter[str]:
    return Counter(flag.reason.value for header in headers for flag in header.flags)


def _spread(steps: list[int], most: int | None) -> list[int]:
    if most is None or len(steps) <= most:
        return steps
    return [steps[round(at)] for at in np.linspace(0, len(steps) - 1, most)]


def _range(what: str, values: list[float] | list[int], unit: str = "") -> str:
    return f"{what}: {min(values):.3g} to {max(values):.3g}{unit}"


def _window(rng: Rng, problem: Problem, shape: Shape) -> Problem:
    """A window of ``shape`` around a random place that feeds the field."""
    if shape == problem.shape:
        return problem
    place = _feeding_pixel(rng, problem)
    # Every window that holds the place and lies on the lattice is as likely as any other.
    low = [max(0, at - side + 1) for at, side in zip(place, shape, strict=True)]
    high = [min(at, there - side) for at, there, side in zip(place, problem.shape, shape, strict=True)]
    row, column = (int(rng.integers(first, last + 1)) for first, last in zip(low, high, strict=True))
    return problem.crop(slice(row, row + shape[0]), slice(column, column + shape[1]))


def _feeding_pixel(rng: Rng, problem: Problem) -> tuple[int, int]:
    """A random fixed pixel above 0; else one along a side that holds more or lets more in; else one that produces."""
    fixed = np.argwhere(problem.fixed & (problem.source > 0))
    if len(fixed):
        return _one_of(rng, fixed)
    row, column = (int(rng.integers(side)) for side in problem.shape)
    ends = ((row, 0), (row, problem.shape[1] - 1), (0, column), (problem.shape[0] - 1, column))
    pairs = zip(ends, problem.boundary.sides, strict=True)
    feeding = [end for end, side in pairs if side.value > 0 or (side.kind == "flux" and side.rate > 0)]
    if feeding:
        return feeding[int(rng.integers(len(feeding)))]
    return _one_of(rng, np.argwhere(np.broadcast_to(problem.production, problem.shape) > 0))


def _one_of(rng: Rng, pixels: npt.NDArray[np.int64]) -> tuple[int, int]:
    row, column = pixels[int(rng.integers(len(pixels)))]
    return int(row), int(column)


def _scaled(problem: Problem, factor: float) -> Problem:
    """The problem with decay and uptake scaled."""
    if factor == 1.0:
        return problem
    uptake = problem.uptake
    taken = None if uptake is None else MichaelisMenten(uptake.vmax * factor, uptake.km)
    return problem.replace(decay=problem.decay * factor, uptake=taken)
