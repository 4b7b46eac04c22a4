"""From a network's program to the table that compiled passes go through: stages, and a place for every value.

Steps on rows follow each other while a row is in the cache. A step that looks at the rows around begins a new stage,
for which all rows of what it reads must be there; so does one that works on the whole lattice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from surrogate_plugin.sharing_kernels import CHUNKS
from surrogate_plugin.surrogate import operations as known
from surrogate_plugin.surrogate import wider_operations as wider
from surrogate_plugin.surrogate.compiled import row_kernels as kernels
from surrogate_plugin.surrogate.operations import PIXELS, Operation, Step

Float32Array = npt.NDArray[np.float32]

#: Which pass does an operation. A class that is derived from one of these may mean something else.
_ON_ROWS: dict[type[Operation], int] = {
    known.ReadBlocks: kernels.READ,
    known.Dense: kernels.DENSE,
    known.Convolve: kernels.CONVOLVE,
    known.Rectify: kernels.RECTIFY,
    known.Add: kernels.ADD,
    known.Multiply: kernels.MULTIPLY,
    known.Join: kernels.JOIN,
    known.Surround: kernels.SURROUND,
    known.Draw: kernels.DRAW,
    wider.ReadSupply: kernels.READ_SUPPLY,
    wider.ReadFaces: kernels.READ_FACES,
}
#: Those that work on the whole lattice, and those that look at the rows around.
_ON_LATTICE = (known.Diffuse, known.Relax)
_LOOKS_AROUND = (known.Convolve, known.Surround)


class UnknownProgramError(Exception):
    """There is no compiled pass for something in a program; torch has to run it."""


@dataclass(eq=False)
class _Value:
    """One value of a program, written once: ``channels`` of blocks, or pixels (0)."""

    channels: int
    born: int
    last_step: int
    last_stage: int
    on_lattice: bool = False
    first: int = 0


@dataclass(eq=False)
class _Placed:
    """A step with the values it reads and writes, apart from what is given, and its stage."""

    operation: Operation
    reads: list[_Value]
    writes: list[_Value]
    stage: int


@dataclass(frozen=True, eq=False)
class Rows:
    """Stages that one call goes through: (k, 2) int64, the first step of each and the one after its last."""

    stages: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Diffusion:
    """A coarse solve: the channels before each value that it reads, and before the field; how many layers chose."""

    operation: known.Diffuse
    reads: tuple[int, ...]
    writes: int
    chosen: int


@dataclass(frozen=True, eq=False)
class Plan:
    """What compiled passes need to know of a network.

    Attributes
    ----------
    parts : list
        In their order: `Rows`, `Diffusion`, and `Relax` as the program has it.
    steps : (steps, OPERANDS) int64
        What `row_kernels` does in each step, and where its weights are.
    operands : (steps, operands, 3) int64
        Of each value that it reads or writes: whether it is on the lattice, channels before it, its channels.
    weights : 1-D float32
    lattice_channels, scratch_channels : int
        How much memory the values need, on the lattice and beside it.
    """

    parts: list[Rows | Diffusion | known.Relax]
    steps: npt.NDArray[np.int64]
    operands: npt.NDArray[np.int64]
    weights: Float32Array
    lattice_channels: int
    scratch_channels: int

    def rows(self, h: int) -> int:
        """Rows of memory for ``h`` block rows: the lattice, then what belongs to each chunk alone."""
        return self.lattice_channels * h + self.scratch_channels * CHUNKS

    def table(self, h: int) -> npt.NDArray[np.int64]:
        """What `row_kernels` goes through for ``h`` block rows."""
        on_lattice, first, channels = self.operands.transpose(2, 0, 1)
        begins = np.where(on_lattice, first * h, self.lattice_channels * h + first)
        steps = np.where(on_lattice, channels, 0), np.where(on_lattice, 0, self.scratch_channels)
        entries = np.stack([begins, *steps, channels], axis=2)
        return np.hstack([self.steps, entries.reshape(len(self.steps), -1)])


def plan(program: Sequence[Step]) -> Plan:
    """The plan of a program.

    Raises
    ------
    UnknownProgramError
        If an operation has no compiled pass, or values do not fit it.
    """
    steps = _placed(program)
    scratch, lattice = _give_scratch(steps), _give_lattice(steps)
    weights = _Weights()
    entries = np.array([_entry(step, weights) for step in steps], np.int64)
    operands = np.zeros((len(steps), max(5, *(len(step.reads) + len(step.writes) for step in steps)), 3), np.int64)
    for row, step in zip(operands, steps, strict=True):
        for entry, value in zip(row, [*step.reads, *step.writes], strict=False):
            entry[:] = value.on_lattice, value.first, value.channels
    return Plan(_parts(steps), entries, operands, weights.all(), lattice, scratch)


def _placed(program: Sequence[Step]) -> list[_Placed]:
    """The steps with their values, each written once, and their stages."""
    values: dict[str, _Value] = {}
    steps: list[_Placed] = []
    pixels: _Value | None = None
    stage, fresh = 0, set[_Value]()
    for at, step in enumerate(program):
        operation = step.operation
        if type(operation) not in _ON_ROWS and type(operation) not in _ON_LATTICE:
            raise UnknownProgramError(type(operation).__name__)
        reads = [values[name] for name in step.reads if name in values]
        given = [name for name in step.reads if name not in values]
        made = _channels(operation, [value.channels for value in reads], given)
        if any(value.channels == 0 and value is not pixels for value in reads) or len(made) != len(step.writes):
            raise UnknownProgramError("pixels are kept until the next are drawn")
        whole = isinstance(operation, _ON_LATTICE)
        if whole or (isinstance(operation, _LOOKS_AROUND) and fresh & set(reads)):
            stage, fresh = stage + 1, set()
        writes = [_Value(channels, stage, at, stage, on_lattice=whole) for channels in made]
        for value in reads:
            value.last_step, value.last_stage = at, stage
            value.on_lattice |= value.born != stage
        steps.append(_Placed(operation, reads, writes, stage))
        values.update(zip(step.writes, writes, strict=True))
        pixels = next((value for value in writes if value.channels == 0), pixels)
        fresh |= set(writes)
        if whole:
            stage, fresh = stage + 1, set()
    if pixels is None or pixels is not steps[-1].writes[-1]:
        raise UnknownProgramError("the last step writes no pixels")
    return steps


def _channels(operation: Operation, read: list[int], given: list[str]) -> list[int]:
    """How many channels each value has that an operation writes; 0 of pixels."""
    one = read[0] if read else 0
    shape: tuple[int, ...]
    match operation:
        case known.ReadBlocks():
            fits, made = not read and given == ["image", "saturation"], [PIXELS + 1, 1, 1, 1, 1]
        case known.Relax():
            fits, made = read == [0] and given == ["image", "saturation"], [0]
        case known.Diffuse():
            more = [1, 2, 1] if operation.wider else []
            fits, made = one in (6, 7)[: 1 + len(more)] and given == ["saturation"], [1]
            fits = fits and read[1:] == [1, 1, 1, 1, *more]
        case wider.ReadSupply():
            fits, made = read == [1, 1] and given == ["image", "saturation"], [1, 1]
        case wider.ReadFaces():
            fits, made = not read and given == ["image"], [2 * PIXELS, 2, 1]
        case known.Dense():
            shape = tuple(operation.weight.shape)
            fits, made = read == [shape[1]] and not given, [shape[0]]
        case known.Convolve():
            fits, made = tuple(operation.weight.shape) == (one, 1, 3, 3) and len(read) == 1 and not given, [one]
        case known.Add() | known.Multiply():
            fits, made = read == [one, one] and one > 0 and not given, [one]
        case known.Join():
            fits, made = min(read, default=0) > 0 and not given, [sum(read)]
        case known.Draw():
            fits, made = read == [PIXELS] and not given, [0]
        case known.Surround():
            fits, made = read == [one] and one > 0 and not given, [9 * one]
        case _:
            fits, made = read == [one] and one > 0 and not given, [one]
    if not fits:
        raise UnknownProgramError(f"{type(operation).__name__} of {read} channels and {given}")
    return made


@dataclass(eq=False)
class _Memory:
    """Channels that are given to values, and taken back."""

    size: int = 0
    free: dict[int, list[int]] = field(default_factory=dict)

    def take(self, value: _Value) -> None:
        free = self.free.get(value.channels)
        if free:
            value.first = free.pop()
        else:
            value.first, self.size = self.size, self.size + value.channels

    def give_back(self, value: _Value) -> None:
        self.free.setdefault(value.channels, []).append(value.first)


def _give_lattice(steps: list[_Placed]) -> int:
    """A place on the lattice for each value that another stage reads, free for others after the last that does."""
    memory, live = _Memory(), list[_Value]()
    for at, step in enumerate(steps):
        if at == 0 or step.stage != steps[at - 1].stage:
            for value in [value for value in live if value.last_stage < step.stage]:
                memory.give_back(value)
                live.remove(value)
        for value in step.writes:
            if value.on_lattice:
                memory.take(value)
                live.append(value)
    return memory.size


def _give_scratch(steps: list[_Placed]) -> int:
    """A place in a row's memory for each value that its own stage alone reads; no step writes where it reads."""
    memory = _Memory()
    for at, step in enumerate(steps):
        for value in step.writes:
            if not value.on_lattice:
                memory.take(value)
        for value in dict.fromkeys([*step.reads, *step.writes]):
            if not value.on_lattice and value.last_step == at:
                memory.give_back(value)
    return memory.size


class _Weights:
    """All weights, one after the other."""

    def __init__(self) -> None:
        self._parts: list[Float32Array] = [np.zeros(1, np.float32)]  # never empty

    def add(self, part: object) -> int:
        """Where they begin; -1 where there are none."""
        if part is None:
            return -1
        begins = sum(part.size for part in self._parts)
        self._parts.append(np.asarray(part, np.float32).ravel())
        return begins

    def all(self) -> Float32Array:
        return np.concatenate(self._parts)


def _entry(step: _Placed, weights: _Weights) -> list[int]:
    """What is done in a step, and where its weights and its bias begin."""
    first = second = -1
    match step.operation:
        case known.Dense(weight=weight, bias=bias) | known.Convolve(weight=weight, bias=bias):
            first = weights.add(weight.detach().float().cpu().numpy())
            second = weights.add(None if bias is None else bias.detach().float().cpu().numpy())
        case known.ReadBlocks(lowest=lowest, highest=highest, centre=centre):
            first = weights.add([lowest, highest, centre])
        case known.Join():
            first = len(step.reads)
    return [_ON_ROWS.get(type(step.operation), -1), first, second]


def _parts(steps: list[_Placed]) -> list[Rows | Diffusion | known.Relax]:
    """What is done one after the other: runs of stages on rows, and what works on the whole lattice."""
    parts: list[Rows | Diffusion | known.Relax] = []
    stages: list[list[int]] = []
    for at, step in enumerate(steps):
        if isinstance(step.operation, _ON_LATTICE):
            if stages:
                parts.append(Rows(np.array(stages, np.int64)))
                stages = []
            if isinstance(step.operation, known.Relax):
                parts.append(step.operation)
            else:
                reads = tuple(value.first for value in step.reads)
                parts.append(Diffusion(step.operation, reads, step.writes[0].first, step.reads[0].channels))
        elif stages and step.stage == steps[at - 1].stage:
            stages[-1][1] = at + 1
        else:
            stages.append([at, at + 1])
    if stages:
        parts.append(Rows(np.array(stages, np.int64)))
    return parts
