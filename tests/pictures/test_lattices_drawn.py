"""A field is drawn where its lattice is: a domain's place, or the lengths of a problem."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.pictures import view

FIELD = np.linspace(0.0, 1.0, 8 * 16).reshape(8, 16)


@pytest.mark.parametrize(
    ("lattice", "extent"),
    [
        (sp.Domain((-50.0, 20.0), (160.0, 80.0), (8, 16)), (-50.0, 110.0, 20.0, 100.0)),
        (sp.Problem(FIELD, spacing=10.0), (0.0, 160.0, 0.0, 80.0)),
        (sp.Problem(FIELD, spacing=(5.0, 10.0)), (0.0, 160.0, 0.0, 40.0)),
        (10.0, (0.0, 160.0, 0.0, 80.0)),
        ((5.0, 10.0), (0.0, 160.0, 0.0, 40.0)),
    ],
)
def test_the_picture_has_the_sides_of_the_lattice(lattice: view.Lattice, extent: tuple[float, ...]) -> None:
    _, (axes,) = view.figure(6.0, 3.0, [1.0])
    view.draw_field(axes, lattice, FIELD)
    view.draw_fixed(axes, lattice, FIELD > 0.5)
    assert [tuple(image.get_extent()) for image in axes.images] == [extent, extent]
