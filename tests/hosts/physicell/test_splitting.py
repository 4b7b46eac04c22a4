"""What PhysiCell's step is predicted to do to its field is what its sweeps do: by hand, and pyphysicell's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_adapters.physicell.splitting import Diffusing, beside_sides, lone_cell, step_within

OXYGEN = Diffusing(1e5, 0.1, 20.0, (31, 31), (True, True))


def line(count: int, link: float) -> np.ndarray:
    """Diffusion along one axis whose ends let nothing through."""
    operator = 2.0 * link * np.eye(count) - link * (np.eye(count, k=1) + np.eye(count, k=-1))
    operator[[0, -1], [0, -1]] = link
    return operator


def at_rest(
    of: Diffusing, step: float, held: dict[str, float], uptake: np.ndarray, made: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The field at which steps as BioFVM makes them come to rest in 2-D, and the steady one, by dense solves."""
    nx, ny = of.nodes
    fixed, value = np.zeros((ny, nx), dtype=bool), np.zeros((ny, nx))
    edges = {"xmin": np.s_[:, 0], "xmax": np.s_[:, -1], "ymin": np.s_[0], "ymax": np.s_[-1]}
    for side, number in held.items():
        fixed[edges[side]], value[edges[side]] = True, number
    along = [
        np.kron(np.eye(ny), line(nx, of.link)),
        np.kron(line(ny, of.link), np.eye(nx)),
    ]
    eye, fixed, value = np.eye(nx * ny), fixed.ravel(), value.ravel()
    uptake, made = uptake.ravel(), made.ravel()
    steady_operator = along[0] + along[1] + np.diag(of.decay_per_min + uptake)
    steady_operator[fixed] = eye[fixed]
    steady = np.linalg.solve(steady_operator, np.where(fixed, value, made))
    change, shift = eye.copy(), np.zeros(nx * ny)

    def impose() -> None:
        change[fixed], shift[fixed] = 0.0, value[fixed]

    for operator in along:
        impose()
        swept = (1.0 + 0.5 * step * of.decay_per_min) * eye + step * operator
        both = np.linalg.solve(swept, np.column_stack([change, shift]))
        change, shift = both[:, :-1], both[:, -1]
    impose()
    change, shift = change / (1.0 + step * uptake)[:, np.newaxis], (shift + step * made) / (1.0 + step * uptake)
    impose()
    return np.linalg.solve(eye - change, shift).reshape(ny, nx), steady.reshape(ny, nx)


@settings(max_examples=20, deadline=None)
@given(
    axis=st.integers(0, 1),
    diffusion=st.floats(2.0, 5.0),
    uptake=st.floats(0.0, 10.0),
    step=st.floats(1e-4, 5e-2),
    far=st.none() | st.floats(0.0, 38.0),
)
def test_across_a_tissue_that_is_the_same_along_its_side_it_is_exact(axis, diffusion, uptake, step, far) -> None:
    of = Diffusing(10.0**diffusion, 0.1, 20.0, (11, 9), (axis == 0, axis == 1))
    sides = ("xmin", "xmax") if axis == 0 else ("ymin", "ymax")
    held = {side: end for side, end in zip(sides, (38.0, far), strict=True) if end is not None}
    field, steady = at_rest(of, step, held, np.full((9, 11), uptake), np.zeros((9, 11)))
    predicted = beside_sides(of, axis, (38.0, far), step, uptake)
    assert predicted == pytest.approx(np.abs(field - steady).max() / 38.0, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("uptake", "step"), [(0.0, 0.01), (5.0, 0.01), (5.0, 0.002)])
def test_between_four_sides_it_is_at_most_what_a_line_between_two_says(uptake: float, step: float) -> None:
    """Each side then has less to make up for; with cells the line is right to a tenth."""
    shape, held = (31, 31), dict.fromkeys(("xmin", "xmax", "ymin", "ymax"), 38.0)
    field, steady = at_rest(OXYGEN, step, held, np.full(shape, uptake), np.zeros(shape))
    error, predicted = np.abs(field - steady).max() / 38.0, beside_sides(OXYGEN, 0, (38.0, 38.0), step, uptake)
    assert error <= predicted
    assert error >= (0.9 if uptake else 0.5) * predicted


def test_with_cells_in_the_middle_alone_it_is_between_that_without_and_that_with_cells_everywhere() -> None:
    uptake, held = np.zeros((31, 31)), dict.fromkeys(("xmin", "xmax", "ymin", "ymax"), 38.0)
    bare, crowded = (beside_sides(OXYGEN, 0, (38.0, 38.0), 0.01, rate) for rate in (0.0, 5.0))
    uptake[10:21, 10:21] = 5.0
    field, steady = at_rest(OXYGEN, 0.01, held, uptake, np.zeros((31, 31)))
    assert bare < np.abs(field - steady).max() / 38.0 < crowded


@pytest.mark.parametrize("diffusion", [1e3, 1e5])
@pytest.mark.parametrize("step", [0.01, 0.002])
def test_a_lone_cell_between_closed_sides_reads_its_voxel_as_predicted(diffusion: float, step: float) -> None:
    of, shape, rate = Diffusing(diffusion, 0.5, 20.0, (31, 31), (False, False)), (31, 31), 3.0
    uptake = np.zeros(shape)
    uptake[15, 15] = rate
    field, steady = at_rest(of, step, {}, uptake, uptake)
    read = field[15, 15] / steady[15, 15] - 1.0
    assert lone_cell(of, step, uptake_per_min=rate, makes=True) == pytest.approx(read, rel=1e-9)


def test_a_lone_cell_that_secretes_fast_gives_others_less_as_predicted() -> None:
    """Towards a target of 1, as much as fills its voxel at once: it meets its own secretion before that has spread."""
    of, secretion = Diffusing(1e5, 0.1, 20.0, (31, 31), (False, False)), np.zeros((31, 31))
    secretion[15, 15] = 300.0
    field, steady = at_rest(of, 0.01, {}, secretion, secretion)
    far = field[15, 27] / steady[15, 27] - 1.0
    assert far < -0.3
    assert lone_cell(of, 0.01, uptake_per_min=300.0) == pytest.approx(far, rel=0.01)


@pytest.mark.parametrize("step", [0.01, 0.002])
def test_a_lone_cell_that_takes_up_between_held_sides_reads_its_voxel_as_predicted(step: float) -> None:
    """The sides lose a share of their own, which is known without the cell; sines go by sides that lose none."""
    uptake = np.zeros((31, 31))
    held, none = dict.fromkeys(("xmin", "xmax", "ymin", "ymax"), 38.0), uptake.copy()
    uptake[15, 15] = 3.0
    with_it, steady = at_rest(OXYGEN, step, held, uptake, none)
    without, steady_without = at_rest(OXYGEN, step, held, none, none)
    read = (with_it / without)[15, 15] / (steady / steady_without)[15, 15] - 1.0
    assert lone_cell(OXYGEN, step, uptake_per_min=3.0) == pytest.approx(read, rel=0.02)


def test_pyphysicell_does_what_is_predicted() -> None:
    pc = pytest.importorskip("pyphysicell")
    faces = {"xmin": (True, 38.0), "xmax": (True, 38.0)}
    model = pc.Model(
        domain=pc.Domain(x_min=0.0, x_max=600.0, y_min=0.0, y_max=200.0),
        substrates=[pc.Substrate("oxygen", 1e5, 3.0, 38.0, dirichlet_faces=faces)],
        cell_types=[pc.CellType("A")],
    )
    me = pc.Simulation(model).microenvironment
    for _ in range(1000):
        me.step(0.01)
    of = Diffusing(1e5, 3.0, 20.0, (30, 10), (True, False))
    operator = line(30, of.link) + 3.0 * np.eye(30)
    operator[[0, -1]] = np.eye(30)[[0, -1]]
    steady = np.linalg.solve(operator, np.r_[38.0, np.zeros(28), 38.0])
    error = np.abs(me["oxygen"][0][5] - steady).max() / 38.0
    assert error > 0.1
    assert beside_sides(of, 0, (38.0, 38.0), 0.01) == pytest.approx(error, rel=1e-6)


def test_the_step_that_is_small_enough_is_and_a_tenth_more_is_not() -> None:
    def error(step: float) -> float:
        return beside_sides(OXYGEN, 0, (38.0, 38.0), step, 5.0)

    step = step_within(error, 0.05, 0.01)
    assert error(step) <= 0.05 < error(1.1 * step)
    assert step == pytest.approx(float(f"{step:.2g}"), rel=1e-12)


def test_both_errors_are_of_first_order_in_the_step() -> None:
    for error in (
        lambda step: beside_sides(OXYGEN, 1, (38.0, None), step, 5.0),
        lambda step: lone_cell(OXYGEN, step, makes=True),
        lambda step: lone_cell(OXYGEN, step, uptake_per_min=3.0),
    ):
        assert error(2e-6) / error(1e-6) == pytest.approx(2.0, rel=0.02)


def test_in_three_dimensions_two_other_sweeps_let_decay() -> None:
    """Their share of the decay is a third each, not a half."""
    cube, plane = (Diffusing(1e5, 1.0, 20.0, (20,) * axes, (True,) * axes) for axes in (3, 2))
    errors = [beside_sides(of, 0, (38.0, 38.0), 0.01) for of in (cube, plane)]
    assert errors[0] == pytest.approx(errors[1], rel=0.05)
    assert errors[0] != errors[1]
