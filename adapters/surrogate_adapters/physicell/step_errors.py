"""The errors that the diffusion step of given settings is predicted to make, one a cause, each with its sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from surrogate_adapters.physicell.cell_types import CellType
from surrogate_adapters.physicell.settings import Settings
from surrogate_adapters.physicell.splitting import Diffusing, beside_sides, lone_cell, packing, step_within
from surrogate_adapters.physicell.variables import SIDES, Variable

__all__ = ["Predicted", "predictions"]

#: Against what flows between voxels, a decay that brings nothing to rest within any simulation.
_NO_DECAY = 1e-12


@dataclass(frozen=True)
class Predicted:
    """What the step does to one substrate.

    Attributes
    ----------
    cause : "sides", "takes up", "makes" or "gives"
        Of the last three, what a lone cell does: it reads a field, or what it makes itself; or others read that.
    step_min : float, min
        The diffusion step.
    share : float
        The error: of the largest value held, or of what is read.
    described : str
        What is off, and by how much.
    error_at : callable
        The error at another step, min.
    """

    cause: str
    step_min: float
    share: float
    described: str
    error_at: Callable[[float], float]

    def sentence(self, allowed: float) -> str:
        """What a user is told where more than a share is not allowed."""
        enough = step_within(self.error_at, allowed, self.step_min)
        return (
            f"{self.described} at the diffusion step of {self.step_min:g} min; a step of {enough:g} min is predicted "
            f"to keep it within {percent(allowed)}."
        )


def predictions(settings: Settings, variable: Variable) -> list[Predicted]:
    """What is predicted of one substrate; nothing where it does not diffuse, or nothing pulls it to a value."""
    if variable.diffusivity_um2_per_min <= 0.0 or variable.decay_per_min < 0.0:
        return []
    lattice = settings.lattice
    nodes = lattice.nodes[:2] if lattice.flat else lattice.nodes
    held = tuple(any(side in variable.sides for side in _across(axis)) for axis in range(len(nodes)))
    of = Diffusing(variable.diffusivity_um2_per_min, variable.decay_per_min, lattice.spacing_um[0], tuple(nodes), held)
    return [*_sides(settings, variable, of), *_cells(settings, variable, of)]


def percent(share: float) -> str:
    """A share as people read it.

    Examples
    --------
    >>> percent(0.243), percent(-0.0271), percent(0.9353)
    ('24 %', '2.7 %', '94 %')
    """
    if abs(share) < 1e-4:
        return "less than 0.01 %"
    return f"{100.0 * abs(share):.2g} %" if abs(share) < 1.0 else f"{100.0 * abs(share):.0f} %"


def _sides(settings: Settings, variable: Variable, of: Diffusing) -> Iterator[Predicted]:
    largest = max(variable.sides.values(), default=0.0)
    lines = [(axis, ends) for axis in range(len(of.nodes)) if any(ends := _ends(variable, axis)) and of.nodes[axis] > 1]
    if largest <= 0.0 or not lines:
        return
    eating = _strongest(settings, variable.name)
    uptake = 0.0 if eating is None else _packed(settings, eating, variable.name)
    step = settings.times.diffusion_min

    def error(step_min: float, uptake_per_min: float = uptake) -> float:
        return max(beside_sides(of, axis, ends, step_min, uptake_per_min) for axis, ends in lines)

    share = error(step)
    how = percent(share)
    if eating is not None:
        how += f" in tissue of touching {eating.name!r} (by {percent(error(step, 0.0))} without cells)"
    described = (
        f"{variable.name} beside the sides that hold it at {largest:g} is predicted to be off by {how}, since "
        "PhysiCell's sweeps let go of sides,"
    )
    yield Predicted("sides", step, share, described, error)


def _cells(settings: Settings, variable: Variable, of: Diffusing) -> Iterator[Predicted]:
    if of.decay_per_min <= _NO_DECAY * of.link and not any(of.held):
        return
    found: dict[str, Predicted] = {}
    for one in settings.cell_types:
        rates = one.rates.get(variable.name)
        if rates is None:
            continue
        share = one.volume_um3 / _voxel_um3(settings)
        to_target = rates.secretion_per_min > 0.0 and rates.secretion_target > 0.0
        causes = {"takes up": rates.uptake_per_min > 0.0, "makes": rates.supplies, "gives": to_target}
        for cause in (cause for cause, there in causes.items() if there):
            made = _lone(variable, of, one, cause, settings.times.diffusion_min, share * max(rates.pull, 0.0))
            if cause not in found or abs(made.share) > abs(found[cause].share):
                found[cause] = made
    yield from found.values()


def _lone(variable: Variable, of: Diffusing, one: CellType, cause: str, step: float, pull: float) -> Predicted:
    makes = cause == "makes"

    def error(step_min: float) -> float:
        return lone_cell(of, step_min, uptake_per_min=pull, makes=makes)

    share, name = error(step), variable.name
    amount = f"{percent(share)} too {'much' if share > 0 else 'little'}"
    does = {
        "takes up": f"to read {amount} of the {name} around it",
        "makes": f"to read {amount} of the {name} that it makes itself",
        "gives": f"to give {amount} {name} to what is around it",
    }[cause]
    described = f"a lone {one.name!r} is predicted {does}, since it acts on its voxel all at once,"
    return Predicted(cause, step, share, described, error)


def _across(axis: int) -> tuple[str, str]:
    return cast(tuple[str, str], SIDES[2 * axis : 2 * axis + 2])


def _ends(variable: Variable, axis: int) -> tuple[float | None, float | None]:
    low, high = _across(axis)
    return variable.sides.get(low), variable.sides.get(high)


def _strongest(settings: Settings, name: str) -> CellType | None:
    """The cell type whose tissue takes up most."""
    eating = [one for one in settings.cell_types if name in one.rates and one.rates[name].uptake_per_min > 0.0]
    return max(eating, key=lambda one: _packed(settings, one, name), default=None)


def _packed(settings: Settings, one: CellType, name: str) -> float:
    """What touching cells of a type take up, 1 / min."""
    layer = settings.lattice.spacing_um[2] if settings.lattice.flat else None
    return packing(one.volume_um3, layer) * one.rates[name].uptake_per_min


def _voxel_um3(settings: Settings) -> float:
    dx, dy, dz = settings.lattice.spacing_um
    return dx * dy * dz
