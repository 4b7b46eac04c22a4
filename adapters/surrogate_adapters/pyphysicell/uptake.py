"""Uptake counted once: the host's own uptake, applied after every diffusion step, must not drain the held field.

The steady field already holds what the cells take up and secrete. The host, though, applies
``rho <- (rho + f S T) / (1 + f (S + U))`` in the voxels of its cells after each diffusion step, and its mechanics,
gradients and hooks then see the drained value. So its kernel runs as before, which keeps the substrates of others
and the internalised totals right, and the voxels of the substrates that are ours get the held field back at once.

The host calls the kernel through its module, for every simulation of the process, so one guard stands there while
anything is attached and acts on the densities of attached simulations alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Protocol


class Owner(Protocol):
    """Somebody who answers for some substrates of one microenvironment."""

    def owns(self, density: Any) -> bool:
        """Whether this is the density of the microenvironment."""
        ...

    def restore(self, density: Any, voxel: Any) -> None:
        """Put the held fields back into some voxels."""
        ...


class _Guard:
    """The host's kernel, followed by the owners of the density."""

    def __init__(self, kernel: Callable[..., None]) -> None:
        self.kernel = kernel

    def __call__(self, density: Any, cell_voxel: Any, *rest: Any, **named: Any) -> None:
        self.kernel(density, cell_voxel, *rest, **named)
        for owner in list(_owners):
            if owner.owns(density):
                owner.restore(density, cell_voxel)


_owners: weakref.WeakSet[Owner] = weakref.WeakSet()


def stand_guard(owner: Owner) -> None:
    """Restore ``owner``'s fields after each uptake of its host, until `stand_down`."""
    from pyphysicell import _kernels

    _owners.add(owner)
    if not isinstance(_kernels.secretion_uptake, _Guard):
        _kernels.secretion_uptake = _Guard(_kernels.secretion_uptake)


def stand_down(owner: Owner) -> None:
    """Leave ``owner``'s host alone; the last one to go gives the host its kernel back."""
    from pyphysicell import _kernels

    _owners.discard(owner)
    if not _owners and isinstance(_kernels.secretion_uptake, _Guard):
        _kernels.secretion_uptake = _kernels.secretion_uptake.kernel
