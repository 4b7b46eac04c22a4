"""What a field's users are told: that there is no steady field, or what a steady one cannot do for them."""

from __future__ import annotations

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.substrate import Substrate
from surrogate_adapters.notices import Notices
from surrogate_adapters.quasi_steady import not_quasi_steady, relaxation_min
from surrogate_plugin.arguments import Coefficient

__all__ = ["require_rest", "tell_at_start"]


def require_rest(substrate: Substrate, state: sp.TissueState) -> None:
    """Refuse a field that nothing brings to rest, in the host's words.

    Raises
    ------
    InvalidProblemError
        If it does not decay, and nothing that holds a value or takes up is there.
    """
    voxels = state.voxels
    held = substrate.boundary.holds_a_value or bool(voxels is not None and np.any(voxels.fixed))
    taken = voxels is not None and bool(np.any(voxels.uptake_per_min))
    if np.any(_decay(substrate, state)) or held or taken:
        return
    raise sp.InvalidProblemError(
        f"field {substrate.name!r} has no unique steady state: it does not decay, no side holds a value, and no cell "
        "that is fixed, takes up or secretes towards a target is on the lattice now; give it one of these, or register "
        "SurrogateDiffusion after the steppables that place the cells."
    )


def tell_at_start(notices: Notices, substrate: Substrate, state: sp.TissueState, minutes_per_mcs: float) -> None:
    """Say if nothing that is described supplies the field, or if it does not come to rest within a MCS.

    Parameters
    ----------
    notices : Notices
    substrate : Substrate
    state : TissueState
        Of the host's lattice; what cells take up on average lets a field come to rest sooner.
    minutes_per_mcs : float, min
    """
    name, field = substrate.name, substrate.field
    if not substrate.supplied():
        notices.tell(
            "nothing supplies it",
            name,
            f"field {name!r} is 0 for good: no type of cells is fixed, produces or secretes, no side holds a value.",
        )
        return
    uptake = 0.0 if state.voxels is None else float(np.mean(state.voxels.uptake_per_min))
    decay = float(np.mean(_decay(substrate, state)))
    rest = relaxation_min(
        field.diffusivity_um2_per_min, decay + uptake, substrate.lattice.size_um, held=substrate.holds()
    )
    sentence = not_quasi_steady(f"field {name!r}", rest, minutes_per_mcs, remedy=_REMEDY)
    if sentence is not None:
        notices.tell("not quasi-steady", name, sentence)


def _decay(substrate: Substrate, state: sp.TissueState) -> Coefficient:
    """Without uptake, 1 / min: a number, or that of each voxel."""
    voxels = state.voxels
    if voxels is None or voxels.decay_per_min is None:
        return substrate.field.decay_per_min
    return voxels.decay_per_min


_REMEDY = (
    "follow it in time, by stepping='implicit-euler', leave it to a solver of the XML, or check minutes_per_mcs and "
    "um_per_pixel"
)
