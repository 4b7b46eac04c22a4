"""The voxels of a microenvironment, and which of them hold a substrate as its Dirichlet nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.physicell.elements import Document, child, is_on
from surrogate_adapters.physicell.state import Nodes, domain_of
from surrogate_adapters.physicell.variables import SIDES, Variable

__all__ = ["Lattice", "lattice_of", "nodes_of"]


@dataclass(frozen=True)
class Lattice:
    """The voxels of a microenvironment.

    Attributes
    ----------
    nodes : (nx, ny, nz)
        Voxels along each axis.
    spacing_um : (dx, dy, dz), um
    origin_um : (x, y, z), um
        The corner with the lowest coordinates.
    length_um : mapping of axis to float, um
        What the XML says, of which voxels may be no part: the last one reaches further then.
    flat : bool
        Whether the XML says ``use_2D``.
    unit : str
        What the XML calls the unit of length; PhysiCell counts in micrometres whatever it says.
    """

    nodes: tuple[int, int, int]
    spacing_um: tuple[float, float, float]
    origin_um: tuple[float, float, float]
    length_um: Mapping[str, float]
    flat: bool
    unit: str

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height, um."""
        return self.nodes[0] * self.spacing_um[0], self.nodes[1] * self.spacing_um[1]

    def contains(self, position_um: Sequence[float]) -> bool:
        """Whether a point lies on it, its outer faces included."""
        extents = zip(position_um, self.origin_um, self.nodes, self.spacing_um, strict=True)
        return all(low <= place <= low + count * spacing for place, low, count, spacing in extents)

    @property
    def domain(self) -> sp.Domain:
        """The lattice as the core has it.

        Raises
        ------
        UnsupportedProblemError
            If there is more than one layer of voxels, or less than two voxels along x or y.
        """
        return domain_of(self.nodes, self.spacing_um, self.origin_um[:2])


def lattice_of(document: Document) -> Lattice:
    """The lattice of the XML.

    Raises
    ------
    InvalidProblemError
        If what should be a number is none, or an axis has no voxels.
    """
    domain = child(document.root, "domain")
    flat = is_on(domain.findtext("use_2D"))
    (dx, nx), (dy, ny) = _axis(document, domain, "x"), _axis(document, domain, "y")
    dz, nz = (document.number(domain, "dz", positive=True), 1) if flat else _axis(document, domain, "z")
    x, y = document.number(domain, "x_min"), document.number(domain, "y_min")
    z = -dz / 2.0 if flat else document.number(domain, "z_min")
    unit = document.root.findtext("overall/space_units", "").strip()
    lengths = {axis: _length(document, domain, axis) for axis in "xyz"} | ({"z": dz} if flat else {})
    return Lattice((nx, ny, nz), (dx, dy, dz), (x, y, z), lengths, flat, unit)


def _axis(document: Document, domain: Element, axis: str) -> tuple[float, int]:
    """The spacing along one axis, um, and the number of voxels."""
    spacing = document.number(domain, f"d{axis}", positive=True)
    length = _length(document, domain, axis)
    if not 0 < length <= 1e9 * spacing:
        raise document.error(
            domain,
            f"{axis}_max - {axis}_min is {length:g} and d{axis} is {spacing:g}; 1 to 1e9 voxels along an axis are "
            "allowed.",
        )
    return spacing, math.ceil(length / spacing)


def _length(document: Document, domain: Element, axis: str) -> float:
    return document.number(domain, f"{axis}_max") - document.number(domain, f"{axis}_min")


def nodes_of(domain: sp.Domain, variables: Sequence[Variable], name: str) -> Nodes:
    """The nodes that the sides of a 2-D microenvironment make for one substrate.

    PhysiCell goes along the sides one after another, and along each that any substrate is held at it says anew of every
    substrate whether it is held: so a corner belongs to the last such side, even for a substrate that this lets go.

    Returns
    -------
    fixed : (H, W) bool
    value : (H, W) float64, field units
        0 where nothing is fixed.
    """
    fixed, value = np.zeros(domain.shape, dtype=np.bool_), np.zeros(domain.shape)
    all_along: slice = slice(None)
    edges: dict[str, tuple[int | slice, int | slice]] = {
        "xmin": (all_along, 0),
        "xmax": (all_along, -1),
        "ymin": (0, all_along),
        "ymax": (-1, all_along),
    }
    sides = next(one.sides for one in variables if one.name == name)
    for side in SIDES:
        if side in edges and any(side in one.sides for one in variables):
            fixed[edges[side]] = side in sides
            value[edges[side]] = sides.get(side, 0.0)
    return fixed, value
