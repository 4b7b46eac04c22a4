"""Transfers by the weights of each coarse pixel, as in `surrogate_plugin.solvers.multigrid.stencil_kernels`.

Coarse pixel ``K`` sits on fine pixel ``2 K - 1``, both counted from 1; ``weights`` are (B, 8, ch + 2, cw + 2) with a
halo, which repeats the far side on a ring, in the order of `surrogate_plugin.batched.galerkin.TOWARDS`.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched.halos import inner, wrapped


def gather(x: Tensor, weights: Tensor, rings: tuple[bool, bool]) -> Tensor:
    """What stands around each coarse pixel, by its weights; with a halo of 0."""
    around = wrapped(x, rings)
    e, w, n, s, ne, nw, se, sw = inner(weights).unbind(-3)
    rows, columns = e.shape[-2:]

    def at(row: int, column: int) -> Tensor:
        return around[..., 1 + row : 2 * rows + row : 2, 1 + column : 2 * columns + column : 2]

    gathered = (
        (at(0, 0) + (e * at(0, 1) + w * at(0, -1)))
        + (n * at(1, 0) + (ne * at(1, 1) + nw * at(1, -1)))
        + (s * at(-1, 0) + (se * at(-1, 1) + sw * at(-1, -1)))
    )
    return functional.pad(gathered, (1, 1, 1, 1))


def spread(coarse: Tensor, weights: Tensor, shape: tuple[int, int], rings: tuple[bool, bool]) -> Tensor:
    """What each fine pixel takes of the coarse ones around it; with a halo of 0."""
    values = wrapped(coarse, rings)
    e, w, n, s, ne, nw, se, sw = (weights * values[..., None, :, :]).unbind(-3)
    rows, columns = shape[0] // 2, shape[1] // 2  # of the fine ones between

    def low(taken: Tensor) -> Tensor:
        return taken[..., 1:-1, :]

    def between(taken: Tensor, up: int) -> Tensor:
        return taken[..., 1 + up : 1 + up + rows, :]

    fine = coarse.new_zeros((*coarse.shape[:-2], shape[0], shape[1]))
    fine[..., 0::2, 0::2] = inner(values)
    fine[..., 0::2, 1::2] = low(e)[..., 1 : 1 + columns] + low(w)[..., 2 : 2 + columns]
    fine[..., 1::2, 0::2] = (between(n, 0) + between(s, 1))[..., 1:-1]
    lower = between(ne, 0)[..., 1 : 1 + columns] + between(nw, 0)[..., 2 : 2 + columns]
    upper = between(se, 1)[..., 1 : 1 + columns] + between(sw, 1)[..., 2 : 2 + columns]
    fine[..., 1::2, 1::2] = lower + upper
    return functional.pad(fine, (1, 1, 1, 1))
