"""What a wrong field looks like: the usual mistakes of an adapter, each told by the field it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from surrogate_plugin.problem import FloatArray
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["diagnose"]


def diagnose(scenario: Scenario, name: str, cells: CellTable, field: FloatArray, allowed: float) -> str:
    """One sentence on what is wrong with a field that is not the steady one.

    Parameters
    ----------
    scenario : Scenario
    name : str
        The substrate.
    cells : CellTable
        The cells it should be the field of.
    field : (H, W) float64, field units
        What the host holds.
    allowed : float, field units
        Within what a mistake counts as recognised.

    Returns
    -------
    str
        Names the mistake if it is one of the usual ones, else where the field is off the most.

    Examples
    --------
    >>> scenario = Scenario.random(seed=1, shape=(9, 14))
    >>> upside_down = scenario.steady("oxygen")[::-1]
    >>> diagnose(scenario, "oxygen", scenario.cells, upside_down, 1e-6)
    'It is the steady field upside down: row 0 is the lowest y.'
    """
    if field.shape != scenario.shape:
        turned = " (that is (W, H): turn it)" if field.shape == scenario.shape[::-1] else ""
        return f"It has shape {field.shape}{turned}; (rows = y, columns = x), {scenario.shape}, is expected."
    for mistake, make in _mistakes(scenario, name, cells):
        wrong = make()
        if wrong.shape == field.shape and float(np.abs(wrong - field).max()) <= allowed:
            return mistake
    gap = np.abs(field - scenario.steady(name, cells))
    row, column = (int(index) for index in np.unravel_index(int(gap.argmax()), gap.shape))
    return f"It is off the most in row {row}, column {column}: {field[row, column]:g} there."


def _mistakes(scenario: Scenario, name: str, cells: CellTable) -> Iterator[tuple[str, Callable[[], FloatArray]]]:
    right = scenario.steady(name, cells)
    medium, unit = scenario.medium(name), np.full(len(cells), scenario.voxel_volume_um3)
    yield "It is the steady field upside down: row 0 is the lowest y.", lambda: right[::-1]
    yield "It is the steady field mirrored: column 0 is the lowest x.", lambda: right[:, ::-1]
    yield "It is the steady field transposed: rows are y, columns x.", lambda: right.T
    yield (
        "It is the field the host began with: nobody wrote the steady one.",
        lambda: np.full_like(right, medium.initial),
    )
    yield "It is the field of cells that take up nothing.", lambda: scenario.steady(name, cells.eating(0.0))
    yield "It is the field of cells that take up twice what they do.", lambda: scenario.steady(name, cells.eating(2.0))
    yield (
        "It is the field of cells as large as their voxels: uptake counts times V_cell / V_voxel.",
        lambda: scenario.steady(name, replace(cells, volume_um3=unit)),
    )
    yield "It is the field of cells that secrete nothing.", lambda: scenario.steady(name, cells.giving(0.0))
    for times, told in (
        (60.0, "60 times their rates: per minute was read as per second."),
        (1.0 / 60.0, "1/60 of their rates: per second was read as per minute."),
    ):
        off = cells.eating(times).giving(times)
        yield f"It is the field of cells with {told}", lambda off=off: scenario.steady(name, off)  # type: ignore[misc]
    for other in scenario.names:
        if other != name:
            yield f"It is the field of {other}.", lambda other=other: scenario.steady(other, cells)  # type: ignore[misc]
    yield "It is the field without any cells.", lambda: scenario.steady(name, cells.take([]))
    yield "It is the field of the cells as they were at first.", lambda: scenario.steady(name, scenario.cells)
    if medium.fixed.any():
        bare = replace(medium, fixed=np.zeros_like(medium.fixed), value=np.zeros_like(medium.value))
        bereft = replace(scenario, media=tuple(bare if other is medium else other for other in scenario.media))
        yield "It is the field without the vessels.", lambda: bereft.steady(name, cells)
