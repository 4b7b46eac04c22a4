"""What benchmarks compare with solves the same equation, to the error that it is said to be certified to."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from benchmarks import baselines
from benchmarks.baseline_methods import METHODS, Method
from benchmarks.systems import LinearSystem

CASES = baselines.cases(24)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_each_solves_what_it_takes_to_what_is_asked(method: Method, case: str) -> None:
    problem = CASES[case](0)
    if not method.applies(problem):
        assert method.name == "transforms + CG"
        assert case in ("two tissues, contrast 100", "membranes around cells")
        return
    if not method.installed:
        pytest.skip(f"{method.install}")
    system = LinearSystem.of(problem)
    figures = dict(baselines._one(method, system, LinearSystem.of(baselines._other_values(problem)), 1e-6))
    assert figures["certified"] <= 1e-6
    solve = method.prepare(system, 1)
    again = LinearSystem.of(baselines._other_values(problem))
    exact = sp.solve(again.problem, method="exact").field
    np.testing.assert_allclose(again.fill(solve(again.rhs, 1e-12)), exact, atol=1e-8 * exact.max())


@pytest.mark.parametrize("needed", [1e-3, 2e-6, 1e-9])
def test_an_iterative_method_may_stop_as_soon_as_it_is_certified(
    needed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it certified at residuals up to the one needed, that would be asked for, to half a power of ten."""
    monkeypatch.setattr(baselines, "certified", lambda system, residual: 0.0 if residual <= needed else 1.0)
    system = LinearSystem.of(CASES["constant decay, 10 discs"](0))
    found = baselines.loosest(METHODS[0], lambda rhs, residual: residual, system, 1e-6)
    assert needed / 10**0.51 < found <= needed


def test_the_repeated_solve_is_of_the_same_operator() -> None:
    problem = CASES["variable decay, vessels and a tumour"](0)
    again = baselines._other_values(problem)
    assert again.fingerprint == problem.fingerprint
    assert not np.array_equal(again.source, problem.source)


def test_what_is_not_installed_is_said_with_how_it_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = Method("Nobody's solver", lambda system, threads: None, needs="no_such_module", install="pip install it")  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(baselines, "METHODS", (METHODS[-1], absent))
    monkeypatch.setattr(
        "sys.argv", ["baselines", "--sides", "16", "--rounds", "1", "--case", "constant decay, 10 discs"]
    )
    baselines.main()
    said = capsys.readouterr().out
    assert "Left out, since they are not installed: Nobody's solver (pip install it)." in said
    assert "| scipy spsolve | 1 |" in said
    assert "| this package, `exact` | own |" in said
