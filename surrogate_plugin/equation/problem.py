"""The steady diffusion problem on a lattice: coefficients, fixed pixels, boundary; validated once, immutable after."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import (
    HUGE,
    MAX_PIXELS,
    TINY,
    check_values,
    coefficient,
    instance_of,
    positive_number,
    real_array,
    same_shape,
    truth_array,
)
from surrogate_plugin.arguments import BoolArray as BoolArray
from surrogate_plugin.arguments import Coefficient as Coefficient
from surrogate_plugin.arguments import FloatArray as FloatArray
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.equation.uptake import MichaelisMenten as MichaelisMenten
from surrogate_plugin.errors import InvalidProblemError

#: Beside links of 1: what decay may reach, what the slope of uptake may, and what alone is too little for an anchor.
_STRONGEST, _STEEPEST, _WEAKEST = 1e12, 1e20, 1e-12


@dataclass(frozen=True, eq=False)
class Problem:
    """``div(D grad c) - decay c - U(c) + production = 0`` on free pixels, ``c = source`` on fixed ones.

    The lattice is (rows = y, columns = x), row 0 at the lowest y. The discrete equation is the 5-point one; a
    link between two pixels carries the harmonic mean of their diffusivities.

    Parameters
    ----------
    source : (H, W) array of float, field units
        Values imposed on the fixed pixels, >= 0 and at most 1e100. Elsewhere they are not used. H and W are at
        least 1.
    fixed : (H, W) array of bool, optional
        The fixed pixels; ``source > 0`` if not given.
    diffusivity : float or (H, W) array, length^2 / time
        Larger than 0.
    decay : float or (H, W) array, 1 / time
        Background decay plus first-order uptake, >= 0 and at most 1e12 times ``diffusivity / spacing^2``.
    production : float or (H, W) array, field units / time
        >= 0.
    uptake : MichaelisMenten, optional
        Saturating uptake on top of ``decay``; its slope at 0, ``vmax / km``, is at most 1e20 times
        ``diffusivity / spacing^2``.
    spacing : float, length per pixel
        Between the centres of two neighbouring pixels; larger than 0. It is of the same unit as the length in
        ``diffusivity``: um with um^2 / min, and 1 with pixel^2 / min.
    boundary : str, float or mapping
        ``"absorbing"``, ``"reflecting"``, ``"periodic"``, a fixed value, or a mapping of
        ``left | right | bottom | top`` to any of these (periodic in opposite pairs). A value, and the 0 of
        ``"absorbing"``, is held by a ghost pixel **one spacing outside the centre of the edge pixel**, so that W
        columns between two such walls span (W + 1) spacings; a mirror stands half a spacing outside.

    Raises
    ------
    InvalidProblemError
        One sentence naming the field, the value and what is allowed. Also where no fixed pixel, no side with a
        value and no decay anchors the field, so that no unique steady state exists, unless saturating uptake can take
        all that is produced; and where all values imposed or produced are below 1e-100 without being 0, whose
        products float64 does not hold.

    Notes
    -----
    docs/lattice.md has the walls beside those of other programs: PhysiCell's Dirichlet voxels are fixed pixels here,
    and FiPy's constrained faces stand half a spacing, not one, outside the centres of its cells.

    Arrays are copied, unless they are read-only float64 of their own. A map of one value becomes that number, so that
    the attributes ``diffusivity``, ``decay``, ``production`` and ``uptake.vmax`` are maps only where they vary, and
    `constant_coefficients` does not depend on how a constant was written. ``uptake`` of a ``vmax`` of 0 becomes None.

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786), where D = 1, decay = 1/400 and the boundary is absorbing.

    Examples
    --------
    >>> import numpy as np
    >>> source = np.zeros((16, 24)); source[8, 12] = 1.0
    >>> problem = Problem(source, decay=1 / 25)
    >>> problem.shape, int(problem.fixed.sum())
    ((16, 24), 1)

    Eight columns between a wall that holds 1 and one that holds 0, nine spacings apart:

    >>> from surrogate_plugin import solve
    >>> sides = {"left": 1.0, "right": "absorbing", "bottom": "reflecting", "top": "reflecting"}
    >>> between = solve(Problem(np.zeros((8, 8)), decay=0.0, boundary=sides), method="exact").field
    >>> np.round(9 * between[0], 6)
    array([8., 7., 6., 5., 4., 3., 2., 1.])
    """

    source: FloatArray
    fixed: BoolArray
    diffusivity: Coefficient
    decay: Coefficient
    production: Coefficient
    uptake: MichaelisMenten | None
    spacing: float
    boundary: Boundary

    def __init__(
        self,
        source: npt.ArrayLike,
        fixed: npt.ArrayLike | None = None,
        diffusivity: float | npt.ArrayLike = 1.0,
        decay: float | npt.ArrayLike = 1 / 400,
        production: float | npt.ArrayLike = 0.0,
        uptake: MichaelisMenten | None = None,
        spacing: float = 1.0,
        boundary: BoundaryLike | Boundary = "absorbing",
    ) -> None:
        image = _image(source)
        shape = (image.shape[0], image.shape[1])
        values: dict[str, Any] = {
            "source": image,
            "fixed": _mask(fixed, image),
            "diffusivity": coefficient("diffusivity", diffusivity, shape=shape, positive=True),
            "decay": coefficient("decay", decay, shape=shape),
            "production": coefficient("production", production, shape=shape),
            "uptake": _uptake(uptake, shape),
            "spacing": positive_number("spacing", spacing),
            "boundary": Boundary.parse(boundary),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check_anchored()
        self._check_conditioning()
        self._check_scale()

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)``: rows along y, columns along x."""
        return self.source.shape[0], self.source.shape[1]

    @property
    def constant_coefficients(self) -> bool:
        """Whether diffusivity and decay are scalars without saturating uptake: transforms diagonalise the box."""
        return (
            not isinstance(self.diffusivity, np.ndarray)
            and not isinstance(self.decay, np.ndarray)
            and self.uptake is None
        )

    @functools.cached_property
    def reference_diffusivity(self) -> float:
        """The largest diffusivity, which scales the equation to links of at most 1."""
        return float(np.max(self.diffusivity))

    @functools.cached_property
    def largest_imposed(self) -> float:
        """The largest value held by a fixed pixel or a side, field units; 0 where production alone feeds the field."""
        inside = float(np.max(self.source, where=self.fixed, initial=0.0))
        return max(inside, self.boundary.largest_value)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of the whole operator: lattice, D, decay, uptake, mask, spacing, boundary kinds (not the values)."""
        digest = hashlib.blake2b(digest_size=16)
        kinds = tuple(side.kind for side in self.boundary.sides)
        digest.update(repr((self.shape, self.spacing, kinds)).encode())
        digest.update(np.packbits(self.fixed).tobytes())
        parts: list[tuple[str, Coefficient]] = [("diffusivity", self.diffusivity), ("decay", self.decay)]
        if self.uptake is not None:
            parts += [("vmax", self.uptake.vmax), ("km", self.uptake.km)]
        for name, value in parts:
            digest.update(name.encode())
            digest.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
        return digest.hexdigest()

    def _check_anchored(self) -> None:
        """Refuse what no steady state balances: in a closed box without decay only saturating uptake takes anything."""
        if self._held or float(np.max(self.decay)) > 0:
            return
        if self.uptake is None:
            raise InvalidProblemError(
                "the problem has no unique steady state: decay is 0 everywhere, no pixel is fixed and no side holds "
                "a value; set a decay > 0, fix a pixel, or give one side a value."
            )
        made, taken = float(np.mean(self.production)), float(np.mean(self.uptake.vmax))
        if made >= taken:
            raise InvalidProblemError(
                f"the problem has no steady state: production is {made:g} on average and saturating uptake takes at "
                f"most {taken:g}, so that the field grows without end where decay is 0, no pixel is fixed and no side "
                "holds a value; lower production or raise uptake.vmax, set a decay > 0, fix a pixel, or give one side "
                "a value."
            )

    @property
    def _held(self) -> bool:
        """Whether a side or a pixel holds a value, which anchors the field."""
        return self.boundary.holds_a_value or bool(self.fixed.any())

    def _uptake_anchor(self) -> float:
        """About the steepest slope that saturating uptake keeps where all that is produced must be taken up by it.

        A level field ``km m / (1 - m)`` takes the share ``m`` of that much, at a slope of ``vmax (1 - m)^2 / km``.
        """
        if self.uptake is None:
            return 0.0
        left = max(1.0 - float(np.mean(self.production)) / float(np.mean(self.uptake.vmax)), 0.0)
        return float(np.max(self.uptake.vmax)) / self.uptake.km * left**2

    def _check_conditioning(self) -> None:
        """Refuse coefficients so strong or so weak beside diffusion that float64 cannot represent the operator."""
        link = self.reference_diffusivity / self.spacing**2
        beside = f"times diffusivity / spacing^2 = {link:g}"
        weakest, strongest = float(np.min(self.diffusivity)), float(np.max(self.decay))
        if weakest < 1e-8 * self.reference_diffusivity:
            raise InvalidProblemError(
                f"diffusivity spans from {weakest:g} to {self.reference_diffusivity:g}; "
                "a contrast of at most 1e8 is allowed."
            )
        if strongest > _STRONGEST * link:
            raise InvalidProblemError(
                f"decay reaches {strongest:g}, more than 1e12 {beside}; check the units of decay and spacing, "
                "or take production / decay pixel by pixel, which is the field where nothing is meant to diffuse."
            )
        if self.uptake is not None:
            slope = float(np.max(self.uptake.vmax)) / self.uptake.km
            if slope > _STEEPEST * link:
                raise InvalidProblemError(
                    f"uptake.vmax / uptake.km reaches {slope:g}, more than 1e20 {beside}; "
                    "check their units and that of spacing."
                )
        uptake_anchor = self._uptake_anchor()
        if not self._held and max(strongest, uptake_anchor) < _WEAKEST * link:
            taken = "" if self.uptake is None else f" and the slope that uptake keeps about {uptake_anchor:g}"
            raise InvalidProblemError(
                f"decay is at most {strongest:g}{taken}, less than 1e-12 {beside}, and nothing else anchors the "
                "field; check the units of decay and spacing, fix a pixel, or give a side a value."
            )

    def _check_scale(self) -> None:
        """Refuse values that are all so small, or rates so large, that products of theirs vanish or overflow."""
        link = self.reference_diffusivity / self.spacing**2
        rates = {"production": self.production, "uptake.vmax": 0.0 if self.uptake is None else self.uptake.vmax}
        for name, rate in rates.items():
            if float(np.max(rate)) / link > HUGE:
                raise InvalidProblemError(
                    f"{name} reaches {float(np.max(rate)):g}, more than {HUGE:g} times diffusivity / spacing^2 = "
                    f"{link:g}; check the units of {name} and spacing."
                )
        made = float(np.max(self.production)) / link
        if 0 < self.largest_imposed < TINY or (self.largest_imposed == 0 and 0 < made < TINY):
            what = "production * spacing^2 / diffusivity" if self.largest_imposed == 0 else "source and boundary"
            raise InvalidProblemError(
                f"the largest value of {what} is {self.largest_imposed or made:g}; 0 or at least {TINY:g} is allowed: "
                "choose a smaller unit of the field."
            )


def _image(source: npt.ArrayLike) -> FloatArray:
    image = real_array("source", source)
    if image.ndim != 2:
        raise InvalidProblemError(f"source has shape {image.shape}; a 2-D array (H, W) is allowed.")
    if image.size == 0:
        raise InvalidProblemError(f"source has shape {image.shape}; at least one row and one column are allowed.")
    if image.size > MAX_PIXELS:
        raise InvalidProblemError(f"source has {image.size} pixels; at most {MAX_PIXELS} are allowed.")
    check_values("source", image, positive=False)
    return image


def _mask(fixed: npt.ArrayLike | None, image: FloatArray) -> BoolArray:
    if fixed is not None:
        return truth_array("fixed", fixed, shape=image.shape)
    mask: BoolArray = image > 0
    mask.flags.writeable = False
    return mask


def _uptake(uptake: MichaelisMenten | None, shape: tuple[int, int]) -> MichaelisMenten | None:
    if uptake is None:
        return None
    instance_of("uptake", uptake, MichaelisMenten, "None or a MichaelisMenten")
    vmax = uptake.vmax
    if not isinstance(vmax, np.ndarray):
        return uptake if vmax > 0 else None
    same_shape("uptake.vmax", vmax.shape, shape, "source")
    largest = float(vmax.max())
    if vmax[0, 0] == largest == float(vmax.min()):
        uptake = MichaelisMenten(largest, uptake.km)
    return uptake if largest > 0 else None
