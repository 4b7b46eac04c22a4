"""Backends stepped together have the fields, bounds, records and errors that they have one after the other."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.engine.on_device import METHODS
from surrogate_plugin.engine.pooling import HERE, Asked
from surrogate_plugin.session import questions
from surrogate_plugin.session.together import solve_ahead
from tests.at_once import TOGETHER, solved

DOMAIN = sp.Domain.from_lattice((24, 40), 20.0)
NAMES = ("oxygen", "glucose", "lactate")


@pytest.fixture(params=TOGETHER)
def batches(request: pytest.FixtureRequest) -> Iterator[list[int]]:
    """How many fields were solved for together, a number each time."""
    with solved(request.param) as counts:
        yield counts


def config(name: str, **changes: Any) -> sp.BackendConfig:
    given = {
        "oxygen": {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 0.05},
        "glucose": {"diffusivity_um2_per_min": 3e4, "decay_per_min": 0.02, "michaelis_km": 2.0, "tolerance": 0.01},
        "lactate": {"diffusivity_um2_per_min": 5e4, "decay_per_min": 0.05, "boundary": "reflecting"},
    }[name]
    return sp.BackendConfig(domain=DOMAIN, **{**given, **changes})


def backends(**changes: Any) -> list[sp.Backend]:
    """One a substrate, over one engine."""
    first = sp.Backend(config(NAMES[0], **changes))
    return [first, *(sp.Backend(config(name, **changes), engine=first.engine) for name in NAMES[1:])]


def state(seed: int, substrate: int = 0) -> sp.TissueState:
    rng = np.random.default_rng(seed)
    place = rng.uniform((0.0, 0.0), (800.0, 480.0), (60, 2))
    cells = sp.Cells(place, radius_um=8.0, uptake_per_min=5.0 + substrate, secretion_per_min=0.1, secretion_target=3.0)
    return sp.TissueState(cells, sp.Vessels(rng.uniform(60.0, 420.0, (3, 2)), 25.0, 38.0 / (1 + substrate)))


def states(seed: int) -> list[sp.TissueState]:
    return [state(seed, substrate) for substrate in range(3)]


def assert_alike(found: sp.StepResult, wanted: sp.StepResult, allowed: float) -> None:
    """Both certified, so that they are no further apart than their bounds say; and recorded alike."""
    assert np.abs(found.field - wanted.field).max() <= found.record.bound + wanted.record.bound
    assert found.record.bound <= allowed
    for name in ("step", "left_out", "dt_min"):
        assert getattr(found.record, name) == getattr(wanted.record, name), name
    assert (found.record.method == "held") == (wanted.record.method == "held")
    assert set(found.record.seconds) == set(wanted.record.seconds)


def test_fields_bounds_and_records_are_those_of_one_after_the_other(batches: list[int]) -> None:
    together, alone = backends(), backends()
    for seed in (1, 2, 2, 3):
        results = sp.step_together(together, states(seed))
        for name, found, backend, each in zip(NAMES, results, alone, states(seed), strict=True):
            assert_alike(found, backend.step(each), config(name).tolerance or 0.38)
    assert batches == [3, 3, 3]  # the third step holds all of them
    for one, other in zip(together, alone, strict=True):
        assert [record.method == "held" for record in one.records] == [False, False, True, False]
        assert one.summary().steps == other.summary().steps == 4


def test_only_what_changed_is_solved_for_and_one_alone_by_itself(batches: list[int]) -> None:
    together = backends()
    sp.step_together(together, states(1))
    changed = [state(9), states(1)[1], state(9, 2)]
    held = [result.record.method == "held" for result in sp.step_together(together, changed)]
    assert (held, batches) == ([False, True, False], [3, 2])
    held = [result.record.method == "held" for result in sp.step_together(together, [state(8), *changed[1:]])]
    assert (held, batches) == ([False, True, True], [3, 2])


def test_a_field_in_time_takes_its_step_beside_them(batches: list[int]) -> None:
    drug = config("lactate", stepping="implicit-euler", tolerance=1e-4)
    first = sp.Backend(config("oxygen"))
    mixed = [first, sp.Backend(drug, engine=first.engine), sp.Backend(config("glucose"), engine=first.engine)]
    alone = [sp.Backend(each.config) for each in mixed]
    for seed in (1, 2):
        results = sp.step_together(mixed, states(seed), dt_min=6.0)
        wanted = [backend.step(each, dt_min=6.0) for backend, each in zip(alone, states(seed), strict=True)]
        for found, want, allowed in zip(results, wanted, (0.05, 1e-4, 0.01), strict=True):
            assert_alike(found, want, allowed)
        np.testing.assert_array_equal(results[1].field, wanted[1].field)
        assert results[1].record.balance == wanted[1].record.balance
    assert batches == [2, 2]


def one_by_one(backends: Sequence[sp.Backend], asked: Sequence[sp.TissueState]) -> list[sp.StepResult]:
    return [backend.step(each) for backend, each in zip(backends, asked, strict=True)]


@pytest.mark.parametrize("place", range(3))
def test_an_error_is_of_its_own_backend_in_its_turn(batches: list[int], place: int) -> None:
    """Those before it have stepped, those after it have not, as if one had come after the other."""
    together, alone = backends(decay_per_min=0.0), backends(decay_per_min=0.0)
    for backend in (together[place], alone[place]):
        backend.reconfigure(boundary="reflecting")
    asked = states(5)
    asked[place] = sp.TissueState()  # which nothing pulls to a value
    with pytest.raises(sp.InvalidProblemError) as told:
        sp.step_together(together, asked)
    with pytest.raises(sp.InvalidProblemError) as said:
        one_by_one(alone, asked)
    assert str(told.value) == str(said.value)
    for each in (together, alone):
        assert [len(backend.records) for backend in each] == [1] * place + [0] * (3 - place)
    # What was wrong is put right, and the step is taken again: the others go on with what was found.
    asked[place] = states(5)[place]
    results = zip(together, sp.step_together(together, asked), one_by_one(alone, asked), strict=True)
    for backend, found, wanted in results:
        assert_alike(found, wanted, backend.config.tolerance or 0.38)


def test_what_cannot_be_posed_is_told_by_its_own_step(batches: list[int]) -> None:
    together = backends()
    asked = states(1)
    asked[1] = sp.TissueState(sp.Cells([(-50.0, 0.0)], radius_um=5.0))
    with pytest.raises(sp.InvalidProblemError, match=r"cells\.position_um"):
        sp.step_together(together, asked)
    assert [len(backend.records) for backend in together] == [1, 0, 0]
    assert batches == [2]


def test_what_was_solved_ahead_is_for_that_state_and_configuration_alone(batches: list[int]) -> None:
    together = dict(zip(NAMES, backends(), strict=True))
    asked = dict(zip(NAMES, states(1), strict=True))
    assert solve_ahead(together, asked.__getitem__) == asked
    together["oxygen"].reconfigure(decay_per_min=0.4)
    oxygen = together["oxygen"].step(asked["oxygen"])
    glucose = together["glucose"].step(state(7, 1))
    assert batches == [3]
    for name, found, each in (("oxygen", oxygen, asked["oxygen"]), ("glucose", glucose, state(7, 1))):
        wanted = sp.solve(together[name].problem(each), method="exact")
        assert np.abs(found.field - wanted.field).max() <= found.record.bound + wanted.error_bound


def test_nothing_is_solved_ahead_twice_or_for_those_who_are_not_asked(batches: list[int]) -> None:
    together = dict(zip(NAMES, backends(), strict=True))
    asked = dict(zip(NAMES, states(1), strict=True))
    made = solve_ahead(together, lambda name: None if name == "lactate" else asked[name])
    assert (set(made), batches) == ({"oxygen", "glucose"}, [2])
    found = together["oxygen"].step(made["oxygen"])
    assert found.record.seconds["solve"] > 0
    assert together["lactate"].records == []

    def failing(name: str) -> sp.TissueState:
        raise RuntimeError("a host's own code")

    assert solve_ahead(together, failing) == {}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda backend: pickle.loads(pickle.dumps(backend))])
def test_a_copy_has_nothing_of_what_was_solved_ahead(batches: list[int], duplicate: Any) -> None:
    together = dict(zip(NAMES, backends(), strict=True))
    solve_ahead(together, dict(zip(NAMES, states(1), strict=True)).__getitem__)
    twin = duplicate(together["oxygen"])
    found = [backend.step(states(1)[0]) for backend in (twin, together["oxygen"])]
    assert_alike(found[0], found[1], 0.05)
    assert batches[0] == 3


def test_named_solvers_and_backends_of_other_engines_go_their_own_way(batches: list[int]) -> None:
    named = backends(method="sparse-direct")
    assert {result.solution.method for result in sp.step_together(named, states(1))} == {"sparse-direct"}
    apart = [sp.Backend(config(name)) for name in NAMES]
    sp.step_together(apart, states(1))
    assert batches == []


def test_where_it_does_not_pay_nothing_is_made_or_solved_ahead() -> None:
    together = dict(zip(NAMES, backends(), strict=True))

    def never(name: str) -> sp.TissueState:
        raise AssertionError("a state was made")

    with solved("in turns") as counts:
        assert solve_ahead(together, never) == {}
        sp.step_together(list(together.values()), states(1))
    assert counts == []


def test_there_is_a_state_a_backend() -> None:
    with pytest.raises(sp.InvalidProblemError, match="states has 2 for 3 backends; one a backend is allowed"):
        sp.step_together(backends(), states(1)[:2])
    assert sp.step_together([], []) == []


@pytest.mark.parametrize(("device", "alone", "several"), [("cpu", [], []), ("auto", [], [3]), ("cuda", [1], [3])])
def test_where_there_is_a_gpu_it_has_all_of_several_and_one_alone_that_was_sent_there(
    monkeypatch: pytest.MonkeyPatch, device: str, alone: list[int], several: list[int]
) -> None:
    counts: list[int] = []

    def on_device(group: Sequence[questions.Question]) -> list[questions.Answer]:
        counts.append(len(group))
        assert {question.engine.device for question in group} == {device}
        return [question.answer() for question in group]

    monkeypatch.setattr(questions, "LEAST_ON_CPU", None)
    monkeypatch.setattr(questions, "_on_device", lambda device: device != "cpu")
    monkeypatch.setattr(questions, "_solved", on_device)
    sp.Backend(config("oxygen", device=device, method="exact")).step(state(1))
    assert counts == alone
    counts.clear()
    sp.step_together(backends(device=device, method="exact"), states(1))
    assert counts == several


def test_what_goes_together_is_what_a_gpu_takes() -> None:
    assert set(questions._OF_MANY) == set(METHODS)


def test_a_member_of_an_ensemble_hands_all_its_substrates_to_the_pool_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "LEAST_ON_CPU", None)
    counts: list[int] = []

    class Pool:
        def answer(self, engine: sp.Engine, asked: list[Asked]) -> list[sp.Solution | Exception]:
            counts.append(len(asked))
            token = HERE.set(None)
            try:
                return [
                    engine.solve(each.problem, method=each.method, tolerance=each.tolerance, previous=each.previous)
                    for each in asked
                ]
            finally:
                HERE.reset(token)

    pooled, alone = backends(), backends()
    token = HERE.set(Pool())
    try:
        found = [sp.step_together(pooled, states(seed)) for seed in (1, 2)]
    finally:
        HERE.reset(token)
    assert counts == [3, 3]
    for results, seed in zip(found, (1, 2), strict=True):
        for backend, each, wanted in zip(alone, results, one_by_one(alone, states(seed)), strict=True):
            assert_alike(each, wanted, backend.config.tolerance or 0.38)


def test_maps_of_errors_are_made_for_those_that_want_them(batches: list[int]) -> None:
    first = sp.Backend(config("oxygen", error_map=True))
    mixed = [first, *(sp.Backend(config(name), engine=first.engine) for name in NAMES[1:])]
    results = sp.step_together(mixed, states(4))
    assert batches == [3]
    assert [result.solution.error_map is None for result in results] == [False, True, True]
    solution, exact = results[0].solution, sp.solve(first.problem(states(4)[0]), method="exact", tolerance=1e-9)
    assert solution.error_map is not None
    assert (np.abs(solution.field - exact.field) <= solution.error_map + exact.error_bound).all()
    assert not solution.error_map.flags.writeable
    assert not solution.field.flags.writeable


@pytest.mark.parametrize("policy", ["fastest", "surrogate-first"])
def test_either_policy_is_certified_from_the_first_step_to_the_next(batches: list[int], policy: str) -> None:
    together = backends(policy=policy)
    for seed in (1, 2):
        for backend, result, each in zip(together, sp.step_together(together, states(seed)), states(seed), strict=True):
            exact = sp.solve(backend.problem(each), method="exact", tolerance=1e-9)
            off = float(np.abs(result.field - exact.field).max())
            assert off <= result.record.bound + exact.error_bound
            assert result.record.bound <= (backend.config.tolerance or 0.38)
    assert batches == [3, 3]


def test_a_device_that_fails_costs_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    together, alone = backends(), backends()
    with solved("on tensors"):
        sp.step_together(together, states(1))

        def failing(*given: Any, **options: Any) -> Any:
            raise RuntimeError("an illegal memory access was encountered")

        monkeypatch.setattr("surrogate_plugin.batched.solve.solve", failing)
        results = sp.step_together(together, states(2))
    one_by_one(alone, states(1))
    for backend, found, wanted in zip(alone, results, one_by_one(alone, states(2)), strict=True):
        assert sp.Reason.DEVICE_FAILED in {flag.reason for flag in found.record.flags}
        assert_alike(found, wanted, backend.config.tolerance or 0.38)
