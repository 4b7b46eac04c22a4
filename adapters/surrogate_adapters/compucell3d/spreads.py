"""Options that go by type or by cell, on the lattice: where nothing has changed since the last look, as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from surrogate_adapters.compucell3d.fields import Amounts
    from surrogate_adapters.compucell3d.tissue import Pixels, Tissue

__all__ = ["Spreads", "changed"]

FloatArray = npt.NDArray[np.float64]


class Spreads:
    """The maps of one field's options, made anew only at pixels of another or a changed cell."""

    def __init__(self) -> None:
        self._tissue: Tissue | None = None
        self._maps: dict[tuple[str, float, float], tuple[Amounts, FloatArray]] = {}

    def follow(self, tissue: Tissue) -> None:
        """Bring the maps to these cells, where there are any yet."""
        where = None if self._tissue is None else changed(self._tissue, tissue)
        maps = {}
        for (option, unit, unnamed), (amounts, before) in self._maps.items() if where is not None else ():
            now = before.copy()  # the last state has the one before
            now[where] = tissue.spread(option, amounts, unit, unnamed, where)
            maps[option, unit, unnamed] = amounts, now
        self._tissue, self._maps = tissue, maps  # at once, since an entry that is not allowed is refused on the way

    def spread(self, option: str, amounts: Amounts, unit: float = 1.0, unnamed: float = 0.0) -> FloatArray:
        """`Tissue.spread` of the cells followed last."""
        assert self._tissue is not None, "there are cells to follow"
        if (option, unit, unnamed) not in self._maps:
            self._maps[option, unit, unnamed] = amounts, self._tissue.spread(option, amounts, unit, unnamed)
        return self._maps[option, unit, unnamed][1]


def changed(before: Tissue, now: Tissue) -> Pixels | None:
    """The pixels, (rows, columns), of which anything that an option reads is another; None if that is not known."""
    if before.type_ids != now.type_ids or (before.ids is None) != (now.ids is None):
        return None
    where = before.types != now.types
    if before.ids is not None and now.ids is not None:
        where |= before.ids != now.ids
        ids = _of_others(before.entries, now.entries)
        if ids:
            where |= np.isin(now.ids, ids)
    return np.nonzero(where)


def _of_others(
    before: Mapping[tuple[int, str], list[tuple[int, Any]]], now: Mapping[tuple[int, str], list[tuple[int, Any]]]
) -> list[int]:
    """The cells that keep another number than before, or did not keep one."""
    found: set[int] = set()
    for key, entries in now.items():
        others = before.get(key)
        if others == entries:
            continue
        known = dict(others or ())
        found.update(cell for cell, amount in entries if cell not in known or known[cell] != amount)
    return sorted(found)
