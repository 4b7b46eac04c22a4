"""Parallel vessels against Krogh's cylinder: how far certified fields are from formulas, and how the spacing tells.

    python examples/krogh.py -o krogh.png

August Krogh gave each of many parallel vessels a cylinder of tissue of its own. Inside it the field has a formula, for
cells that take up all the same (zero order, Krogh and Erlang) and for those that take up in proportion (first order).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.special import i0, i1, k0, k1

import surrogate_plugin as sp
from surrogate_plugin.pictures import view

#: um of the vessel and of its cylinder; mmHg of the blood; um^2 / min.
VESSEL_UM, CYLINDER_UM, BLOOD, DIFFUSIVITY = 10.0, 100.0, 38.0, 1e5
#: What tissue takes up: 1 / min, or mmHg / min whatever there is; of Michaelis and Menten half of that at 1 mmHg.
FIRST_ORDER, ZERO_ORDER, KM = 10.0, 300.0, 1.0
#: Spacings, as pixels on a vessel's radius.
PIXELS_ON_RADIUS = (1, 2, 3, 4, 6, 8, 12, 16)


def zero_order(r: np.ndarray) -> np.ndarray:
    """Krogh and Erlang's field at a distance from the vessel's axis, mmHg."""
    lost = CYLINDER_UM**2 / 2 * np.log(r / VESSEL_UM) - (r**2 - VESSEL_UM**2) / 4
    return BLOOD - ZERO_ORDER / DIFFUSIVITY * lost


def first_order(r: np.ndarray) -> np.ndarray:
    """The same for uptake in proportion to the field: modified Bessel functions."""
    per_um = np.sqrt(FIRST_ORDER / DIFFUSIVITY)
    edge = per_um * CYLINDER_UM

    def shape(s: np.ndarray | float) -> np.ndarray:
        return i0(per_um * s) * k1(edge) + k0(per_um * s) * i1(edge)

    return BLOOD * shape(r) / shape(VESSEL_UM)


#: What there is a formula for, and how each order is drawn.
FORMULAS = {"first": first_order, "zero": zero_order}
DRAWN = {
    "first": ("#ffb454", "first order"),
    "zero": ("#7fd1ff", "zero order"),
    "saturating": ("#b5e48c", "Michaelis-Menten"),
}


def problem(order: str, held: np.ndarray, **lattice: object) -> sp.Problem:
    """The equation around pixels that are held; ``lattice`` has diffusivity, spacing and sides."""
    if order == "first":
        return sp.Problem(held * BLOOD, held, decay=FIRST_ORDER, **lattice)
    if order == "saturating":
        return sp.Problem(held * BLOOD, held, decay=0.0, uptake=sp.MichaelisMenten(ZERO_ORDER, KM), **lattice)
    # Uptake that does not depend on the field could make it negative, and is not posed as such. What is *missing*
    # beside the blood solves an equation with production in its place, and its errors are those of the field.
    eaten = np.where(np.broadcast_to(lattice["diffusivity"], held.shape) > 0, ZERO_ORDER, 0.0)
    return sp.Problem(np.zeros(held.shape), held, decay=0.0, production=eaten, **lattice)


def oxygen(order: str, solution: sp.Solution) -> np.ndarray:
    """The field itself, mmHg."""
    return BLOOD - solution.field if order == "zero" else solution.field


def cylinder(order: str, pixels_on_radius: int) -> tuple[float, float, float]:
    """Of one cylinder of tissue, mmHg: how far from the formula, what the lattice costs by estimate, and the bound."""
    spacing = VESSEL_UM / pixels_on_radius
    half = round(CYLINDER_UM / spacing) + 1
    at = (np.arange(2 * half) + 0.5 - half) * spacing
    r = np.hypot(*np.meshgrid(at, at))
    # Nothing passes out of the cylinder: what is beyond is an obstacle.
    lattice = {"diffusivity": np.where(r < CYLINDER_UM, DIFFUSIVITY, 0.0), "spacing": spacing, "boundary": "reflecting"}
    posed = problem(order, r <= VESSEL_UM, **lattice)
    solution, tissue = sp.solve(posed, tolerance=1e-6), (r > VESSEL_UM) & (r < CYLINDER_UM)
    off = np.abs(oxygen(order, solution)[tissue] - FORMULAS[order](r[tissue]))
    return float(off.max()), sp.estimate_discretisation(posed).largest, solution.error_bound


def array(order: str, columns: int = 194) -> tuple[np.ndarray, np.ndarray, sp.Domain, float]:
    """A hexagonal array of vessels with as much tissue each: field, distance to the nearest axis, lattice, bound."""
    apart = CYLINDER_UM * np.sqrt(2 * np.pi / np.sqrt(3))
    rows = round(np.sqrt(3) * columns)
    domain = sp.Domain.from_lattice((rows, columns), (np.sqrt(3) * apart / rows, apart / columns), thickness_um=1.0)
    points = np.stack(np.meshgrid(*domain.centres_um()), axis=-1)
    axes = np.array([(0.5, 0.0), (0.5, 1.0), (0.0, 0.5), (1.0, 0.5)]) * domain.size_um  # two vessels, and their images
    r = np.min([np.hypot(*np.moveaxis(points - axis, -1, 0)) for axis in axes], axis=0)
    around = {"diffusivity": DIFFUSIVITY, "spacing": domain.spacings_um, "boundary": "periodic"}
    solution = sp.solve(problem(order, r <= VESSEL_UM, **around), tolerance=1e-6)
    return oxygen(order, solution), r, domain, solution.error_bound


def draw(path: Path, falls: dict[str, list[tuple[float, float, float]]]) -> None:
    """The array, its profiles beside the formulas, and the errors over the spacing."""
    made, (left, middle, right) = view.figure(11.5, 4.2, (1.0, 1.2, 1.2))
    at, spacing = np.linspace(VESSEL_UM, CYLINDER_UM), VESSEL_UM / np.array(PIXELS_ON_RADIUS)
    for order, (colour, name) in DRAWN.items():
        field, r, domain, _ = array(order)
        middle.plot(r.ravel(), field.ravel(), ".", color=colour, markersize=1, alpha=0.3)
        middle.plot([], [], "o", color=colour, label=f"array, {name}")
        if order in FORMULAS:
            middle.plot(at, FORMULAS[order](at), "--", color=view.INK, linewidth=1)
            errors, estimates, bounds = np.transpose(falls[order])
            right.loglog(spacing, errors, "o-", color=colour, label=f"off the formula, {name}")
            right.loglog(spacing, estimates, ".--", color=colour, linewidth=1, label="the same, estimated")
            right.loglog(spacing, bounds, "x:", color=colour, label="certified bound")
        if order == "zero":
            view.draw_field(left, domain.spacings_um, np.tile(field, (2, 3)), label="oxygen (mmHg)", vmin=0.0)
            turn, (width, height) = np.linspace(0, 2 * np.pi, 99), domain.size_um
            ring = 1.5 * width + CYLINDER_UM * np.cos(turn), height + CYLINDER_UM * np.sin(turn)
            left.plot(*ring, "--", color=view.INK)
            view.draw_scale(left, 100.0)
    middle.plot([], [], "--", color=view.INK, label="cylinder, by formula")
    left.set_title("array, zero order", fontsize=10)
    middle.set(xlabel="distance to the nearest axis (µm)", ylabel="oxygen (mmHg)")
    right.set(xlabel="spacing (µm)", ylabel="largest error in a cylinder (mmHg)")
    for axes in (middle, right):
        axes.legend(fontsize=8, facecolor=view.PAPER, labelcolor=view.INK)
    made.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description="Parallel vessels against Krogh's cylinder.")
    parser.add_argument("-o", "--output", type=Path, default=Path("krogh.png"), help="picture (default: %(default)s)")
    chosen = parser.parse_args()
    falls = {order: [cylinder(order, pixels) for pixels in PIXELS_ON_RADIUS] for order in FORMULAS}
    print("One cylinder of tissue, largest error (mmHg):")
    for order in FORMULAS:
        for pixels, (error, estimate, bound) in zip(PIXELS_ON_RADIUS, falls[order], strict=True):
            each = f"off the formula {error:.2f}, the lattice by estimate {estimate:.2f}, certified bound {bound:.0e}"
            print(f"  {order} order, spacing {VESSEL_UM / pixels:5.2f} um: {each}")
    for order, formula in FORMULAS.items():
        field, r, _, bound = array(order)
        print(
            f"The array, {order} order: {field.min():.2f} mmHg at the least, {r.max() - CYLINDER_UM:.0f} um beyond "
            f"Krogh's cylinder, at whose rim the formula has {formula(np.array(CYLINDER_UM)):.2f}; bound {bound:.0e}."
        )
    draw(chosen.output, falls)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
