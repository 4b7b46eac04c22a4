"""The header's agents in the terms of the core: their own voxels and volumes, and counted as PhysiCell counts them."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.physicell.state import UPTAKE, HostState
from surrogate_adapters.physicell.wording import in_the_hosts_words

DOMAIN = sp.Domain.from_lattice((6, 9), 20.0, origin_um=(-90.0, -60.0), thickness_um=10.0)


def agents(**changed: object) -> HostState:
    """Ten agents in voxels of their own, of which every second one takes up."""
    rates = np.zeros((1, 4, 10))
    rates[0, UPTAKE, ::2] = np.arange(1.0, 6.0)
    given = {"voxel": np.arange(20, 30), "volume": np.linspace(100.0, 1000.0, 10), "rates": rates}
    empty = np.zeros((1, 6, 9))
    state = HostState(**given, coefficients=np.array([[1e5, 0.1]]), fixed=empty.astype(bool), value=empty)  # type: ignore[arg-type]
    for name, (agent, number) in changed.items():
        part = state.rates[0, UPTAKE] if name == "uptake" else getattr(state, name)
        part[agent] = number
    return state


def test_each_counts_in_its_voxel_with_its_volume_to_the_last_bit() -> None:
    state = agents()
    raster = DOMAIN.rasterise(state.tissue(0, DOMAIN), deposit="voxel", outside="clamp")
    expected = np.zeros(54)
    expected[20:30] = state.volume / DOMAIN.voxel_volume_um3 * state.rates[0, UPTAKE]
    assert np.array_equal(raster.uptake_per_min, expected.reshape(6, 9))


def test_those_that_exchange_nothing_are_not_handed_over() -> None:
    assert len(agents().tissue(0, DOMAIN).cells) == 5


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"volume": (7, np.nan)}, "the volume of cell 7 of PhysiCell's list is NaN"),
        ({"volume": (8, -3.0)}, "the volume of cell 8 of PhysiCell's list is -3"),
        ({"uptake": (6, np.inf)}, "the uptake rate of cell 6 of PhysiCell's list is inf"),
    ],
)
def test_a_number_that_is_not_allowed_is_counted_among_all(changed, said) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        agents(**changed).tissue(0, DOMAIN)
    assert said in in_the_hosts_words(str(caught.value))
