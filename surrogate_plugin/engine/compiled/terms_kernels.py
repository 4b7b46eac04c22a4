"""What the kernels of a compiled solve hand to one another: the problem, the constants, the arrays and where it stands.

A problem has its fields by name, as a thread's arrays and constants have. Where a kernel needs to know whether uptake
saturates, it takes ``vmax`` as an argument of its own beside the problem, since numba leaves out what stands behind
``vmax is None`` only where that is one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from surrogate_plugin.arguments import BoolArray, Coefficient, Float32Array, FloatArray, IndexArray


class Posed(NamedTuple):
    """One problem, as an `Operator` has it, in units in which a link conducts 1; or all of a group, side by side."""

    free: BoolArray
    source: FloatArray
    decay: FloatArray
    production: FloatArray
    vmax: FloatArray | None
    km: Coefficient
    rules: IndexArray
    values: FloatArray
    walls: Float32Array
    #: The least decay and the largest production of all pixels.
    least: Coefficient
    made: Coefficient


class Lattice(NamedTuple):
    """The arrays that a thread has for a shape, the last six of them a `Hierarchy`'s ``buffers``."""

    #: The field, padded.
    c: FloatArray
    #: Residual, correction and search direction of an iteration; bound and what it lacks, of a certificate.
    r: Float32Array
    z: Float32Array
    p: Float32Array
    w: Float32Array
    lack: Float32Array
    target: FloatArray
    #: The decay of the linearised equation, the unsaturated part of the pixels' enzymes, and which pixels coarse levels
    #: take for free.
    slope: FloatArray
    unsaturated: FloatArray
    loose: BoolArray
    rings: BoolArray
    finest: tuple[Any, ...]
    levels: tuple[Any, ...]
    rate: Float32Array
    wall: Float32Array
    matrix: FloatArray


class Rules(NamedTuple):
    """The constants by which engine, solver and guard go, each from the module that it stands in."""

    # Of `engine.polish`.
    certify_at: float
    tries: float
    most: float
    worse: float
    # Of `solvers.multigrid.solver`.
    restart: float
    slow: float
    near: float
    stiff: float
    sweeps: float
    # Of `solvers.multigrid.central_path`.
    small: float
    steep: float
    shrinkage: float
    moved: float
    most_steps: float
    # Of `guard.certificate`.
    later: float
    patience: float
    look: float
    stubborn: float
    tight: float
    settled: float
    smallest: float


class Thread(NamedTuple):
    """What a thread goes through its problems with."""

    team: Any
    rules: Rules
    #: Where the kernels that are called by address are, see `calls_kernels`.
    code: IndexArray
    lattice: Lattice
    #: What an iteration knows, in the order below.
    state: FloatArray


#: What ``state`` holds. The residual is stored times SCALE, and its LARGEST entry is in the equation's units; ESTIMATE
#: is of the field's error. ENERGY, UNIT and CONTRACTION are of the last search direction; DONE counts cycles; SMOOTHED
#: says that the field was swept since. PATH_KM is that of the central path, 0 off it, and STEPS are those along it.
#: HIGHEST is the largest value at the start, LEAST the least decay of a free pixel.
SCALE, LARGEST, ESTIMATE, ENERGY, UNIT, CONTRACTION, DONE, SMOOTHED, PATH_KM, STEPS, HIGHEST, LEAST = range(12)
STATES = 12
