"""A tissue of pyphysicell with cells, vessels and faces that hold a value, and the exact field of what it is."""

from __future__ import annotations

import numpy as np
import pyphysicell as pc
import scipy.sparse
import scipy.sparse.linalg

TOLERANCE = 0.05


def tissue(
    seed: int = 0,
    *,
    voxels: tuple[int, int] = (20, 12),
    cells: int = 60,
    vessels: int = 3,
    second: bool = False,
    track: bool = False,
    dt: float = 0.01,
) -> pc.Simulation:
    """A wide lattice (columns, rows) with cells that take oxygen up, some that secrete, and vessel voxels inside."""
    rng = np.random.default_rng(seed)
    nx, ny = voxels
    dx = 20.0
    oxygen = pc.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces={"xmin": (True, 38.0), "ymax": (True, 10.0)})
    substrates = [oxygen]
    if second:
        substrates = [pc.Substrate("glucose", 3e4, 0.05, 5.0, dirichlet_faces={"xmax": (True, 5.0)}), oxygen]
    greedy = pc.CellType("greedy", cycle=pc.Cycle(transition_rates={(0, 0): 0.01}))
    giving = pc.CellType("giving")
    for k, substrate in enumerate(substrates):
        greedy.secretion[substrate.name] = pc.SecretionEntry(uptake_rate=10.0 / (k + 1))
        giving.secretion[substrate.name] = pc.SecretionEntry(
            secretion_rate=3.0, secretion_target=20.0, uptake_rate=0.5, net_export_rate=50.0
        )
    model = pc.Model(
        domain=pc.Domain(x_min=-130.0, x_max=-130.0 + nx * dx, y_min=40.0, y_max=40.0 + ny * dx),
        time=pc.Time(dt_diffusion=dt),
        substrates=substrates,
        cell_types=[greedy, giving],
        track_internalized_substrates=track,
    )
    sim = pc.Simulation(model, seed=seed)
    low, high = np.array([-130.0, 40.0]), np.array([-130.0 + nx * dx, 40.0 + ny * dx])
    for name, count in (("greedy", cells - cells // 5), ("giving", cells // 5)):
        if count:
            # Some centres sit exactly on edges of voxels, where a sloppy binning would put them next door.
            place = rng.uniform(low, high, (count, 2))
            place = np.where(rng.random((count, 2)) < 0.2, np.round(place / dx) * dx - 10.0, place)
            sim.add_cells(np.column_stack([np.clip(place, low, high), np.zeros(count)]), name)
    add_vessels(sim, rng.integers(0, nx * ny, vessels), 38.0)
    return sim


def add_vessels(sim: pc.Simulation, voxels: np.ndarray, value: float) -> None:
    """Interior Dirichlet voxels for oxygen, beside those of the faces."""
    me = sim.microenvironment
    s = me.index("oxygen")
    new = np.setdiff1d(voxels, me.dirichlet_idx)
    val, mask = np.zeros((new.size, me.ns)), np.zeros((new.size, me.ns), dtype=np.uint8)
    val[:, s], mask[:, s] = value, 1
    me.dirichlet_idx = np.concatenate([me.dirichlet_idx, new])
    me.dirichlet_val = np.concatenate([me.dirichlet_val, val])
    me.dirichlet_mask = np.concatenate([me.dirichlet_mask, mask])


def assembled(sim: pc.Simulation, name: str = "oxygen") -> tuple[scipy.sparse.csr_array, np.ndarray, np.ndarray]:
    """What the host's state makes of a field c, voxel by voxel: ``dc/dt = made - matrix c``, and which are held."""
    me, c = sim.microenvironment, sim.cells
    s = me.index(name)
    substrate = sim.model.substrates[s]
    nx, ny, h = me.nx, me.ny, me.dx
    size = nx * ny
    link = substrate.diffusion_coefficient / h**2
    number = np.arange(size).reshape(ny, nx)
    ends = np.concatenate(
        [
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
            np.stack([number[:-1].ravel(), number[1:].ravel()]),
        ],
        axis=1,
    )
    a, b = ends
    ones = np.full(a.size, link)
    entries = np.r_[-ones, -ones, ones, ones], (np.r_[a, b, a, b], np.r_[b, a, a, b])
    matrix = scipy.sparse.coo_array(entries, (size, size))
    decay, made = np.full(size, substrate.decay_rate), np.zeros(size)
    for k in range(c.n):
        i = min(max(int((c.position[k, 0] - me.origin[0]) / me.dx), 0), nx - 1)
        j = min(max(int((c.position[k, 1] - me.origin[1]) / me.dy), 0), ny - 1)
        share = c.volume_total[k] / me.voxel_volume
        decay[j * nx + i] += share * (c.uptake_rate[k, s] + c.secretion_rate[k, s])
        made[j * nx + i] += share * c.secretion_rate[k, s] * c.secretion_target[k, s]
        made[j * nx + i] += c.net_export_rate[k, s] / me.voxel_volume
    matrix = scipy.sparse.csr_array(matrix + scipy.sparse.diags_array(decay))
    held = np.zeros(size, dtype=bool)
    held[me.dirichlet_idx[me.dirichlet_mask[:, s] == 1]] = True
    return matrix, made, held


def values(sim: pc.Simulation, name: str = "oxygen") -> np.ndarray:
    """What the nodes hold, (voxels,); 0 elsewhere."""
    me = sim.microenvironment
    s, field = me.index(name), np.zeros(me.nx * me.ny)
    on = me.dirichlet_mask[:, s] == 1
    field[me.dirichlet_idx[on]] = me.dirichlet_val[on, s]
    return field


def solved(matrix: scipy.sparse.csr_array, made: np.ndarray, held: np.ndarray, field: np.ndarray) -> np.ndarray:
    """``matrix c = made`` in the voxels that are not held, and the field where they are."""
    found, free = field.copy(), np.flatnonzero(~held)
    found[free] = 0.0
    right = made - matrix @ found
    found[free] = scipy.sparse.linalg.spsolve(scipy.sparse.csc_array(matrix[free][:, free]), right[free])
    return found


def reference(sim: pc.Simulation, name: str = "oxygen") -> np.ndarray:
    """The steady field (ny, nx) of the host's state, assembled voxel by voxel and solved with scipy alone."""
    me = sim.microenvironment
    return solved(*assembled(sim, name), values(sim, name)).reshape(me.ny, me.nx)


def stepped(sim: pc.Simulation, field: np.ndarray, minutes: float, name: str = "oxygen") -> np.ndarray:
    """One backward step in time from a field, (ny, nx), by scipy alone."""
    matrix, made, held = assembled(sim, name)
    before = np.where(held, values(sim, name), field.ravel())
    whole = scipy.sparse.csr_array(matrix + scipy.sparse.eye_array(before.size) / minutes)
    return solved(whole, made + before / minutes, held, before).reshape(field.shape)


def seen(sim: pc.Simulation, name: str = "oxygen") -> np.ndarray:
    return sim.microenvironment[name][0]


def error(sim: pc.Simulation, name: str = "oxygen") -> float:
    return float(np.abs(seen(sim, name) - reference(sim, name)).max())


def still(sim: pc.Simulation) -> None:
    """No mechanics and no phenotype steps: diffusion and uptake alone."""
    sim._next_phenotype = sim._next_mechanics = 1e9


def past_the_first_phenotype_step(sim: pc.Simulation) -> pc.Simulation:
    sim._next_phenotype = sim.model.time.dt_phenotype
    return sim
