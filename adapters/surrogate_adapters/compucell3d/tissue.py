"""Which cell is where on the host's lattice, and what each type or each cell does there.

The host orders its lattice (x, y, z); here it is turned, once, to (rows = y, columns = x).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.fields import Amounts, Contacts, Described
from surrogate_adapters.compucell3d.surface import membranes, touching

FloatArray = npt.NDArray[np.float64]

#: Rows and columns of some pixels.
Pixels = tuple[npt.NDArray[np.intp], ...]

#: The host counts types in one byte.
_TYPES = 256

_NUMBERS = (float, int, np.floating, np.integer)


def check_types(name: str, field: Described, type_ids: Mapping[str, int]) -> None:
    """Whether a field names only types that the host has, and asks the medium for no ``cell.dict``.

    Raises
    ------
    InvalidProblemError
        Naming the field, the option and the type.
    """

    def check(option: str, cell_type: str) -> None:
        if cell_type not in type_ids:
            raise sp.InvalidProblemError(
                f"field {name!r}: {option} names {cell_type!r}; the cell types are {', '.join(type_ids)}."
            )

    option, contacts = field.on_contact()
    for cell_type, touched in contacts.items():
        for named in (cell_type, *touched):
            check(option, named)
    for option, amounts in field.by_type().items():
        for cell_type, amount in amounts.items():
            check(option, cell_type)
            if isinstance(amount, str) and type_ids[cell_type] == 0:
                raise sp.InvalidProblemError(
                    f"field {name!r}: {option} of {cell_type!r} is {amount!r}, but what is no cell has no dict; "
                    "a number is allowed."
                )


def needs_ids(fields: Iterable[Described]) -> bool:
    """Whether any option is kept cell by cell or goes by their surface, so that types alone do not say it all."""
    return any(
        f.on_surface()
        or any(isinstance(amount, str) for by_type in f.by_type().values() for amount in by_type.values())
        for f in fields
    )


def entries_of(
    cells: Iterable[Any], fields: Iterable[Described], type_ids: Mapping[str, int]
) -> dict[tuple[int, str], list[tuple[int, Any]]]:
    """What cells keep under the keys that fields name, by type number and key: (cell id, entry or None) of each cell.

    Each look at a cell is a call of the host's, so that one pass over them serves all fields: this is what a step costs
    most.
    """
    found: dict[tuple[int, str], list[tuple[int, Any]]] = {
        (type_ids[name], amount): []
        for f in fields
        for by_type in f.by_type().values()
        for name, amount in by_type.items()
        if isinstance(amount, str)
    }
    keys: dict[int, list[str]] = {}
    for number, key in found:
        keys.setdefault(number, []).append(key)
    for cell in cells if keys else ():
        number = cell.type
        if number in keys:
            cell_id, kept = cell.id, cell.dict
            for key in keys[number]:
                found[number, key].append((cell_id, kept.get(key)))
    return found


@dataclass(frozen=True, eq=False)
class Tissue:
    """The cells at one moment.

    Attributes
    ----------
    types : (H, W) uint8
        Type of the cell in each voxel; 0 is the medium.
    ids : (H, W) int32, or None
        Id of the cell in each voxel, where `needs_ids` says so; 0 is the medium.
    entries : mapping of (type number, key) to list of (cell id, what the cell keeps under that key)
        As `entries_of` reads them.
    type_ids : mapping of type name to number
    periodic : (bool, bool)
        Whether the lattice wraps around, along x and along y.
    """

    types: npt.NDArray[np.uint8]
    ids: npt.NDArray[np.int32] | None
    entries: Mapping[tuple[int, str], list[tuple[int, Any]]]
    type_ids: Mapping[str, int]
    periodic: tuple[bool, bool] = (False, False)

    def same_as(self, other: Tissue | None) -> bool:
        """Whether nothing that any field reads of the cells has changed."""
        if other is None or not np.array_equal(self.types, other.types) or self.entries != other.entries:
            return False
        return self.periodic == other.periodic and (
            self.ids is other.ids or (other.ids is not None and np.array_equal(self._ids(), other.ids))
        )

    def spread(
        self,
        option: str,
        amounts: Amounts,
        entries_unit: float = 1.0,
        unnamed: float = 0.0,
        where: Pixels | None = None,
    ) -> FloatArray:
        """An option on the lattice, (H, W): each voxel has the number of its cell's type, or of its cell.

        Where types that are not named have inf, as of membranes, a cell may have it too. With ``where`` of these pixels
        alone, (n,).
        """
        by_type = np.full(_TYPES, unnamed)
        for name, amount in amounts.items():
            if not isinstance(amount, str):
                by_type[self.type_ids[name]] = amount
        types = self.types if where is None else self.types[where]
        spread = by_type[types]
        for name, amount in amounts.items():
            if isinstance(amount, str):
                here = types == self.type_ids[name]
                ids = (self._ids() if where is None else self._ids()[where])[here]
                entries = self._entries(option, name, amount, unnamed == math.inf, None if where is None else ids)
                spread[here] = entries_unit * entries[ids]
        return spread

    def of_types(self, names: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Where there are cells of these types, (H, W) bool."""
        chosen = np.zeros(_TYPES, dtype=np.bool_)
        chosen[[self.type_ids[name] for name in names]] = True
        return chosen[self.types]

    def membranes(self, permeability: FloatArray) -> sp.Membranes:
        """Those around cells, of permeabilities that are given voxel by voxel, infinite where there is none."""
        return membranes(self._ids(), permeability, self.periodic)

    def at_boundary(self) -> npt.NDArray[np.bool_]:
        """The boundary pixels of cells, (H, W) bool: those beside another cell or the medium."""
        return touching(self._ids(), None, self.periodic)

    def on_contact(self, contacts: Contacts) -> FloatArray:
        """What cells make where they touch others, (H, W); the largest where they touch several."""
        made = np.zeros(self.types.shape)
        for name, by_type in contacts.items():
            own = self._of_type(name)
            for other, amount in by_type.items():
                meeting = own & touching(self._ids(), self._of_type(other), self.periodic)
                np.maximum(made, amount, out=made, where=meeting)
        return made

    def _of_type(self, name: str) -> npt.NDArray[np.bool_]:
        return np.asarray(self.types == self.type_ids[name])

    def _ids(self) -> npt.NDArray[np.int32]:
        assert self.ids is not None, "ids are read whenever an option goes by cells"
        return self.ids

    def _entries(self, option: str, name: str, key: str, endless: bool, of: npt.NDArray[np.int32] | None) -> FloatArray:
        """What each cell of a type, or ``of`` these, keeps under ``key``, by id; inf too where that is ``endless``."""
        entries, kept = np.zeros(int(self._ids().max()) + 1), self.entries[self.type_ids[name], key]
        if of is not None:
            known = dict(kept)
            kept = [(cell_id, known[cell_id]) for cell_id in np.unique(of).tolist() if cell_id in known]
        for cell_id, amount in kept:
            if not isinstance(amount, _NUMBERS) or not (0 <= amount < math.inf or (endless and amount == math.inf)):
                raise sp.InvalidProblemError(_refusal(f"{option}: cell {cell_id} ({name})", key, amount, endless))
            if cell_id < entries.size:  # the newest may have no voxel yet
                entries[cell_id] = amount
        return entries


def _refusal(whose: str, key: str, amount: Any, endless: bool) -> str:
    if amount is None:
        return f"{whose} has no dict[{key!r}]; set it, or give the type a number."
    allowed = "a number >= 0 or inf" if endless else "a finite number >= 0"
    return f"{whose} has dict[{key!r}] = {amount!r}; {allowed} is allowed."
