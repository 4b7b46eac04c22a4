"""The network's last sweeps and their transpose by tensor operations, for a whole batch on any device.

What is swept is a correction, ``x + S (s - A x)`` with sweeps ``S`` from zero: it is 0 on fixed pixels, which keep
their values. So these are sweeps of the device engine's levels, and where that fuses them, they are fused.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched import operations
from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.halos import wrap_
from surrogate_plugin.batched.level import Level
from surrogate_plugin.batched.reference import inflow
from surrogate_plugin.surrogate.features import CHANNELS, EAST, FIRST_ORDER, MASK, NORTH, RATE, SUPPLY, VALUE

#: So many sweeps read their pixels once where they are fused, and each program of them looks twice as far.
_AT_ONCE = 4
#: The faces of the last row and column lead to the first, where they conduct.
_RINGS = True, True


def forward(field: Tensor, image: Tensor, saturation: Tensor, sweeps: int) -> tuple[Tensor, Tensor]:
    """The swept field and the inverse diagonal (0 on fixed pixels), both (N, H', W')."""
    supply = functional.pad(image[:, SUPPLY], (1, 1, 1, 1)) if _wider(image) else None
    level, x, left = _begun(field, image, saturation, supply)
    for number, count in enumerate(_parts(sweeps)):
        if number:
            left = operations.residual(x, supply, level)
        # The second colour of a level is this lattice's first.
        x = x + operations.smooth(left, level, count, backwards=True)
    return x[:, 1:-1, 1:-1], level.inverse[:, 1:-1, 1:-1]


def transposed(gradient: Tensor, inverse: Tensor, image: Tensor, sweeps: int) -> Tensor:
    """The gradient to the field before the sweeps: ``g - A S' g``, 0 on fixed pixels; ``S'`` has colours in reverse."""
    north, east = _links(image)
    level = Level(functional.pad(inverse, (1, 1, 1, 1)), north, east, _RINGS if _wider(image) else (False, False))
    g = functional.pad(torch.where(inverse > 0, gradient, 0.0), (1, 1, 1, 1))
    for count in _parts(sweeps):
        g = g + operations.residual(operations.smooth(g, level, count), None, level)
    return g[:, 1:-1, 1:-1]


def _begun(field: Tensor, image: Tensor, saturation: Tensor, supply: Tensor | None) -> tuple[Level, Tensor, Tensor]:
    """The level that is swept, the field with fixed values imposed, and what it leaves of the equation."""
    if supply is None and fused(field, image, saturation):
        from surrogate_plugin.batched.fused import relaxing

        inverse, x, left = relaxing.begin(field, image, saturation)
        return Level(inverse, None, None, (False, False)), x, left
    held = image[:, MASK] > 0
    rate = image[:, FIRST_ORDER] + image[:, RATE] / (1.0 + saturation[:, None, None] * field.clamp(min=0.0))
    level = _level(held, rate, image)
    x = functional.pad(torch.where(held, image[:, VALUE], field), (1, 1, 1, 1))
    return level, x, operations.residual(x, supply, level)


def _level(held: Tensor, rate: Tensor, image: Tensor) -> Level:
    """The equation of the padded lattice; a pixel without a diagonal counts as fixed."""
    north, east = _links(image)
    rings = _RINGS if _wider(image) else (False, False)
    ones = functional.pad(torch.ones_like(rate), (1, 1, 1, 1))
    if rings[0]:
        wrap_(ones, rings)
    diagonal = inflow(ones, Level(ones, north, east, rings)) + rate
    inverse = torch.where(held | (diagonal == 0), 0.0, 1.0 / diagonal)
    return Level(functional.pad(inverse, (1, 1, 1, 1)), north, east, rings)


def _links(image: Tensor) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """The faces of an image of the wider equation with a halo; None where each between pixels is 1."""
    if not _wider(image):
        return None, None
    north, east = (functional.pad(image[:, channel], (1, 1, 1, 1)) for channel in (NORTH, EAST))
    for links in (north, east):
        wrap_(links, _RINGS)
    return north, east


def _parts(sweeps: int) -> list[int]:
    """So many sweeps, a few at once."""
    whole, rest = divmod(sweeps, _AT_ONCE)
    return [_AT_ONCE] * whole + [rest] * (rest > 0)


def _wider(image: Tensor) -> bool:
    return image.shape[1] > CHANNELS
