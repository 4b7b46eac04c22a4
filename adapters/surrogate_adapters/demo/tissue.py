"""A tumour among vessels, made for pyphysicell: where the vessels run, where the cells sit, what they do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_plugin.extras import extra

FloatArray = npt.NDArray[np.float64]

OXYGEN_MMHG = 38.0
UPTAKE_PER_MIN = 10.0
#: The largest error that oxygen may have, 1 % of what vessels hold.
TOLERANCE_MMHG = 0.38
#: Below this the cells respond to hypoxia; below the lower one they die of it.
HYPOXIC_MMHG, NECROTIC_MMHG = 8.0, 3.75
_CELL_RADIUS_UM = 8.413
_SPACING_UM = 0.95 * 2.0 * _CELL_RADIUS_UM


def make_simulation(cells: int, voxels: int, spacing_um: float, seed: int) -> tuple[Any, sp.Vessels, sp.Domain]:
    """A tumour of ``cells`` cells in the middle of ``voxels x voxels`` voxels, with 30 vessels.

    Returns
    -------
    pyphysicell.Simulation, Vessels, Domain
        The vessels are Dirichlet voxels of the simulation too.
    """
    with extra("pyphysicell", "the demo"):
        import pyphysicell as pc

    rng = np.random.default_rng(seed)
    half = 0.5 * voxels * spacing_um
    domain = sp.Domain.from_lattice((voxels, voxels), spacing_um, origin_um=(-half, -half))
    simulation = pc.Simulation(_model(half, spacing_um, seed), seed=seed)
    tumour_radius = _SPACING_UM * math.sqrt(cells * math.sqrt(3.0) / (2.0 * math.pi))
    vessels = make_vessels(rng, half, tumour_radius)
    fixed = hold_vessels(simulation, domain, vessels)
    places = _places(rng, domain, fixed, cells, tumour_radius)
    simulation.add_cells(np.column_stack([places, np.zeros(len(places))]), "tumour")
    return simulation, vessels, domain


def _model(half: float, spacing_um: float, seed: int) -> Any:
    import pyphysicell as pc

    tumour = pc.CellType(
        "tumour",
        cycle=pc.Cycle(transition_rates={(0, 0): 0.0}),
        deaths={
            "apoptosis": pc.DeathModel(100, "apoptosis", death_rate=5.3e-5),
            "necrosis": pc.DeathModel(101, "necrosis", death_rate=1.0 / 360.0),
        },
        secretion={"oxygen": pc.SecretionEntry(uptake_rate=UPTAKE_PER_MIN)},
    )
    return pc.Model(
        calculate_gradients=False,  # nothing here climbs anything
        name="tumour among vessels",
        domain=pc.Domain(-half, half, -half, half, -spacing_um / 2, spacing_um / 2, spacing_um, spacing_um, spacing_um),
        substrates=[pc.Substrate("oxygen", 1e5, 0.1, OXYGEN_MMHG)],
        cell_types=[tumour],
        rules=[
            pc.Rule("tumour", "oxygen", "increases", "cycle entry", 1.0 / 720.0, 21.5, 4.0),
            pc.Rule("tumour", "oxygen", "decreases", "necrosis", 0.0, NECROTIC_MMHG, 8.0),
        ],
        random_seed=seed,
    )


def make_vessels(rng: np.random.Generator, half: float, tumour_radius: float) -> sp.Vessels:
    """Three trees of seven branches that reach for the tumour, and nine vessels that cross the plane: 30 in all."""
    start: list[FloatArray] = []
    end: list[FloatArray] = []
    radius: list[float] = []
    for angle in rng.uniform(0, 2 * math.pi) + np.array([0.0, 2.1, 4.2]):
        heading = angle + math.pi
        root = half * np.array([math.cos(angle), math.sin(angle)]) / max(abs(math.cos(angle)), abs(math.sin(angle)))
        reach = float(np.hypot(*root)) - 0.75 * tumour_radius
        _grow(rng, root, heading, reach, 45.0, 3, start, end, radius)
    for _ in range(9):
        away = tumour_radius * math.sqrt(rng.uniform(0.02, 2.2))
        angle = rng.uniform(0, 2 * math.pi)
        place = away * np.array([math.cos(angle), math.sin(angle)])
        start.append(place)
        end.append(place)
        radius.append(rng.uniform(10.0, 30.0))
    return sp.Vessels.from_segments(np.array(start), np.array(end), np.array(radius), OXYGEN_MMHG)


def _grow(
    rng: np.random.Generator,
    place: FloatArray,
    heading: float,
    reach: float,
    radius: float,
    generations: int,
    starts: list[FloatArray],
    ends: list[FloatArray],
    radii: list[float],
) -> None:
    """A branch and the two it forks into; radii fall by Murray's law, ``r^3 = r1^3 + r2^3``."""
    length = reach * {3: 0.42, 2: 0.33, 1: 0.3}[generations]
    tip = place + length * np.array([math.cos(heading), math.sin(heading)])
    starts.append(place)
    ends.append(tip)
    radii.append(radius)
    if generations > 1:
        for side in (-1.0, 1.0):
            turn = side * rng.uniform(0.3, 0.6)
            _grow(rng, tip, heading + turn, reach, radius * 2 ** (-1 / 3), generations - 1, starts, ends, radii)


def hold_vessels(simulation: Any, domain: sp.Domain, vessels: sp.Vessels) -> npt.NDArray[np.bool_]:
    """Make the vessels Dirichlet voxels of oxygen; return where they are, (H, W)."""
    raster = domain.rasterise(sp.TissueState(vessels=vessels), outside="drop")
    me = simulation.microenvironment
    where = np.flatnonzero(raster.fixed)
    me.dirichlet_idx = where.astype(np.int64)
    me.dirichlet_val = raster.source.reshape(-1)[where, np.newaxis].copy()
    me.dirichlet_mask = np.ones((where.size, 1), dtype=np.uint8)
    me.apply_dirichlet()
    return raster.fixed


def _places(
    rng: np.random.Generator, domain: sp.Domain, fixed: npt.NDArray[np.bool_], cells: int, tumour_radius: float
) -> FloatArray:
    """The ``cells`` innermost places of a hexagonal packing, in a lobed tumour that grows around its vessels."""
    span = math.ceil(2.0 * tumour_radius / _SPACING_UM) + 2
    i, j = np.meshgrid(np.arange(-span, span + 1), np.arange(-span, span + 1))
    x = _SPACING_UM * (i + 0.5 * (j % 2)).ravel()
    y = _SPACING_UM * (math.sqrt(3.0) / 2.0) * j.ravel()
    angle = np.arctan2(y, x)
    lobes = sum(a * np.cos(k * angle + rng.uniform(0, 2 * math.pi)) for k, a in ((2, 0.12), (3, 0.09), (5, 0.05)))
    column, row = (
        np.floor((p - o) / domain.spacing_um).astype(int) for p, o in zip((x, y), domain.origin_um, strict=True)
    )
    rows, columns = domain.shape
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    free = inside & ~fixed[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]
    order = np.argsort(np.where(free, np.hypot(x, y) / (1.0 + lobes), np.inf), kind="stable")[:cells]
    if not free[order].all() or order.size < cells:
        raise sp.InvalidProblemError(
            f"cells is {cells}; at most {int(free.sum())} fit among the vessels of this tissue."
        )
    jitter = rng.normal(0.0, 0.05 * _SPACING_UM, (cells, 2))
    return np.column_stack([x, y])[order] + jitter
