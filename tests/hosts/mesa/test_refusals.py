"""What the Mesa adapter refuses, each in one sentence that names it, and leaves the model as it was."""

from __future__ import annotations

import re
import warnings
from typing import Any

import mesa
import pytest
from mesa.discrete_space import CellAgent, HexGrid, Network, OrthogonalMooreGrid, VoronoiGrid
from mesa.experimental.continuous_space import ContinuousSpace

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach

D, VOLUME = 1e5, 2494.0


class Tumour(CellAgent):
    uptake: Any = 10.0


class Vessel(CellAgent):
    """Holds the field at a value."""


class Walker(mesa.Agent):
    """An agent that is not made for this grid."""


OXYGEN = Substrate(
    diffusivity_um2_per_min=D, decay_per_min=0.1, uptake_per_min={Tumour: "uptake"}, vessels={Vessel: 38.0}
)


def still(*, cells: int = 0, grid: Any = None) -> mesa.Model:
    model = mesa.Model(rng=5)
    model.grid = OrthogonalMooreGrid((17, 11), random=model.random) if grid is None else grid(model)
    for k in range(cells):
        Tumour(model).cell = model.grid[3 * k, 2 * k]
    return model


def attached(host: Any, oxygen: Any = OXYGEN, **options: Any) -> Any:
    given = {"spacing_um": 20.0, "volume_um3": VOLUME, "tolerance": 1e-5, "substrates": {"oxygen": oxygen}} | options
    return attach(host, **given)


def pond() -> mesa.Model:
    model = mesa.Model(rng=0)
    model.space = ContinuousSpace([[-80.0, 240.0], [0.0, 200.0]], random=model.random)
    return model


def network(model: Any) -> Any:
    import networkx

    return Network(networkx.path_graph(4), random=model.random)


def hexagons(model: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mesa.space.HexSingleGrid(17, 11, torus=False)


def irregular(model: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, of matrices
        return VoronoiGrid([[0, 0], [1, 2], [3, 1]], random=model.random)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (lambda model: HexGrid((17, 11), random=model.random), "space is a HexGrid; an orthogonal grid"),
        (hexagons, "space is a HexSingleGrid"),
        (network, "space is a Network"),
        (irregular, "space is a VoronoiGrid"),
        (lambda model: OrthogonalMooreGrid((17, 11, 2), random=model.random), "has 3 dimensions"),
        (lambda model: ContinuousSpace([[0, 1]] * 3, random=model.random), "has 3 dimensions"),
        (lambda model: None, "has neither grid and space"),
        (lambda model: "a chessboard", "space is a str"),
    ],
)
def test_spaces_that_are_no_lattice_are_refused_by_name(grid, message):
    model = still(grid=grid)
    with pytest.raises(sp.UnsupportedProblemError, match=message):
        attached(model)
    assert model._user_step == type(model).step.__get__(model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spacing_um": 0.0}, "spacing_um is .*0"),
        ({"spacing_um": "20"}, "spacing_um is '20'"),
        ({"step_min": 0.0}, "step_min is 0"),
        ({"method": "magic"}, "method is 'magic'; allowed are 'guarded'"),
        ({"model": "defualt"}, "model is 'defualt'; the models installed are"),
        ({"substrates": ["oxygen"]}, r"substrates is \['oxygen'\]; a mapping of names to Substrate"),
        ({"substrates": {"agents": OXYGEN}}, "substrate 'agents' would hide an attribute"),
        ({"substrates": {3: OXYGEN}}, "substrates names 3; a str is allowed"),
        ({"oxygen": {"diffusion": 1e5}}, "substrate 'oxygen' is {'diffusion': 100000.0}; a Substrate"),
        ({"thickness_um": -1.0}, "thickness_um is .*-1"),
        ({"tolerance": {"oxigen": 1.0}}, "tolerance names 'oxigen'"),
        ({"tolerance": -1.0}, "tolerance is -1.0"),
        ({"volume_um3": None}, "volume_um3 has nothing for Tumour"),
        ({"volume_um3": {Vessel: 1.0}}, "volume_um3 has nothing for Tumour"),
        ({"oxygen": None}, "substrate 'oxygen' is None; a Substrate"),
    ],
)
def test_options_that_are_not_allowed_are_named(options, message):
    model = still(cells=1)
    with pytest.raises((sp.InvalidProblemError, sp.UnsupportedProblemError), match=message):
        attached(model, **options)
    assert model._user_step == type(model).step.__get__(model)
    assert "oxygen" not in model.grid._mesa_property_layers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diffusivity_um2_per_min": 0.0}, r"Substrate: diffusivity_um2_per_min is 0.0; input should"),
        ({"decay_per_min": float("nan")}, "Substrate: decay_per_min is nan"),
        ({"diffusion": {"oxygen": 1.0}}, "Substrate has no setting 'diffusion'; it has diffusivity_um2_per_min"),
        ({"diffusivity_um2_per_min": {"oxygen": 1.0}}, "diffusivity_um2_per_min is {'oxygen': 1.0}; input should be"),
        ({"vessels": {Tumour: None}}, "the reading for Tumour is None; a number >= 0, the name of an attribute"),
        ({"uptake_per_min": 10.0}, "Substrate: uptake_per_min: 10.0 is no mapping"),
        ({"uptake_per_min": {Tumour: -1.0}}, "the reading for Tumour is -1.0"),
        ({"uptake_per_min": {Tumour: float("nan")}}, "the reading for Tumour is nan"),
        ({"uptake_per_min": {Tumour: None}}, "the reading for Tumour is None"),
        ({"uptake_per_min": {"Tumour": 1.0}}, "uptake_per_min names 'Tumour'; classes"),
        ({"vessels": {3: 38.0}}, "3 is no class of agents"),
        ({"secretion_per_min": {Tumour: 1.0}}, "secretion_per_min names Tumour, but secretion_target does not"),
    ],
)
def test_a_substrate_that_is_not_allowed_is_refused_in_one_sentence(options, message):
    with pytest.raises(sp.InvalidProblemError, match=message) as caught:
        Substrate(**{"diffusivity_um2_per_min": D} | options)
    assert "\n" not in str(caught.value)


def test_a_substrate_without_diffusivity_is_incomplete():
    with pytest.raises(sp.InvalidProblemError, match="Substrate: diffusivity_um2_per_min is missing"):
        Substrate()


def spoil(model: Any, name: str, value: Any) -> None:
    setattr(next(iter(model.agents_by_type[Tumour])), name, value)


@pytest.mark.parametrize(
    ("change", "substrate", "message"),
    [
        (lambda model: spoil(model, "uptake", float("nan")), {}, r"uptake_per_min \(oxygen\) of agent .* is nan"),
        (lambda model: spoil(model, "uptake", -2.0), {}, r"agent 1 \(Tumour\) is -2; finite values >= 0"),
        (lambda model: spoil(model, "uptake", 1e101), {}, r"agent 1 \(Tumour\) is 1e\+101; .* and at most 1e\+100"),
        (lambda model: spoil(model, "uptake", "much"), {}, r"agent 1 \(Tumour\) is 'much'; a number"),
        (
            lambda model: None,
            {"uptake_per_min": {Tumour: "hunger"}},
            "no attribute 'hunger', which .* reads; it has .*pos",
        ),
        (lambda model: None, {"uptake_per_min": {Tumour: "uptaek"}}, "no attribute 'uptaek', .*; was 'uptake' meant"),
        (lambda model: None, {"uptake_per_min": {Tumour: lambda agent: None}}, "is None; a number is allowed"),
        (lambda model: None, {"vessels": {"artery": 38.0}}, "no property layer 'artery'; it has empty, oxygen"),
        (lambda model: None, {"vessels": {"oxygen": 38.0}}, "names property layer 'oxygen' of float64; bool"),
        (lambda model: None, {"vessels": {"empty": spoil}}, "a function for a property layer"),
        (lambda model: None, {"uptake_per_min": {mesa.Agent: 1.0}}, r"agent 3 \(Walker\) has no cell"),
        (lambda model: model.grid.remove_property_layer("oxygen"), {}, "no property layer 'oxygen'"),
    ],
)
def test_agents_that_say_what_is_not_allowed_stop_the_step_and_spoil_nothing(change, substrate, message):
    model = still(cells=2)
    Walker(model)
    attached(model, OXYGEN.model_copy(update=substrate), volume_um3={mesa.Agent: VOLUME})
    change(model)
    with pytest.raises((sp.InvalidProblemError, sp.UnsupportedProblemError), match=message):
        model.step()
    assert model.steps == 0


@pytest.mark.parametrize("value", [float("nan"), -1.0, 1e101])
def test_what_a_layer_holds_and_is_not_allowed_is_named_with_its_cell(value):
    model = still(cells=2)
    model.grid.create_property_layer("artery", False, dtype=bool)
    model.grid.create_property_layer("pressure", 0.0)
    model.grid.pressure.data[:] = value  # of no account where no artery is
    attached(model, OXYGEN.model_copy(update={"vessels": {"artery": "pressure", Vessel: 38.0}}))
    model.step()
    model.grid.artery.data[12, 4] = True
    with pytest.raises(sp.InvalidProblemError, match=re.escape(f"layer 'pressure' is {value:g} in cell (12, 4)")):
        model.step()


@pytest.mark.parametrize("uptake", [0.0, None])
def test_a_moment_at_which_nothing_fixes_the_level_is_refused_and_others_are_not(uptake):
    model = still(cells=2)
    drug = OXYGEN.model_copy(update={"decay_per_min": 0.0, "production_per_min": {Tumour: 1.0}})
    attached(model, drug)
    model.step()
    for agent in list(model.agents_by_type[Tumour]):
        agent.uptake = uptake
        if uptake is None:
            agent.remove()
    with pytest.raises(sp.InvalidProblemError, match="'oxygen' has no unique steady field now: decay_per_min is 0"):
        model.step()


def test_a_layer_of_whole_numbers_is_refused():
    model = still()
    model.grid.create_property_layer("oxygen", 0, dtype=int)
    with pytest.raises(sp.UnsupportedProblemError, match="'oxygen' has dtype int64; float64"):
        attached(model)


def test_a_pixel_must_divide_a_continuous_space():
    with pytest.raises(sp.InvalidProblemError, match="spacing_um is 30; what divides the sides of the space, here 320"):
        attached(pond(), spacing_um=30.0)
    with pytest.raises(sp.UnsupportedProblemError, match="a continuous space has no property layer 'artery'"):
        attached(pond(), OXYGEN.model_copy(update={"vessels": {"artery": 38.0}}))


@pytest.mark.parametrize("release", ["3.2.0", "3.6.1", "4.0.0a0"])
def test_a_mesa_that_was_not_tried_is_refused(monkeypatch, release):
    model = still()
    monkeypatch.setattr(mesa, "__version__", release)
    with pytest.raises(sp.UnsupportedProblemError, match=f"Mesa {release} is installed; 3.3 to 3.5 are allowed"):
        attached(model)


def test_what_is_no_model_is_refused():
    class Early(mesa.Model):
        def __init__(self) -> None:
            attached(self)

    with pytest.raises(sp.UnsupportedProblemError, match=r"host is a Early whose super\(\).__init__\(\) has not run"):
        Early()
    with pytest.raises(sp.UnsupportedProblemError, match="host is a int"):
        attached(3)
    model = still()
    with pytest.raises(sp.UnsupportedProblemError, match="'glucose' is not attached; attached are oxygen"):
        attached(model).result("glucose")
