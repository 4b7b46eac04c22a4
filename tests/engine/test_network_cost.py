"""What a network costs is asked of no machine before it is worth knowing, and decides who is asked first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import calibration
from surrogate_plugin.engine import network as loading
from surrogate_plugin.engine.network import Network
from surrogate_plugin.engine.network_cost import NetworkCost
from surrogate_plugin.equation.solution import Flag, Reason


def varying(shape: tuple[int, int] = (64, 80), least: float = 0.01) -> sp.Problem:
    """A tissue that the shipped card covers."""
    source = np.zeros(shape)
    source[20:24, 30:34] = 38.0
    return sp.Problem(source, decay=np.linspace(least, 0.04, source.size).reshape(shape), boundary="reflecting")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every question to this machine; a forward pass takes 4 s, a cycle 1 s, and no process has measured them."""
    found: list[str] = []

    def seconds(name: str, work: Any) -> float:
        found.append(name)
        return 1.0 if name.startswith("cycle") else 4.0

    monkeypatch.setattr(calibration, "seconds", seconds)
    monkeypatch.setattr(calibration, "known", lambda name: None)
    return found


def loads(monkeypatch: pytest.MonkeyPatch, typical_error: float) -> list[str]:
    """The names under which networks are loaded from now on: each off by so much of the largest value."""
    names: list[str] = []

    def load(name: str, device: str) -> tuple[Any, None]:
        names.append(name)
        card = SimpleNamespace(sha256="digest")
        return SimpleNamespace(
            card=card, device=device, typical_error=typical_error, predict=lambda problem: None
        ), None

    monkeypatch.setattr(loading, "_load", load)
    monkeypatch.setattr(Network, "outside", lambda self, problem: ())
    return names


def test_a_minute_of_solves_on_a_lattice_goes_by_before_its_price_is_measured(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = loads(monkeypatch, 0.001)
    cost, problem = NetworkCost(Network("default", "cpu")), varying()
    for seconds in (0.0, 30.0, 29.0):
        cost.count(problem, seconds)
        flag = cost.cheaper_without(problem, False)
        assert flag is not None
        assert "not known yet" in flag.message
        assert cost.price(problem) is None
    cost.count(varying((64, 90)), 1e3)  # of another lattice, which says nothing of this one
    assert cost.price(problem) is None
    assert names == asked == []
    cost.count(problem, 1.0)
    assert cost.price(problem) == cost.price(problem) == 4.0
    assert names == ["default"]  # once
    assert [name.split("|")[0] for name in asked] == ["digest", "cycle"] * 2


@pytest.mark.parametrize(("typical_error", "cheaper"), [(0.2, True), (1e-3, True), (1e-4, False), (0.0, False)])
def test_a_network_is_asked_where_the_cycles_it_saves_cost_more_than_it_does(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, typical_error: float, cheaper: bool
) -> None:
    """A cycle leaves a ninth of an error, so that 1e-3 saves three of them and 1e-4 more than four."""
    loads(monkeypatch, typical_error)
    network = Network("default", "cpu")
    network.load()
    flag = NetworkCost(network).cheaper_without(varying(), False)
    assert (flag is not None) == cheaper
    if flag is not None:
        assert flag.reason is Reason.EXACT_IS_CHEAPER
        assert "4000.0 ms" in flag.message


def test_what_needs_no_price_asks_for_none(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    names = loads(monkeypatch, 0.0)
    cost = NetworkCost(Network("default", "cpu"))
    cost.count(varying(), 1e3)
    for problem, previous in ((varying().replace(decay=0.01), False), (varying(), True)):
        flag = cost.cheaper_without(problem, previous)
        assert flag is not None
        assert flag.reason is Reason.EXACT_IS_CHEAPER
    assert names == asked == []


def test_what_a_card_does_not_cover_has_no_price_and_loads_nothing(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = loads(monkeypatch, 0.0)
    monkeypatch.setattr(Network, "outside", lambda self, problem: (Flag(Reason.OUTSIDE_CARD, "It is not."),))
    cost = NetworkCost(Network("default", "cpu"))
    cost.count(varying(), 1e3)
    assert cost.cheaper_without(varying(), False) is None  # what the card says is the better reason
    assert cost.price(varying()) is None
    assert names == asked == []


def test_a_network_that_is_not_there_is_looked_for_once_and_asking_tells_why(asked: list[str]) -> None:
    network = Network("no-such-network", "cpu")
    cost = NetworkCost(network)
    assert not network.there()
    assert cost.cheaper_without(varying(), False) is None
    model, trouble = network.load()
    assert model is None
    assert trouble is not None
    assert trouble.reason is Reason.NO_MODEL
    assert network.load() == (model, trouble)
    assert asked == []
