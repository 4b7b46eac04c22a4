"""Whether a grey picture is a mask: two shades, but for the seam that smoothing or JPEG leaves between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surrogate_plugin.equation.problem import FloatArray

#: Farther than this part of the contrast from both shades, a pixel belongs to neither.
_NEAR = 0.15
#: A seam is steep: within 3 x 3 pixels the picture crosses this part of the contrast.
_STEEP = 0.6
#: How many pixels may belong to neither shade, of all; and of the rarer shade, away from seams.
_LARGEST_SEAM, _LARGEST_STRAY = 0.25, 0.02
#: So few shades are drawn on purpose, each for a value of its own, and no compression blurred them.
_FEW = 8


@dataclass(frozen=True)
class Shades:
    """What was found; levels from 0 to 1.

    Attributes
    ----------
    darkest, brightest : float
    is_mask : bool
        Whether the picture has two shades, but for the seam between them.
    between : float
        The part of the pixels that belong to neither shade.
    """

    darkest: float
    brightest: float
    is_mask: bool
    between: float

    @property
    def halfway(self) -> float:
        """Where a mask is cut."""
        return 0.5 * (self.darkest + self.brightest)


def judge(levels: FloatArray) -> Shades:
    """Look at the shades of a picture, (H, W) float64.

    Examples
    --------
    >>> mask = np.zeros((32, 32)); mask[10:20, 10:20] = 1.0
    >>> judge(mask).is_mask
    True
    >>> judge(np.linspace(0, 1, 1024).reshape(32, 32)).is_mask
    False
    """
    from scipy import ndimage

    low, high = float(levels.min()), float(levels.max())
    if bool(((levels == low) | (levels == high)).all()):
        return Shades(low, high, low < high, 0.0)
    dark, bright = _two_shades(levels, low, high)
    contrast = bright - dark
    neither = np.minimum(np.abs(levels - dark), np.abs(levels - bright)) > _NEAR * contrast
    crossed = ndimage.maximum_filter(levels, 3) - ndimage.minimum_filter(levels, 3)
    stray = int(np.count_nonzero(neither & (crossed < _STEEP * contrast)))
    between = float(neither.mean())
    brighter = int(np.count_nonzero(levels >= 0.5 * (dark + bright)))
    rarer = min(brighter, levels.size - brighter)
    allowed = 0.0 if np.unique(levels).size <= _FEW else _LARGEST_STRAY * rarer
    return Shades(low, high, between <= _LARGEST_SEAM and stray <= allowed, between)


def _two_shades(levels: FloatArray, low: float, high: float) -> tuple[float, float]:
    """The medians of the dark and of the bright pixels, parted half way between the two."""
    cut = 0.5 * (low + high)
    for _ in range(50):
        bright = levels >= cut
        dark_median, bright_median = float(np.median(levels[~bright])), float(np.median(levels[bright]))
        middle = 0.5 * (dark_median + bright_median)
        if abs(middle - cut) <= 1e-6 * (high - low):
            break
        cut = middle
    return dark_median, bright_median
