"""What can be known of a substrate when a model is attached: what is refused then, and what is told."""

from __future__ import annotations

from collections.abc import Iterator

import surrogate_plugin as sp
from surrogate_adapters.mesa.continuum import Continuum
from surrogate_adapters.mesa.spaces import Space
from surrogate_adapters.mesa.substrate import Substrate
from surrogate_adapters.notices import Kind
from surrogate_adapters.quasi_steady import not_quasi_steady, relaxation_min

_REMEDY = "follow it in time, by stepping='implicit-euler'"


def require_allowed(name: str, substrate: Substrate, space: Space, sides: sp.Boundary, *, steady: bool) -> None:
    """Refuse a substrate that no agents can give a steady field, if it is to have one.

    Raises
    ------
    UnsupportedProblemError
        If layers are to be something to it in a continuous space, which has none.
    InvalidProblemError
        If it does not decay and nothing is named that holds it, takes it up or secretes it.
    """
    if isinstance(space, Continuum):
        for layer in substrate.layers:
            space.layer(layer)
    anchors = (
        substrate.vessels,
        substrate.uptake_per_min,
        substrate.secretion_per_min,
        substrate.decay_in_per_min,
    )
    if steady and substrate.decay_per_min == 0 and not sides.holds_a_value and not any(anchors):
        raise sp.InvalidProblemError(
            f"substrate {name!r} has no unique steady field: decay_per_min is 0, no side holds a value, and neither "
            "vessels nor uptake_per_min nor secretion_per_min names anybody."
        )


def require_anchored(name: str, substrate: Substrate, sides: sp.Boundary, state: sp.TissueState) -> None:
    """Refuse a moment at which nothing fixes the level of a substrate that does not decay.

    Raises
    ------
    InvalidProblemError
        If no agent is there that holds it, takes it up or secretes it.
    """
    if substrate.decay_per_min > 0 or substrate.decay_in_per_min or sides.holds_a_value:
        return
    cells, voxels = state.cells, state.voxels
    exchanging = (cells.uptake_per_min + cells.secretion_per_min) * cells.volume_um3 > 0
    held = voxels is not None and voxels.fixed is not None and bool(voxels.fixed.any())
    if not (exchanging.any() or len(state.vessels) or held):
        raise sp.InvalidProblemError(
            f"substrate {name!r} has no unique steady field now: decay_per_min is 0, no side holds a value, and no "
            "agent is there that holds it, takes it up or secretes it."
        )


def concerns(
    name: str, substrate: Substrate, space: Space, sides: sp.Boundary, step_min: float | None
) -> Iterator[tuple[Kind, str]]:
    """What a user should know of a substrate beforehand: kinds and sentences of `Notices`."""
    if not substrate.supplied and sides.largest_value == 0:
        yield (
            "nothing supplies it",
            f"nothing supplies {name}: its Substrate names no vessels, no secretion_per_min, no production_per_min, no "
            "release_per_min and no side that holds a value above 0, so that its field is 0 everywhere.",
        )
    if step_min is not None:
        held = bool(substrate.vessels) or sides.holds_a_value
        relaxation = relaxation_min(
            substrate.diffusivity_um2_per_min, substrate.decay_per_min, space.domain.size_um, held=held
        )
        sentence = not_quasi_steady(name, relaxation, step_min, remedy=_REMEDY)
        if sentence is not None:
            yield "not quasi-steady", sentence
