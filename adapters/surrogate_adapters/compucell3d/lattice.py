"""The host's lattice and its clock, and the lattice that is solved on."""

from __future__ import annotations

from typing import Any

import surrogate_plugin as sp


def is_count(value: Any) -> bool:
    """Whether something is a whole number >= 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def dimensions_of(steppable: Any) -> tuple[int, int, int]:
    """The host's own (x, y, z), pixels."""
    dim = steppable.dim
    return int(dim.x), int(dim.y), int(dim.z)


def square_lattice_of(steppable: Any) -> tuple[int, int]:
    """(rows, columns) of the host's lattice.

    Raises
    ------
    UnsupportedProblemError
        If it is hexagonal, has more than one layer along z, or only one pixel along x or y, which the host's shared
        fields do not take.
    """
    from cc3d import CompuCellSetup

    if CompuCellSetup.extract_lattice_type().lower() == "hexagonal":
        raise sp.UnsupportedProblemError("the host's lattice is hexagonal; a square one is allowed.")
    x, y, z = dimensions_of(steppable)
    if z != 1 or min(x, y) < 2:
        raise sp.UnsupportedProblemError(
            f"the host's lattice is {x} x {y} x {z} pixels; one layer along z, with at least 2 pixels along x and y, "
            "is allowed."
        )
    return y, x


def first_mcs() -> int:
    """The first MCS in which the host moves cells and runs solvers: 1, unless it is told to do so in MCS 0."""
    from cc3d import CompuCellSetup

    return 0 if CompuCellSetup.persistent_globals.execute_step_at_mcs_0 else 1


def periodic_of(potts: Any) -> tuple[bool, bool]:
    """Whether the host's lattice wraps around, along x and along y."""
    return potts.getBoundaryXName() == "Periodic", potts.getBoundaryYName() == "Periodic"


def domain_of(
    lattice: tuple[int, int],
    um_per_pixel: float,
    shape: tuple[int, int] | None = None,
    coarsen: int | None = None,
) -> sp.Domain:
    """The lattice to solve on: the host's own, or another one of the same rectangle.

    Parameters
    ----------
    lattice : (int, int)
        (rows, columns) of the host's.
    um_per_pixel : float, um
    shape : (int, int), optional
        (rows, columns) of the other one.
    coarsen : int, optional
        How many of the host's pixels go into one, along each axis.

    Raises
    ------
    InvalidProblemError
        If both are given, or the pixels would not be square, or not whole.

    Examples
    --------
    >>> domain_of((100, 150), 4.0, coarsen=2).shape, domain_of((100, 150), 4.0, shape=(40, 60)).spacing_um
    ((50, 75), 10.0)
    """
    if shape is not None and coarsen is not None:
        raise sp.InvalidProblemError(f"shape is {shape!r} and coarsen is {coarsen!r}; one of the two is allowed.")
    rows, columns = lattice
    if coarsen is not None:
        if not is_count(coarsen) or rows % coarsen or columns % coarsen:
            raise sp.InvalidProblemError(
                f"coarsen is {coarsen!r}; a whole number >= 1 that divides {columns} and {rows} pixels is allowed."
            )
        shape = rows // coarsen, columns // coarsen
    if shape is None or tuple(shape) == lattice:
        return sp.Domain.from_lattice(lattice, um_per_pixel)
    return sp.Domain((0.0, 0.0), (columns * um_per_pixel, rows * um_per_pixel), shape)
