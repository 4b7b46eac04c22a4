"""pyphysicell's own solver comes to our field: ``python -m benchmarks.pyphysicell_time_step``.

A tissue with vessels inside is stepped by the host alone with smaller and smaller time steps, from the exact field on
until it is at rest, and compared with the field that the attached backend gives. The host splits x from y, applies
uptake after diffusion, and lets go of Dirichlet voxels inside its sweeps: all first order in its time step. So the
last two steps together tell the limit at step 0.
"""

from __future__ import annotations

import argparse
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from scipy import ndimage

from benchmarks.document import markdown_table
from surrogate_adapters.pyphysicell import attach
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_training.documents import write_into

#: The host's default first; min.
TIME_STEPS = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 5e-6)
PHENOTYPE_MINUTES = 6.0
OXYGEN_MMHG = 38.0


@dataclass(frozen=True)
class Row:
    """What one time step leaves: the steady field, and the cost of a step."""

    time_step: float
    field: FloatArray
    seconds: float


def main() -> None:
    """Step the host alone with each time step, and print how far it is off."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pyphysicell_time_step", description="pyphysicell's own solver against the backend."
    )
    parser.add_argument("--voxels", type=int, nargs=2, default=(60, 40), metavar=("NX", "NY"), help="default 60 40")
    parser.add_argument("--cells", type=int, default=500, help="cells that take up 10 / min each (default 500)")
    parser.add_argument("--vessels", type=int, default=30, help="voxels inside that hold 38 mmHg (default 30)")
    parser.add_argument("--minutes", type=float, default=2.0, help="how long each is stepped (default 2)")
    parser.add_argument(
        "--coarsest", type=int, default=len(TIME_STEPS), help="how many time steps, from the largest on"
    )
    parser.add_argument("--tolerance", type=float, default=1e-6, help="of the attached backend, mmHg (default 1e-6)")
    parser.add_argument("--document", type=Path, help="also put the table between this document's two marks")
    parser.add_argument("--picture", type=Path, help="also draw the host's field at its default time step beside ours")
    options = parser.parse_args()
    console = Console(width=140)
    sim = tissue(options.voxels, options.cells, options.vessels)
    me = sim.microenvironment
    with attach(sim, substrates=["oxygen"], tolerance=options.tolerance) as link:
        for eating in (11.0, 10.0):  # the first solve loads and compiles
            sim.cells.uptake_rate[: sim.cells.n] = eating
            began = time.perf_counter()
            me.step(TIME_STEPS[0])
            solve = time.perf_counter() - began
        exact, bound = me["oxygen"][0].copy(), link.history[-1].bound
    steps = TIME_STEPS[: options.coarsest]
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("stepping the host", total=sum(options.minutes / step for step in steps))
        rows = [_settle(sim, exact, step, options.minutes, lambda n: progress.advance(task, n)) for step in steps]
    text = "\n".join(_report(sim, rows, exact, bound, solve))
    console.print(f"{platform.processor() or platform.machine()}, numpy {np.__version__}\n")
    console.print(text, markup=False, highlight=False)
    if options.document:
        write_into(options.document, "benchmarks.pyphysicell_time_step", text + "\n")
    if options.picture:
        _draw(options.picture, rows[0], exact)


def tissue(voxels: tuple[int, int], cells: int, vessels: int, seed: int = 0) -> Any:
    """PhysiCell's standard oxygen on voxels of 20 um: 38 mmHg along one edge and in some voxels inside, and cells."""
    import pyphysicell as pc

    rng = np.random.default_rng(seed)
    nx, ny = voxels
    dx = 20.0
    oxygen = pc.Substrate("oxygen", 1e5, 0.1, OXYGEN_MMHG, dirichlet_faces={"xmin": (True, OXYGEN_MMHG)})
    tumour = pc.CellType("tumour", secretion={"oxygen": pc.SecretionEntry(uptake_rate=10.0)})
    domain = pc.Domain(x_min=0.0, x_max=nx * dx, y_min=0.0, y_max=ny * dx)
    sim = pc.Simulation(pc.Model(domain=domain, substrates=[oxygen], cell_types=[tumour]))
    sim._next_phenotype = sim._next_mechanics = np.inf  # diffusion and uptake alone
    place = rng.uniform((0.0, 0.0), (nx * dx, ny * dx), (cells, 2))
    sim.add_cells(np.column_stack([place, np.zeros(cells)]), "tumour")
    me = sim.microenvironment
    inside = np.setdiff1d(rng.permutation(nx * ny)[:vessels], me.dirichlet_idx)
    me.dirichlet_idx = np.concatenate([me.dirichlet_idx, inside])
    me.dirichlet_val = np.concatenate([me.dirichlet_val, np.full((inside.size, 1), OXYGEN_MMHG)])
    me.dirichlet_mask = np.concatenate([me.dirichlet_mask, np.ones((inside.size, 1), dtype=np.uint8)])
    return sim


def _settle(sim: Any, exact: FloatArray, time_step: float, minutes: float, advance: Any) -> Row:
    """The host's own steady field at a time step, from the exact one on."""
    me = sim.microenvironment
    me.density[0, :, :, 0] = exact
    sim.model.time.dt_diffusion = time_step
    count = round(minutes / time_step)
    began = time.perf_counter()
    for k in range(count):
        sim.step()
        if k % 100 == 99:
            advance(100)
    return Row(time_step, me["oxygen"][0].copy(), (time.perf_counter() - began) / count)


def _report(sim: Any, rows: list[Row], exact: FloatArray, bound: float, solve: float) -> list[str]:
    me = sim.microenvironment
    held = np.isin(np.arange(exact.size), me.dirichlet_idx).reshape(exact.shape)
    inner = held.copy()
    inner[:, 0] = False  # the edge that is held as well
    beside = ndimage.binary_dilation(inner) & ~held
    lines = [
        _row(f"{row.time_step:g}", row.field, exact, beside, f"{PHENOTYPE_MINUTES / row.time_step * row.seconds:,.1f}")
        for row in rows
    ]
    if len(rows) > 1:
        coarse, fine = rows[-2], rows[-1]
        ratio = coarse.time_step / fine.time_step
        limit = fine.field + (fine.field - coarse.field) / (ratio - 1.0)
        lines.append(_row("0, from the last two", limit, exact, beside, ""))
    headings = (
        "time step, min",
        "largest error, mmHg",
        "beside vessels inside",
        "elsewhere",
        "relative L2 of 38 - c",
        "s for 6 minutes",
    )
    about = (
        f"{me.nx} x {me.ny} voxels of 20 um, {sim.cells.n} cells, {int(inner.sum())} vessel voxels inside. Errors are "
        f"against the attached backend's field, which took {1e3 * solve:.1f} ms and is at most {bound:.1e} mmHg off."
    )
    return [about, "", *markdown_table(headings, lines)]


def _row(name: str, field: FloatArray, exact: FloatArray, beside: BoolArray, seconds: str) -> list[str]:
    gap = np.abs(field - exact)
    relative = np.linalg.norm(field - exact) / np.linalg.norm(OXYGEN_MMHG - exact)
    return [
        name,
        f"{gap.max():.2g}",
        f"{gap[beside].max(initial=0.0):.2g}",
        f"{gap[~beside].max():.2g}",
        f"{100 * relative:.2g} %",
        seconds,
    ]


def _draw(picture: Path, row: Row, exact: FloatArray) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.1), layout="constrained")
    panels = (
        ("the steady field (attached backend)", exact, "viridis", 0.0, OXYGEN_MMHG),
        (f"the host alone, time step {row.time_step:g} min", row.field, "viridis", 0.0, OXYGEN_MMHG),
        ("what the host lacks", exact - row.field, "magma", 0.0, None),
    )
    for axis, (title, field, colours, low, high) in zip(axes, panels, strict=True):
        extent = (0.0, 20.0 * exact.shape[1], 0.0, 20.0 * exact.shape[0])
        image = axis.imshow(field, origin="lower", extent=extent, cmap=colours, vmin=low, vmax=high)
        axis.set(title=title, xlabel="um")
        figure.colorbar(image, ax=axis, label="mmHg")
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main()
