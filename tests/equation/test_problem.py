"""Problem: what it accepts, what it refuses and in which words, and what its fingerprint tells apart."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_plugin.arguments import real_array
from surrogate_plugin.equation import posing
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.errors import InvalidProblemError
from tests.equation.parts import assert_same

SOURCE = np.eye(8, 9)


def spoiled(value, where=(2, 3)):
    array = np.ones((8, 9))
    array[where] = value
    return array


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": np.ones(9)}, r"source has shape \(9,\); a 2-D array"),
        ({"source": np.ones((0, 9))}, r"source has shape \(0, 9\); at least one row and one column"),
        ({"source": spoiled(np.nan)}, r"source is NaN at \(row 2, column 3\); finite values >= 0"),
        ({"source": spoiled(-1.5)}, r"source is -1.5 at \(row 2, column 3\)"),
        ({"source": spoiled(np.inf)}, r"source is inf at \(row 2, column 3\)"),
        ({"source": np.ones((8, 9), dtype=complex)}, "source has dtype complex128; real numbers"),
        ({"source": np.full((8, 9), "a")}, "source has dtype .*; real numbers"),
        ({"fixed": np.ones((8, 9))}, "fixed has dtype float64; a boolean array"),
        ({"fixed": np.ones((9, 8), dtype=bool)}, r"fixed has shape \(9, 8\), but source has \(8, 9\)"),
        ({"diffusivity": -1.0}, "diffusivity is -1; finite values >= 0"),
        ({"diffusivity": spoiled(-2.0)}, r"diffusivity is -2 at \(row 2, column 3\)"),
        ({"diffusivity": spoiled(1e-9)}, "diffusivity spans from 1e-09 to 1; a contrast of at most 1e8"),
        ({"decay": -0.1}, "decay is -0.1; finite values >= 0"),
        ({"decay": np.nan}, "decay is NaN"),
        ({"decay": np.ones((9, 8))}, r"decay has shape \(9, 8\), but source has \(8, 9\)"),
        ({"decay": np.ones(9)}, r"decay has shape \(9,\)"),
        ({"decay": 1e13}, "decay reaches 1e[+]13, more than 1e12 times"),
        ({"production": spoiled(np.nan)}, r"production is NaN at \(row 2, column 3\)"),
        ({"production": -1.0}, "production is -1"),
        ({"spacing": 0.0}, "spacing is 0"),
        ({"spacing": np.ones(3)}, r"spacing has shape \(3,\); a number or \(dy, dx\)"),
        ({"boundary": "open"}, "boundary .* is 'open'; allowed are 'absorbing'"),
        ({"boundary": -1.0}, "boundary .* is -1.0"),
        ({"boundary": {"left": np.nan}}, r"boundary \(left\) is nan"),
        ({"boundary": {"north": 1.0}}, "unknown side 'north'; the sides are left, right, bottom, top"),
        ({"boundary": {"left": "periodic"}}, "periodic sides come in opposite pairs"),
        ({"uptake": 3.0}, "uptake is 3.0; None or a MichaelisMenten"),
        ({"uptake": MichaelisMenten(np.ones((9, 8)), 1.0)}, r"uptake.vmax has shape \(9, 8\)"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(changes, words):
    with pytest.raises(InvalidProblemError, match=words) as caught:
        Problem(**({"source": SOURCE} | changes))
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(("vmax", "km", "words"), [(-1.0, 1.0, "uptake.vmax is -1"), (1.0, 0.0, "uptake.km is 0")])
def test_bad_uptake_is_refused(vmax, km, words):
    with pytest.raises(InvalidProblemError, match=words):
        MichaelisMenten(vmax, km)


def test_a_field_nothing_anchors_is_refused():
    nothing = np.zeros((8, 8))
    with pytest.raises(InvalidProblemError, match="no unique steady state"):
        Problem(nothing, decay=0.0, boundary="reflecting").check_steady()
    with pytest.raises(InvalidProblemError, match="nothing else anchors the field"):
        Problem(nothing, decay=1e-13, boundary="periodic").check_steady()
    Problem(nothing, decay=0.0, boundary={"left": "absorbing", "right": "reflecting"}).check_steady()
    Problem(nothing, fixed=np.eye(8, dtype=bool), decay=0.0, boundary="reflecting").check_steady()


def test_axes_are_counted_in_one_place_alone(monkeypatch, tmp_path):
    """Three are refused; without that refusal everything that a problem does for itself takes them."""
    rng = np.random.default_rng(0)
    deep = {"source": rng.random((3, 4, 5)), "decay": 0.1 + rng.random((3, 4, 5)), "boundary": 1.0}
    with pytest.raises(InvalidProblemError, match=r"source has shape \(3, 4, 5\); a 2-D array \(H, W\) is allowed"):
        Problem(**deep)
    monkeypatch.setattr(posing, "image_of", lambda source: real_array("source", source))
    problem = Problem(**deep, diffusivity=0.1 + rng.random((3, 4, 5)), production=rng.random((3, 4, 5)))
    assert problem.shape == (3, 4, 5)
    problem.save(tmp_path / "deep.npz")
    for again in (Problem.of_parts(problem.parts), problem.map(np.copy), Problem.load(tmp_path / "deep.npz")):
        assert_same(again, problem)
    assert problem.replace(decay=0.1).fingerprint != problem.fingerprint
    assert problem.map(lambda array: array[:, ::2]).shape == (3, 2, 5)


def test_fixed_pixels_default_to_the_positive_ones():
    np.testing.assert_array_equal(Problem(SOURCE).fixed, SOURCE > 0)


def test_the_hosts_buffers_are_copied_and_ours_are_read_only():
    source, decay = SOURCE.copy(), spoiled(2.0)
    problem = Problem(source, decay=decay)
    before = problem.fingerprint
    source[:], decay[:] = 7.0, 7.0
    assert problem.source.max() == 1.0
    assert problem.decay.max() == 2.0
    assert Problem(problem.source, decay=problem.decay).fingerprint == before
    with pytest.raises(ValueError, match="read-only"):
        problem.source[0, 0] = 3.0


def test_integers_and_transposed_arrays_are_taken():
    problem = Problem(np.eye(9, 8, dtype=np.int32).T, decay=np.arange(72, dtype=np.float32).reshape(9, 8).T)
    assert problem.source.flags.c_contiguous
    assert problem.decay.dtype == np.float64


@pytest.mark.parametrize(
    "changes",
    [
        {"decay": 0.2},
        {"decay": spoiled(0.1)},
        {"diffusivity": 2.0},
        {"spacing": 2.0},
        {"fixed": np.eye(8, 9, k=1, dtype=bool)},
        {"uptake": MichaelisMenten(1.0, 1.0)},
        {"uptake": MichaelisMenten(1.0, 2.0)},
        {"boundary": "reflecting"},
        {"boundary": {"left": "reflecting"}},
        {"boundary": {"bottom": "reflecting"}},
        {"source": np.eye(9, 8)},
    ],
)
def test_fingerprint_tells_operators_apart(changes):
    base = {"source": SOURCE, "decay": 0.1}
    assert Problem(**base).fingerprint != Problem(**(base | changes)).fingerprint


@pytest.mark.parametrize("changes", [{"source": 3 * SOURCE}, {"production": 2.0}, {"boundary": 4.0}])
def test_fingerprint_ignores_values(changes):
    base = {"source": SOURCE, "decay": 0.1}
    assert Problem(**base).fingerprint == Problem(**(base | changes)).fingerprint


@pytest.mark.parametrize("kind", [np.float64, np.float32, int, np.longdouble])
def test_a_map_of_one_value_is_that_number(kind):
    def full(value):
        return np.full((8, 9), value, dtype=kind)

    problem = Problem(
        SOURCE, diffusivity=full(3), decay=full(2), production=full(0), uptake=MichaelisMenten(full(5), 1)
    )
    plain = Problem(SOURCE, diffusivity=3, decay=2, production=0, uptake=MichaelisMenten(5, 1))
    for given in (problem, plain):
        values = (given.diffusivity, given.decay, given.production, given.uptake.vmax)
        assert values == (3.0, 2.0, 0.0, 5.0)
        assert all(type(value) is float for value in values)
    assert problem.fingerprint == plain.fingerprint
    assert Problem(SOURCE, decay=full(2)).constant_coefficients
    assert not Problem(SOURCE, decay=spoiled(2.0)).constant_coefficients
    assert Problem(SOURCE, uptake=MichaelisMenten(spoiled(2.0), 1)).uptake.vmax.shape == (8, 9)


def test_uptake_of_nobody_is_no_uptake():
    assert Problem(SOURCE, uptake=MichaelisMenten(0.0, 1.0)).constant_coefficients


def test_michaelis_menten_slope_is_the_derivative_of_its_rate():
    uptake, field, step = MichaelisMenten(2.0, 0.5), np.linspace(0.0, 4.0, 9), 1e-6
    difference = (uptake.rate(field + step) - uptake.rate(field)) / step
    np.testing.assert_allclose(uptake.slope(field), difference, rtol=1e-5)
