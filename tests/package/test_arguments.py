"""Whatever a caller hands over, of whatever kind: it is taken for what it is, or refused in one sentence."""

from __future__ import annotations

import functools
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin.arguments import MAX_PIXELS, shown
from surrogate_plugin.equation.sides import Boundary, Side
from tests.gone import engine_without_network
from tests.junk import NO_NUMBERS, SOURCE, Silent, one_sentence


@pytest.mark.parametrize("kind", NO_NUMBERS)
@pytest.mark.parametrize("field", ["source", "diffusivity", "decay", "production", "spacing", "boundary", "fixed"])
def test_what_is_no_number_is_refused_in_one_sentence(field: str, kind: str) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.Problem(**{"source": SOURCE} | {field: NO_NUMBERS[kind]})
    one_sentence(caught.value, field)


@pytest.mark.parametrize("kind", NO_NUMBERS)
@pytest.mark.parametrize("field", ["vmax", "km"])
def test_uptake_of_no_number_is_refused_in_one_sentence(field: str, kind: str) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.MichaelisMenten(**{"vmax": 1.0, "km": 1.0} | {field: NO_NUMBERS[kind]})
    one_sentence(caught.value, f"uptake.{field}")


@pytest.mark.parametrize("field", ["source", "diffusivity", "decay", "production", "spacing", "boundary"])
@pytest.mark.parametrize("value", [True, np.True_, None, np.array(True)])
def test_a_truth_value_is_no_number(field: str, value: object) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.Problem(**{"source": SOURCE} | {field: value})
    one_sentence(caught.value, field)
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.MichaelisMenten(1.0, value)
    one_sentence(caught.value, "uptake.km")


@pytest.mark.parametrize(
    "quarter", [0.25, Fraction(1, 4), Decimal("0.25"), np.float32(0.25), np.array(0.25), torch.tensor(0.25)]
)
def test_a_number_of_any_kind_is_that_number(quarter: object) -> None:
    problem = sp.Problem(
        SOURCE,
        diffusivity=quarter,
        decay=quarter,
        production=quarter,
        spacing=quarter,
        uptake=sp.MichaelisMenten(quarter, quarter),
        boundary={"left": quarter},
    )
    values = (problem.diffusivity, problem.decay, problem.production, problem.spacing, problem.boundary.left.value)
    assert values == (0.25,) * 5
    assert (problem.uptake.vmax, problem.uptake.km) == (0.25, 0.25)
    assert sp.solve(problem, tolerance=quarter).error_bound <= 0.25


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.tolist(),
        torch.tensor(SOURCE),
        torch.tensor(SOURCE, requires_grad=True).detach(),
        np.ma.array(SOURCE),
        SOURCE.astype(">f8"),
        SOURCE.astype(np.float16),
        SOURCE.astype(np.longdouble),
        SOURCE.astype(np.int8),
        np.asfortranarray(SOURCE),
        SOURCE[::-1][::-1],
        memoryview(SOURCE),
    ],
    ids=lambda same: type(same).__name__,
)
def test_a_map_of_any_kind_is_that_map(same: object) -> None:
    problem = sp.Problem(same, decay=same)
    np.testing.assert_array_equal(problem.source, SOURCE)
    np.testing.assert_array_equal(problem.decay, SOURCE)


def test_a_mask_of_truth_values_may_be_a_source() -> None:
    np.testing.assert_array_equal(sp.Problem(SOURCE > 0).source, (SOURCE > 0).astype(float))


def test_a_negative_zero_is_zero() -> None:
    signed = sp.Problem(-0.0 * SOURCE, decay=-0.0, production=-0.0, boundary={"left": -0.0})
    plain = sp.Problem(0.0 * SOURCE, decay=0.0)
    assert signed.fingerprint == plain.fingerprint
    assert sp.solve(signed).field.tolist() == sp.solve(plain).field.tolist()


@pytest.mark.parametrize(
    "sides", [("absorbing",) * 4, (Side("value"),) * 3 + (None,), (Side("periodic"),) + 3 * (Side("value"),)]
)
def test_a_boundary_made_by_hand_is_checked_too(sides: tuple[object, ...]) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        Boundary(*sides)
    one_sentence(caught.value, "boundary")


@pytest.mark.parametrize("made", [("open", 0.0), ("value", -1.0), ("value", "a"), (None, 1.0)])
def test_a_side_made_by_hand_is_checked_too(made: tuple[object, object]) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        Side(*made)
    one_sentence(caught.value, "side")


# What a solve is asked for.

PROBLEM = sp.Problem(SOURCE)
NO_TOLERANCE = {name: value for name, value in NO_NUMBERS.items() if name not in ("too large for its square",)}
NO_FIELD = NO_NUMBERS | {"number": 1.0, "turned": SOURCE.T}


def configured(**options: str) -> sp.BackendConfig:
    domain = sp.Domain.from_lattice((8, 8), 20.0)
    return sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, **options)


@pytest.mark.parametrize("kind", [*NO_TOLERANCE, "truth", "zero", "array"])
def test_no_tolerance_is_refused_in_one_sentence(kind: str) -> None:
    value = (NO_TOLERANCE | {"truth": True, "zero": 0.0, "array": np.array([0.1])})[kind]
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.solve(PROBLEM, tolerance=value)
    one_sentence(caught.value, "tolerance")


@pytest.mark.parametrize("kind", NO_FIELD)
def test_no_previous_field_is_refused_in_one_sentence(kind: str) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        engine_without_network().solve(PROBLEM, previous=NO_FIELD[kind])
    one_sentence(caught.value, "previous")


@pytest.mark.parametrize("junk", [None, 3, [], {}, b"exact", np.array(["exact"]), SOURCE, sp.Problem])
@pytest.mark.parametrize("argument", ["problem", "method", "device", "policy", "model"])
def test_arguments_of_another_type_are_refused_in_one_sentence(argument: str, junk: object) -> None:
    ask = {"problem": sp.solve, "model": sp.Engine}.get(argument, functools.partial(sp.solve, PROBLEM))
    with pytest.raises(sp.InvalidProblemError) as caught:
        ask(**{argument: junk})
    one_sentence(caught.value, argument)


@pytest.mark.parametrize("construct", [sp.Engine, configured])
@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("defualt", r"model is 'defualt'; the models installed are 'default'.*, and the path of one is allowed too\."),
        ("", "model is ''; the models installed are"),
        ("missing.safetensors", "model is 'missing.safetensors'; the weights missing.safetensors are missing"),
        ("no/such/folder", "model is 'no/such/folder'; the weights folder are missing"),
        (".", r"model is '\.'; \. holds 0 safetensors files"),
    ],
)
def test_a_model_that_is_not_there_is_refused_by_name(construct, model: str, words: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sp.InvalidProblemError, match=words) as caught:
        construct(model=model)
    one_sentence(caught.value, "model")


def test_a_model_is_named_by_its_path_too(tmp_path: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(b"nothing of a network")
    for path in (weights, str(weights), tmp_path):
        flags = sp.Engine(model=path).solve(PROBLEM).flags
        assert [flag.reason for flag in flags] == [sp.Reason.NO_MODEL]  # its card is missing
    assert configured(model=str(tmp_path)).model == str(tmp_path)


def test_a_model_that_went_away_costs_a_flag() -> None:
    flags = engine_without_network().solve(PROBLEM).flags
    assert [flag.reason for flag in flags] == [sp.Reason.NO_MODEL]


def test_a_value_is_shown_on_one_line_of_sensible_length() -> None:
    assert shown(10**5000) == "an integer of about 10**5000"
    assert shown(-(10**400)) == "an integer of about -10**400"
    assert len(shown("x" * 1000)) == 60
    assert "\n" not in shown(torch.zeros(20, 20))
    assert shown(Silent()) == "a Silent"


def test_a_lattice_beyond_any_memory_is_refused_before_it_is_made() -> None:
    for attempt in (
        lambda: sp.Domain((0.0, 0.0), (1e9, 1e9), (10**9, 10**9)),
        lambda: sp.Domain.from_lattice((10**400, 1), 1.0),
        lambda: sp.regrid(SOURCE, (10**9, 10**9)),
    ):
        with pytest.raises(sp.InvalidProblemError, match=f"at most {MAX_PIXELS} pixels") as caught:
            attempt()
        one_sentence(caught.value, "shape")
