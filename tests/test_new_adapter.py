"""The guide's adapter passes the conformance kit, and broken in each of the usual ways it does not."""

from __future__ import annotations

import inspect
import itertools
import re
import sys
import tomllib
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrogate_plugin import registry
from surrogate_plugin.testing import AdapterSuite, CellTable, Scenario

ROOT = Path(__file__).parents[1]
SOURCE = (ROOT / "examples" / "minimal_adapter.py").read_text()
GUIDE = ROOT / "docs" / "new-adapter.md"


def module(source: str) -> Any:
    """The example, or a broken copy of it, as a module."""
    made = types.ModuleType("minimal_adapter")
    sys.modules[made.__name__] = made  # dataclasses look themselves up there
    exec(compile(source, "minimal_adapter.py", "exec"), vars(made))
    return made


# --- the driver, as the guide shows it ---


class DishUnderTest:
    """A dish whose cells stay where they are put."""

    def __init__(self, scenario: Scenario, example: Any) -> None:
        rows, columns = scenario.shape
        self.example, self.corner = example, np.array([-130.0, 40.0])
        self.dish = example.Dish(columns, rows, scenario.spacing_um, scenario.thickness_um, tuple(self.corner))
        for medium in scenario.media:
            self.dish.add(medium.name, medium.diffusivity_um2_per_min / 60, medium.decay_per_min / 60, medium.initial)
            for row, column in np.argwhere(medium.fixed):
                self.dish.held[medium.name][column, row] = medium.value[row, column]
        self.put(scenario.cells)

    def attach(self, substrates: Sequence[str], tolerance: float) -> None:
        self.link = self.example.attach(self.dish, substrates=list(substrates), tolerance=tolerance)

    def detach(self) -> None:
        self.link.detach()

    def advance(self) -> None:
        self.dish.tick()

    def field(self, substrate: str) -> np.ndarray:
        columns, rows = self.dish.shape
        return np.array([[self.dish.fields[substrate][x, y] for x in range(columns)] for y in range(rows)])

    def seen(self, substrate: str) -> np.ndarray:
        return np.array([self.dish.fields[substrate][self.dish.voxel(cell)] for cell in self.dish.cells])

    def put(self, cells: CellTable) -> None:
        del self.dish.cells[len(cells) :]
        for row, place in enumerate(cells.position_um + self.corner):
            per_second = [
                {name: rate[row] / 60 for name, rate in rates.items()}
                for rates in (cells.uptake_per_min, cells.secretion_per_min)
            ]
            target = {name: value[row] for name, value in cells.secretion_target.items()}
            cell = self.example.Cell(*place, cells.volume_um3[row], *per_second, target)
            self.dish.cells[row : row + 1] = [cell]


class TestMinimalAdapter(AdapterSuite):
    outside = "error"

    def build(self, scenario: Scenario) -> DishUnderTest:
        return DishUnderTest(scenario, module(SOURCE))


# --- the kit's tests can fail ---


@dataclass(frozen=True)
class Mistake:
    """A change of the adapter's text, which check is to notice, and what it is to say."""

    name: str
    check: str
    old: str
    new: str
    says: str = ""


WRITE = "self._dish.fields[name][:] = result.field.T"
ANSWER = "        if name in self._backends:\n            result ="
CORNER = "dish.corner_um, dish.depth_um)"
RADIUS = "(cell.volume_um3 * 0.75 / np.pi)"
NAMES = "names_of(substrates, list(dish.fields))"
VOXEL = 'deposit="voxel",'


def at_first(statement: str) -> str:
    """The adapter's answer, begun with a statement."""
    return f"        {statement}\n{ANSWER}"


MISTAKES = [
    # The field and the lattice.
    Mistake("transposed", "the_field_is_the_exact_one_on_any_lattice", WRITE, "self._dish.fields[name] = result.field",
            "turn it|transposed"),
    Mistake("upside down", "it_is_not_turned_or_mirrored", WRITE, WRITE + "[:, ::-1]", "upside down"),
    Mistake("mirrored", "it_is_not_turned_or_mirrored", WRITE, WRITE + "[::-1]", "mirrored"),
    Mistake("half a voxel off", "the_field_is_the_exact_one_on_any_lattice", "[(cell.x_um, cell.y_um)",
            "[(max(cell.x_um - 0.5 * dish.side_um, dish.corner_um[0]), cell.y_um)", "off the steady field"),
    Mistake("a corner of its own forgotten", "the_field_is_the_exact_one_on_any_lattice", CORNER,
            "(0.0, 0.0), dish.depth_um)", "off the domain"),
    Mistake("sides that let through", "the_field_is_the_exact_one_on_any_lattice", 'boundary="reflecting",',
            'boundary="absorbing",', "off the steady field"),
    Mistake("cells spread over voxels", "the_field_is_the_exact_one_on_any_lattice", VOXEL, 'deposit="area",',
            "off the steady field"),
    Mistake("tolerance not passed on", "the_field_is_the_exact_one_on_any_lattice", "**options,\n        )",
            '**options | {"tolerance": None},\n        )', "off the steady field"),
    # Units.
    Mistake("volumes forgotten", "lengths_volumes_and_rates_are_in_the_units_said", RADIUS,
            "(dish.side_um**2 * dish.depth_um * 0.75 / np.pi)", "as large as their voxels"),
    Mistake("thickness forgotten", "lengths_volumes_and_rates_are_in_the_units_said", CORNER, "dish.corner_um)",
            "off the steady field"),
    Mistake("seconds for minutes in coefficients", "lengths_volumes_and_rates_are_in_the_units_said",
            "60.0 * dish.diffusivity[name]", "dish.diffusivity[name]", "off the steady field"),
    Mistake("seconds for minutes in rates", "lengths_volumes_and_rates_are_in_the_units_said",
            "60.0 * cell.uptake", "cell.uptake", "off the steady field"),
    Mistake("seconds for minutes in all rates", "the_field_is_the_exact_one_on_any_lattice",
            "60.0 * cell.", "cell.", "1/60 of their rates"),
    Mistake("decay forgotten", "lengths_volumes_and_rates_are_in_the_units_said", "60.0 * dish.decay[name]", "0.0",
            "off the steady field"),
    Mistake("radius as in a disc", "lengths_volumes_and_rates_are_in_the_units_said", "** (1 / 3)", "** (1 / 2)",
            "off the steady field"),
    # What is held, and what is there.
    Mistake("vessels dropped", "vessels_keep_their_values", "fixed=~np.isnan(held)",
            "fixed=np.zeros(held.shape, dtype=bool)", "do not hold what they should"),
    Mistake("vessels transposed", "vessels_keep_their_values", "dish.held[name].T",
            "dish.held[name].reshape(dish.shape[::-1])"),
    Mistake("vessels read as sources", "vessels_keep_their_values", "fixed=~np.isnan(held), value=",
            "production_per_min="),
    Mistake("skipped without cells", "without_cells_the_field_is_that_of_the_vessels", ANSWER,
            at_first("if not self._dish.cells: return"), "began with"),
    Mistake("skipped without vessels", "without_cells_and_vessels_there_is_nothing", ANSWER,
            at_first("if np.isnan(self._dish.held[name]).all(): return"), "began with"),
    Mistake("NaN before the first step", "before_the_first_step_a_field_can_be_asked_for", "self.history: list",
            "for name in backends: dish.fields[name][:] = np.nan\n        self.history: list"),
    Mistake("zero before the first step", "before_the_first_step_a_field_can_be_asked_for", "self.history: list",
            "for name in backends: dish.fields[name][:] = 0.0\n        self.history: list"),
    # Uptake.
    Mistake("uptake twice", "the_field_is_the_exact_one_on_any_lattice", "60.0 * cell.uptake", "120.0 * cell.uptake"),
    Mistake("uptake twice, by the balance", "what_the_cells_take_up_is_what_the_vessels_give", "60.0 * cell.uptake",
            "120.0 * cell.uptake", "times what is taken up"),
    Mistake("the host drains the field", "uptake_counts_once_however_often_the_host_steps",
            "        if name not in self._backends:\n", "        if True:\n", "off the steady field"),
    Mistake("secretion forgotten", "the_field_is_the_exact_one_on_any_lattice", "60.0 * cell.secretion",
            "0.0 * cell.secretion", "secrete nothing"),
    Mistake("one cell a voxel counted", "the_field_is_the_exact_one_on_any_lattice", "in dish.cells]",
            "in {dish.voxel(cell): cell for cell in dish.cells}.values()]", "off the steady field"),
    # Cells that come and go.
    Mistake("solved once and never again", "the_field_follows_cells_that_move", ANSWER,
            at_first("if self.history: return"), "as they were at first"),
    Mistake("newborn cells ignored", "the_field_follows_cells_that_divide_and_die", "for cell in dish.cells]",
            "for cell in dish.cells[:10]]", "off the steady field"),
    Mistake("solved when the number of cells changes", "the_field_follows_rates_and_volumes", ANSWER,
            at_first("if len(self.history) and self.n == len(self._dish.cells): return\n"
                     "        self.n = len(self._dish.cells)"), "as they were at first"),
    Mistake("clamps silently", "cells_off_the_lattice_are_treated_as_the_adapter_says", VOXEL,
            VOXEL + 'outside="clamp",', "DID NOT RAISE"),
    Mistake("drops silently", "cells_off_the_lattice_are_treated_as_the_adapter_says", VOXEL,
            VOXEL + 'outside="drop",', "DID NOT RAISE"),
    # Several substrates, and the host itself.
    Mistake("answers for the first substrate alone", "several_substrates_each_have_their_own_field", NAMES,
            NAMES + "[:1]", "off the steady field"),
    Mistake("one field for all substrates", "several_substrates_each_have_their_own_field",
            "state_of(self._dish, name)", "state_of(self._dish, next(iter(self._backends)))", "off the steady field"),
    Mistake("rates of one substrate for all", "several_substrates_each_have_their_own_field", "uptake.get(name, 0.0)",
            "uptake[min(cell.uptake)]", "off the steady field"),
    Mistake("answers for substrates it was not asked for", "substrates_that_are_not_named_are_left_to_the_host", NAMES,
            "dish.fields"),
    Mistake("stops what it does not answer for", "substrates_that_are_not_named_are_left_to_the_host",
            "            Dish.diffuse(self._dish, name, seconds)", "            pass"),
    Mistake("takes any name", "an_unknown_substrate_is_refused", NAMES,
            "[name for name in dish.fields if name in substrates]", "DID NOT RAISE"),
    Mistake("does not detach", "detaching_leaves_the_host_as_it_was", "vars(self._dish).pop(step, None)", "pass"),
    Mistake("detaches by half", "detaching_leaves_the_host_as_it_was", '("diffuse", "eat")', '("diffuse",)'),
    Mistake("goes on after detaching", "after_detaching_nobody_answers_until_it_is_attached_again",
            "vars(self._dish).pop(step, None)", "pass"),
]  # fmt: skip


def complaints(suite: AdapterSuite, check: str) -> Iterator[str]:
    """What one check says of an adapter, over all of its parameters."""
    method = getattr(suite, f"test_{check}")
    for given in _parameters(method):
        try:
            method(**given)
        except (Exception, pytest.fail.Exception) as error:
            yield f"{type(error).__name__}: {error}"


def _parameters(method: Any) -> Iterator[dict[str, Any]]:
    axes = []
    for mark in getattr(method, "pytestmark", []):
        names, values = mark.args
        one = isinstance(names, str)
        axes.append([{names: value} if one else dict(zip(names, value, strict=True)) for value in values])
    for chosen in itertools.product(*axes):
        yield {name: value for part in chosen for name, value in part.items()}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_broken_adapter_fails_the_check_that_is_there_for_it(mistake):
    assert mistake.old in SOURCE
    broken = module(SOURCE.replace(mistake.old, mistake.new))

    class Suite(AdapterSuite):
        def build(self, scenario: Scenario) -> DishUnderTest:
            return DishUnderTest(scenario, broken)

    said = list(complaints(Suite(), mistake.check))
    assert said, f"nobody noticed: {mistake.name}"
    assert any(re.search(mistake.says, each) for each in said), said


def test_the_adapter_itself_gives_no_cause_for_complaint():
    for check in checks():
        assert not list(complaints(TestMinimalAdapter(), check))


def checks() -> set[str]:
    methods = inspect.getmembers(AdapterSuite, inspect.isfunction)
    return {name.removeprefix("test_") for name, _ in methods if name.startswith("test_")}


def test_every_check_of_the_kit_can_fail():
    assert {mistake.check for mistake in MISTAKES} == checks()


# --- the guide ---


def test_the_guide_quotes_the_code_as_it_is():
    quoted = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    here = Path(__file__).read_text()
    assert len(quoted) == 5
    for block in quoted:
        assert block in SOURCE or block in here, block
    adapter = SOURCE[SOURCE.index("def attach(") : SOURCE.index("# --- both at work ---")]
    assert len(adapter.strip().splitlines()) <= 60
    assert sum(block in SOURCE for block in quoted) == 3
    assert "\n\n\n".join(block.strip() for block in quoted[:3]) == adapter.strip()


def test_the_guide_tells_of_every_check():
    rows = re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(), flags=re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == checks()


def test_the_guide_registers_adapters_where_they_are_looked_for():
    table = tomllib.loads(re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)[0])
    assert list(table["project"]["entry-points"]) == [registry.ADAPTERS]
