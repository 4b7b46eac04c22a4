"""What the figures of a GPU are beside: this engine in several ways, other solvers on the GPU, and on all cores.

Each is made ready for a batch of problems, which is not timed, and then solves it. Ours starts from a stack on the
device, or from the problems; others from assembled matrices, so that their figures are set-up and solve.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch

import surrogate_plugin as sp
from benchmarks.baseline_methods import METHODS
from benchmarks.baselines import cases, loosest
from benchmarks.systems import LinearSystem
from surrogate_plugin.batched import choice
from surrogate_plugin.batched.memory import chunk_of, evenly
from surrogate_plugin.batched.network import Predictor
from surrogate_plugin.batched.solve import solve
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.batched.transfers import brought
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.surrogate.model import load

__all__ = ["CASE", "DRAWN", "OURS", "RIVALS", "Fields", "Rival", "Way", "problem_of", "problems_of"]

CASE = "variable decay, vessels and a tumour"
#: Tissues that are drawn; a larger batch has their mirror images too.
DRAWN = 64


@dataclass(frozen=True, eq=False)
class Fields:
    """What came of a batch: fields, or stacks of them, the bounds known with them, and the cycles they took."""

    fields: Sequence[Any]
    bounds: FloatArray | None = None
    cycles: FloatArray | None = None

    def each(self) -> list[Any]:
        """Field by field, which no figure has to wait for."""
        return [field for piece in self.fields for field in (piece if piece.ndim == 3 else [piece])]


#: Solves the batch that it was made for.
Work = Callable[[], Fields]


@dataclass(frozen=True)
class Way:
    """A way of this engine: whether the network begins, from where to where it goes, and who computes."""

    name: str
    network: bool = True
    posing: bool = False
    kernels: bool | None = None
    graphs: bool = False
    largest: int | None = None

    def ready(self, problems: Sequence[Problem], target: float, device: torch.device) -> Work:
        """A batch on the device, in as many pieces as its memory wants."""
        chunk = evenly(len(problems), chunk_of(problems[0].shape, device))
        pieces = [problems[at : at + chunk] for at in range(0, len(problems), chunk)]
        stacks = None if self.posing else [Stack.of(piece, device) for piece in pieces]
        predictor = Predictor(load(device=device.type), device) if self.network else None
        tolerance = target * np.array([problem.largest_imposed for problem in problems])

        def work() -> Fields:
            fields: list[Any] = []
            bounds, cycles = [], []
            with self._computing(), _variable("SURROGATE_PLUGIN_GRAPHS", "1" if self.graphs else "0"):
                for number, piece in enumerate(pieces):
                    stack = Stack.of(piece, device) if stacks is None else stacks[number]
                    start = None if predictor is None else predictor.predict(stack)
                    most = tolerance[number * chunk : number * chunk + stack.count]
                    answers = solve(stack, tolerance=most, start=start)
                    fields += brought(answers.field) if self.posing else [answers.field]
                    bounds.append(answers.bound)
                    cycles.append(answers.cycles)
            return Fields(fields, np.concatenate(bounds), np.concatenate(cycles).astype(np.float64))

        return work

    def _computing(self) -> AbstractContextManager[None]:
        return nullcontext() if self.kernels is None else choice.using(self.kernels)


OURS = (
    Way("guarded: network, cycles, certificate"),
    Way("the same from nothing", network=False),
    Way("guarded, from problems to fields on the host", posing=True),
    Way("guarded, predictions as CUDA graphs", graphs=True, largest=16),
    Way("guarded, torch operations in place of kernels", kernels=False, largest=64),
)


@dataclass(frozen=True)
class Rival:
    """Another solver: how it is made ready for problems, which module it needs, and how that comes."""

    name: str
    ready: Callable[[Sequence[int], tuple[int, int], float, torch.device], Work]
    needs: str
    install: str
    gpu: bool = False

    def missing(self, device: torch.device) -> str | None:
        """Why it is left out, or None."""
        if self.gpu and device.type != "cuda":
            return "it needs a GPU"
        if importlib.util.find_spec(self.needs.partition(".")[0]) is None:
            return self.install
        return None


def problem_of(seed: int, shape: tuple[int, int]) -> Problem:
    """A tissue of variable decay; the same in each process."""
    return cases(shape[0])[CASE](seed)


def problems_of(count: int, shape: tuple[int, int]) -> list[Problem]:
    """So many tissues, first those of `problem_of`, then their mirror images, since to draw one takes longer."""
    found = [problem_of(seed, shape) for seed in range(min(count, DRAWN))]
    while len(found) < count:
        # Upside down, then both of these from right to left.
        upside_down = len(found) < 2 * DRAWN
        found.append(found[len(found) - (DRAWN if upside_down else 2 * DRAWN)].mirror(0 if upside_down else 1))
    return found


def _cudss(seeds: Sequence[int], shape: tuple[int, int], target: float, device: torch.device) -> Work:
    from nvmath.sparse.advanced import DirectSolver, DirectSolverMatrixType, DirectSolverOptions

    systems = [LinearSystem.of(problem_of(seed, shape)) for seed in seeds]
    given = [(_on_device(system, device), torch.from_numpy(system.rhs).to(device)) for system in systems]
    options = DirectSolverOptions(sparse_system_type=DirectSolverMatrixType.SPD)

    def solved(matrix: torch.Tensor, rhs: torch.Tensor) -> torch.Tensor:
        with DirectSolver(matrix, rhs, options=options) as solver:
            solver.plan()
            solver.factorize()
            found: torch.Tensor = solver.solve()
            return found

    return lambda: _filled(systems, [solved(*each) for each in given])


def _torch_sparse(seeds: Sequence[int], shape: tuple[int, int], target: float, device: torch.device) -> Work:
    systems = [LinearSystem.of(problem_of(seed, shape)) for seed in seeds]
    given = [(_on_device(system, device), torch.from_numpy(system.rhs).to(device)) for system in systems]
    return lambda: _filled(systems, [torch.sparse.spsolve(*each) for each in given])


def _on_device(system: LinearSystem, device: torch.device) -> torch.Tensor:
    rows = system.matrix.tocsr()
    where, columns, values = (
        torch.from_numpy(np.asarray(each)).to(device) for each in (rows.indptr, rows.indices, rows.data)
    )
    return torch.sparse_csr_tensor(where, columns, values, size=rows.shape)


def _filled(systems: Sequence[LinearSystem], values: Sequence[torch.Tensor]) -> Fields:
    return Fields([system.fill(found.cpu().numpy()) for system, found in zip(systems, values, strict=True)])


def _pyamg(seeds: Sequence[int], shape: tuple[int, int], target: float, device: torch.device) -> Work:
    """A process a core, each with its problems assembled, which solve one after the other."""
    cores = min(os.cpu_count() or 1, len(seeds))
    pools = [ProcessPoolExecutor(1, mp_context=get_context("spawn")) for _ in range(cores)]
    system = LinearSystem.of(problem_of(seeds[0], shape))
    method = METHODS[0]
    relative = loosest(method, method.prepare(system, 1), system, target)
    for begun in [pools[at % cores].submit(_assemble, seed, shape) for at, seed in enumerate(seeds)]:
        begun.result()

    def work() -> Fields:
        begun = [pools[at % cores].submit(_amg, seed, shape, relative) for at, seed in enumerate(seeds)]
        return Fields([each.result() for each in begun])

    return work


#: What a process has assembled.
_SYSTEMS: dict[tuple[int, tuple[int, int]], LinearSystem] = {}


def _assemble(seed: int, shape: tuple[int, int]) -> None:
    _SYSTEMS[seed, shape] = LinearSystem.of(problem_of(seed, shape))


def _amg(seed: int, shape: tuple[int, int], relative: float) -> FloatArray:
    system = _SYSTEMS[seed, shape]
    return system.fill(METHODS[0].prepare(system, 1)(system.rhs, relative))


def _all_cores(seeds: Sequence[int], shape: tuple[int, int], target: float, device: torch.device) -> Work:
    problems = [problem_of(seed, shape) for seed in seeds]
    tolerance = [target * problem.largest_imposed for problem in problems]

    def work() -> Fields:
        solutions = sp.solve_many(problems, method="guarded", tolerance=tolerance, device="cpu")
        bounds = np.array([solution.error_bound for solution in solutions])
        return Fields([solution.field for solution in solutions], bounds)

    return work


@contextmanager
def _variable(name: str, value: str) -> Any:
    """A variable of the environment for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


RIVALS = (
    Rival("cuDSS, by nvmath", _cudss, "nvmath", "pip install 'nvmath-python[cu12]' nvidia-cudss-cu12", gpu=True),
    Rival("torch.sparse.spsolve", _torch_sparse, "torch", "pip install torch", gpu=True),
    Rival(f"PyAMG, Ruge-Stüben + CG, {os.cpu_count()} processes", _pyamg, "pyamg", "pip install pyamg"),
    Rival(f"this package on a CPU, {os.cpu_count()} cores", _all_cores, "surrogate_plugin", ""),
)
