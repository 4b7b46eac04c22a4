"""What all checks of an adapter share: what its host can do, how it is built, and how its field is judged."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pytest

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.errors import PromiseWarning
from surrogate_plugin.testing import conducting, reading
from surrogate_plugin.testing.diagnosis import diagnose, diagnose_slopes
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["SHAPES", "Checks"]

SHAPES = pytest.mark.parametrize("shape", [(14, 14), (11, 19), (21, 8)], ids=lambda shape: f"{shape[0]}x{shape[1]}")

#: Why a check does not concern a host, by the attribute of the suite that says so.
_REASONS = {
    "lines": "lattices of this host are wider than one voxel",
    "outside": "cells of this host cannot leave the lattice",
    "detaches": "what this host is composed of cannot be taken out of it",
    "torus": "the sides of this host never wrap around",
    "sides": "this host has no sides with names",
    "discs": "this host has no vessels but voxels",
    "saturates": "uptake of this host never saturates",
    "produces": "cells of this host make nothing but towards a target",
    "writable": "nobody but the adapter writes into this host's fields",
    "vessels_change": "what holds the field in this host stays as it was at first",
}


class Checks:
    """The ground that the checks stand on; see `AdapterSuite` for its attributes."""

    agreement: float = 1e-6
    outside: Literal["error", "drop", "clamp"] | None = "error"
    several_cells_a_voxel: bool = True
    secretes: bool = True
    detaches: bool = True
    lines: bool = True
    deposit: Literal["voxel", "area"] = "voxel"
    torus: bool | None = None
    sides: Literal["outside", "nodes", False] | None = None
    discs: bool | None = None
    saturates: bool | None = None
    produces: bool | None = None
    writable: bool | None = None
    vessels_change: bool | None = None

    def build(self, scenario: Scenario) -> Any:
        """A `HostUnderTest` set up with the scenario."""
        raise NotImplementedError("an adapter's suite says how its host is built.")

    def scenario(self, seed: int, shape: tuple[int, int], **options: Any) -> Scenario:
        """A random scenario that the host can be set up with."""
        own = {"crowded": self.several_cells_a_voxel, "secreting": self.secretes, "deposit": self.deposit}
        return Scenario.random(seed, shape, **own | options)

    def needs(self, ability: str) -> None:
        """Skip a check of what the host does not have, and say so."""
        has = getattr(self, ability)
        if has is None and ability != "outside":
            pytest.skip(f"the suite does not say whether its host can: set {ability}, see AdapterSuite")
        if not has:
            pytest.skip(_REASONS[ability])

    def attached(self, scenario: Scenario, names: Sequence[str] | None = None) -> Any:
        """A host with the adapter attached for some substrates, all if not given.

        What the adapter says of the host's steps, which are a driver's own, is of no account here.
        """
        host = self.build(scenario)
        chosen = scenario.names if names is None else names
        with untold():
            host.attach(chosen, 0.1 * self.agreement * min(map(scenario.scale, chosen)))
        return host

    def check(
        self,
        host: Any,
        scenario: Scenario,
        cells: CellTable | None = None,
        name: str = "oxygen",
        *,
        before: CellTable | None = None,
    ) -> None:
        """The host's field, and what its cells see, are those of the exact steady field.

        Parameters
        ----------
        host : HostUnderTest
        scenario : Scenario
        cells : CellTable, optional
            As they are now; those of the scenario if not given.
        name : str
            The substrate.
        before : CellTable, optional
            As they were a turn ago, to recognise a field that is late.
        """
        cells = scenario.cells if cells is None else cells
        expected, field = scenario.steady(name, cells), np.asarray(host.field(name))
        allowed = self.agreement * scenario.scale(name)
        gap = float(np.abs(field - expected).max()) if field.shape == expected.shape else np.inf
        assert gap <= allowed, (
            f"the host's {name} is {gap:g} off the steady field ({allowed:g} is allowed). "
            + diagnose(scenario, name, cells, field, allowed, before)
        )
        self.check_seen(host, scenario, cells, name, allowed)

    def check_seen(self, host: Any, scenario: Scenario, cells: CellTable, name: str, allowed: float) -> None:
        """What the cells see is the exact steady field where they are, to what is allowed."""
        seen = np.asarray(host.seen(name))
        assert seen.shape == (len(cells),), f"{len(cells)} cells read {name}, but the host has {seen.shape}."
        conducted = conducting.diffusivity(scenario, name, cells)
        there = reading.values(scenario, scenario.steady(name, cells), cells, conducted)
        far = float(np.abs(seen - there).max(initial=0.0))
        assert far <= allowed, f"a cell reads {name} {far:g} off the value where it is ({allowed:g} is allowed)."

    def check_slopes(
        self,
        host: Any,
        scenario: Scenario,
        cells: CellTable,
        name: str = "oxygen",
        *,
        before: CellTable | None = None,
    ) -> None:
        """What the cells read as gradient is that of the exact steady field, in the voxels where they are."""
        row, column = scenario.voxels(cells)

        def there(field: FloatArray) -> FloatArray:
            return reading.slopes(scenario, field)[:, row, column].T

        expected = there(scenario.steady(name, cells))
        told = hasattr(host, "gradient")
        read = np.asarray(host.gradient(name) if told else there(np.asarray(host.field(name))))
        assert read.shape == expected.shape, f"{len(cells)} cells read gradients of {name}, the host has {read.shape}."
        allowed = 2.0 * self.agreement * scenario.scale(name) / scenario.spacing_um
        far = float(np.abs(read - expected).max(initial=0.0))
        assert far <= allowed, (
            f"a cell reads a gradient of {name} that is {far:g} a um off ({allowed:g} is allowed). "
            + diagnose_slopes(scenario, name, cells, read, allowed, before)
        )

    def promised(self, host: Any, scenario: Scenario, name: str = "oxygen") -> float:
        """How far off cells may read now, by the adapter's own word where the driver has it."""
        if hasattr(host, "promised"):
            return float(host.promised(name)) + 1e-9 * scenario.scale(name)
        return self.agreement * scenario.scale(name)


@contextmanager
def untold() -> Iterator[None]:
    """What an adapter says of its host is of no account here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromiseWarning)
        yield


@contextmanager
def nothing_told(when: str) -> Iterator[None]:
    """Nothing is said of the host here."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", PromiseWarning)
        yield
    said = [str(one.message) for one in told if issubclass(one.category, PromiseWarning)]
    assert not said, f"{when}, the adapter says: {said[0]}"


def between(host: Any) -> None:
    """A turn that is no occasion at which the adapter solves anyhow, where the host has such turns."""
    getattr(host, "between", host.advance)()
