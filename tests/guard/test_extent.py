"""What is measured of a problem beside a card, against numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

from surrogate_plugin.guard.applicability_kernels import decay_range, groups


@pytest.fixture(scope="module")
def masks() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    drawn = [rng.random(rng.integers(1, 14, 2)) < rng.random() for _ in range(200)]
    return [*drawn, *(mask.T for mask in drawn), np.zeros((4, 5), bool), np.ones((4, 5), bool)]


def test_groups_are_those_of_pixels_that_share_an_edge(masks):
    for mask in masks:
        labels, count = scipy.ndimage.label(mask)
        largest = np.bincount(labels.ravel())[1:].max(initial=0)
        assert groups(mask) == (count, largest)


def test_the_range_of_decay_is_that_of_the_free_pixels_to_the_bit(masks):
    rng = np.random.default_rng(4)
    for mask in masks:
        decay = rng.random(mask.shape) * (rng.random(mask.shape) < 0.7)
        rate, half = rng.random(mask.shape), rng.random()
        free = (decay + rate * half)[~mask]
        assert decay_range(decay, rate, half, mask) == ((free.min(), free.max()) if free.size else (0.0, 0.0))
        assert decay_range(-0.0 * decay, np.broadcast_to(0.0, mask.shape), 0.0, mask) == (0.0, 0.0)
