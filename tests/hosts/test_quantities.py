"""Numbers with a unit in what adapters are told, however they are nested."""

from __future__ import annotations

import pint
import pytest

import surrogate_plugin as sp
from surrogate_adapters.quantities import in_unit

units = pint.UnitRegistry()


def test_quantities_are_found_in_mappings_of_lists_of_places():
    given = {"wall": [(1.0 * units.millimeter, 2.0), (3.0, 4.0)]}
    assert in_unit("place", given, "um") == {"wall": [(1000.0, 2.0), (3.0, 4.0)]}


def test_a_list_that_holds_itself_is_handed_on_to_whoever_refuses_it():
    endless: list = [0.1 * units.millimeter]
    endless.append(endless)
    assert in_unit("radius_um", endless, "um")[0] == pytest.approx(100.0)
    with pytest.raises(sp.InvalidProblemError, match="radius_um"):
        sp.Cells([(0.0, 0.0)], radius_um=in_unit("radius_um", endless, "um"))
