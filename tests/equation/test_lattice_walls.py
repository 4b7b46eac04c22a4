"""Where pixels and walls stand, as docs/lattice.md says: against formulas, finite volumes and held voxels."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

import surrogate_plugin as sp

DOCUMENT = Path(__file__).parents[2] / "docs" / "lattice.md"
ROWS = 8


def along_x(columns: int, spacing: float, left: float | str, right: float | str, decay: float) -> np.ndarray:
    """A field that varies along x only."""
    sides = {"left": left, "right": right, "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(np.zeros((ROWS, columns)), decay=decay, spacing=spacing, boundary=sides)
    field = sp.solve(problem, method="sparse-direct").field
    np.testing.assert_allclose(field, np.broadcast_to(field[0], field.shape), atol=1e-9)
    return field[0]


@pytest.mark.parametrize("columns", [8, 13, 40])
def test_two_walls_are_one_spacing_outside_the_centres(columns: int) -> None:
    line = along_x(columns, 3.0, 1.0, 0.0, 0.0)
    np.testing.assert_allclose(line, 1.0 - np.arange(1, columns + 1) / (columns + 1), atol=1e-9)


def distance(columns: int, length: float, right: str, from_left: float, span: float) -> float:
    """How far the field is from cosh between a wall at 1 and another, or a mirror.

    The first pixel is ``from_left`` spacings from the wall, and ``span`` spacings are the length.
    """
    spacing = length / span
    x = spacing * (from_left + np.arange(columns))
    line = along_x(columns, spacing, 1.0, 1.0 if right == "wall" else "reflecting", 1.0)
    centre = length / 2 if right == "wall" else length
    return float(np.abs(line - np.cosh(x - centre) / np.cosh(centre)).max())


@pytest.mark.parametrize(("right", "more"), [("wall", 1.0), ("mirror", 0.5)])
def test_with_the_walls_where_they_stand_the_order_is_two(right: str, more: float) -> None:
    coarse, fine = (distance(n, 3.0, right, 1.0, n + more) for n in (32, 64))
    assert 3.6 < coarse / fine < 4.4


@pytest.mark.parametrize("right", ["wall", "mirror"])
def test_with_the_walls_at_the_lattice_s_edge_it_is_one(right: str) -> None:
    coarse, fine = (distance(n, 3.0, right, 0.5, n) for n in (32, 64))
    assert 1.8 < coarse / fine < 2.2
    assert fine > 20 * distance(64, 3.0, right, 1.0, 65.0 if right == "wall" else 64.5)


@pytest.mark.parametrize("held", [38.0, 0.0])
def test_a_column_of_held_voxels_is_a_side_with_that_value(held: float) -> None:
    """PhysiCell's Dirichlet faces: the outermost voxels hold the value, and nothing flows behind them."""
    rng = np.random.default_rng(0)
    source, decay = np.zeros((12, 20)), 0.1 * rng.random((12, 20))
    source[5, 7] = 38.0
    fixed = source > 0
    voxels = np.zeros_like(fixed)
    voxels[0], voxels[-1], voxels[:, 0], voxels[:, -1] = True, True, True, True
    whole = sp.Problem(np.where(voxels, held, source), fixed=fixed | voxels, decay=decay, boundary="reflecting")
    inner = (slice(1, -1), slice(1, -1))
    within = sp.Problem(source[inner], fixed=fixed[inner], decay=decay[inner], boundary=held)
    fields = [sp.solve(problem, method="sparse-direct").field for problem in (whole, within)]
    np.testing.assert_allclose(fields[0][inner], fields[1], atol=1e-9)


def finite_volumes(cells: int, length: float, right: float | None) -> np.ndarray:
    """FiPy's equation of ``c'' = c`` with 1 on the left face, and a value or nothing on the right one.

    The link from the centre of a cell to a face is half a spacing long, so that it counts twice.
    """
    spacing = length / cells
    link = 1.0 / spacing**2
    diagonal, known = np.full(cells, 2.0 * link + 1.0), np.zeros(cells)
    diagonal[0] += link
    known[0] = 2.0 * link
    diagonal[-1] += link if right is not None else -link
    known[-1] += 0.0 if right is None else 2.0 * link * right
    beside = np.full(cells - 1, -link)
    return spsolve(sparse.diags([beside, diagonal, beside], [-1, 0, 1], format="csc"), known)


def test_one_pixel_fewer_than_fipy_has_cells_is_the_same_box() -> None:
    off = []
    for cells in (33, 66):
        theirs = finite_volumes(cells, 3.0, 1.0)
        ours = along_x(cells - 1, 3.0 / cells, 1.0, 1.0, 1.0)
        np.testing.assert_allclose(ours, 0.5 * (theirs[1:] + theirs[:-1]), atol=1e-9)
        off.append(np.abs(along_x(cells, 3.0 / cells, 1.0, 1.0, 1.0) - theirs).max())
    assert 1.7 < off[0] / off[1] < 2.3


def test_unconstrained_faces_are_mirrors_at_the_same_place() -> None:
    source = np.zeros((ROWS, 24))
    source[:, 0] = 1.0
    problem = sp.Problem(source, decay=1.0, spacing=0.1, boundary="reflecting")
    ours = sp.solve(problem, method="sparse-direct").field[0]
    link, n = 100.0, 23
    diagonal = np.full(n, 2.0 * link + 1.0)
    diagonal[-1] -= link
    beside = np.full(n - 1, -link)
    theirs = spsolve(sparse.diags([beside, diagonal, beside], [-1, 0, 1], format="csc"), link * np.eye(n)[0])
    np.testing.assert_allclose(ours[1:], theirs, atol=1e-9)


def test_the_example_of_the_page_runs() -> None:
    walls, tissue = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    found: dict[str, object] = {}
    exec(tissue, found)
    assert found["solution"].error_bound <= 0.38
    exec(walls, found)
    np.testing.assert_allclose(9 * found["solution"].field[0], [8, 7, 6, 5, 4, 3, 2, 1], atol=1e-6)
