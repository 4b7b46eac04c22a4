"""The lattice of a run without a host, out of two of size, spacing and shape."""

from __future__ import annotations

import math

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.scene import Lattice
from surrogate_plugin.tissue.domain import Domain


def domain_of(settings: SettingsFile, of_pictures: tuple[int, ...] | None) -> Domain:
    """The domain.

    Parameters
    ----------
    settings : SettingsFile
    of_pictures : (int, int), optional
        The shape that pictures have.

    Raises
    ------
    InvalidProblemError
        One sentence with file and line: if too little is said, or one thing against another.
    """
    document, given = settings.document, settings.domain
    if given is None:
        raise document.error(
            ("domain",), "[domain] is missing; a run without a host needs it, with spacing_um or size_um."
        )
    with document.at(("domain",)):
        shape = given.shape or of_pictures
        if of_pictures is not None and shape != tuple(of_pictures):
            raise InvalidProblemError(
                f"shape is {list(shape or ())}, but the picture in [[sources]] has {list(of_pictures)}."
            )
        spacing = given.spacing_um
        if spacing is None and given.size_um is None:
            raise InvalidProblemError("spacing_um and size_um are missing; one of them is needed.")
        if spacing is None:
            if shape is None:
                raise InvalidProblemError("size_um stands alone; spacing_um or shape is needed too.")
            return Domain(given.origin_um, given.size_um or (), (shape[0], shape[1]), given.thickness_um)
        if shape is None:
            shape = _shape(given)
        made = Domain.from_lattice((shape[0], shape[1]), spacing, given.origin_um, given.thickness_um)
        _check_size(given, made)
        return made


def _shape(given: Lattice) -> tuple[int, int]:
    """How many pixels a size takes."""
    if given.size_um is None:
        raise InvalidProblemError("spacing_um stands alone; size_um, shape or a picture in [[sources]] is needed too.")
    dy, dx = given.spacing_um if isinstance(given.spacing_um, tuple) else (given.spacing_um, given.spacing_um)
    counts = []
    for side, length, name in zip((dy, dx), reversed(given.size_um), ("height", "width"), strict=True):
        count = length / (side or 1.0)
        if not math.isfinite(count) or not math.isclose(count, round(count), rel_tol=1e-6, abs_tol=1e-6) or count < 0.5:
            raise InvalidProblemError(
                f"size_um has a {name} of {length:g}, which is {count:g} pixels of {side:g}; a whole number of them is "
                "allowed."
            )
        counts.append(round(count))
    return counts[0], counts[1]


def _check_size(given: Lattice, made: Domain) -> None:
    if given.size_um is None:
        return
    for said, is_so in zip(given.size_um, made.size_um, strict=True):
        if not math.isclose(said, is_so, rel_tol=1e-6):
            raise InvalidProblemError(
                f"size_um is {list(given.size_um)}, but shape times spacing_um is {list(made.size_um)}; they must "
                "agree, or one of them be left out."
            )
