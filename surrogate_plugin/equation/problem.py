"""The steady diffusion problem on a lattice: coefficients, fixed pixels, boundary; validated once, immutable after."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import BoolArray as BoolArray
from surrogate_plugin.arguments import Coefficient as Coefficient
from surrogate_plugin.arguments import FloatArray as FloatArray
from surrogate_plugin.arguments import coefficient, largest, positive_number
from surrogate_plugin.equation import codec, posing, storage, transforms
from surrogate_plugin.equation.codec import Part
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.equation.uptake import MichaelisMenten as MichaelisMenten


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
        image = posing.image_of(source)
        shape = image.shape
        values: dict[str, Any] = {
            "source": image,
            "fixed": posing.mask_of(fixed, image),
            "diffusivity": coefficient("diffusivity", diffusivity, shape=shape, positive=True),
            "decay": coefficient("decay", decay, shape=shape),
            "production": coefficient("production", production, shape=shape),
            "uptake": posing.uptake_of(uptake, shape),
            "spacing": positive_number("spacing", spacing),
            "boundary": Boundary.parse(boundary),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        posing.check(self)

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)``: rows along y, columns along x."""
        return cast("tuple[int, int]", self.source.shape)

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
        return largest(self.diffusivity)

    @functools.cached_property
    def largest_imposed(self) -> float:
        """The largest value held by a fixed pixel or a side, field units; 0 where production alone feeds the field."""
        inside = float(np.max(self.source, where=self.fixed, initial=0.0))
        return max(inside, self.boundary.largest_value)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of the whole operator: lattice, D, decay, uptake, mask, spacing, boundary kinds (not the values)."""
        return codec.fingerprint(self.parts)

    @property
    def parts(self) -> dict[str, Part]:
        """What the problem consists of, by name: numbers and arrays, from which `of_parts` makes it again, to the bit.

        ``source``, ``fixed``, ``diffusivity``, ``decay``, ``production``; ``vmax`` and ``km`` where uptake saturates;
        ``spacing``; ``side_kinds`` and ``side_values``, (2, 2): (bottom, top), (left, right).

        Examples
        --------
        >>> parts = Problem(np.eye(8), boundary={"right": 38.0, "top": "reflecting"}).parts
        >>> parts["decay"], parts["side_kinds"].tolist(), parts["side_values"].tolist()
        (0.0025, [['value', 'reflecting'], ['value', 'value']], [[0.0, 0.0], [0.0, 38.0]])
        """
        return codec.parts_of(self)

    @classmethod
    def of_parts(cls, parts: Mapping[str, Part]) -> Self:
        """The problem of these `parts`; raises `InvalidProblemError` as `Problem` does, and for a missing part."""
        return cls(**codec.arguments_of(parts))

    def save(self, path: str | Path) -> None:
        """Write the problem to one file, which appears whole or not at all.

        Parameters
        ----------
        path : str or Path
            Ends in ``.npz``: an archive of the `parts`, which numpy reads without pickles.

        Raises
        ------
        InvalidProblemError
            For another ending.
        OSError
            If it cannot be written; what was there before is unchanged.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Problem(np.eye(8), decay=0.1).save(folder + "/problem.npz")
        ...     Problem.load(folder + "/problem.npz").decay
        0.1
        """
        storage.write(Path(path), self.parts)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The problem that `save` wrote, to the bit; `InvalidProblemError` if that is not what ``path`` holds."""
        return storage.read(Path(path), cls)

    def replace(self, **changes: Any) -> Self:
        """The same problem but for what is named, as `Problem` takes it; ``fixed`` stays where ``source`` changes.

        Examples
        --------
        >>> problem = Problem(np.eye(8), spacing=20.0)
        >>> problem.replace(decay=0.1).spacing
        20.0
        """
        return type(self)(**{field.name: getattr(self, field.name) for field in fields(self)} | changes)

    def map(self, function: Callable[[Any], Any], boundary: Boundary | None = None) -> Self:
        """The problem whose every array of the lattice is what ``function`` makes of it.

        Parameters
        ----------
        function : callable
            From an (H, W) array, of float64 or bool, to another; all results are of one shape.
        boundary : Boundary, optional
            What the sides are then; they stay where they are if not given.

        Examples
        --------
        >>> Problem(np.eye(8)).map(lambda array: array[::2, ::2]).shape
        (4, 4)
        """
        return transforms.rearranged(self, function, self.boundary if boundary is None else boundary)

    def mirror(self, axis: int) -> Self:
        """The mirror image that has rows (0) or columns (1) in reverse order; its field is that of the problem."""
        return transforms.mirrored(self, axis)

    def turn(self) -> Self:
        """A quarter turn to the left, seen with row 0 at the bottom: the right side becomes the top one."""
        return transforms.turned(self)

    def crop(self, rows: slice = slice(None), columns: slice = slice(None)) -> Self:
        """A window of the lattice; its sides inside the lattice reflect, and a ring that is cut opens.

        Parameters
        ----------
        rows, columns : slice
            What is kept, at least one of each; no steps.

        Raises
        ------
        InvalidProblemError
            If nothing would be left, or nothing anchors what is left.

        Examples
        --------
        >>> window = Problem(np.eye(8), boundary=38.0).crop(columns=slice(3, None))
        >>> window.shape, window.boundary.left.kind, window.boundary.right.value
        ((8, 5), 'reflecting', 38.0)
        """
        return transforms.cropped(self, (rows, columns))

    def pad(
        self,
        rows: tuple[int, int] = (0, 0),
        columns: tuple[int, int] = (0, 0),
        *,
        source: float = 0.0,
        fixed: bool = False,
        diffusivity: float | None = None,
        decay: float | None = None,
        production: float | None = None,
        vmax: float | None = None,
    ) -> Self:
        """A larger lattice around this one; the sides stay what they are, and lie around all of it.

        Parameters
        ----------
        rows, columns : (int, int)
            How many are added below row 0 and above the last one, and left and right.
        source, fixed : float, bool
            What the new pixels hold, if they are fixed.
        diffusivity, decay, production, vmax : float, optional
            Of the new pixels; as of the nearest pixel of this lattice if not given.

        Raises
        ------
        InvalidProblemError
            If the lattice becomes too large, or the values are not allowed.

        Examples
        --------
        >>> problem = Problem(np.eye(8)).pad(rows=(0, 2), fixed=True, source=5.0)
        >>> problem.shape, int(problem.fixed.sum()), problem.largest_imposed
        ((10, 8), 24, 5.0)
        """
        around = {"source": source, "fixed": fixed, "diffusivity": diffusivity, "decay": decay}
        around |= {"production": production, "vmax": vmax}
        return transforms.padded(self, (rows, columns), around)
