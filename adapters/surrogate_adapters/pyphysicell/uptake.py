"""Uptake counted once: the host's own uptake, applied after every diffusion step, must not drain the held field.

The steady field already holds what the cells take up and secrete. The host, though, applies
``rho <- (rho + f S T) / (1 + f (S + U))`` in the voxels of its cells after each diffusion step, and its mechanics,
gradients and hooks then see the drained value. So where some substrates are others', its kernel runs as before, which
keeps those right, and the voxels of the substrates that are ours get the held field back at once; where all are ours,
it has nothing to do. Where the host counts what its cells internalise, their totals are reckoned from the held field:
together they are then what the steady field gave. The host's own count is less by the drain of one step, which cells
that share a voxel feel one after the other.

The host calls the kernel through its module, for every simulation of the process, so one guard stands there while
anything is attached and acts on the densities of attached simulations alone.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol


class Owner(Protocol):
    """Somebody who answers for some substrates of one microenvironment."""

    def owns(self, density: Any) -> bool:
        """Whether this is the density of the microenvironment."""
        ...

    def answers_for_all(self) -> bool:
        """Whether none of its substrates is left to the host."""
        ...

    def restore(self, density: Any, voxel: Any) -> None:
        """Put the held fields back into some voxels."""
        ...

    def count(self, internalized: Any, before: Any, voxel: Any, *rest: Any) -> None:
        """Reckon what the cells took in from the held fields, on top of ``before``."""
        ...


class _Guard:
    """The host's kernel, followed by the owners of the density."""

    def __init__(self, kernel: Callable[..., None]) -> None:
        self.kernel = kernel

    def __call__(
        self,
        density: Any,
        cell_voxel: Any,
        volume: Any,
        secretion: Any,
        uptake: Any,
        target: Any,
        export: Any,
        voxel_volume: float,
        dt: float,
        internalized: Any = None,
    ) -> None:
        with _lock:
            owners = [*_owners]
        owners = [owner for owner in owners if owner.owns(density)]
        before = None if internalized is None or not owners else internalized.copy()
        cells = (cell_voxel, volume, secretion, uptake, target, export)
        alone = any(owner.answers_for_all() for owner in owners)
        if not alone:
            self.kernel(density, *cells, voxel_volume, dt, internalized)
        for owner in owners:
            if not alone:
                owner.restore(density, cell_voxel)
            if before is not None:
                owner.count(internalized, before, *cells, dt)


_owners: weakref.WeakSet[Owner] = weakref.WeakSet()
#: Simulations may be attached, copied and run on threads of their own.
_lock = threading.Lock()


def _begin_anew() -> None:
    """In a forked child no thread is left that would let go."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def stand_guard(owner: Owner) -> None:
    """Restore ``owner``'s fields after each uptake of its host, until `stand_down`."""
    from pyphysicell import _kernels

    with _lock:
        _owners.add(owner)
        if not isinstance(_kernels.secretion_uptake, _Guard):
            _kernels.secretion_uptake = _Guard(_kernels.secretion_uptake)


def stand_down(owner: Owner) -> None:
    """Leave ``owner``'s host alone; the last one to go gives the host its kernel back."""
    from pyphysicell import _kernels

    with _lock:
        _owners.discard(owner)
        if not _owners and isinstance(_kernels.secretion_uptake, _Guard):
            _kernels.secretion_uptake = _kernels.secretion_uptake.kernel
