"""The conformance kit: what every adapter has to keep, whatever its host, as tests to be inherited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
import pytest

from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError
from surrogate_plugin.problem import FloatArray
from surrogate_plugin.testing.diagnosis import diagnose
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["AdapterSuite", "HostUnderTest"]

_SHAPES = pytest.mark.parametrize("shape", [(14, 14), (11, 19), (21, 8)], ids=lambda shape: f"{shape[0]}x{shape[1]}")


class HostUnderTest(Protocol):
    """A thin driver around a host and its adapter; written by the adapter's author, for the suite.

    It is made with the scenario's lattice, substrates, vessels and cells, nothing attached yet. It turns arrays by
    itself, by hand, so that it does not share a mistake with the adapter.
    """

    def attach(self, substrates: Sequence[str], tolerance: float) -> None:
        """Let the adapter answer for these substrates, within the tolerance, in field units."""

    def detach(self) -> None:
        """Give the host back."""

    def advance(self) -> None:
        """One turn of the host, in which nothing moves by itself; afterwards its fields are those of its cells."""

    def field(self, substrate: str) -> FloatArray:
        """What the host holds now, (H, W) with rows along y."""

    def seen(self, substrate: str) -> FloatArray:
        """What each cell of the host reads now, (n,), in the order they were put."""

    def put(self, cells: CellTable) -> None:
        """These are the cells now: rows that were there before are the same cells, moved; others are born, or dead."""


class AdapterSuite:
    """Every check of an adapter; inherit, name the class ``Test...``, and say how a host is built.

    Attributes
    ----------
    agreement : float
        Largest error allowed, relative to the largest value of a field.
    outside : "error", "drop", "clamp" or None
        What becomes of cells off the lattice; None where the host cannot have any.
    several_cells_a_voxel, secretes, detaches : bool
        False where the host has no such thing.

    Notes
    -----
    A host may also have ``taken_up(substrate) -> float``: what its cells took up by its own count, per minute, in field
    units times um^3; else it is reckoned from what the cells see.
    """

    agreement: float = 1e-6
    outside: Literal["error", "drop", "clamp"] | None = "error"
    several_cells_a_voxel: bool = True
    secretes: bool = True
    detaches: bool = True

    def build(self, scenario: Scenario) -> Any:
        """A `HostUnderTest` set up with the scenario."""
        raise NotImplementedError("an adapter's suite says how its host is built.")

    def scenario(self, seed: int, shape: tuple[int, int], **options: Any) -> Scenario:
        """A random scenario that the host can be set up with."""
        return Scenario.random(
            seed, shape, **{"crowded": self.several_cells_a_voxel, "secreting": self.secretes} | options
        )

    def attached(self, scenario: Scenario, names: Sequence[str] | None = None) -> Any:
        """A host with the adapter attached for some substrates, all if not given."""
        host = self.build(scenario)
        chosen = scenario.names if names is None else names
        host.attach(chosen, 0.1 * self.agreement * min(map(scenario.scale, chosen)))
        return host

    def check(self, host: Any, scenario: Scenario, cells: CellTable | None = None, name: str = "oxygen") -> None:
        """The host's field, and what its cells see, are those of the exact steady field."""
        cells = scenario.cells if cells is None else cells
        expected, field = scenario.steady(name, cells), np.asarray(host.field(name))
        allowed = self.agreement * scenario.scale(name)
        gap = float(np.abs(field - expected).max()) if field.shape == expected.shape else np.inf
        assert gap <= allowed, (
            f"the host's {name} is {gap:g} off the steady field ({allowed:g} is allowed). "
            + diagnose(scenario, name, cells, field, allowed)
        )
        seen = np.asarray(host.seen(name))
        assert seen.shape == (len(cells),), f"{len(cells)} cells read {name}, but the host has {seen.shape}."
        there = expected[scenario.voxels(cells)]
        far = float(np.abs(seen - there).max(initial=0.0))
        assert far <= allowed, f"a cell reads {name} {far:g} off the value of its voxel ({allowed:g} is allowed)."

    # --- one field ---

    @_SHAPES
    @pytest.mark.parametrize("seed", range(3))
    def test_the_field_is_the_exact_one_on_any_lattice(self, shape: tuple[int, int], seed: int) -> None:
        scenario = self.scenario(seed, shape)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_it_is_not_turned_or_mirrored(self) -> None:
        """One vessel and one cell in different corners of an oblong lattice."""
        scenario = self.scenario(10, (9, 16), cells=1, vessels=1, crowded=False)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    @pytest.mark.parametrize(("spacing_um", "thickness_um"), [(7.5, 7.5), (20.0, 30.0), (50.0, 10.0)])
    def test_lengths_volumes_and_rates_are_in_the_units_said(self, spacing_um: float, thickness_um: float) -> None:
        scenario = self.scenario(20, (10, 13), spacing_um=spacing_um, thickness_um=thickness_um)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_vessels_keep_their_values(self) -> None:
        scenario = self.scenario(30, (12, 17), vessels=12)
        host = self.attached(scenario)
        for _ in range(3):
            host.advance()
            medium = scenario.medium("oxygen")
            held, value = np.asarray(host.field("oxygen"))[medium.fixed], medium.value[medium.fixed]
            wrong = int((np.abs(held - value) > self.agreement * value).sum())
            assert not wrong, f"{wrong} of {len(value)} voxels do not hold what they should: {held} instead of {value}."

    def test_without_cells_the_field_is_that_of_the_vessels(self) -> None:
        scenario = self.scenario(40, (12, 17), cells=0)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_without_cells_and_vessels_there_is_nothing(self) -> None:
        scenario = self.scenario(41, (12, 17), cells=0, vessels=0)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_before_the_first_step_a_field_can_be_asked_for(self) -> None:
        """It is the one the host began with, or already the steady one; never a NaN, never an error."""
        scenario = self.scenario(42, (12, 17))
        host = self.attached(scenario)
        field, seen = np.asarray(host.field("oxygen")), np.asarray(host.seen("oxygen"))
        assert field.shape == scenario.shape, f"before the first step the field has shape {field.shape}."
        assert np.isfinite(field).all(), "before the first step the field is not finite everywhere."
        assert np.isfinite(seen).all(), "before the first step a cell reads what is no finite number."
        first, allowed = self.build(scenario).field("oxygen"), self.agreement * scenario.scale("oxygen")
        gaps = [float(np.abs(field - known).max()) for known in (first, scenario.steady("oxygen"))]
        assert min(gaps) <= allowed, "before the first step the field is neither the host's own nor the steady one."

    # --- uptake ---

    def test_uptake_counts_once_however_often_the_host_steps(self) -> None:
        scenario = self.scenario(50, (12, 17))
        host = self.attached(scenario)
        for _ in range(4):
            host.advance()
            self.check(host, scenario)

    @_SHAPES
    def test_what_the_cells_take_up_is_what_the_vessels_give(self, shape: tuple[int, int]) -> None:
        scenario = self.scenario(51, shape)
        host = self.attached(scenario)
        host.advance()
        if hasattr(host, "taken_up"):
            taken = float(host.taken_up("oxygen"))
        else:
            cells = scenario.cells
            taken = float((cells.uptake_per_min["oxygen"] * cells.volume_um3 * host.seen("oxygen")).sum())
        given = scenario.inflow("oxygen", np.asarray(host.field("oxygen")))
        assert taken > 0, "the cells take up nothing by the host's own count."
        assert given == pytest.approx(taken, rel=1e-5), f"the vessels give {given / taken:.6g} times what is taken up."

    # --- cells that come and go ---

    def test_the_field_follows_cells_that_move(self) -> None:
        scenario = self.scenario(60, (13, 18))
        host, cells = self.attached(scenario), scenario.cells
        host.advance()
        for seed in (61, 62):
            cells = scenario.moved(seed, cells)
            host.put(cells)
            host.advance()
            self.check(host, scenario, cells)

    def test_the_field_follows_cells_that_divide_and_die(self) -> None:
        scenario = self.scenario(63, (13, 18))
        host, everyone = self.attached(scenario), scenario.cells
        for count in (10, 25, 40, 7, 0, 15):
            host.put(everyone.take(range(count)))
            host.advance()
            self.check(host, scenario, everyone.take(range(count)))

    def test_the_field_follows_rates_and_volumes(self) -> None:
        scenario = self.scenario(64, (13, 18))
        host = self.attached(scenario)
        host.advance()
        for times in (3.0, 0.2):
            cells = scenario.cells.eating(times)
            host.put(cells)
            host.advance()
            self.check(host, scenario, cells)

    def test_cells_off_the_lattice_are_treated_as_the_adapter_says(self) -> None:
        if self.outside is None:
            pytest.skip("cells of this host cannot leave the lattice")
        scenario = self.scenario(65, (12, 17))
        host, cells = self.attached(scenario), scenario.cells
        height, width = (side * scenario.spacing_um for side in scenario.shape)
        place = cells.position_um.copy()
        place[:2] = (-1.7 * scenario.spacing_um, 0.5 * height), (0.5 * width, height + 2.2 * scenario.spacing_um)
        astray = cells.at(place)
        if self.outside == "error":
            with pytest.raises((InvalidProblemError, UnsupportedProblemError), match="off the domain"):
                _advance_with(host, astray)
            host.put(cells)
            host.advance()
            self.check(host, scenario)
            return
        _advance_with(host, astray)
        if self.outside == "clamp":
            inside = np.clip(place, 0.01 * scenario.spacing_um, np.array([width, height]) - 0.01 * scenario.spacing_um)
            counted = astray.at(inside)
        else:
            counted = astray.take(range(2, len(astray)))
        gap = float(np.abs(host.field("oxygen") - scenario.steady("oxygen", counted)).max())
        allowed = self.agreement * scenario.scale("oxygen")
        assert gap <= allowed, f"with cells off the lattice, to {self.outside}, the field is {gap:g} off."

    # --- several substrates, and the host itself ---

    def test_several_substrates_each_have_their_own_field(self) -> None:
        scenario = self.scenario(70, (12, 17), substrates=3)
        host = self.attached(scenario)
        for _ in range(2):
            host.advance()
            for name in scenario.names:
                self.check(host, scenario, name=name)

    def test_substrates_that_are_not_named_are_left_to_the_host(self) -> None:
        scenario = self.scenario(71, (12, 17), substrates=2)
        plain, host = self.build(scenario), self.attached(scenario, ["glucose"])
        for _ in range(3):
            plain.advance()
            host.advance()
            self.check(host, scenario, name="glucose")
            same = np.array_equal(plain.field("oxygen"), host.field("oxygen"))
            assert same, "oxygen, which was not named, is not what the host makes of it alone."

    def test_an_unknown_substrate_is_refused(self) -> None:
        host = self.build(self.scenario(72, (9, 9)))
        with pytest.raises((InvalidProblemError, UnsupportedProblemError), match="ambrosia"):
            host.attach(["ambrosia"], 1e-6)

    def test_detaching_leaves_the_host_as_it_was(self) -> None:
        if not self.detaches:
            pytest.skip("what this host is composed of cannot be taken out of it")
        scenario = self.scenario(73, (12, 17))
        plain, host = self.build(scenario), self.attached(scenario)
        host.detach()
        for _ in range(3):
            plain.advance()
            host.advance()
            same = np.array_equal(plain.field("oxygen"), host.field("oxygen"))
            assert same, "attached and detached, the host does not step as one that never was."

    def test_after_detaching_nobody_answers_until_it_is_attached_again(self) -> None:
        if not self.detaches:
            pytest.skip("what this host is composed of cannot be taken out of it")
        scenario = self.scenario(74, (12, 17))
        host = self.attached(scenario)
        host.advance()
        host.detach()
        fewer = scenario.cells.take(range(5))
        host.put(fewer)
        host.advance()
        gap = np.abs(host.field("oxygen") - scenario.steady("oxygen", fewer)).max()
        assert gap > 100 * self.agreement * scenario.scale("oxygen"), "detached, the adapter still answers."
        host.attach(["oxygen"], 0.1 * self.agreement * scenario.scale("oxygen"))
        host.advance()
        self.check(host, scenario, fewer)


def _advance_with(host: Any, cells: CellTable) -> None:
    host.put(cells)
    host.advance()
