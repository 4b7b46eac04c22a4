"""Draw the pictures of docs/concepts, and print the tables of its pages: ``python docs/draw_concepts.py [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot
from scipy.special import k0

import surrogate_plugin as sp
from benchmarks.document import markdown_table
from surrogate_plugin.gallery import tumour_and_vessels

INK, GREY = "#333333", "#777777"
FIELD, OFF, BOUND, HELD = "#2b6ca3", "#d1603d", "#5b8c4a", "#b03050"
#: mmHg, um and minutes: oxygen, a capillary, tissue in which it falls over 50 um, and a tolerance of 1 %.
IMPOSED, DIFFUSIVITY, DECAY, LENGTH, TOLERANCE = 38.0, 1e5, 40.0, 50.0, 0.38
SPACINGS = (20.0, 10.0, 5.0, 2.5, 1.25)
FLAT = {"bottom": "reflecting", "top": "reflecting"}


def main(folder: Path) -> None:
    pyplot.rcParams.update({"font.size": 13, "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK})
    draw_bound(folder / "bound.png")
    slab, vessel = [of_slab(h) for h in SPACINGS], [of_vessel(h) for h in SPACINGS]
    draw_discretisation(folder / "discretisation.png", slab, vessel)
    show("A slab between two walls 200 um apart", slab)
    show("A vessel of radius 10 um", vessel)
    show("A mode that decays, ten minutes on", [of_steps(n) for n in (1, 2, 4, 8, 16)])
    show("Cycles to a tolerance", [of_starts(share) for share in (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)])


def show(title: str, rows: list[dict[str, str]]) -> None:
    print(f"\n{title}\n")
    print("\n".join(markdown_table(list(rows[0]), [list(row.values()) for row in rows])))


def draw_bound(path: Path) -> None:
    """A field along a line, one that is off, what the equation lacks of it, and what bounds how far off it is."""
    columns = 160
    source, x = np.zeros((1, columns)), np.arange(columns)
    source[0, 40:44], source[0, 110:113] = IMPOSED, 30.0
    problem = sp.Problem(source, decay=1 / 15**2, boundary={"left": "reflecting", "right": "reflecting", **FLAT})
    exact = sp.solve(problem, method="exact").field[0]
    bumps = 3.0 * np.exp(-(((x - 66) / 9) ** 2)) - 2.2 * np.exp(-(((x - 92) / 7) ** 2))
    bumps += 1.5 * np.exp(-(((x - 20) / 8) ** 2))
    field = np.where(problem.fixed[0], exact, exact + bumps)
    certificate = sp.certify(problem, field[None])

    figure, (top, middle, bottom) = pyplot.subplots(3, 1, figsize=(9.0, 9.2), sharex=True, height_ratios=(3, 2, 3))
    top.plot(x, exact, color=FIELD, lw=2.5, label="exact solution c of the discrete equation (nobody has it)")
    top.plot(x, field, color=OFF, lw=2.0, ls="--", label="a field a, from a network or from anybody")
    held = problem.fixed[0]
    top.plot(x[held], exact[held], "s", color=HELD, ms=6, label="held pixels")
    top.set(ylabel="mmHg", ylim=(0, 62), title="1  Put the field into the equation ...")
    middle.fill_between(x, 1e3 * np.abs(certificate.residual[0]), color=OFF, alpha=0.35, lw=0)
    middle.plot(x, 1e3 * np.abs(certificate.residual[0]), color=OFF, lw=1.5, label="|r|, what the equation lacks of it")
    middle.set(ylabel="1e-3 mmHg / time", title="2  ... which lacks r at each pixel: this can be computed ...")
    middle.set_ylim(0, 1.45 * 1e3 * np.abs(certificate.residual).max())
    bottom.plot(x, certificate.error_map[0], color=BOUND, lw=2.5, label="w, with A w >= |r| at each pixel")
    bottom.fill_between(x, np.abs(field - exact), color=OFF, alpha=0.35, lw=0, label="the error |a - c| lies below w")
    bottom.axhline(certificate.error_bound, color=GREY, lw=1.2, ls=":")
    bottom.text(2, certificate.error_bound, "error_bound, the largest w", color=GREY, va="bottom", fontsize=12)
    bottom.set(ylabel="mmHg", xlabel="pixel", title="3  ... and fed into the equation as a source, gives a bound")
    bottom.set_ylim(0, 1.6 * certificate.error_bound)
    for axes in (top, middle, bottom):
        finish(axes)
        axes.title.set_ha("left")
        axes.title.set_position((0.0, 1.0))
        axes.legend(frameon=False, fontsize=11.5, loc="upper right")
    save(figure, path)


def of_slab(spacing: float) -> dict[str, str]:
    """Tissue between two walls that hold a value: everything is smooth."""
    columns = round(200 / spacing) - 1
    sides = {"left": IMPOSED, "right": IMPOSED, **FLAT}
    problem = sp.Problem(np.zeros((1, columns)), diffusivity=DIFFUSIVITY, decay=DECAY, spacing=spacing, boundary=sides)
    x = spacing * np.arange(1, columns + 1)
    continuous = IMPOSED * np.cosh((x - 100) / LENGTH) / np.cosh(100 / LENGTH)
    return row(problem, continuous[None])


def of_vessel(spacing: float) -> dict[str, str]:
    """A round vessel far from all sides, placed as it comes: held pixels, and a circle of squares."""
    side, radius = round(800 / spacing), 10.0
    y, x = (spacing * (np.arange(side) + 0.5 - off) - 400 for off in (0.3, 0.2))
    r = np.hypot(y[:, None], x[None, :])
    fixed = r <= max(radius, r.min())  # one pixel at least
    problem = sp.Problem(IMPOSED * fixed, diffusivity=DIFFUSIVITY, decay=DECAY, spacing=spacing, boundary="reflecting")
    continuous = IMPOSED * k0(np.maximum(r, radius) / LENGTH) / k0(radius / LENGTH)
    return row(problem, continuous)


def row(problem: sp.Problem, continuous: np.ndarray) -> dict[str, str]:
    """Error, estimate and bound."""
    lacks = np.abs(continuous - sp.solve(problem, method="exact").field)[~problem.fixed]
    estimate = sp.estimate_discretisation(problem)
    bound = sp.solve(problem, tolerance=TOLERANCE, method="multigrid").error_bound
    return {
        "spacing, um": f"{problem.spacings[0]:g}",
        "pixels held": f"{problem.fixed.sum()}",
        "largest error": f"{lacks.max():.2g}",
        "estimated": f"{estimate.largest:.2g} ± {estimate.uncertainty:.1g}",
        "mean error": f"{lacks.mean():.2g}",
        "its estimate": f"{estimate.map[~problem.fixed].mean():.2g}",
        "bound": f"{bound:.2g}",
    }


def draw_discretisation(path: Path, slab: list[dict[str, str]], vessel: list[dict[str, str]]) -> None:
    """Errors over spacings: what is estimated, beside what is bounded."""
    figure, both = pyplot.subplots(1, 2, figsize=(11.0, 5.4), sharey=True)
    for axes, rows, title, order in (
        (both[0], slab, "smooth: a slab between two walls", 2),
        (both[1], vessel, "held pixels: a vessel of radius 10 µm", 1),
    ):
        h = np.array(SPACINGS)
        errors, estimates, bounds = (
            np.array([float(each[name].split()[0]) for each in rows])
            for name in ("largest error", "estimated", "bound")
        )
        guide = estimates[-1] * (h / h[-1]) ** order
        axes.plot(h, guide, color=GREY, lw=1, ls=":", label=f"order {order}")
        axes.plot(h, errors, "o-", color=OFF, lw=2, ms=8, label="error against the formula")
        axes.plot(h, estimates, "D", color=FIELD, ms=9, mfc="none", mew=2, label="estimate_discretisation")
        axes.plot(h, bounds, "^-", color=BOUND, lw=2, ms=8, label="error_bound, asked for 0.38")
        axes.set(xscale="log", yscale="log", xlabel="spacing, µm", title=title, ylim=(2e-4, 150))
        axes.set_xticks(SPACINGS, [f"{each:g}" for each in SPACINGS])
        axes.minorticks_off()
        finish(axes)
        axes.legend(frameon=False, fontsize=11, loc="upper left" if order == 2 else (0.02, 0.02))
    both[0].set_ylabel("mmHg, of 38 held")
    save(figure, path)


def of_steps(steps: int) -> dict[str, str]:
    """Ten minutes in so many steps: the mode ``1 + cos(pi x / L)`` on its way to rest, which a formula has too."""
    columns, spacing, diffusivity, decay, minutes = 50, 4.0, 250.0, 0.01, 10.0
    problem = sp.Problem(
        np.zeros((1, columns)), diffusivity=diffusivity, decay=decay, spacing=spacing, boundary="reflecting"
    )
    wave = np.cos(np.pi * (np.arange(columns) + 0.5) / columns)[None]
    rate = diffusivity * (2 / spacing * np.sin(np.pi / 2 / columns)) ** 2  # of the wave, on this lattice
    exact = 10 * np.exp(-decay * minutes) * (1 + np.exp(-rate * minutes) * wave)

    def after(count: int) -> tuple[np.ndarray, float]:
        field, bound = 10 * (1 + wave), 0.0
        for _ in range(count):
            step = sp.advance(problem, field, dt=minutes / count, field_error=bound)
            field, bound = step.field, step.error_bound
        return field, bound

    (field, bound), (halved, _) = after(steps), after(2 * steps)
    return {
        "dt, min": f"{minutes / steps:g}",
        "error in time": f"{np.abs(field - exact).max():.2g}",
        "estimated by steps of half the length": f"{2 * np.abs(halved - field).max():.2g}",
        "error bound": f"{bound:.1g}",
    }


def of_starts(share: float) -> dict[str, str]:
    """Cycles from the network's field and from nothing, of a tissue that it never saw."""
    counts = {}
    for name, method, policy in (("network", "guarded", "surrogate-first"), ("nothing", "multigrid", "fastest")):
        cycles = []
        for seed in range(8):
            problem = tumour_and_vessels(
                np.random.default_rng(1000 + seed), (256, 256), vessels=15, michaelis_menten=False, scale=IMPOSED,
                boundary="reflecting", diffusion_length=20.0,
            )  # fmt: skip
            solution = sp.solve(problem, tolerance=share * IMPOSED, method=method, policy=policy)
            cycles.append(solution.stats.cycles)
        counts[name] = float(np.median(cycles))
    return {
        "tolerance, of the largest value": f"{share:.0e}" if share < 1e-4 else f"{100 * share:g} %",
        "from the network's field": f"{counts['network']:g}",
        "from nothing": f"{counts['nothing']:g}",
    }


def finish(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=GREY)


def save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "concepts")
