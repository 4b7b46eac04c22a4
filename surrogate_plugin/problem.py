"""The steady diffusion problem on a lattice: coefficients, fixed pixels, boundary; validated once, immutable after."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.boundary import Boundary, BoundaryLike
from surrogate_plugin.errors import InvalidProblemError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Coefficient = float | FloatArray

MIN_SIDE = 8
MAX_PIXELS = 2**28
#: Magnitudes outside this range overflow or vanish when squared or divided by one another.
_TINY, _HUGE = 1e-100, 1e100


@dataclass(frozen=True, eq=False)
class MichaelisMenten:
    """Saturating uptake ``U(c) = vmax c / (km + c)``.

    Parameters
    ----------
    vmax : float or (H, W) float64, field units / time
        Largest uptake rate; 0 where nothing consumes.
    km : float, field units
        The value at which uptake is half of ``vmax``; larger than 0.

    Raises
    ------
    InvalidProblemError
        If ``vmax`` is negative or not finite, or ``km`` is not a positive finite number.
    """

    vmax: Coefficient
    km: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "vmax", _coefficient("uptake.vmax", self.vmax, None))
        object.__setattr__(self, "km", _positive_scalar("uptake.km", self.km))

    def rate(self, field: FloatArray) -> FloatArray:
        """``U(c)``, (H, W) float64, field units / time."""
        return np.asarray(self.vmax * (field / (self.km + field)))

    def slope(self, field: FloatArray) -> FloatArray:
        """``dU/dc``, (H, W) float64, 1 / time."""
        fraction = self.km / (self.km + field)
        return np.asarray((self.vmax / self.km) * fraction * fraction)


@dataclass(frozen=True, eq=False)
class Problem:
    """``div(D grad c) - decay c - U(c) + production = 0`` on free pixels, ``c = source`` on fixed ones.

    The lattice is (rows = y, columns = x), row 0 at the lowest y. The discrete equation is the 5-point one; a
    link between two pixels carries the harmonic mean of their diffusivities.

    Parameters
    ----------
    source : (H, W) array of float, field units
        Values imposed on the fixed pixels, >= 0. Elsewhere they are not used. H and W are at least 8.
    fixed : (H, W) array of bool, optional
        The fixed pixels; ``source > 0`` if not given.
    diffusivity : float or (H, W) array, length^2 / time
        Larger than 0.
    decay : float or (H, W) array, 1 / time
        Background decay plus first-order uptake, >= 0.
    production : float or (H, W) array, field units / time
        >= 0.
    uptake : MichaelisMenten, optional
        Saturating uptake on top of ``decay``.
    spacing : float, length per pixel
        Larger than 0.
    boundary : str, float or mapping
        ``"absorbing"``, ``"reflecting"``, ``"periodic"``, a fixed value, or a mapping of
        ``left | right | bottom | top`` to any of these (periodic in opposite pairs).

    Raises
    ------
    InvalidProblemError
        One sentence naming the field, the value and what is allowed. Also where no fixed pixel, no side with a
        value and no decay anchors the field, so that no unique steady state exists.

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
            "diffusivity": _coefficient("diffusivity", diffusivity, shape, positive=True),
            "decay": _coefficient("decay", decay, shape),
            "production": _coefficient("production", production, shape),
            "uptake": _uptake(uptake, shape),
            "spacing": _positive_scalar("spacing", spacing),
            "boundary": Boundary.parse(boundary),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check_anchored()
        self._check_conditioning()

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
        if self.boundary.holds_a_value or float(np.max(self.decay)) > 0 or bool(self.fixed.any()):
            return
        raise InvalidProblemError(
            "the problem has no unique steady state: decay is 0 everywhere, no pixel is fixed and no side holds "
            "a value; set a decay > 0, fix a pixel, or give one side a value."
        )

    def _check_conditioning(self) -> None:
        """Refuse decay so strong or so weak beside diffusion that float64 cannot represent the operator."""
        link = self.reference_diffusivity / self.spacing**2
        if float(np.min(self.diffusivity)) < 1e-8 * self.reference_diffusivity:
            raise InvalidProblemError(
                f"diffusivity spans from {float(np.min(self.diffusivity)):g} to {self.reference_diffusivity:g}; "
                "a contrast of at most 1e8 is allowed."
            )
        strongest = float(np.max(self.decay))
        if strongest > 1e12 * link:
            raise InvalidProblemError(
                f"decay reaches {strongest:g}, more than 1e12 times diffusivity / spacing^2 = {link:g}; "
                "check the units of decay and spacing."
            )
        if self.boundary.holds_a_value or bool(self.fixed.any()):
            return
        if strongest < 1e-12 * link:
            raise InvalidProblemError(
                f"decay is at most {strongest:g}, less than 1e-12 times diffusivity / spacing^2 = {link:g}, and "
                "nothing else anchors the field; check the units of decay and spacing, fix a pixel, or give "
                "a side a value."
            )


def _image(source: npt.ArrayLike) -> FloatArray:
    image = _real_array("source", source)
    if image.ndim != 2:
        raise InvalidProblemError(f"source has shape {image.shape}; a 2-D array (H, W) is allowed.")
    if min(image.shape) < MIN_SIDE:
        raise InvalidProblemError(f"source has shape {image.shape}; each side must have at least {MIN_SIDE} pixels.")
    if image.size > MAX_PIXELS:
        raise InvalidProblemError(f"source has {image.size} pixels; at most {MAX_PIXELS} are allowed.")
    _check_values("source", image, positive=False)
    return image


def _mask(fixed: npt.ArrayLike | None, image: FloatArray) -> BoolArray:
    if fixed is None:
        mask = image > 0
    else:
        given = np.asarray(fixed)
        if given.dtype != np.bool_:
            raise InvalidProblemError(f"fixed has dtype {given.dtype}; a boolean array is allowed.")
        if given.shape != image.shape:
            raise InvalidProblemError(f"fixed has shape {given.shape}, but source has {image.shape}; they must agree.")
        mask = given.copy()
    mask.flags.writeable = False
    return mask


def _uptake(uptake: MichaelisMenten | None, shape: tuple[int, int]) -> MichaelisMenten | None:
    if uptake is None:
        return None
    if not isinstance(uptake, MichaelisMenten):
        raise InvalidProblemError(f"uptake is {type(uptake).__name__}; None or a MichaelisMenten is allowed.")
    if isinstance(uptake.vmax, np.ndarray) and uptake.vmax.shape != shape:
        raise InvalidProblemError(
            f"uptake.vmax has shape {uptake.vmax.shape}, but source has {shape}; they must agree."
        )
    return uptake if float(np.max(uptake.vmax)) > 0 else None


def _coefficient(
    name: str, value: float | npt.ArrayLike, shape: tuple[int, int] | None, *, positive: bool = False
) -> Coefficient:
    array = _real_array(name, value)
    if array.ndim and shape is not None and array.shape != shape:
        raise InvalidProblemError(f"{name} has shape {array.shape}, but source has {shape}; they must agree.")
    if array.ndim not in (0, 2) or array.size == 0:
        raise InvalidProblemError(f"{name} has shape {array.shape}; a number or a 2-D array (H, W) is allowed.")
    _check_values(name, array, positive=positive)
    return array if array.ndim else float(array)


def _positive_scalar(name: str, value: float) -> float:
    array = _real_array(name, value)
    if array.ndim:
        raise InvalidProblemError(f"{name} has shape {array.shape}; one number is allowed.")
    _check_values(name, array, positive=True)
    return float(array)


def _real_array(name: str, value: Any) -> FloatArray:
    """Float64 that nobody can change: a read-only copy, or the array itself if it is its own and read-only already."""
    given = np.asarray(value)
    if given.dtype == np.float64 and not given.flags.writeable and given.base is None and given.flags.c_contiguous:
        return given
    if given.dtype.kind not in "fiub":
        raise InvalidProblemError(f"{name} has dtype {given.dtype}; real numbers are allowed.")
    array = np.array(given, dtype=np.float64, order="C")
    array.flags.writeable = False
    return array


def _check_values(name: str, array: FloatArray, *, positive: bool) -> None:
    # Two reductions settle the usual case: NaN spreads through both, infinity shows in one.
    low, high = float(array.min()), float(array.max())
    if high <= _HUGE and (low > _TINY or (not positive and low >= 0)):
        return
    magnitude = f"in ({_TINY:g}, {_HUGE:g}]" if positive else f">= 0 and at most {_HUGE:g}"
    wrong = ~((array > _TINY) if positive else (array >= 0)) | ~(array <= _HUGE)
    index = np.unravel_index(int(np.argmax(wrong)), array.shape)
    where = f" at (row {index[0]}, column {index[1]})" if array.ndim else ""
    shown = float(array[index])
    raise InvalidProblemError(
        f"{name} is {'NaN' if math.isnan(shown) else f'{shown:g}'}{where}; finite values {magnitude} are allowed."
    )


def whole_sides(name: str, shape: Sequence[int]) -> tuple[int, int]:
    """The rows and columns of a lattice, checked; ``name`` is what the error calls them."""
    try:
        rows, columns = (int(side) for side in shape)
        whole = [float(side) for side in shape] == [rows, columns]
    except (TypeError, ValueError):
        whole = False
    if not whole or min(rows, columns) < 1:
        raise InvalidProblemError(f"{name} is {shape!r}; two whole numbers (rows, columns) >= 1 are allowed.")
    return rows, columns
