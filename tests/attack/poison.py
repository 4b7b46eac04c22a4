"""Compiled kernels that go wrong: what one writes or returns is replaced by numbers that are none, or by nothing.

The kernels are found by themselves: every one that the modules between a problem and its bound call from Python.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from surrogate_plugin.equation import operator as equation
from surrogate_plugin.equation import operator_kernels as lattice_kernels
from surrogate_plugin.guard import certificate, certificate_kernels, matrix_certificate
from surrogate_plugin.solvers.direct import solver as sparse_direct
from surrogate_plugin.solvers.multigrid import hierarchy
from surrogate_plugin.solvers.multigrid import solver as multigrid
from surrogate_plugin.solvers.spectral import bases, capacitance, greens, transforms
from surrogate_plugin.solvers.spectral import solver as spectral

_CALLERS = (
    equation, hierarchy, multigrid, certificate, matrix_certificate, sparse_direct, spectral, capacitance, greens,
    bases, transforms,
)  # fmt: skip

#: NaN of both signs: the one that x86 makes of 0/0 has its sign bit set, the one that ``np.nan`` names has not.
POISONS: dict[str, float] = {
    "NaN": float(np.array(0x7FF8000000000000, np.uint64).view(np.float64)),
    "NaN, negative": float(np.array(0xFFF8000000000000, np.uint64).view(np.float64)),
    "inf": np.inf,
    "-inf": -np.inf,
    "0": 0.0,
}
PLACES = ("first", "last", "one", "row", "everything")
CALLS = ("all", "first", "second", "third")


@dataclass(frozen=True)
class Seam:
    """Where a kernel is called from Python: ``module.name``."""

    module: ModuleType
    name: str

    def __str__(self) -> str:
        return f"{self.module.__name__.rpartition('.')[2]}.{self.name}"

    @property
    def verifies(self) -> bool:
        """Whether a bound rests on what it computes: a finite number that is false cannot be told there."""
        kernel = getattr(self.module, self.name)
        return any(kernel is one for one in (*vars(certificate_kernels).values(), lattice_kernels.set_halo))


def seams() -> list[Seam]:
    """Every compiled kernel that is called from Python between a problem and its bound."""
    found: dict[str, Seam] = {}
    for caller in _CALLERS:
        for name, value in vars(caller).items():
            if _compiled(value):
                found[str(Seam(caller, name))] = Seam(caller, name)
            elif isinstance(value, ModuleType) and value.__name__.endswith("kernels"):
                for called in re.findall(rf"\b{name}\.(\w+)", inspect.getsource(caller)):
                    if _compiled(getattr(value, called, None)):
                        found[str(Seam(value, called))] = Seam(value, called)
    return list(found.values())


def _compiled(value: object) -> bool:
    return callable(value) and hasattr(value, "py_func")


@dataclass
class Poison:
    """A kernel, what it says instead, where, and at which of its calls; ``spilled`` counts how often it did."""

    seam: Seam
    kind: str
    place: str
    calls: str
    rng: np.random.Generator
    spilled: int = 0

    @classmethod
    def any(cls, rng: np.random.Generator, among: list[Seam]) -> Poison:
        seam = among[int(rng.integers(len(among)))]
        kinds = [kind for kind in POISONS if kind != "0" or not seam.verifies]
        return cls(seam, str(rng.choice(kinds)), str(rng.choice(PLACES)), str(rng.choice(CALLS)), rng)

    def __str__(self) -> str:
        return f"{self.seam}: {self.kind} at {self.place}, {self.calls} call"

    @contextlib.contextmanager
    def poured(self) -> Iterator[None]:
        """With the kernel replaced."""
        kernel = getattr(self.seam.module, self.seam.name)
        setattr(self.seam.module, self.seam.name, self._spoilt(kernel))
        try:
            yield
        finally:
            setattr(self.seam.module, self.seam.name, kernel)

    def _spoilt(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        count = 0

        def spoilt(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            arrays = [a for a in (*arguments, *named.values()) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
            before = [array.copy() for array in arrays]
            result = kernel(*arguments, **named)
            count += 1
            if self.calls != "all" and CALLS.index(self.calls) != count:
                return result
            self.spilled += 1
            value, returns = POISONS[self.kind], self.rng.integers(3)
            if returns != 1:
                for array, old in zip(arrays, before, strict=True):
                    self._spill(array, old, value)
            if returns != 0:
                result = self._replaced(result, value)
            return result

        return spoilt

    def _spill(self, array: np.ndarray[Any, Any], before: np.ndarray[Any, Any], value: float) -> None:
        """Write into some of the entries that the kernel has written."""
        written = np.flatnonzero((array != before).ravel())
        if not written.size or not array.flags.writeable:
            return
        if self.place == "row" and array.ndim == 2:
            row = self.rng.choice(written) // array.shape[1]
            written = written[written // array.shape[1] == row]
        elif self.place != "everything":
            which = {"first": 0, "last": -1}.get(self.place, int(self.rng.integers(written.size)))
            written = written[[which]]
        array.flat[written] = value

    def _replaced(self, result: Any, value: float) -> Any:
        if isinstance(result, tuple):
            which = int(self.rng.integers(len(result)))
            return tuple(self._replaced(r, value) if i == which else r for i, r in enumerate(result))
        if isinstance(result, np.ndarray):
            if result.dtype.kind == "f" and result.size:
                self._spill(result, np.full_like(result, np.nan), value)
            return result
        return type(result)(value) if isinstance(result, (float, np.floating)) else result
