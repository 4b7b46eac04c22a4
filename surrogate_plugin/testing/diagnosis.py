"""What a wrong field looks like: the usual mistakes of an adapter, each told by the field it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.sides import SideLike
from surrogate_plugin.testing.reading import slopes
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["diagnose", "diagnose_slopes"]

Mistakes = Iterator[tuple[str, Callable[[], FloatArray]]]


def diagnose(
    scenario: Scenario,
    name: str,
    cells: CellTable,
    field: FloatArray,
    allowed: float,
    before: CellTable | None = None,
) -> str:
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
    before : CellTable, optional
        The cells as they were a turn ago.

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
    for mistakes in (_turned, _late, _rates, _sides, _vessels):
        for mistake, make in mistakes(scenario, name, cells, before):
            wrong = make()
            if wrong.shape == field.shape and float(np.abs(wrong - field).max()) <= allowed:
                return mistake
    gap = np.abs(field - scenario.steady(name, cells))
    row, column = (int(index) for index in np.unravel_index(int(gap.argmax()), gap.shape))
    return f"It is off the most in row {row}, column {column}: {field[row, column]:g} there."


def diagnose_slopes(
    scenario: Scenario,
    name: str,
    cells: CellTable,
    read: FloatArray,
    allowed: float,
    before: CellTable | None = None,
) -> str:
    """One sentence on what is wrong with gradients that are not those of the steady field.

    Parameters are those of `diagnose`; ``read`` is (n, 2), field units / um, what each cell reads as (x, y).

    Examples
    --------
    >>> scenario = Scenario.random(seed=1, shape=(9, 14))
    >>> diagnose_slopes(scenario, "oxygen", scenario.cells, np.zeros((40, 2)), 1e-6)
    'They are all 0: nobody has computed them.'
    """
    row, column = scenario.voxels(cells)
    right = slopes(scenario, scenario.steady(name, cells))[:, row, column].T
    usual = [
        ("They are all 0: nobody has computed them.", 0.0 * right),
        ("They are per voxel: divide by the spacing.", scenario.spacing_um * right),
        ("They are (y, x): x comes first.", right[:, ::-1]),
        ("They point down: a gradient points to where there is more.", -right),
    ]
    if before is not None:
        late = slopes(scenario, scenario.steady(name, before))[:, row, column].T
        usual.append(("They are those of the field a turn ago: compute them after it is written.", late))
    for mistake, wrong in usual:
        if float(np.abs(wrong - read).max(initial=0.0)) <= allowed:
            return mistake
    cell = int(np.abs(read - right).max(axis=1).argmax())
    return f"Cell {cell} is off the most: it reads {read[cell].tolist()}, {right[cell].tolist()} is there."


def _turned(scenario: Scenario, name: str, cells: CellTable, before: CellTable | None) -> Mistakes:
    right = scenario.steady(name, cells)
    yield "It is the steady field upside down: row 0 is the lowest y.", lambda: right[::-1]
    yield "It is the steady field mirrored: column 0 is the lowest x.", lambda: right[:, ::-1]
    yield "It is the steady field transposed: rows are y, columns x.", lambda: right.T


def _late(scenario: Scenario, name: str, cells: CellTable, before: CellTable | None) -> Mistakes:
    initial = scenario.medium(name).initial
    yield (
        "It is the field the host began with: nobody wrote the steady one.",
        lambda: np.full(scenario.shape, initial),
    )
    if before is not None:
        yield "It is the field of the cells as they were a turn ago.", lambda: scenario.steady(name, before)
    yield "It is the field of the cells as they were at first.", lambda: scenario.steady(name, scenario.cells)
    for other in scenario.names:
        if other != name:
            yield f"It is the field of {other}.", lambda other=other: scenario.steady(other, cells)  # type: ignore[misc]


def _rates(scenario: Scenario, name: str, cells: CellTable, before: CellTable | None) -> Mistakes:
    medium, unit = scenario.medium(name), np.full(len(cells), scenario.voxel_volume_um3)
    wrong = [
        ("of cells that take up nothing", cells.eating(0.0)),
        ("of cells that take up twice what they do", cells.eating(2.0)),
        (
            "of cells as large as their voxels: uptake counts times V_cell / V_voxel",
            replace(cells, volume_um3=unit),
        ),
        ("of cells that secrete nothing", cells.giving(0.0)),
        ("of cells that make nothing: production was dropped", cells.making(0.0)),
        ("of cells with 60 times their rates: per minute was read as per second", _times(cells, 60.0)),
        ("of cells with 1/60 of their rates: per second was read as per minute", _times(cells, 1.0 / 60.0)),
        ("without any cells", cells.take([])),
    ]
    for told, table in wrong:
        yield f"It is the field {told}.", lambda table=table: scenario.steady(name, table)  # type: ignore[misc]
    if medium.michaelis_km is not None:
        linear = _with(scenario, name, michaelis_km=None)
        yield "It is the field of uptake that does not saturate.", lambda: linear.steady(name, cells)
    other: Literal["voxel", "area"] = "area" if scenario.deposit == "voxel" else "voxel"
    spread = replace(scenario, deposit=other)
    yield f"It is the field of cells that count by deposit={other!r}.", lambda: spread.steady(name, cells)


def _sides(scenario: Scenario, name: str, cells: CellTable, before: CellTable | None) -> Mistakes:
    own = "periodic" if scenario.torus else "reflecting"
    every = ("left", "right", "bottom", "top")
    told = {side: value for side, value in scenario.sides.items() if scenario.sides_at == "outside"}

    def other(torus: bool, sides: Mapping[str, SideLike]) -> Callable[[], FloatArray]:
        return lambda: replace(scenario, torus=torus, sides=sides, sides_at="outside").steady(name, cells)

    yield (
        f"It is the field of sides that absorb where they are not named: they are the host's own, {own}.",
        other(False, {side: told.get(side, "absorbing") for side in every}),
    )
    if scenario.torus:
        yield "It is the field of a lattice that does not wrap around.", other(False, dict(told))
    elif not told:
        yield "It is the field of a lattice that wraps around, as the host's does not.", other(True, {})
    if scenario.sides:
        yield "It is the field without the sides that were named.", other(scenario.torus, {})
        at: Literal["nodes", "outside"] = "nodes" if scenario.sides_at == "outside" else "outside"
        where = {"nodes": "in the outermost voxels", "outside": "one voxel outside the lattice"}
        moved = replace(scenario, sides_at=at)
        yield (
            f"It is the field of sides held {where[at]}, not {where[scenario.sides_at]}.",
            lambda: moved.steady(name, cells),
        )


def _vessels(scenario: Scenario, name: str, cells: CellTable, before: CellTable | None) -> Mistakes:
    medium = scenario.medium(name)
    if medium.discs and scenario.torus:
        fixed, value = replace(scenario, torus=False, sides={}).held(name)
        cut = _with(scenario, name, fixed=fixed, value=value, discs=())
        yield (
            "It is the field of vessels cut off at the seam: a disc wraps around a torus.",
            lambda: cut.steady(name, cells),
        )
    if medium.fixed.any() or medium.discs:
        none = np.zeros_like(medium.fixed)
        bare = _with(scenario, name, fixed=none, value=np.zeros(scenario.shape), discs=())
        yield "It is the field without the vessels.", lambda: bare.steady(name, cells)


def _times(cells: CellTable, times: float) -> CellTable:
    return cells.eating(times).giving(times)


def _with(scenario: Scenario, name: str, **changes: object) -> Scenario:
    """The scenario with one substrate changed."""
    medium = scenario.medium(name)
    changed = replace(medium, **changes)  # type: ignore[arg-type]
    return replace(scenario, media=tuple(changed if other is medium else other for other in scenario.media))
