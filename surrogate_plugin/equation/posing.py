"""What may be posed: arrays read, and problems refused that float64 cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import (
    HUGE,
    MAX_PIXELS,
    TINY,
    BoolArray,
    FloatArray,
    check_values,
    instance_of,
    largest,
    least,
    real_array,
    same_shape,
    truth_array,
)
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.uptake import MichaelisMenten
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem

#: Beside links of 1: what decay may reach, and what the slope of uptake may.
_STRONGEST, _STEEPEST = 1e12, 1e20


def image_of(source: npt.ArrayLike) -> FloatArray:
    """The imposed values, read-only, which say what the lattice is; three axes are refused until solvers take them."""
    image = real_array("source", source)
    if image.ndim != 2:
        raise InvalidProblemError(f"source has shape {image.shape}; a 2-D array (H, W) is allowed.")
    if image.size == 0:
        raise InvalidProblemError(f"source has shape {image.shape}; at least one row and one column are allowed.")
    if image.size > MAX_PIXELS:
        raise InvalidProblemError(f"source has {image.size} pixels; at most {MAX_PIXELS} are allowed.")
    check_values("source", image, positive=False)
    return image


def mask_of(fixed: npt.ArrayLike | None, image: FloatArray) -> BoolArray:
    """The fixed pixels, read-only; those above 0 where nobody says."""
    if fixed is not None:
        return truth_array("fixed", fixed, shape=image.shape)
    mask: BoolArray = image > 0
    mask.flags.writeable = False
    return mask


def uptake_of(uptake: MichaelisMenten | None, shape: tuple[int, ...]) -> MichaelisMenten | None:
    """Saturating uptake on this lattice, a number where it does not vary, and None where nothing consumes."""
    if uptake is None:
        return None
    instance_of("uptake", uptake, MichaelisMenten, "None or a MichaelisMenten")
    vmax = uptake.vmax
    if not isinstance(vmax, np.ndarray):
        return uptake if vmax > 0 else None
    same_shape("uptake.vmax", vmax.shape, shape, "source")
    most = float(vmax.max())
    if vmax.flat[0] == most == float(vmax.min()):
        uptake = MichaelisMenten(most, uptake.km)
    return uptake if most > 0 else None


def membranes_of(membranes: Membranes | None, shape: tuple[int, ...], rings: tuple[bool, ...]) -> Membranes | None:
    """The membranes of this lattice, as maps; None where no face has one."""
    if membranes is None:
        return None
    instance_of("membranes", membranes, Membranes, "None or a Membranes")
    return membranes.on(shape, rings)


def check(problem: Problem) -> None:
    """Refuse what float64 cannot hold.

    Raises
    ------
    InvalidProblemError
    """
    _check_conditioning(problem)
    _check_scale(problem)


def _check_conditioning(problem: Problem) -> None:
    """Refuse coefficients so strong or so weak beside diffusion that float64 cannot represent the operator."""
    if problem.reference_diffusivity == 0.0:  # nothing is beside anything
        return
    link = problem.reference_link
    beside = f"times diffusivity / spacing^2 = {link:g}"
    weakest, strongest = _least_that_conducts(problem), problem.largest_decay
    if weakest < 1e-8 * problem.reference_diffusivity:
        raise InvalidProblemError(
            f"diffusivity spans from {weakest:g} to {problem.reference_diffusivity:g}; "
            "a contrast of at most 1e8 is allowed, and 0."
        )
    if max(problem.spacings) > 1e4 * min(problem.spacings):
        raise InvalidProblemError(f"spacing is {problem.spacing}; spacings that differ by at most 1e4 are allowed.")
    if strongest > _STRONGEST * link:
        raise InvalidProblemError(
            f"decay reaches {strongest:g}, more than 1e12 {beside}; check the units of decay and spacing, "
            "or take production / decay pixel by pixel, which is the field where nothing is meant to diffuse."
        )
    if problem.uptake is not None:
        slope = largest(problem.uptake.vmax) / problem.uptake.km
        if slope > _STEEPEST * link:
            raise InvalidProblemError(
                f"uptake.vmax / uptake.km reaches {slope:g}, more than 1e20 {beside}; "
                "check their units and that of spacing."
            )


def _least_that_conducts(problem: Problem) -> float:
    """The least diffusivity above 0."""
    found = [least(each) for each in problem.diffusivities]
    if min(found) > 0.0:
        return min(found)
    return min(float(np.min(each, where=np.asarray(each) > 0, initial=HUGE)) for each in problem.diffusivities)


def _check_scale(problem: Problem) -> None:
    """Refuse values that are all so small, or rates so large, that products of theirs vanish or overflow."""
    link = problem.reference_link
    taken = 0.0 if problem.uptake is None else largest(problem.uptake.vmax)
    for name, rate in {"production": problem.largest_supply, "uptake.vmax": taken}.items():
        if rate / link > HUGE:
            raise InvalidProblemError(
                f"{name} reaches {rate:g}, more than {HUGE:g} times diffusivity / spacing^2 = "
                f"{link:g}; check the units of {name} and spacing."
            )
    made = problem.largest_supply / link
    if 0 < problem.largest_imposed < TINY or (problem.largest_imposed == 0 and 0 < made < TINY):
        what = "production * spacing^2 / diffusivity" if problem.largest_imposed == 0 else "source and boundary"
        raise InvalidProblemError(
            f"the largest value of {what} is {problem.largest_imposed or made:g}; 0 or at least {TINY:g} is allowed: "
            "choose a smaller unit of the field."
        )
