"""Oxygen around the vessels of a picture: a mask of a retina, a photograph of one, or a tree that is grown here.

    python examples/vessel_mask.py -o vessel-mask.png
    python examples/vessel_mask.py 21_manual1.gif --field-of-view 21_training_mask.gif --um-per-pixel 24
    python examples/vessel_mask.py retina.jpg --photograph --um-per-pixel 9

Says how far tissue is from the nearest vessel, how much of it is hypoxic, and of how much the error bound leaves that
open. Without a picture it grows a tree in a disc. That one is made, not measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

import surrogate_plugin as sp
from surrogate_plugin.pictures import view

#: um^2 / min; and of how many pixels the cost of the lattice is estimated, which takes nine times as many.
DIFFUSIVITY, LARGEST = 1e5, 400_000
#: Of the tree: um of the disc's and of the thinnest vessels' radius, between points of a vessel, and between tips at
#: last; and the share of the radius that is bare.
DISC_UM, TIP_UM, STEP_UM, APART_UM, BARE = 1500.0, 3.5, 20.0, 45.0, 0.35


def grown(rng: np.random.Generator) -> sp.Vessels:
    """A tree from the middle of a disc into all of it but a bare zone, as a retina that had too much oxygen has one.

    Tips come at random, no two of them close, and closer as the tree fills the disc; each is joined to the nearest
    point of what is there. Radii follow Murray's law: their cubes add up at each fork.
    """
    at, mother, apart = [np.zeros(2)], [0], DISC_UM
    while apart > APART_UM:
        r, turn = DISC_UM * np.sqrt(rng.uniform(BARE**2, 0.97)), rng.uniform(0.0, 2 * np.pi)
        tip, nodes = r * np.array([np.cos(turn), np.sin(turn)]), np.array(at)
        away = np.hypot(*(nodes - tip).T)
        if away.min() < apart:
            apart *= 0.999
            continue
        start, pieces = int(away.argmin()), max(round(away.min() / STEP_UM), 1)
        for k in range(1, pieces + 1):
            mother.append(start if k == 1 else len(at) - 1)
            bend = rng.normal(0.0, 3.0, 2) if k < pieces else 0.0
            at.append(nodes[start] + (tip - nodes[start]) * k / pieces + bend)
    points, mothers = np.array(at), np.array(mother)
    tips = np.ones(len(at))
    tips[mothers[1:]] = 0.0
    for k in range(len(at) - 1, 0, -1):
        tips[mothers[k]] += tips[k]
    return sp.Vessels.from_segments(points[mothers[1:]], points[1:], TIP_UM * np.cbrt(tips[1:]), 1.0)


def made_here(um_per_pixel: float) -> tuple[np.ndarray, np.ndarray]:
    """The grown tree on pixels, and the disc around it."""
    pixels = round(2 * DISC_UM / um_per_pixel)
    domain = sp.Domain.from_lattice((pixels, pixels), um_per_pixel, (-0.5 * pixels * um_per_pixel,) * 2)
    held = domain.rasterise(sp.TissueState(vessels=grown(np.random.default_rng(4)))).fixed
    return held, np.hypot(*np.meshgrid(*domain.centres_um())) < DISC_UM


def read(path: Path, mode: str) -> np.ndarray:
    """A picture with row 0 at the lowest y, as fields have it."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert(mode))[::-1].astype(float)


def segmented(photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vessels and field of view of a photograph of a retina: dark ridges of the green channel, at three widths."""
    inside = ndimage.binary_opening(photograph[..., 0] > 40, iterations=3)
    inside = ndimage.binary_erosion(inside, iterations=18)
    green = np.where(inside, photograph[..., 1], 0.0)
    share = np.maximum(ndimage.gaussian_filter(inside.astype(float), 20.0), 1e-3)
    flat = np.where(inside, green / np.maximum(ndimage.gaussian_filter(green, 20.0) / share, 1.0) - 1.0, 0.0)
    ridge = np.zeros(flat.shape)
    for width in (2.0, 3.0, 5.0):
        yy, xx, xy = (width**2 * ndimage.gaussian_filter(flat, width, order=o) for o in ((2, 0), (0, 2), (1, 1)))
        ridge = np.maximum(ridge, (yy + xx) / 2 + np.hypot((yy - xx) / 2, xy))  # the larger curvature
    ridge[~ndimage.binary_erosion(inside, iterations=10)] = 0.0
    weak, strong = np.percentile(ridge[inside], (88.0, 94.0))
    parts, count = ndimage.label(ridge > weak, structure=np.ones((3, 3)))
    keep = np.bincount(parts.ravel(), minlength=count + 1) > 400
    keep &= ndimage.maximum(ridge, parts, np.arange(count + 1)) > strong
    keep[0] = False
    return keep[parts], inside


def tissue_of(chosen: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Vessels and what else was seen, (H, W) bool each."""
    if chosen.picture is None:
        return made_here(chosen.um_per_pixel)
    if chosen.photograph:
        return segmented(read(chosen.picture, "RGB"))
    vessels = read(chosen.picture, "L") > 127
    if chosen.field_of_view is None:
        return vessels, np.ones(vessels.shape, dtype=bool)
    inside = read(chosen.field_of_view, "L") > 127
    if inside.shape != vessels.shape:
        raise SystemExit(
            f"{chosen.field_of_view} has {inside.shape} pixels; {vessels.shape}, as the vessels, are allowed."
        )
    return vessels, inside


def problem_of(vessels: np.ndarray, inside: np.ndarray, chosen: argparse.Namespace) -> sp.Problem:
    """Vessels hold the oxygen of blood; tissue takes it up, and nothing passes the rim of what was seen."""
    conducts = np.where(inside | vessels, DIFFUSIVITY, 0.0)
    around = {"spacing": chosen.um_per_pixel, "boundary": "reflecting"}
    return sp.Problem(vessels * chosen.blood, vessels, conducts, decay=chosen.uptake, **around)


def draw(
    path: Path,
    vessels: np.ndarray,
    tissue: np.ndarray,
    away: np.ndarray,
    oxygen: np.ndarray,
    chosen: argparse.Namespace,
) -> None:
    """Distance to the nearest vessel, oxygen with its hypoxic contour, and each beside the other."""
    made, (near, air, both) = view.figure(11.5, 4.2, (1.0, 1.0, 0.8))
    domain, seen = sp.Domain.from_lattice(vessels.shape, chosen.um_per_pixel), tissue | vessels
    view.draw_field(near, domain, np.where(seen, away, np.nan), label="to the nearest vessel (µm)", colours="viridis")
    view.draw_fixed(near, domain, vessels)
    view.draw_scale(near, 10.0 ** np.floor(np.log10(0.4 * domain.size_um[0])))
    view.draw_field(air, domain, np.where(seen, oxygen, np.nan), label="oxygen (mmHg)", vmin=0.0)
    air.contour(
        *domain.centres_um(), np.where(seen, oxygen, np.nan), levels=[chosen.hypoxic], colors="#7fd1ff", linewidths=0.7
    )
    both.hist2d(away[tissue], oxygen[tissue], bins=70, cmap="magma", norm="log")
    both.axhline(chosen.hypoxic, color="#7fd1ff", linewidth=0.7)
    both.set(xlabel="to the nearest vessel (µm)", ylabel="oxygen (mmHg)")
    made.savefig(path, dpi=100)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Oxygen around the vessels of a picture.")
    add = parser.add_argument
    add("picture", type=Path, nargs="?", help="white vessels on black; a tree is grown if not given")
    add("--um-per-pixel", type=float, help="needed with a picture; 6 of the tree that is grown")
    add("--photograph", action="store_true", help="it is a colour photograph of a retina; its vessels are to be found")
    add("--field-of-view", type=Path, help="a picture that is white where there was tissue to see")
    add("--blood", type=float, default=38.0, help="mmHg (default: %(default)s)")
    add("--uptake", type=float, default=30.0, help="of tissue, 1 / min (default: %(default)s)")
    add("--hypoxic", type=float, default=10.0, help="below this, mmHg (default: %(default)s)")
    add("-o", "--output", type=Path, default=Path("vessel-mask.png"), help="(default: %(default)s)")
    return parser


def main() -> None:
    parser = options()
    chosen = parser.parse_args()
    if chosen.picture is not None and chosen.um_per_pixel is None:
        parser.error("--um-per-pixel is missing, and no picture knows its scale")
    chosen.um_per_pixel = chosen.um_per_pixel or 6.0
    vessels, inside = tissue_of(chosen)
    tissue, problem = inside & ~vessels, problem_of(vessels, inside, chosen)
    away = ndimage.distance_transform_edt(~vessels) * chosen.um_per_pixel
    half, most, all_of_it = np.percentile(away[tissue], (50, 95, 100))
    print(f"{vessels.sum():,} pixels of vessels and {tissue.sum():,} of tissue, half of which is within {half:.0f} um")
    print(f"of a vessel, 95 % within {most:.0f} um and all of it within {all_of_it:.0f} um.")
    for tolerance in chosen.blood * np.array([0.1, 0.01, 1e-4]):
        solution = sp.solve(problem, tolerance=tolerance, error_map=True)
        gap = np.abs(solution.field - chosen.hypoxic)[tissue]
        low = np.mean(solution.field[tissue] < chosen.hypoxic)
        bound = solution.error_bound
        print(
            f"Within {tolerance:.3g} mmHg: {low:.2%} is hypoxic; the bound is {bound:.1g} mmHg and leaves "
            f"it open of {np.mean(gap <= solution.error_map[tissue]):.3%}."
        )
    if vessels.size <= LARGEST:
        lattice = sp.estimate_discretisation(problem)
        print(
            f"Pixels of {chosen.um_per_pixel:g} um cost up to {lattice.largest:.2g} mmHg, by an estimate that leaves "
            f"it open of {np.mean(gap <= lattice.map[tissue]):.1%}."
        )
    draw(chosen.output, vessels, tissue, away, solution.field, chosen)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
