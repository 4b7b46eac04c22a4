"""A multigrid hierarchy: the levels of one operator, and the V-cycle on them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.arguments import Float32Array as Float32Array
from surrogate_plugin.equation.faces import Faces
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.solvers.multigrid import cycle_kernels, mapped_kernels, setup_kernels
from surrogate_plugin.solvers.multigrid.difficulty import difficulty_of

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

IntArray = npt.NDArray[np.int64]
#: Diagonal links and weights of all coarse levels, flat, see `surrogate_plugin.solvers.multigrid.mapped_kernels`.
Wide = tuple[Float32Array, Float32Array, Float32Array]

_COARSEST_PIXELS = 16
#: Conjugate gradients go on to this part of the residual's size, in the norm of the operator's inverse, or for so long.
_LEFT, _MOST_STEPS = 0.1, 8


def level_shapes(shape: tuple[int, int], coarsest: int = _COARSEST_PIXELS) -> IntArray:
    """(levels, 2) int64: each level halves both sides, rounding up, once and then until at most so many are left."""
    shapes = [shape, ((shape[0] + 1) // 2, (shape[1] + 1) // 2)]
    while shapes[-1][0] * shapes[-1][1] > coarsest:
        rows, columns = shapes[-1]
        shapes.append(((rows + 1) // 2, (columns + 1) // 2))
    return np.array(shapes, dtype=np.int64)


def coarse_buffers(dims: IntArray) -> tuple[IntArray, int]:
    """Where each level lies in the flat buffers of the coarse levels, and how long these are."""
    sizes = (dims + 2).prod(axis=1)
    sizes[0] = 0  # the finest level lives in arrays of its own
    offset = np.concatenate(([0], np.cumsum(sizes)))
    return offset, int(offset[-1])


def _without_loops(faces: Faces, rings: BoolArray) -> Faces:
    """The faces but for those that lead from a pixel to itself, around a ring of one: they carry nothing."""
    return tuple(
        np.zeros_like(each) if ring and each.shape[axis] == 2 else each
        for axis, (each, ring) in enumerate(zip(faces, rings, strict=True))
    )


class Hierarchy:
    """The levels for ``A = -div(G grad) + decay`` (dimensionless, links ``G`` of 1 or a map), fixed pixels held at 0.

    The buffers are reused from one operator to the next on the same lattice: `rebuild` overwrites them, and leaves them
    where they stand for the same operator already.

    Parameters
    ----------
    shape : (H, W)
    walls : Walls
        Only conductances and rings matter: the hierarchy works on corrections, which vanish where values are imposed.
    """

    #: A cycle inverts roughly.
    exact = False
    #: What the levels were set up for last; None where the finest has been given another map since.
    _of: tuple[BoolArray, FloatArray, Faces | None] | None = None

    def __init__(self, shape: tuple[int, int], walls: Walls) -> None:
        self.shape = shape
        #: (2, 2) float32, the conductance of each axis' low and high wall; (2,) bool, which axes are rings.
        self.walls, self.rings = walls.conductance.astype(np.float32), np.array(walls.ring, dtype=np.bool_)
        dims = level_shapes(shape)
        offset, flat = coarse_buffers(dims)
        padded = (shape[0] + 2, shape[1] + 2)
        #: Vectors for whoever iterates on this lattice (float32, zero halo), so that a step allocates next to nothing.
        self.vectors = tuple(np.zeros(padded, np.float32) for _ in range(5))
        #: For whoever certifies: see `surrogate_plugin.guard.inverse`.
        self.work = self.vectors[1], self.vectors[3], self.vectors[4], np.empty(shape)
        self._inverse = np.zeros(padded, np.float32)
        self._kept = np.zeros((padded[0], (shape[1] + 1) // 2), np.float32)
        self._links: tuple[Float32Array, Float32Array] | tuple[None, None] = (None, None)
        buffers = (np.zeros(flat, np.float32) for _ in range(5))
        count = int(dims[-1].prod())
        self._levels = (dims, offset, *buffers, np.zeros((count, count), np.float32))
        self._rate, self._wall = np.zeros(flat, np.float32), np.zeros(flat, np.float32)
        self._matrix = np.zeros((count, count))
        self._faces: Faces | None = None
        #: The 5-point level with weighted transfers, see `mapped_kernels`.
        self._head = 1
        self._free: BoolArray = np.zeros(shape, np.bool_)

    def serves(self, shape: tuple[int, int], walls: Walls) -> bool:
        """Whether `rebuild` makes this the hierarchy of such a lattice, whatever its sides are called."""
        alike = np.array_equal(self.walls, walls.conductance.astype(np.float32))
        return shape == self.shape and alike and np.array_equal(self.rings, walls.ring)

    def rebuild(self, free: BoolArray, decay: FloatArray, faces: Faces | None = None) -> None:
        """Set all levels up for an operator.

        Parameters
        ----------
        free : (H, W) bool
        decay : (H, W) float64, dimensionless
        faces : ((H + 1, W), (H, W + 1)) float64, dimensionless, optional
            See `surrogate_plugin.equation.faces`; None: all are 1, and the outer ones the walls'.
        """
        if self._is_of(free, decay, faces):
            return
        self._of = free, decay, faces
        faces = None if faces is None else _without_loops(faces, self.rings)
        self._set_links(faces)
        self._free = free
        given = free, decay, faces, self.walls, self.rings, self._finest, self._levels
        if faces is None:
            team.run(setup_kernels.set_up, *given, self._rate, self._wall, self._matrix)
        else:
            self._head = 0 if difficulty_of(faces).thin_walls else 1
            buffers = self._rate, self._wall, self._matrix, self._head, self._scratch_for_head
            team.run(mapped_kernels.set_up, *given, self._wide, *buffers)

    def relinearise(self, free: BoolArray, decay: FloatArray) -> None:
        """Give the finest level a new decay map and keep the coarse levels, which only precondition."""
        self._of = None
        self._free = free
        team.run(setup_kernels.invert_finest, free, decay, self._faces, self.walls, self.rings, self._inverse)

    def v_cycle(self, z: Float32Array, b: Float32Array, *, pre: int = 2, post: int = 2) -> None:
        """``z ~ A^-1 b`` by one V-cycle from zero; both (H + 2, W + 2) float32 with a halo."""
        if self._faces is None:
            team.run(cycle_kernels.v_cycle, z, b, self._finest, self.rings, self._levels, pre, post)
        else:
            given = self._finest, self.rings, self._levels, self._wide, self._head
            team.run(mapped_kernels.v_cycle, z, b, *given, pre, post)

    def apply(self, z: Float32Array, b: Float32Array) -> None:
        """A V-cycle, as an approximate inverse of the guard."""
        self.v_cycle(z, b)

    def apply_well(self, z: Float32Array, b: Float32Array) -> None:
        """Conjugate gradients preconditioned by V-cycles, to a tenth of ``b`` in the energy of what is left.

        Walls and anisotropy leave some modes that a cycle hardly touches; these steps find them.
        """
        r, v, p, ap = self._gradients
        r[:], z[:] = b, 0.0
        first = energy = 0.0
        for _ in range(_MOST_STEPS):
            self.v_cycle(v, r)
            energy, before = float(np.vdot(r, v)), energy
            first = first or energy
            if not _LEFT**2 * first < energy < np.inf:
                break
            if before:
                p *= np.float32(energy / before)
                p += v
            else:  # what an earlier operator left there may not even be finite
                p[:] = v
            self.residual(p, None, ap)  # which is - A p
            curvature = -float(np.vdot(p, ap))
            if not 0.0 < curvature < np.inf:
                break
            step = np.float32(energy / curvature)
            z += step * p
            r += step * ap

    def sweep(self, z: Float32Array, b: Float32Array, sweeps: int) -> None:
        """``z``: some red-black Gauss-Seidel sweeps on the finest level for ``A z = b``, from zero."""
        team.run(cycle_kernels.sweep, z, b, self._finest, self.rings, sweeps)

    def residual(self, x: Float32Array, b: Float32Array | None, out: Float32Array) -> None:
        """``out = b - A x`` on free pixels, 0 on fixed ones, in float32; ``b`` None is 0. Sets the halo of ``x``."""
        team.run(cycle_kernels.residual, x, b, self._finest, self.rings, out)

    def aspreconditioner(self) -> LinearOperator:
        """One V(2, 2) cycle, for scipy's solvers: symmetric positive definite, where no ring has an odd length.

        Returns
        -------
        LinearOperator
            About the inverse of the operator that was last built, on its free pixels in C order, dimensionless.

        Examples
        --------
        >>> from scipy.sparse.linalg import cg
        >>> from surrogate_plugin.equation.assembly import assemble
        >>> from surrogate_plugin.equation.operator import Operator
        >>> from surrogate_plugin.equation.problem import Problem
        >>> source = np.zeros((40, 30)); source[20, 10:14] = 1.0
        >>> problem = Problem(source, decay=1e-3, production=1.0)
        >>> operator, hierarchy = Operator(problem), Hierarchy(problem.shape, problem.walls)
        >>> hierarchy.rebuild(operator.free, operator.decay, operator.faces)
        >>> matrix = assemble(problem).matrix()
        >>> found, _ = cg(matrix, np.ones(matrix.shape[0]), M=hierarchy.aspreconditioner(), rtol=1e-10, maxiter=12)
        >>> bool(np.abs(matrix @ found - 1.0).max() < 1e-7)
        True
        """
        from scipy.sparse.linalg import LinearOperator

        inside = np.flatnonzero(np.pad(self._free, 1))
        b, z = np.zeros_like(self._inverse), np.zeros_like(self._inverse)

        def apply(r: FloatArray) -> FloatArray:
            size = float(np.abs(r).max()) or 1.0  # float32 holds no more than 38 powers of ten
            b.ravel()[inside] = np.ravel(r) / size
            self.v_cycle(z, b)
            return size * z.ravel()[inside].astype(np.float64)

        return LinearOperator((inside.size, inside.size), matvec=apply, rmatvec=apply, dtype=np.float64)

    def _is_of(self, free: BoolArray, decay: FloatArray, faces: Faces | None) -> bool:
        """Whether the levels stand for these very numbers, as where a step in time follows another.

        An array that is the one given last may have been written into, so that it counts as another.
        """
        if self._of is None or decay is self._of[1] or (faces is None) != (self._of[2] is None):
            return False
        given, known = (free, decay, *(faces or ())), (*self._of[:2], *(self._of[2] or ()))
        rows = slice(None, None, 64)  # a few tell most that differ apart
        return all(np.array_equal(new[rows], old[rows]) for new, old in zip(given, known, strict=True)) and all(
            map(np.array_equal, given, known)
        )

    @property
    def links(self) -> tuple[Float32Array, Float32Array] | tuple[None, None]:
        """The finest level's links as kernels take them, each None where all are 1."""
        return self._links

    @property
    def buffers(self) -> tuple[object, ...]:
        """The arrays of all levels as kernels take them: rings, finest, levels, and those that set-up works in."""
        return self.rings, self._finest, self._levels, self._rate, self._wall, self._matrix

    @property
    def _finest(self) -> tuple[Float32Array | None, ...]:
        """Inverse diagonal and links, and room for what a cycle keeps on its way down where there are no links."""
        return self._inverse, *self._links, self._kept if self._faces is None else None

    @functools.cached_property
    def _wide(self) -> Wide:
        flat = self._rate.size
        return np.zeros(flat, np.float32), np.zeros(flat, np.float32), np.zeros((8, flat), np.float32)

    @functools.cached_property
    def _gradients(self) -> tuple[Float32Array, ...]:
        return tuple(np.zeros_like(self._inverse) for _ in range(4))

    @property
    def _scratch_for_head(self) -> tuple[Float32Array, ...]:
        """Five arrays of the finest level's shape where that is the head, else five that stand for them."""
        return self._scratch if self._head == 0 else (self._inverse,) * 5

    @functools.cached_property
    def _scratch(self) -> tuple[Float32Array, ...]:
        return tuple(np.zeros_like(self._inverse) for _ in range(5))

    def _set_links(self, faces: Faces | None) -> None:
        self._faces = faces
        if faces is None:
            self._links = (None, None)
            return
        north, east = self._links
        if north is None or east is None:
            north, east = (np.zeros_like(self._inverse) for _ in range(2))
            self._links = (north, east)
        team.run(setup_kernels.take_faces, faces, north, east)
