"""The steady diffusion problem on a lattice: coefficients, fixed pixels, boundary; validated once, immutable after."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import BoolArray as BoolArray
from surrogate_plugin.arguments import Coefficient as Coefficient
from surrogate_plugin.arguments import FloatArray as FloatArray
from surrogate_plugin.arguments import coefficient, largest, least
from surrogate_plugin.equation import anchoring, codec, posing, storage, supplying, transforms
from surrogate_plugin.equation.codec import Part
from surrogate_plugin.equation.faces import Faces, faces_of
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import Diffusivity, diffusivity_of, largest_of, per_axis, spacing_of
from surrogate_plugin.equation.sides import Boundary, BoundaryLike, Walls
from surrogate_plugin.equation.uptake import MichaelisMenten as MichaelisMenten
from surrogate_plugin.errors import InvalidProblemError


@dataclass(frozen=True, eq=False)
class Problem:
    """``div(D grad c) - decay c - U(c) + production = 0`` on free pixels, ``c = source`` on fixed ones.

    The lattice is (rows = y, columns = x), row 0 at the lowest y. The discrete equation is the 5-point one; a
    link between two pixels carries the harmonic mean of their diffusivities, in series with a membrane between them.

    Parameters
    ----------
    source : (H, W) array of float, field units
        Values imposed on the fixed pixels, >= 0 and at most 1e100. Elsewhere they are not used. H and W are at
        least 1.
    fixed : (H, W) array of bool, optional
        The fixed pixels; ``source > 0`` if not given.
    diffusivity : float, (H, W) array or PerAxis of these, length^2 / time
        >= 0; nothing passes into pixels of 0, which are obstacles. What is not 0 spans a factor of at most 1e8.
    decay : float or (H, W) array, 1 / time
        Background decay plus first-order uptake, >= 0 and at most 1e12 times ``diffusivity / spacing^2``.
    production : float or (H, W) array, field units / time
        >= 0.
    uptake : MichaelisMenten, optional
        Saturating uptake on top of ``decay``; its slope at 0, ``vmax / km``, is at most 1e20 times
        ``diffusivity / spacing^2``.
    spacing : float or (dy, dx), length per pixel
        Between the centres of two neighbouring pixels; larger than 0. It is of the same unit as the length in
        ``diffusivity``: um with um^2 / min, and 1 with pixel^2 / min.
    boundary : str, float, Flux, Exchange or mapping
        ``"absorbing"``, ``"reflecting"``, ``"periodic"``, a fixed value, an inward `Flux`, an `Exchange` with what is
        outside, or a mapping of ``left | right | bottom | top`` to any of these (periodic in opposite pairs). A value,
        and the 0 of ``"absorbing"``, is held by a ghost pixel **one spacing outside the centre of the edge pixel**, so
        that W columns between two such walls span (W + 1) spacings; a mirror stands half a spacing outside.
    membranes : Membranes, optional
        Permeabilities of the faces between pixels.

    Raises
    ------
    InvalidProblemError
        One sentence naming the field, the value and what is allowed. Also where all values imposed or produced are
        below 1e-100 without being 0, whose products float64 does not hold.

    Notes
    -----
    A problem need not have a steady state: a time step of it is well posed all the same. Whoever solves for the steady
    field refuses one where no fixed pixel, no side with a value and no decay anchors a part of the tissue that
    something feeds, see `check_steady`.

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
    diffusivity: Diffusivity
    decay: Coefficient
    production: Coefficient
    uptake: MichaelisMenten | None
    spacing: float | tuple[float, ...]
    boundary: Boundary
    membranes: Membranes | None

    def __init__(
        self,
        source: npt.ArrayLike,
        fixed: npt.ArrayLike | None = None,
        diffusivity: float | npt.ArrayLike | Diffusivity = 1.0,
        decay: float | npt.ArrayLike = 1 / 400,
        production: float | npt.ArrayLike = 0.0,
        uptake: MichaelisMenten | None = None,
        spacing: float | Sequence[float] = 1.0,
        boundary: BoundaryLike | Boundary = "absorbing",
        membranes: Membranes | None = None,
    ) -> None:
        image, sides = posing.image_of(source), Boundary.parse(boundary)
        shape = image.shape
        values: dict[str, Any] = {
            "source": image,
            "fixed": posing.mask_of(fixed, image),
            "diffusivity": diffusivity_of(diffusivity, shape),
            "decay": coefficient("decay", decay, shape=shape),
            "production": coefficient("production", production, shape=shape),
            "uptake": posing.uptake_of(uptake, shape),
            "spacing": spacing_of(spacing, len(shape)),
            "boundary": sides,
            "membranes": posing.membranes_of(membranes, shape, sides.rings),
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
        """Whether transforms diagonalise the box: no coefficient varies, nothing saturates, no side exchanges."""
        maps = (*self.diffusivities, self.decay)
        return (
            not any(isinstance(each, np.ndarray) for each in maps)
            and self.uptake is None
            and self.membranes is None
            and all(side.kind != "exchange" for side in self.boundary.sides)
        )

    @functools.cached_property
    def plain(self) -> bool:
        """Whether every face that conducts at all conducts alike: one diffusivity, square pixels, no membranes."""
        even = all(not isinstance(link, np.ndarray) and link == 1.0 for link in self.axis_links)
        return even and self.membranes is None and all(each in (0.0, 1.0) for each in self.walls.conductance.flat)

    @property
    def diffusivities(self) -> tuple[Coefficient, ...]:
        """The diffusivity along each axis, in the order of a shape: (y, x)."""
        return per_axis(self.diffusivity, len(self.shape))

    @property
    def spacings(self) -> tuple[float, ...]:
        """The spacing along each axis, in the order of a shape: (dy, dx)."""
        return self.spacing if isinstance(self.spacing, tuple) else (self.spacing,) * len(self.shape)

    @functools.cached_property
    def reference_diffusivity(self) -> float:
        """The largest diffusivity."""
        return largest_of(self.diffusivity)

    @functools.cached_property
    def reference_link(self) -> float:
        """The largest ``D / h^2``, 1 / time, which scales the equation to links of at most 1.

        Where nothing diffuses it is the largest rate that there is, or 1.
        """
        if not isinstance(self.spacing, tuple) and self.reference_diffusivity > 0:
            return self.reference_diffusivity / self.spacing**2
        links = (largest(each) / h**2 for each, h in zip(self.diffusivities, self.spacings, strict=True))
        rate = largest(self.decay) + (0.0 if self.uptake is None else largest(self.uptake.vmax) / self.uptake.km)
        return max(links) or rate or 1.0

    @functools.cached_property
    def axis_links(self) -> tuple[Coefficient, ...]:
        """Each axis' own ``D / h^2`` over `reference_link`, a number or a map, in the order of a shape."""
        if isinstance(self.spacing, tuple) or self.reference_diffusivity == 0:
            pairs = zip(self.diffusivities, self.spacings, strict=True)
            return tuple(each / h**2 / self.reference_link for each, h in pairs)
        if isinstance(self.diffusivity, np.ndarray):
            return (self.diffusivity / self.reference_diffusivity,) * len(self.shape)
        return tuple(each / self.reference_diffusivity for each in self.diffusivities)

    @property
    def per_permeability(self) -> tuple[float, ...]:
        """What makes a conductance over `reference_link` of a permeability, time / length, in the order of a shape."""
        return tuple(1.0 / h / self.reference_link for h in self.spacings)

    @functools.cached_property
    def walls(self) -> Walls:
        """The sides as conductances and values."""
        return self.boundary.walls([largest(each) for each in self.axis_links], self.per_permeability)

    @functools.cached_property
    def faces(self) -> Faces | None:
        """Conductances of all faces over `reference_link`, see `surrogate_plugin.equation.faces`; None if `plain`."""
        return None if self.plain else faces_of(self)

    @functools.cached_property
    def supply(self) -> Coefficient:
        """Production with what `Flux` sides bring to the pixels beside them, field units / time."""
        return supplying.supply_of(self)

    @functools.cached_property
    def largest_supply(self) -> float:
        """The largest supply of any pixel, field units / time."""
        return largest(self.supply)

    @functools.cached_property
    def least_decay(self) -> float:
        """The smallest decay of any pixel, 1 / time."""
        return least(self.decay)

    @functools.cached_property
    def largest_decay(self) -> float:
        """The largest decay of any pixel, 1 / time."""
        return largest(self.decay)

    @functools.cached_property
    def void(self) -> BoolArray | None:
        """(H, W), the pixels of parts that nothing feeds, whose steady field is 0, see `anchoring`; or None.

        Raises
        ------
        InvalidProblemError
            As `check_steady` does.
        """
        return anchoring.void_of(self)

    @functools.cached_property
    def unknown(self) -> BoolArray:
        """(H, W), the pixels that are solved for: neither fixed nor `void`."""
        return ~self.fixed if self.void is None else ~(self.fixed | self.void)

    @functools.cached_property
    def known(self) -> FloatArray:
        """(H, W), what the fixed pixels hold, field units; 0 elsewhere."""
        return np.where(self.fixed, self.source, 0.0)

    def check_steady(self) -> None:
        """Refuse a problem without a steady state, or with none that is unique.

        Raises
        ------
        InvalidProblemError
            One sentence on what is lacking.

        Examples
        --------
        >>> Problem(np.zeros((4, 4)), decay=0.0, production=1.0, boundary="reflecting").check_steady()
        Traceback (most recent call last):
        surrogate_plugin.errors.InvalidProblemError: the problem has no unique steady state: decay is 0 everywhere...
        """
        self.void  # noqa: B018  it is found or refused once

    def implicit_step(self, field: FloatArray, dt: float) -> Self:
        """The steady problem whose field is that of one implicit Euler step of ``dt`` from ``field``.

        ``(c - field) / dt = div(D grad c) - decay c - U(c) + production`` has a decay that is ``1 / dt`` larger and a
        production that is ``field / dt`` larger.

        Examples
        --------
        >>> from surrogate_plugin import solve
        >>> closed = Problem(np.zeros((4, 4)), decay=1.0, boundary="reflecting")
        >>> round(float(solve(closed.implicit_step(np.full((4, 4), 8.0), 1.0), method="exact").field[0, 0]), 12)
        4.0
        """
        decay, production = self.decay + 1.0 / dt, self.production + field / dt
        for each in (decay, production):
            if isinstance(each, np.ndarray):
                each.flags.writeable = False  # so that a problem takes it without another copy
        return self.replace(decay=decay, production=production)

    @functools.cached_property
    def largest_imposed(self) -> float:
        """The largest value held by a fixed pixel or a side, field units; 0 where production alone feeds the field."""
        inside = float(np.max(self.source, where=self.fixed, initial=0.0))
        return max(inside, self.boundary.largest_value)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of the whole operator: lattice, D, membranes, decay, uptake, mask, spacing, sides without values.

        What is produced counts where it decides which pixels are solved for: a sealed pocket that nothing feeds is
        `void`.
        """
        try:
            void = self.void
        except InvalidProblemError:  # there is no steady state, and an operator all the same
            void = None
        return codec.fingerprint(self.parts, void)

    @property
    def parts(self) -> dict[str, Part]:
        """What the problem consists of, by name: numbers and arrays, from which `of_parts` makes it again, to the bit.

        ``source``, ``fixed``, ``diffusivity``, or ``diffusivity_y`` and ``diffusivity_x`` where it differs,
        ``decay``, ``production``; ``vmax`` and ``km`` where uptake saturates; ``spacing``, (2,) where it is uneven;
        ``side_kinds`` and ``side_values``, (2, 2): (bottom, top), (left, right), and ``side_rates`` where there are
        any; ``membrane_y`` and ``membrane_x`` where there are membranes.

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
        """The problem whose every map of pixels is what ``function`` makes of it; refused where there are membranes.

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
