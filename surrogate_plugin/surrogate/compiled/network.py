"""A network's forward pass for one problem on a CPU, compiled: its program, gone through a row of blocks at a time."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.compiled import row_kernels as kernels
from surrogate_plugin.surrogate.compiled.diffusion import CoarseEquation
from surrogate_plugin.surrogate.compiled.plan import Diffusion, Plan, Rows, UnknownProgramError, plan
from surrogate_plugin.surrogate.compiled.relaxation_kernels import forward as relax
from surrogate_plugin.surrogate.features import BLOCK
from surrogate_plugin.surrogate.operations import ProgramNetwork

Float32Array = npt.NDArray[np.float32]

#: Columns are rounded up to whole vectors, which are lines of the cache.
_VECTOR = 16


class CompiledNetwork:
    """A network without gradients, batches and devices.

    Torch spends most of a forward pass on one problem with copies between layouts and with starting small operations;
    here a row of blocks goes through all steps that need no other row while it is in the cache.

    Parameters
    ----------
    network : ProgramNetwork
        Its weights are copied.

    Raises
    ------
    UnknownProgramError
        If its program has something that there is no compiled pass for.

    Examples
    --------
    >>> from surrogate_plugin.surrogate.networks import CompactNetwork
    >>> image = np.zeros((4, 20, 28), np.float32); image[:2, 9, 9] = 1.0
    >>> CompiledNetwork(CompactNetwork(width=8))(image, 0.0).shape
    (20, 28)
    """

    def __init__(self, network: ProgramNetwork) -> None:
        self._plain = plan(network.program())
        self._wider = _plan_or_none(network)
        self._lock = threading.Lock()
        self._kept: _Buffers | None = None

    def knows(self, problem: Problem) -> bool:
        """Whether it can answer a problem; torch can say more of one that it cannot."""
        return self._wider is not None or not features.wider(problem)

    def predict(self, problem: Problem) -> FloatArray:
        """The network's field, (H, W) float64 in field units, as `Model.predict`; of a problem that it `knows`."""
        with self._lock:
            channels = features.WIDER_CHANNELS if features.wider(problem) else features.CHANNELS
            buffers = self._buffers(features.PaddedLattice.around(problem.shape).blocks, channels)
            seen = features.see(problem, buffers.image)
            return features.decode(self._run(seen.image, seen.saturation, buffers), problem, seen)

    def __call__(self, image: Float32Array, saturation: float) -> Float32Array:
        """The answer to (4 or 7, H', W') float32 from `features.encode`: (H', W') float32, as the network's."""
        with self._lock:
            buffers = self._buffers((image.shape[1] // BLOCK, image.shape[2] // BLOCK), image.shape[0])
            return self._run(image, saturation, buffers).copy()

    def _buffers(self, blocks: tuple[int, int], channels: int) -> _Buffers:
        """The buffers for a lattice, which the next call with such a lattice uses again."""
        if self._kept is None or (self._kept.blocks, self._kept.image.shape[0]) != (blocks, channels):
            made = self._plain if channels == features.CHANNELS else self._wider
            if made is None:
                raise UnknownProgramError("the network has no program for the wider equation")
            self._kept = _Buffers(blocks, channels, made)
        return self._kept

    def _run(self, image: Float32Array, saturation: float, kept: _Buffers) -> Float32Array:
        slope, made = np.float32(saturation), kept.plan
        answer: Float32Array = kept.answer
        for part in made.parts:
            if isinstance(part, Rows):
                program = part.stages, kept.table, made.weights
                team.run(kernels.run_stages, *program, kept.memory, image, slope, answer)
            elif isinstance(part, Diffusion):
                kept.coarse.solve(part, kept.memory, slope)
            else:
                team.run(relax, answer, kept.inverse, image, slope, part.sweeps)
        return answer


def _plan_or_none(network: ProgramNetwork) -> Plan | None:
    """The plan of a network's program for the wider equation, where it has one, and it is known."""
    try:
        return plan(network.wider_program())
    except (UnknownProgramError, UnsupportedProblemError):
        return None


def compiled(network: object) -> CompiledNetwork | None:
    """The network compiled; None where it is not one that lists what it does, or lists what has no compiled pass."""
    # One that says otherwise what it does with its program, or does without, is asked in its own words.
    if not isinstance(network, ProgramNetwork) or type(network).forward is not ProgramNetwork.forward:
        return None
    try:
        return CompiledNetwork(network)
    except UnknownProgramError:
        return None


class _Buffers:
    """What a forward pass writes to: to ask the system for this memory anew costs as much as the arithmetic."""

    def __init__(self, blocks: tuple[int, int], channels: int, plan: Plan) -> None:
        h, w = self.blocks = blocks
        self.plan = plan
        rows, columns = BLOCK * h, BLOCK * w
        self.image = np.empty((channels, rows, columns), np.float32)
        self.table = plan.table(h)
        self.memory = _aligned(plan.rows(h), -(-w // _VECTOR) * _VECTOR)
        self.coarse = CoarseEquation(h, w)
        self.answer, self.inverse = np.empty((2, rows, columns), np.float32)


def _aligned(rows: int, columns: int) -> Float32Array:
    """Zeros; each row begins with a line of the cache, since a vector across two lines is read twice."""
    memory = np.zeros(rows * columns + _VECTOR, np.float32)
    first = (-memory.ctypes.data % (4 * _VECTOR)) // 4
    return memory[first : first + rows * columns].reshape(rows, columns)
