"""Junk of every kind, and numbers of every size, in every argument of what is public.

Whatever is handed over, the answer is an error whose one sentence names the argument, or a field that is finite, within
the maximum principle and as close to the exact one as its bound says. The normal suite draws the same examples each
time; the slow one draws many more, new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.equation.sides import Boundary
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.reference import solve_extended
from tests.gone import engine_without_network
from tests.junk import SHAPES, dressed, junk, magnitudes, one_sentence

Arguments = dict[str, Any]
METHODS = ["guarded", "exact", "multigrid", "spectral", "sparse-direct", "surrogate"]
DOMAIN = sp.Domain((-50.0, 0.0), (120.0, 100.0), (10, 12))
BOUNDARIES = ["absorbing", "reflecting", "periodic", {"left": "reflecting", "right": 1.0}, {"top": 1.0, "bottom": 0.5}]

_MANY = 1_000
_engine = sp.Engine()


def campaign(examples: int, check: Callable[[st.DataObject], None]) -> None:
    """Draw examples of a property: a few are the same each time, many are new ones."""
    same = {"derandomize": True, "database": None} if examples < _MANY else {}
    limits = settings(max_examples=examples, suppress_health_check=list(HealthCheck), **same)
    limits(given(st.data())(check))()


def examples(few: int, many: int) -> pytest.MarkDecorator:
    """How many in the normal suite, and how many in the slow one."""
    return pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.slow)])


@contextmanager
def refused_in_a_sentence(*names: str) -> Iterator[None]:
    """Nothing but the documented errors, which name one of the arguments."""
    try:
        yield
    except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
        one_sentence(error, *names)


# Problems.


def sane(
    rng: np.random.Generator, shape: tuple[int, int], unit: float, diffusivity: float, spacing: float
) -> Arguments:
    """A problem of moderate numbers, times its units of value, length and time, of whatever size these are."""
    link = diffusivity / spacing**2

    def rate(low: float, high: float) -> Any:
        value = 10.0 ** rng.uniform(low, high)
        return value if rng.random() < 0.5 else value * rng.random(shape)

    source = np.where(rng.random(shape) < 0.1, rng.random(shape), 0.0) * unit
    boundary: Any = BOUNDARIES[int(rng.integers(len(BOUNDARIES)))]
    if isinstance(boundary, dict):
        boundary = {side: kind if isinstance(kind, str) else kind * unit for side, kind in boundary.items()}
    uptake = None
    if rng.random() < 0.4:
        uptake = sp.MichaelisMenten(rate(-3, 1) * unit * link, 10.0 ** rng.uniform(-2, 1) * unit)
    return {
        "source": source,
        "fixed": None if rng.random() < 0.5 else (source > 0) | (rng.random(shape) < 0.05),
        "diffusivity": diffusivity * (1.0 if rng.random() < 0.8 else 1.0 + rng.random(shape)),
        "decay": rate(-5, 1) * link,
        "production": 0.0 if rng.random() < 0.6 else rate(-4, 0) * unit * link,
        "uptake": uptake,
        "spacing": spacing,
        "boundary": boundary,
    }


@st.composite
def posed(draw: st.DrawFn) -> Arguments:
    """Arguments of a problem: sane but for its units, with up to three of any size or of any kind."""
    shape = draw(SHAPES)
    decades = st.one_of(st.just(0.0), st.floats(-101.0, 101.0), st.floats(-20.0, 20.0))
    unit, diffusivity, spacing = (10.0 ** draw(decades) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    with np.errstate(all="ignore"):
        try:
            arguments = sane(rng, shape, unit, diffusivity, spacing)
        except sp.InvalidProblemError:  # the uptake's own units are too large or too small
            arguments = sane(rng, shape, 1.0, 1.0, 1.0)
    for name in draw(st.lists(st.sampled_from(sorted(arguments)), max_size=3, unique=True)):
        arguments[name] = draw(replacement(name, shape, arguments[name]))
    return arguments


def replacement(name: str, shape: tuple[int, int], value: Any) -> st.SearchStrategy[Any]:
    """Something else for an argument: another number, the same one of another type, a map of any size, or junk."""
    anything = junk(shape)
    if isinstance(value, float):
        anything = st.one_of(anything, dressed(value), magnitudes())
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return st.one_of(anything, magnitudes().map(lambda top: _times(value, top)), st.just(value.tolist()))
    if name == "boundary":
        return st.one_of(anything, magnitudes(), st.fixed_dictionaries({"left": magnitudes(), "top": anything}))
    return anything


def _times(array: np.ndarray, top: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return array / (array.max() or 1.0) * top


@examples(few=150, many=20_000)
def test_whatever_is_posed_is_refused_or_solved_right(count: int) -> None:
    def check(data: st.DataObject) -> None:
        arguments = data.draw(posed())
        with refused_in_a_sentence(*arguments, "km"):
            problem = sp.Problem(**arguments)
            method = data.draw(st.sampled_from(METHODS))
            share = st.floats(1e-12, 0.1).map(problem.largest_imposed.__mul__)
            tolerance = data.draw(st.one_of(st.none(), magnitudes(), share))
            with refused_in_a_sentence("tolerance", "method", method):
                solved_right(problem, _engine.solve(problem, method=method, tolerance=tolerance), tolerance)

    campaign(count, check)


def solved_right(problem: sp.Problem, solution: sp.Solution, tolerance: float | None) -> None:
    """Finite, within the maximum principle, and as close to the exact field as the bound says."""
    field, bound = solution.field, solution.error_bound
    assert field.shape == problem.shape
    assert np.isfinite(field).all()
    assert bound >= 0
    np.testing.assert_array_equal(field[problem.fixed], problem.source[problem.fixed])
    assert field.min() >= 0
    if not np.any(problem.production):
        assert field.max() <= problem.largest_imposed
    reached = not any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags)
    if tolerance is not None and reached and solution.method != "surrogate":
        assert bound <= tolerance
    reference = solve_extended(problem)
    rounding = 1e-18 * float(field.max())  # of the reference's own numbers
    assert reference.distance(field) <= bound + reference.error + rounding


# Everything else that is public: the arguments of a call that is right, of which some are replaced.

CELLS: Arguments = {
    "position_um": [(0.0, 50.0), (10.0, 60.0)],
    "radius_um": 8.0,
    "uptake_per_min": [10.0, 0.0],
    "secretion_per_min": 0.5,
    "secretion_target": 38.0,
}
VESSELS: Arguments = {
    "position_um": [(0.0, 50.0), (10.0, 60.0)],
    "radius_um": 8.0,
    "value": [38.0, 20.0],
    "end_um": [(0.0, 50.0), (60.0, 90.0)],
}
VOXELS: Arguments = {
    "fixed": np.eye(10, 12, dtype=bool),
    "value": 38.0,
    "uptake_per_min": 1.0,
    "production_per_min": np.ones((10, 12)),
}
CONFIG: Arguments = {
    "domain": DOMAIN,
    "diffusivity_um2_per_min": 1e5,
    "decay_per_min": 0.1,
    "tolerance": 0.38,
    "model": "default",
    "boundary": "reflecting",
    "method": "guarded",
    "policy": "fastest",
    "device": "cpu",
    "michaelis_km": 1.0,
    "deposit": "area",
    "outside": "clamp",
    "error_map": False,
}
FIELD = np.linspace(0.0, 38.0, 120).reshape(10, 12)
STATE = sp.TissueState(sp.Cells(**CELLS), sp.Vessels(**VESSELS), sp.Voxels(**VOXELS))
BACKEND = sp.Backend(sp.BackendConfig(**CONFIG))
EYE = sp.Problem(np.eye(8))


def stepped(state: sp.TissueState, **changed: Any) -> None:
    """A step of a backend with this state is right, if it is not refused."""
    backend = sp.Backend(sp.BackendConfig(**CONFIG | changed), engine=_engine)
    result = backend.step(state)
    solved_right(backend.problem(state), result.solution, backend.config.tolerance)
    assert np.isfinite(result.sample([(0.0, 50.0), (999.0, -999.0)])).all()


def on_pixels(domain: sp.Domain) -> None:
    """The domain's numbers are numbers, and a tissue on it is too."""
    assert 0 < domain.voxel_volume_um3 < np.inf
    if domain.shape[0] * domain.shape[1] <= 10_000:
        x, y = domain.centres_um()
        assert domain.contains(np.array([(x[0], y[0]), (x[-1], y[-1])])).all()
        raster = domain.rasterise(sp.TissueState(sp.Cells(**CELLS), sp.Vessels(**VESSELS)), outside="clamp")
        assert np.isfinite(np.asarray(raster.uptake_per_min)).all()
        assert raster.fixed.any()


def saturates(uptake: sp.MichaelisMenten) -> None:
    """The law is finite and below its limit."""
    at = np.array([0.0, 1e-3, 1.0, 1e3])
    if not isinstance(uptake.vmax, np.ndarray):
        assert np.isfinite(uptake.slope(at)).all()
        assert (uptake.rate(at) <= uptake.vmax).all()


def finite(values: Any) -> None:
    """Numbers, all of them finite."""
    assert np.isfinite(values).all()


def moved(lattice: tuple[np.ndarray, np.ndarray]) -> None:
    """A mask, and the values that it holds."""
    fixed, held = lattice
    assert (held[~fixed] == 0).all()
    finite(held)


def nothing(_: Any) -> None:
    """That it came to an end is all that is asked."""


Call = tuple[Callable[..., Any], Arguments, Callable[[Any], None]]
CALLS: dict[str, Call] = {
    "MichaelisMenten": (sp.MichaelisMenten, {"vmax": 1.0, "km": 1.0}, saturates),
    "MichaelisMenten.rate": (sp.MichaelisMenten(FIELD, 1.0).rate, {"field": FIELD}, finite),
    "MichaelisMenten.slope": (sp.MichaelisMenten(1.0, 1.0).slope, {"field": FIELD}, finite),
    "Boundary.parse": (Boundary.parse, {"boundary": {"left": 1.0}}, lambda sides: finite(sides.largest_value)),
    "Domain": (
        sp.Domain,
        {"origin_um": (0.0, 0.0), "size_um": (100.0, 80.0), "shape": (8, 10), "thickness_um": 5.0},
        on_pixels,
    ),
    "Domain.from_lattice": (
        sp.Domain.from_lattice,
        {"shape": (8, 10), "spacing_um": 20.0, "origin_um": (0.0, 0.0), "thickness_um": None},
        on_pixels,
    ),
    "Domain.contains": (DOMAIN.contains, {"points_um": [(0.0, 1.0)]}, nothing),
    "Domain.sample": (
        DOMAIN.sample,
        {"field": FIELD, "points_um": [(0.0, 1.0)], "boundary": "absorbing", "outside": "clamp"},
        finite,
    ),
    "Domain.rasterise": (
        DOMAIN.rasterise,
        {"state": STATE, "deposit": "area", "outside": "clamp"},
        lambda raster: finite(raster.decay(0.1)),
    ),
    "Cells": (sp.Cells, CELLS, lambda cells: stepped(sp.TissueState(cells, STATE.vessels))),
    "Cells, dropped": (
        sp.Cells,
        CELLS,
        lambda cells: stepped(sp.TissueState(cells, STATE.vessels), outside="drop", deposit="voxel", michaelis_km=None),
    ),
    "Vessels": (sp.Vessels, VESSELS, lambda vessels: stepped(sp.TissueState(vessels=vessels))),
    "Vessels.from_segments": (
        sp.Vessels.from_segments,
        {"start_um": [(0.0, 50.0)], "end_um": [(60.0, 90.0)], "radius_um": 0.1, "value": 38.0},
        lambda vessels: stepped(sp.TissueState(vessels=vessels), outside="drop"),
    ),
    "Voxels": (sp.Voxels, VOXELS, lambda voxels: stepped(sp.TissueState(voxels=voxels))),
    "TissueState": (sp.TissueState, {"cells": STATE.cells, "vessels": STATE.vessels, "voxels": None}, stepped),
    "TissueState.same_as": (STATE.same_as, {"other": STATE}, nothing),
    "BackendConfig": (
        sp.BackendConfig,
        CONFIG,
        lambda config: sp.Backend(config, engine=_engine).step(sp.TissueState(vessels=STATE.vessels)),
    ),
    "Backend": (sp.Backend, {"config": BACKEND.config, "engine": None, "recorder": None}, nothing),
    "Backend.step": (BACKEND.step, {"state": STATE}, nothing),
    "Backend.problem": (BACKEND.problem, {"state": STATE}, nothing),
    "Backend.rasterise": (BACKEND.rasterise, {"state": STATE}, nothing),
    "StepResult.sample": (BACKEND.step(STATE).sample, {"points_um": [(0.0, 1.0)]}, finite),
    "regrid": (sp.regrid, {"values": FIELD, "shape": (5, 7)}, finite),
    "regrid_fixed": (sp.regrid_fixed, {"fixed": FIELD > 30.0, "value": FIELD, "shape": (5, 7)}, moved),
    "Engine": (sp.Engine, {"model": "default", "device": "cpu", "policy": "fastest"}, nothing),
    "Engine.solve": (
        engine_without_network().solve,
        {"problem": EYE, "method": "guarded", "tolerance": 0.1, "previous": np.eye(8)},
        lambda solution: solved_right(EYE, solution, None),
    ),
    "solve": (
        sp.solve,
        {"problem": EYE, "method": "exact", "tolerance": None, "device": "cpu", "policy": "fastest"},
        nothing,
    ),
}

#: How errors name what a call is about, where that is not one of its arguments.
ALIASES = {
    "Boundary.parse": ("side", "boundary"),
    "regrid": ("values", "shape"),
    "TissueState": ("state",),
    "Domain": ("domain",),
    "Domain.from_lattice": ("domain",),
}


@pytest.mark.parametrize("name", CALLS)
@examples(few=30, many=2_000)
def test_whatever_is_handed_to_what_is_public_is_refused_or_taken_right(name: str, count: int) -> None:
    call, right, right_result = CALLS[name]
    names = (*right, *ALIASES.get(name, ()), "decay", "production", "source", "uptake", "vessels")

    def check(data: st.DataObject) -> None:
        arguments = dict(right)
        shape = data.draw(st.sampled_from([(10, 12), (2, 2), (2, 3)]))
        for argument in data.draw(st.lists(st.sampled_from(sorted(right)), min_size=1, max_size=3, unique=True)):
            arguments[argument] = data.draw(replacement(argument, shape, arguments[argument]))
        with refused_in_a_sentence(*names):
            right_result(call(**arguments))

    campaign(count, check)
