"""What the author of an adapter writes for the suite: a driver around the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.testing.scenario import CellTable

__all__ = ["HostUnderTest"]


class HostUnderTest(Protocol):
    """A thin driver around a host and its adapter; written by the adapter's author, for the suite.

    It is made with the scenario's lattice, substrates, vessels and cells, nothing attached yet. It turns arrays by
    itself, by hand, so that it does not share a mistake with the adapter.

    Notes
    -----
    A host may have more to show, and the suite asks for it where a driver has the method:

    ``gradient(substrate) -> (n, 2)``
        What each cell reads as gradient (x, y) now, field units / um, by the host's own means; differences of
        neighbouring values of ``field`` if there is no such method.
    ``taken_up(substrate) -> float``
        What its cells took up by its own count, per minute, in field units times um^3; else it is reckoned from what
        the cells see.
    ``change(cells)``
        The same cells at the same places with other rates, as the host's own rules give them in the middle of a turn;
        `put` if there is no such method.
    ``between()``
        As `advance`, but no occasion at which the adapter solves anyhow; `advance` if there is no such method.
    ``promised(substrate) -> float``
        What the adapter says that cells may read off the exact field now, field units; what the suite allows if there
        is no such method.
    ``write(substrate, field)``
        Somebody else writes a field, (H, W), into the host, between two turns; asked for where ``writable`` is True.
    ``attach_stepping(substrates, tolerance)`` and ``dt_min``
        As `attach`, with fields that go on in time, and the minutes from one turn to the next; for `WiderSuite`.
    ``hold(medium)``
        The substrate's vessels are those of this medium from now on; asked for where ``vessels_change`` is True.
    """

    def attach(self, substrates: Sequence[str], tolerance: float) -> None:
        """Let the adapter answer for these substrates, within the tolerance, in field units."""

    def detach(self) -> None:
        """Give the host back."""

    def advance(self) -> None:
        """One turn of the host, in which nothing moves by itself; afterwards its fields are those of its cells."""

    def field(self, substrate: str) -> FloatArray:
        """What the host holds now, (H, W) with rows along y."""

    def seen(self, substrate: str) -> FloatArray:
        """What each cell of the host reads now, (n,), in the order they were put."""

    def put(self, cells: CellTable) -> None:
        """These are the cells now: rows that were there before are the same cells, moved; others are born, or dead."""
