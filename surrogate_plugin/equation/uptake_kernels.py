"""Michaelis and Menten's law, ``U(c) = vmax c / (km + c)``, pixel by pixel: the one place where its formulas stand.

For ``c``, ``w`` >= 0 nothing here overflows or cancels: shares lie in [0, 1] before anything is multiplied by them, and
the difference quotient is not made from a difference. Each is right to a few units in its last place.

Kernels call the functions; python calls them by `surrogate_plugin.equation.uptake.Saturation`, with numbers or arrays,
for which reason none of them calls another.
"""

from __future__ import annotations

from surrogate_plugin import jit


@jit.exact_inner
def rate(vmax, km, c):
    """``U(c)``."""
    return vmax * (c / (km + c))


@jit.exact_inner
def unsaturated(km, c):
    """``km / (km + c)``: the share of uptake's initial slope that is left at ``c``, along a chord from 0."""
    return km / (km + c)


@jit.exact_inner
def slope(initial, km, c):
    """``U'(c)``, with ``initial = vmax / km`` the slope at 0."""
    share = km / (km + c)
    return initial * share * share


@jit.exact_inner
def secant(vmax, km, c):
    """``U(c) / c``: the slope of the chord from 0."""
    return vmax / (km + c)


@jit.exact_inner
def quotient(vmax, km, c, w):
    """``(U(c + w) - U(c)) / w``: the slope over a change of ``w``; the tangent at ``w = 0``."""
    full = km + c
    return vmax * (km / full) / (full + w)
