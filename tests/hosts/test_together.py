"""Hosts with several substrates: solved for together, each has the field, the bound and the history it has in its turn.

Every host is driven twice through the same moments, with its substrates in their turns and together, and both are held
to each other number by number.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.stand_ins.physicell import driver
from surrogate_adapters.steady_fields import SteadyFields
from surrogate_plugin.testing import Scenario
from tests.at_once import TOGETHER, Where, solved
from tests.hosts import every

SHAPE = (17, 30)


@pytest.fixture
def histories(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """The history of each attachment that is made, in order."""
    made: list[list[Any]] = []
    begin = SteadyFields.__init__

    def beginning(self: SteadyFields, *given: Any, **options: Any) -> None:
        begin(self, *given, **options)
        made.append(self.history)

    monkeypatch.setattr(SteadyFields, "__init__", beginning)
    return made


def moments(host: Any, scenario: Scenario, options: dict[str, Any], tolerance: float) -> Iterator[dict[str, Any]]:
    """Cells as they are; once more; all moved; all held elsewhere; half of the cells gone."""
    host.attach(scenario.names, tolerance, **options)
    elsewhere = Scenario.random(8, SHAPE, substrates=3, cells=60, vessels=5, crowded=False, producing=True)
    for moment in range(5):
        if moment == 2:
            host.put(elsewhere.cells)
        if moment == 3 and hasattr(host, "hold"):
            for medium in elsewhere.media:
                host.hold(medium)
        if moment == 4:
            host.put(elsewhere.cells.take(range(30)))
        host.advance()
        yield {name: host.field(name) for name in scenario.names} | {f"seen {n}": host.seen(n) for n in scenario.names}


@pytest.mark.parametrize("where", TOGETHER)
@pytest.mark.parametrize("name", every.NAMES)
def test_every_host_has_what_it_has_in_turns(
    name: str, where: Where, tmp_path: Path, histories: list[list[Any]]
) -> None:
    if name == "PhysiCell" and driver.missing() is not None:
        pytest.skip(f"compiling needs more: {driver.missing()}")
    scenario = Scenario.random(7, SHAPE, substrates=3, cells=60, vessels=5, crowded=False, producing=True)
    tolerance = 1e-3 * min(map(scenario.scale, scenario.names))
    with every.host(name, tmp_path) as build:
        found, told = [], []
        for each in ("in turns", where):
            with solved(each) as counts, warnings.catch_warnings(record=True) as notices:
                warnings.simplefilter("always")
                found.append(list(moments(build(scenario), scenario, {}, tolerance)))
            told.append([str(one.message) for one in notices])
    assert counts[0] == 3
    assert told[0] == told[1]
    for alone, together in zip(*found, strict=True):
        for key, field in alone.items():
            assert np.abs(field - together[key]).max() <= 2.0 * tolerance, key
    alone, together = histories[-2:]
    assert len(alone) == len(together) >= (1 if name == "PhysiCell" else 7)  # of which a bridge keeps one
    for one, other in zip(alone, together, strict=True):
        assert (one.substrate, one.time, one.held, one.reason) == (
            other.substrate,
            other.time,
            other.held,
            other.reason,
        )
        assert other.bound <= tolerance + 1e-6 * scenario.scale(one.substrate)
        if where == "on cores":  # elsewhere nobody has to be told why the network was not asked
            assert one.record.flags == other.record.flags
        assert abs(one.excess - other.excess) <= 4.0 * tolerance
