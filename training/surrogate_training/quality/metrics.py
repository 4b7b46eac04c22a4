"""How good a field is: over the lattice, where the sources are, and by the level of the field."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]

#: The study's regions: pixels whose true value over the largest lies within these bounds.
REGIONS = {"r1": (0.2, 1.0), "r2": (0.1, 0.2), "r3": (0.05, 0.1)}
#: Where a sample says how many sources its problem was drawn with; not a metric.
SOURCE_COUNT = "source_count"


def measure(predicted: FloatArray, exact: FloatArray, fixed: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Errors of one field, both over the largest imposed value.

    Parameters
    ----------
    predicted, exact : (H, W) array
    fixed : (H, W) bool

    Returns
    -------
    dict of float
        ``mae`` over the lattice, ``relative_l2``, ``max``; mean modulus over ``sources``, ``field``, ``r1``, ``r2``,
        ``r3`` (0.2 to 1, 0.1 to 0.2, 0.05 to 0.1), and ``smooth_max``, the largest mean over 8x8 pixels. A region
        without pixels is left out.

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786) for the regions.

    Examples
    --------
    >>> exact = np.array([[1.0, 0.5], [0.15, 0.07]])
    >>> found = measure(exact + 0.01, exact, exact == 1.0)
    >>> {name: round(value, 3) for name, value in found.items()}
    {'mae': 0.01, 'relative_l2': 0.018, 'max': 0.01, 'sources': 0.01, 'field': 0.01, 'r1': 0.01, 'r2': 0.01, 'r3': 0.01}
    """
    error = predicted.astype(np.float64) - exact
    size = np.abs(error)
    found = {
        "mae": float(size.mean()),
        "relative_l2": _norm(error) / max(_norm(exact), 1e-300),
        "max": float(size.max()),
    }
    masks = {"sources": fixed, "field": ~fixed}
    masks |= {name: ~fixed & (exact >= low) & (exact <= high) for name, (low, high) in REGIONS.items()}
    found |= {name: float(size[mask].mean()) for name, mask in masks.items() if mask.any()}
    rows, columns = (side // 8 * 8 for side in error.shape)
    if rows and columns:
        means = error[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8).mean(axis=(1, 3))
        found["smooth_max"] = float(np.abs(means).max())
    return found


def _norm(field: FloatArray) -> float:
    """The root of the sum of squares, without BLAS, whose sums depend on its threads."""
    return math.sqrt(np.square(field, dtype=np.float64).sum())


def summarise(samples: Iterable[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean, median, 95th and 99th percentile and largest of each metric over samples that have it.

    Examples
    --------
    >>> summarise([{"mae": 0.1}, {"mae": 0.3}])["mae"]["median"]
    0.2
    """
    samples = list(samples)
    table = {}
    for name in sorted({name for sample in samples for name in sample} - {SOURCE_COUNT}):
        values = np.array([sample[name] for sample in samples if name in sample])
        table[name] = {
            "mean": float(values.mean()),
            "median": float(np.median(values)),
            "p95": float(np.percentile(values, 95)),
            "p99": float(np.percentile(values, 99)),
            "largest": float(values.max()),
        }
    return table


def by_sources(samples: Iterable[Mapping[str, float]]) -> dict[int, dict[str, dict[str, float]]]:
    """`summarise` for each number of sources apart, as the study reports its metrics.

    Samples say their number under ``source_count``, since discs that overlap cannot be counted afterwards; samples
    that do not say it are left out.

    Examples
    --------
    >>> table = by_sources([{"mae": 0.2, "source_count": 3}, {"mae": 0.1, "source_count": 1}])
    >>> {count: metrics["mae"]["mean"] for count, metrics in table.items()}
    {1: 0.1, 3: 0.2}
    """
    groups: dict[int, list[Mapping[str, float]]] = {}
    for sample in samples:
        if SOURCE_COUNT in sample:
            groups.setdefault(int(sample[SOURCE_COUNT]), []).append(sample)
    return {count: summarise(groups[count]) for count in sorted(groups)}
