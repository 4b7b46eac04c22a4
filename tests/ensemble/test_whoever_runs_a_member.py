"""A member's fields are the same to the last bit whoever was run before it in the same process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import ensemble
from surrogate_plugin.ensemble import Link
from surrogate_plugin.ensemble.apart import Apart
from tests.exact import exact_field

_SHAPE = (24, 32)
#: So long that a step in time comes to the steady field.
_LONG = 1e9


def _fields() -> tuple[sp.Problem, np.ndarray, np.ndarray]:
    """A problem, its field, and one that is rough: what the first is worth as a start misleads about the second."""
    source = np.zeros(_SHAPE)
    source[4, 4] = 38.0
    decay = np.linspace(1e-3, 2e-3, source.size).reshape(_SHAPE)
    problem = sp.Problem(source, decay=decay, boundary="reflecting")
    field = exact_field(problem)
    return problem, field, field + np.random.default_rng(0).uniform(0.0, 0.5, _SHAPE)


def _stepped(*, misleads: bool) -> sp.Solution:
    problem, field, rough = _fields()
    if misleads:
        return sp.advance(problem.replace(decay=2.0 * problem.decay), field, _LONG, "multigrid", 0.04)
    return sp.advance(problem, rough, _LONG, "multigrid", 0.04)


def _member(given: dict[str, Any], link: Link) -> dict[str, Any]:
    solution = _stepped(misleads=given["misleads"])
    return {"field": (("y", "x"), solution.field), "start": solution.stats.start}


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_members_one_after_the_other_learn_nothing_from_one_another(tmp_path, order) -> None:
    problem, _, rough = _fields()
    alone = sp.Engine().solve(problem.implicit_step(rough, _LONG), method="multigrid", tolerance=0.04, previous=rough)
    results = ensemble.run(_member, [{"misleads": each} for each in order], tmp_path / "out.zarr", workers=0)
    found = results[order.index(False)]
    assert found.texts["start"] == alone.stats.start == "previous"
    assert np.array_equal(found.arrays["field"], alone.field)


def test_members_that_share_a_thread_learn_nothing_from_one_another_and_all_that_is_their_own() -> None:
    problem, field, rough = _fields()
    slower, found = problem.replace(decay=2.0 * problem.decay), {}
    apart = Apart()

    def steps(engine: sp.Engine, *, misled: bool) -> sp.Solution:
        if misled:
            engine.solve(slower, method="multigrid", tolerance=0.04, previous=field)
        return engine.solve(problem, method="multigrid", tolerance=0.04, previous=rough)

    expected = steps(sp.Engine(), misled=True), steps(sp.Engine(), misled=False)
    assert not np.array_equal(expected[0].field, expected[1].field)
    with apart.slot():
        _stepped(misleads=True)
        apart.begin()
        found["shared"] = _stepped(misleads=False)
        found["own"] = steps(sp.Engine(), misled=True)
        found["another's"] = steps(sp.Engine(), misled=False)
        several = sp.solve_many([problem], "multigrid", 0.04, previous=[rough])[0]
    assert found["shared"].stats.start == "previous"
    assert np.array_equal(found["own"].field, expected[0].field)
    assert np.array_equal(found["another's"].field, expected[1].field)
    assert np.array_equal(several.field, expected[1].field)


def test_each_member_on_a_thread_begins_anew(tmp_path, monkeypatch) -> None:
    begun, begin = [], Apart.begin
    monkeypatch.setattr(Apart, "begin", lambda self: (begun.append(self), begin(self)))
    ensemble.run(_member, [{"misleads": each} for each in (True, False)], tmp_path / "out.zarr", repeats=2, together=2)
    assert len(begun) == 4
    assert len(set(map(id, begun))) == 1
