"""Grids that were copied or unpickled, put right: Mesa 3.3 brings them back with faults that would spoil a field."""

from __future__ import annotations

from typing import Any


def mend(grid: Any) -> None:
    """Put a copied ``mesa.discrete_space`` grid right; one that is no copy is left alone.

    In a copy each cell has a class of its own, and all but the first lose their property layers; some agents sit in
    cells that are no longer the grid's, without neighbours.
    """
    last = grid[tuple(side - 1 for side in grid.dimensions)]
    if type(last) is grid.cell_klass:
        return
    for cell in grid:
        cell.__class__ = grid.cell_klass
        for agent in cell.agents:
            agent._mesa_cell = cell
