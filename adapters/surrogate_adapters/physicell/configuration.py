"""`config/PhysiCell_settings.xml`, as far as it decides which substrates are answered for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import surrogate_plugin as sp
from surrogate_adapters.physicell.elements import Document, child, is_on
from surrogate_adapters.physicell.variables import Variable, variables_of

#: Where PhysiCell looks if it is not told otherwise.
CONFIGURATION = "config/PhysiCell_settings.xml"

_PHENOTYPE_MIN = 6.0  # PhysiCell's own, where the XML has none


@dataclass(frozen=True)
class Configuration:
    """What a project's XML says.

    Attributes
    ----------
    path : Path
    nodes : (nx, ny, nz)
        Voxels along each axis.
    spacing_um : (dx, dy, dz), um
    origin_um : (x, y), um
        The lower left corner.
    phenotype_min : float, min
        ``dt_phenotype``, by default the time from one solve to the next.
    variables : tuple of Variable
        Empty where custom code sets the microenvironment up.
    """

    path: Path
    nodes: tuple[int, int, int]
    spacing_um: tuple[float, float, float]
    origin_um: tuple[float, float]
    phenotype_min: float
    variables: tuple[Variable, ...]

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height, um."""
        return self.nodes[0] * self.spacing_um[0], self.nodes[1] * self.spacing_um[1]

    @property
    def names(self) -> list[str]:
        """The substrates, in PhysiCell's order."""
        return [one.name for one in self.variables]


def read(path: Path, folder: Path) -> Configuration:
    """Read a configuration.

    Parameters
    ----------
    path : Path
        The XML.
    folder : Path
        The project.

    Returns
    -------
    Configuration

    Raises
    ------
    InvalidProblemError
        If it cannot be read, is not XML, is not PhysiCell's, or has something else where a number should be: one
        sentence with the path.
    """
    document = Document.read(path)
    root, domain = document.root, child(document.root, "domain")
    if root.tag != "PhysiCell_settings" or root.find("domain") is None:
        raise sp.InvalidProblemError(f"{path} is no configuration of PhysiCell: it has no PhysiCell_settings/domain.")
    flat = is_on(domain.findtext("use_2D"))
    (dx, nx), (dy, ny) = _axis(document, domain, "x"), _axis(document, domain, "y")
    dz, nz = (document.number(domain, "dz", positive=True), 1) if flat else _axis(document, domain, "z")
    step = child(root, "overall/dt_phenotype")
    return Configuration(
        path=path,
        nodes=(nx, ny, nz),
        spacing_um=(dx, dy, dz),
        origin_um=(document.number(domain, "x_min"), document.number(domain, "y_min")),
        phenotype_min=document.value(step, "dt_phenotype", positive=True) if step.text else _PHENOTYPE_MIN,
        variables=tuple(variables_of(document, folder)),
    )


def _axis(document: Document, domain: Element, axis: str) -> tuple[float, int]:
    """The spacing along one axis, um, and the number of voxels."""
    spacing = document.number(domain, f"d{axis}", positive=True)
    length = document.number(domain, f"{axis}_max") - document.number(domain, f"{axis}_min")
    if not 0 < length <= 1e9 * spacing:
        raise sp.InvalidProblemError(
            f"{document.path}: {axis}_max - {axis}_min is {length:g} and d{axis} is {spacing:g}; 1 to 1e9 voxels along "
            "an axis are allowed."
        )
    return spacing, math.ceil(length / spacing)
