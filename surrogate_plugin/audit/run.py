"""A finished run as its readers hand it over: saved moments, what cells saw there, and how the host stepped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import BoolArray, FloatArray, IndexArray
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.state import TissueState


class HostStep(Protocol):
    """One time step of a host's own solver with cells and nodes held, an affine map of fields."""

    def __call__(self, field: FloatArray) -> FloatArray:
        """The field after the step, (H, W), from the one before it, which stays as it is."""


class HostScheme(Protocol):
    """A host's own solver, with the cells and nodes of one moment held."""

    def __call__(self, dt_min: float) -> HostStep:
        """Its step of a length, min."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One substrate at one moment.

    Attributes
    ----------
    field : (H, W) float64, field units
        As it was saved, which is what the cells saw.
    diffusivity_um2_per_min, decay_per_min : float
    state : TissueState or None
        What cells, sides and nodes do to it; None where ``refusal`` says why it is not posed.
    boundary : as in `Problem`
    units : str
        Of the field; empty where the run does not say.
    scheme : HostScheme or None
        How the host stepped it, where its reader knows.
    refusal : str
        One sentence on why no field can be solved for, or empty.
    """

    field: FloatArray
    diffusivity_um2_per_min: float
    decay_per_min: float
    state: TissueState | None
    boundary: BoundaryLike | Boundary = "reflecting"
    units: str = ""
    scheme: HostScheme | None = None
    refusal: str = ""


@dataclass(frozen=True, eq=False)
class Moment:
    """One saved moment.

    Attributes
    ----------
    name : str
        As the run calls it.
    time_min : float, min
    domain : Domain
    position_um : (n, 2) float64, um
        All cells, (x, y).
    voxel : (n,) int64
        In which voxel each reads the fields, ``row * columns + column``.
    cell_id : (n,) int64
    alive : (n,) bool
    seen : mapping of str to Seen
        By substrate.
    kind : tuple of str
        The cell type of each.
    radius_um : (n,) float64, um, or None
        Of spheres of their volumes, where that is saved.
    """

    name: str
    time_min: float
    domain: Domain
    position_um: FloatArray
    voxel: IndexArray
    cell_id: IndexArray
    alive: BoolArray
    seen: Mapping[str, Seen]
    kind: tuple[str, ...] = ()
    radius_um: FloatArray | None = None

    def at_cells(self, field: npt.NDArray[np.float64]) -> FloatArray:
        """What each cell reads of a field, (n,): the value of its voxel."""
        return np.asarray(field.ravel()[self.voxel])


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run as a whole.

    Attributes
    ----------
    host : str
        The simulator and its version.
    source : Path
        Where it was read from.
    substrates : tuple of str
    units : mapping of str to str
    diffusion_step_min : float or None, min
        The time step of the host's own solver.
    held_min : float or None, min
        At whose multiples the rates of cells change, such as a phenotype step.
    notes : tuple of str
        What a reader of the audit should know of how the run was read, in sentences.
    beside : tuple of str
        Files other than those at the source, and options, that moments are read with; where one has changed, an audit
        that was stopped does not go on.
    """

    host: str
    source: Path
    substrates: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=dict)
    diffusion_step_min: float | None = None
    held_min: float | None = None
    notes: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


class Run(Protocol):
    """A finished run; readers of other hosts' files offer one through the entry point group of `open_run`."""

    @property
    def facts(self) -> RunFacts:
        """What is known of it as a whole."""

    @property
    def names(self) -> Sequence[str]:
        """The names of its saved moments, in the order of time."""

    def moment(self, name: str) -> Moment:
        """One of them, read now.

        Raises
        ------
        InvalidProblemError
            If a file is missing or damaged.
        """
