"""The conformance kit for what not every host has: cells and places that conduct in their own way, fields in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from surrogate_plugin.equation.sides import Exchange, Flux, SideLike
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.testing.checking import Checks, untold
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["WiderSuite"]

#: What makes a random scenario pose what a host may have, and what its check says where a suite says no.
_OPTIONS = {
    "conducts": ("conducting", "no diffusivities of cells"),
    "walls": ("walled", "no membranes of cells"),
    "decays": ("decaying", "no decay of cells"),
    "places": ("placed", "no diffusivities and decay of places"),
    "regions": ("regioned", "no membranes between regions"),
    "fluxes": ("sides", "no fluxes through sides"),
    "uneven": ("uneven", "no voxels that are not square"),
    "produces": ("producing", "no constant production"),
    "stepping": ("", "no field in time"),
}


class WiderSuite(Checks):
    """Checks to be inherited besides `AdapterSuite`, by a class ``Test...`` of its own, for what the host has of them.

    Attributes
    ----------
    conducts : bool
        Whether cells can conduct in their own way: the driver sets ``cells.conducts(substrate)`` then.
    walls : bool
        Whether cells can have membranes: the driver sets ``cells.membranes(substrate)``.
    decays : bool
        Whether decay can be above or below the background where a cell is: ``cells.decays(substrate)``.
    places : bool
        Whether places can conduct and decay in their own way: ``medium.diffusivity_map`` and ``medium.decay_map``.
    regions : bool
        Whether membranes can lie between places: ``medium.regions`` and ``medium.permeability_um_per_min``.
    fluxes : bool
        Whether sides can be a `Flux` or an `Exchange`, as ``scenario.sides`` has them then.
    uneven : bool
        Whether voxels can be less high than wide: ``scenario.spacings_um`` is (dy, dx) then.
    produces : bool
        Whether cells can make an amount whatever is there: ``cells.made(substrate)``.
    stepping : bool
        Whether fields can go on in time: the driver has ``attach_stepping(substrates, tolerance)``, which attaches
        with ``stepping="implicit-euler"``, and ``dt_min``, the minutes between two solves, one a turn of the host.
    cannot : mapping of these to str
        What the host cannot be told, each in a sentence that says why. The driver raises `UnsupportedProblemError` with
        this sentence where ``scenario.poses`` names it, in the place of a field that would leave it out; the checks
        hold it to that.

    Notes
    -----
    Attributes of `AdapterSuite` that its checks of scenarios need, ``deposit`` and the like, are said here too.
    """

    conducts: bool = False
    walls: bool = False
    decays: bool = False
    places: bool = False
    regions: bool = False
    fluxes: bool = False
    uneven: bool = False
    stepping: bool = False
    cannot: Mapping[str, str] = {}

    def has(self, ability: str, what: str) -> None:
        """Skip a check of what the host does not have, and say so."""
        if not getattr(self, ability):
            pytest.skip(f"{what} of this host")

    def able(self, ability: str, scenario: Scenario) -> bool:
        """Whether the host can be told so; if not, it is held to the sentence that says so, or the check is skipped."""
        if ability not in self.cannot:
            self.has(ability, _OPTIONS[ability][1])
            return True
        sentence = self.cannot[ability]
        one = sentence.endswith(".") and ". " not in sentence
        assert one, f"cannot[{ability!r}] is not one sentence: {sentence!r}"
        with pytest.raises(UnsupportedProblemError) as refused:
            self.attached(scenario)
        assert str(refused.value) == sentence, f"told {ability}, the host says {refused.value}, and not: {sentence}"
        return False

    @pytest.mark.parametrize("seed", range(2))
    def test_cells_conduct_in_their_own_way(self, seed: int) -> None:
        self.check_wider("conducts", self.scenario(120 + seed, (11, 15), substrates=2, conducting=True))

    @pytest.mark.parametrize("seed", range(2))
    def test_membranes_hold_back(self, seed: int) -> None:
        self.check_wider("walls", self.scenario(130 + seed, (11, 15), substrates=2, walled=True))

    def test_cells_conduct_and_hold_back_around_a_torus(self) -> None:
        self.needs("torus")
        scenario = self.scenario(140, (9, 12), conducting=True, walled=True, torus=True)
        if self.able("conducts", scenario) and self.able("walls", scenario):
            self.check_as_cells_move(scenario)

    def test_decay_is_above_and_below_the_background_where_cells_are(self) -> None:
        self.check_wider("decays", self.scenario(160, (11, 15), substrates=2, decaying=True))

    def test_places_conduct_and_decay_in_their_own_way(self) -> None:
        self.check_wider("places", self.scenario(161, (11, 15), substrates=2, placed=True))

    def test_membranes_lie_between_regions(self) -> None:
        self.check_wider("regions", self.scenario(162, (11, 15), substrates=2, regioned=True))

    def test_voxels_need_not_be_square(self) -> None:
        self.check_wider("uneven", self.scenario(168, (11, 15), substrates=2, uneven=True))

    @pytest.mark.parametrize("side", ["left", "right", "bottom", "top"])
    def test_what_comes_in_through_a_side_is_there(self, side: str) -> None:
        self.check_wider("fluxes", self.scenario(163, (11, 15), sides={side: Flux(2e3)}))

    @pytest.mark.parametrize("side", ["left", "right", "bottom", "top"])
    def test_a_side_exchanges_with_what_is_outside(self, side: str) -> None:
        self.check_wider("fluxes", self.scenario(164, (11, 15), sides={side: Exchange(3e3, 25.0)}))

    def test_all_of_it_is_so_at_once(self) -> None:
        self.check_as_cells_move(self.everything(165, (11, 15), substrates=2))

    def test_all_of_it_goes_on_in_time(self) -> None:
        scenario = self.everything(166, (11, 15))
        if self.able("stepping", scenario):
            self.check_in_time(scenario)

    def test_a_field_goes_on_in_time_by_implicit_steps(self) -> None:
        self.has("stepping", "no field in time")
        scenario = self.scenario(150, (11, 15))
        host = self.stepping_host(scenario)
        field = np.full(scenario.shape, scenario.medium("oxygen").initial)
        for turn in range(4):
            host.advance()
            field = scenario.step("oxygen", field, host.dt_min)
            self.check_field(host, scenario, field, f"after turn {turn + 1}")

    def test_a_field_in_time_follows_cells_that_come_move_and_go(self) -> None:
        self.has("stepping", "no field in time")
        self.check_in_time(self.scenario(151, (11, 15), crowded=False))

    def everything(self, seed: int, shape: tuple[int, int], **options: Any) -> Scenario:
        """A scenario that poses all that the host can be told."""
        able = [each for each in _OPTIONS if getattr(self, each) and each not in self.cannot]
        sides: dict[str, SideLike] = {"left": Flux(1e3), "top": Exchange(2e3, 20.0)}
        given: dict[str, Any] = {_OPTIONS[each][0]: sides if each == "fluxes" else True for each in able}
        given.pop("", None)
        return self.scenario(seed, shape, **given | options)

    def stories(self, scenario: Scenario) -> Sequence[CellTable]:
        """The cells of a scenario turn by turn: as they are, elsewhere, and fewer."""
        moved = scenario.moved(7, scenario.cells)
        return scenario.cells, moved, moved.take(range(len(moved) // 2))

    def check_wider(self, ability: str, scenario: Scenario) -> None:
        """The host's fields are those of a scenario that poses what not every host has, or it says that it cannot."""
        if self.able(ability, scenario):
            self.check_as_cells_move(scenario)

    def check_in_time(self, scenario: Scenario) -> None:
        """The host's field is the one that exact implicit steps come to, with the cells as they are in each."""
        host = self.stepping_host(scenario)
        field = np.full(scenario.shape, scenario.medium("oxygen").initial)
        for turn, cells in enumerate(self.stories(scenario)):
            host.put(cells)
            host.advance()
            field = scenario.step("oxygen", field, host.dt_min, cells)
            self.check_field(host, scenario, field, f"after turn {turn + 1}")

    def check_as_cells_move(self, scenario: Scenario) -> None:
        """The fields of all substrates are the exact ones, of the cells as they are now."""
        host = self.attached(scenario)
        for cells in self.stories(scenario):
            host.put(cells)
            with untold():
                host.advance()
            for name in scenario.names:
                self.check(host, scenario, cells, name)

    def stepping_host(self, scenario: Scenario) -> Any:
        """A host with the adapter attached, whose fields go on in time."""
        host = self.build(scenario)
        with untold():
            host.attach_stepping(scenario.names, 0.01 * self.agreement * min(map(scenario.scale, scenario.names)))
        return host

    def check_field(self, host: Any, scenario: Scenario, expected: Any, when: str) -> None:
        """The host's field is that of exact implicit steps."""
        gap = float(np.abs(np.asarray(host.field("oxygen")) - expected).max())
        allowed = self.agreement * scenario.scale("oxygen")
        assert gap <= allowed, (
            f"{when} of {host.dt_min:g} min the host's oxygen is {gap:g} off what implicit steps from its initial "
            f"field make of it ({allowed:g} is allowed)."
        )
