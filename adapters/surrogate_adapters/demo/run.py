"""The demo from start to pictures."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import surrogate_plugin as sp
from surrogate_adapters.demo import pictures
from surrogate_adapters.demo.audit import Observer, host_seconds
from surrogate_adapters.demo.outcome import Outcome
from surrogate_adapters.demo.report import table, write_page
from surrogate_adapters.demo.tissue import TOLERANCE_MMHG, make_simulation
from surrogate_adapters.pyphysicell import Attachment, attach
from surrogate_plugin.pictures.view import Series
from surrogate_plugin.terminal import progress, stdout

SUBSTRATE = "oxygen"


def run(
    out: Path = Path("demo-output"),
    steps: int = 24,
    cells: int = 8000,
    *,
    small: bool = False,
    policy: str = "surrogate-first",
    seed: int = 7,
    report: Path | None = None,
    console: Console | None = None,
    quiet: bool = False,
) -> Outcome:
    """Grow a tumour among vessels with the backend attached; print a table, write pictures, a series and a report.

    Parameters
    ----------
    out : Path
        Folder for what is written.
    steps : int
        Phenotype steps of 6 minutes.
    cells : int
        Cells at the start.
    small : bool
        A tissue of 64 x 64 voxels, at most 300 cells and coarse diffusion steps, over in seconds.
    policy : "surrogate-first" or "fastest"
    seed : int
    report : Path, optional
        Of the page of the run; ``report.html`` in ``out`` if not given.
    console : rich.console.Console, optional
        Where the table goes; stdout if not given.
    quiet : bool
        Whether no progress is shown.

    Returns
    -------
    Outcome
    """
    began = time.perf_counter()
    if steps < 1 or cells < 1:
        raise sp.InvalidProblemError(f"steps is {steps} and cells {cells}; at least 1 of each is allowed.")
    out.mkdir(parents=True, exist_ok=True)
    console = stdout() if console is None else console
    voxels, spacing = (64 if small else 512), 20.0
    simulation, vessels, domain = make_simulation(min(cells, 300) if small else cells, voxels, spacing, seed)
    if small:
        simulation.model.time.dt_diffusion = simulation.model.time.dt_mechanics = 0.5
    tolerance = TOLERANCE_MMHG
    before = int(simulation.cells.n)
    console.print(
        f"A tumour of {before} cells among {len(vessels)} vessels on {voxels} x {voxels} voxels of {spacing:g} µm; "
        f"oxygen within {tolerance:g} mmHg."
    )
    # Half a voxel of motion changes a crowd's field by far less than the tolerance; `excess` would tell if not.
    page = out / "report.html" if report is None else report
    options: dict[str, Any] = {"tolerance": tolerance, "policy": policy, "move_limit_um": 0.5 * spacing}
    link = attach(simulation, substrates=[SUBSTRATE], report=page, **options)
    assert link.report is not None
    link.report.title, link.report.unit = "Tumour among vessels", "mmHg"
    observer = Observer(simulation, link, SUBSTRATE, {0, steps // 3, 2 * steps // 3, steps - 1})
    per_step = _grow(simulation, link, domain, steps, Series(out / "series", SUBSTRATE), quiet)
    files = [out / "oxygen.png", out / "certificate.png", out / "series" / f"{SUBSTRATE}.pvd", page]
    outcome = Outcome(
        phenotype_steps=steps,
        cells_before=before,
        cells_after=int(simulation.cells.n),
        vessels=len(vessels),
        tolerance=tolerance,
        answered=dict(Counter(entry.method for entry in link.history)),
        history=link.history,
        audits=observer.audits,
        seconds_per_solve={name: observer.median_seconds(name) for name in observer.seconds},
        seconds_per_phenotype_step=per_step,
        host_seconds_per_step=host_seconds(simulation),
        host_steps=round(simulation.model.time.dt_phenotype / simulation.model.time.dt_diffusion),
        seconds=time.perf_counter() - began,
        files=files,
    )
    tissue = pictures.oxygen(files[0], simulation, link, domain)
    certified = pictures.certificate(files[1], domain, outcome)
    console.print(table(outcome))
    write_page(link.report, outcome, tissue, certified)
    console.print(f"All of it is on one page: {page}", soft_wrap=True)
    return outcome


def _grow(simulation: Any, link: Attachment, domain: sp.Domain, steps: int, series: Series, quiet: bool) -> float:
    """Run the phenotype steps, a frame of the series for each; return the mean seconds of diffusion in one."""
    spent: list[float] = []
    with progress("growing the tumour", steps, quiet=quiet) as bar:
        for _ in range(steps):
            already = link.seconds
            # In the host's own loop nobody else has a turn between two diffusion steps, so that none looks for it.
            simulation.run(until=simulation.t + simulation.model.time.dt_phenotype)
            spent.append(link.seconds - already)
            _frame(series, simulation, link, domain)
            bar.advance()
    return float(np.mean(spent[1:] or spent))


def _frame(series: Series, simulation: Any, link: Attachment, domain: sp.Domain) -> None:
    result = link.result(SUBSTRATE)
    assert result is not None
    state = link.state(SUBSTRATE)
    raster = link.backend(SUBSTRATE).rasterise(state)
    n = simulation.cells.n
    values = {"dead": simulation.cells.dead[:n], "oxygen": result.sample(state.cells.position_um)}
    fields = {
        "oxygen": result.field,
        "vessel": raster.fixed,
        "uptake_per_min": raster.uptake_per_min + 0 * result.field,
    }
    series.add(float(simulation.t), domain, fields, state.cells, values, pictures.known(result.solution))
