"""The cells of a run without a host, as its table has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.arguments import FloatArray, IndexArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.running.tables import Column, read_table
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.saying import nearest
from surrogate_plugin.settings.scene import CellTable
from surrogate_plugin.settings.substrate import Substrate
from surrogate_plugin.tissue.cells import Cells
from surrogate_plugin.tissue.domain import Domain

#: What the keys of the settings are to `Cells`, and what a type has that they do not name.
_RATES = {
    "uptake_by_type": "uptake_per_min",
    "max_uptake_by_type": "max_uptake_per_min",
    "secretion_by_type": "secretion_per_min",
    "secretion_target_by_type": "secretion_target",
    "production_by_type": "production_per_min",
}


@dataclass(frozen=True, eq=False)
class Placed:
    """Where cells are, how large, and of which type.

    Attributes
    ----------
    position_um : (n, 2) float64, um
    sizes : dict
        ``radius_um`` or ``volume_um3``, as `Cells` takes it.
    kind : tuple of str
    """

    position_um: FloatArray
    sizes: Mapping[str, FloatArray | float]
    kind: tuple[str, ...]

    @classmethod
    def none(cls) -> Placed:
        """No cells."""
        return cls(np.empty((0, 2)), {"radius_um": np.empty(0)}, ())

    def __len__(self) -> int:
        return len(self.kind)

    def cells(self, substrate: Substrate, around_per_min: FloatArray | float) -> Cells:
        """With what they do to a substrate.

        Parameters
        ----------
        substrate : Substrate
        around_per_min : float or (n,) float64, 1 / min
            What decays around each.
        """
        of: dict[str, FloatArray | None] = {
            name: self._each(getattr(substrate, key), 0.0) for key, name in _RATES.items()
        }
        conducted = self._each(substrate.diffusivity_by_type, np.nan)
        membrane = self._each(substrate.membrane_by_type, np.inf)
        decay = self._each(substrate.decay_by_type, np.nan)
        change = None if decay is None else np.where(np.isnan(decay), 0.0, decay - around_per_min)
        of |= {"diffusivity_um2_per_min": conducted, "membrane_um_per_min": membrane, "decay_change_per_min": change}
        given = {name: values for name, values in of.items() if values is not None}
        return Cells(self.position_um, **self.sizes, **given)

    def _each(self, by_type: Mapping[str, float], unnamed: float) -> FloatArray | None:
        if not by_type:
            return None
        return np.array([by_type.get(kind, unnamed) for kind in self.kind], dtype=np.float64)


def read_cells(settings: SettingsFile, domain: Domain) -> Placed:
    """The cells of the settings.

    Raises
    ------
    InvalidProblemError
        One sentence with file and line: if the table cannot be read, a cell is off the lattice, or a type is named that
        no cell is of.
    """
    given, document = settings.cells, settings.document
    placed = Placed.none()
    if given is not None:
        with document.at(("cells",)):
            placed = _read(given, settings, domain)
    names = settings.names or []
    for name in names:
        _check_uptake(settings, name)
        for option, by_type in settings.substrate(name).types.items():
            for kind in by_type:
                if kind not in placed.kind:
                    raise document.error(("substrates", name, option, kind), _no_such_type(kind, placed, option))
    return placed


def _check_uptake(settings: SettingsFile, name: str) -> None:
    """What cells take up at most is said in the place of a rate, and of uptake that saturates."""
    of = settings.substrate(name)
    if not of.max_uptake_by_type:
        return
    place = ("substrates", name, "max_uptake_by_type")
    if of.michaelis_km is None:
        raise settings.document.error(place, "max_uptake_by_type needs michaelis_km, at which uptake saturates.")
    if of.uptake_by_type:
        raise settings.document.error(place, "max_uptake_by_type and uptake_by_type are given; one of them is allowed.")


def _read(given: CellTable, settings: SettingsFile, domain: Domain) -> Placed:
    size = Column("radius_um", 0.0), Column("volume_um3", 0.0)
    table = read_table(given.file, (Column("x_um"), Column("y_um")), size, ("type",))
    columns = table.numbers
    if "radius_um" in columns and "volume_um3" in columns:
        del columns["radius_um"]  # hosts count by volume, and their radius is that of a sphere of it
    sizes: dict[str, FloatArray | float] = {each.name: columns[each.name] for each in size if each.name in columns}
    if not sizes and given.radius_um is None:
        raise InvalidProblemError(
            f"{given.file} has neither a column radius_um nor volume_um3; one of them, or radius_um in [cells], is "
            "needed."
        )
    position = np.stack([columns["x_um"], columns["y_um"]], axis=1)
    _check_on_lattice(position, table.lines, settings, domain, given)
    kind = table.words.get("type", (given.type,) * len(table))
    return Placed(position, sizes or {"radius_um": given.radius_um or 0.0}, kind)


def _check_on_lattice(
    position: FloatArray, lines: IndexArray, settings: SettingsFile, domain: Domain, given: CellTable
) -> None:
    """A cell off the lattice is told by its line; where one substrate's sides are rings it is off for the others."""
    if settings.domain is None or settings.domain.outside != "error" or not len(position):
        return
    for name in settings.names or ():
        on = domain.contains(position, boundary=settings.substrate(name).boundary)
        if not on.all():
            row = int(np.argmin(on))
            (x0, y0), (width, height) = domain.origin_um, domain.size_um
            raise InvalidProblemError(
                f"{given.file}, line {lines[row]}: the cell at ({position[row, 0]:g}, {position[row, 1]:g}) um is off "
                f"the lattice; x from {x0:g} to {x0 + width:g} and y from {y0:g} to {y0 + height:g} um are allowed, or "
                "outside = 'drop' or 'clamp' in [domain]."
            )


def _no_such_type(kind: str, placed: Placed, option: str) -> str:
    types = sorted(set(placed.kind))
    if not types:
        return f"{option} names {kind!r}, but there are no cells; leave it out, or name a table of cells in [cells]."
    near = nearest(kind, types)
    listed = ", ".join(repr(each[:40]) for each in types[:12])
    return f"{option} names {kind!r}; the types of cells are {listed}{f'; the nearest is {near!r}' if near else ''}."
