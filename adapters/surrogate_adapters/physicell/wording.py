"""What is said while a PhysiCell simulation runs, in the words of PhysiCell."""

from __future__ import annotations

import re

__all__ = ["how_far_off", "in_the_hosts_words", "what_happened"]

#: Words of the core, which knows pictures and sides, and what they are in PhysiCell; in this order.
_WORDS = (
    ("no pixel is fixed and no side holds a value", "and no Dirichlet node is active"),
    ("set a decay > 0, fix a pixel, or give one side a value", "set a decay rate > 0 or activate a Dirichlet node"),
    ("fix a pixel, or give a side a value", "or activate a Dirichlet node"),
    ("fixed pixels", "Dirichlet nodes"),
    ("pixel", "voxel"),
    ("the largest value of source and boundary", "the largest Dirichlet value"),
    ("voxels.value", "the Dirichlet value of voxel "),
    ("BackendConfig.", ""),
)

#: What the core calls a number of a cell, which it counts as PhysiCell's list does.
_NUMBERS = {
    "uptake_per_min": "uptake rate",
    "secretion_per_min": "secretion rate",
    "secretion_target": "saturation density",
    "radius_um": "radius",
    "volume_um3": "volume",
}
_OF_A_CELL = re.compile(rf"cells\.({'|'.join(_NUMBERS)})\[(\d+)\]")


def in_the_hosts_words(message: str) -> str:
    """A message of the core as a modeller of PhysiCell reads it.

    Examples
    --------
    >>> in_the_hosts_words("source has 3e9 pixels; at most 1e8 are allowed.")
    'source has 3e9 voxels; at most 1e8 are allowed.'
    >>> in_the_hosts_words("cells.uptake_per_min[5] is nan; a finite number >= 0 is allowed.")
    "the uptake rate of cell 5 of PhysiCell's list is nan; a finite number >= 0 is allowed."
    """
    message = _OF_A_CELL.sub(lambda found: f"the {_NUMBERS[found[1]]} of cell {found[2]} of PhysiCell's list", message)
    for theirs, ours in _WORDS:
        message = message.replace(theirs, ours)
    return message


def what_happened(kind: str, substrate: str, voxels: int, minutes: float) -> str:
    """The sentence of a notice that comes up between two solves.

    Examples
    --------
    >>> print(what_happened("nodes changed", "oxygen", 0, 720.0))
    the Dirichlet nodes of oxygen changed at 720 min, between two solves: it was solved for at once, and its new \
steady field is there without the time that it takes to get there.
    """
    where = "in one voxel" if voxels == 1 else f"in {voxels} voxels"
    if kind == "nodes changed":
        return (
            f"the Dirichlet nodes of {substrate} changed at {minutes:g} min, between two solves: it was solved for at "
            "once, and its new steady field is there without the time that it takes to get there."
        )
    if kind == "written from outside":
        return (
            f"{substrate} was written from outside before {minutes:g} min, {where}: by code of the model, or by cells "
            "that died and released what they held. A steady field has no place for what is put in at once, so the "
            f"field was put back; step {substrate} in time (stepping = 'implicit-euler'), or leave it to PhysiCell, if "
            "the model lives on this."
        )
    return (
        f"cells moved or changed their rates, {where}, since {substrate} was last solved for, so that at {minutes:g} "
        "min what they read is off by more than its tolerance; refresh = 'phenotype' solves when that is so."
    )


def how_far_off(substrate: str, excess: float, allowed: float, minutes: float) -> str:
    """The sentence of a notice that a field was held for too long.

    Examples
    --------
    >>> print(how_far_off("oxygen", 24.9, 0.38, 12.0))
    the field of oxygen that cells read before 12 min was off by 24.9, and 0.38 is allowed: cells have moved, divided \
or changed since it was solved for, and membranes and diffusivities of cells are looked at in solves alone; \
refresh = 'mechanics' solves before each mechanics step.
    """
    return (
        f"the field of {substrate} that cells read before {minutes:g} min was off by {excess:.3g}, and {allowed:.3g} "
        "is allowed: cells have moved, divided or changed since it was solved for, and membranes and diffusivities of "
        "cells are looked at in solves alone; refresh = 'mechanics' solves before each mechanics step."
    )
