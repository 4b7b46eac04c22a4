"""The guide to a new adapter: its code passes the conformance kit, and it quotes that code as it is."""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_plugin import registry
from surrogate_plugin.testing import AdapterSuite, CellTable, Medium, Scenario

ROOT = Path(__file__).parents[2]

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
        (rows, columns), h, depth = scenario.shape, scenario.spacing_um, scenario.thickness_um
        self.scenario, self.example, self.corner = scenario, example, np.array([-130.0, 40.0])
        self.dish = example.Dish(columns, rows, h, depth, tuple(self.corner), ring=scenario.torus)
        for medium in scenario.media:
            self.dish.add(medium.name, medium.diffusivity_um2_per_min / 60, medium.decay_per_min / 60, medium.initial)
            if medium.michaelis_km is not None:
                self.dish.km[medium.name] = medium.michaelis_km
            self.hold(medium)
        self.put(scenario.cells)

    def attach(self, substrates: Sequence[str], tolerance: float) -> None:
        sides = self.scenario.sides
        self.link = self.example.attach(self.dish, substrates=list(substrates), sides=sides, tolerance=tolerance)

    def detach(self) -> None:
        self.link.detach()

    def advance(self) -> None:
        self.dish.tick()

    def field(self, substrate: str) -> np.ndarray:
        columns, rows = self.dish.shape
        return np.array([[self.dish.fields[substrate][x, y] for x in range(columns)] for y in range(rows)])

    def seen(self, substrate: str) -> np.ndarray:
        return np.array([self.dish.fields[substrate][self.dish.voxel(cell)] for cell in self.dish.cells])

    def gradient(self, substrate: str) -> np.ndarray:
        return np.array([self.dish.slopes[substrate][:, *self.dish.voxel(cell)] for cell in self.dish.cells])

    def write(self, substrate: str, field: np.ndarray) -> None:
        for (row, column), value in np.ndenumerate(field):
            self.dish.fields[substrate][column, row] = value

    def hold(self, medium: Medium) -> None:
        for row, column in np.ndindex(self.scenario.shape):
            held = medium.value[row, column] if medium.fixed[row, column] else np.nan
            self.dish.held[medium.name][column, row] = held

    def put(self, cells: CellTable) -> None:
        del self.dish.cells[len(cells) :]
        while len(self.dish.cells) < len(cells):
            self.dish.cells.append(self.example.Cell(0.0, 0.0, 0.0, {}))
        for row, cell in enumerate(self.dish.cells):
            (cell.x_um, cell.y_um), cell.volume_um3 = cells.position_um[row] + self.corner, cells.volume_um3[row]
        self.change(cells)

    def change(self, cells: CellTable) -> None:
        for row, cell in enumerate(self.dish.cells):
            cell.uptake = {name: rate[row] / 60 for name, rate in cells.uptake_per_min.items()}
            cell.secretion = {name: rate[row] / 60 for name, rate in cells.secretion_per_min.items()}
            cell.target = {name: value[row] for name, value in cells.secretion_target.items()}
        for name, made in self.dish.made.items():
            made[:] = 0.0
            for amount, cell in zip(cells.made(name), self.dish.cells, strict=True):
                if amount:
                    made[self.dish.voxel(cell)] += amount / 60 / self.scenario.voxel_volume_um3


class TestMinimalAdapter(AdapterSuite):
    outside = "error"
    torus = saturates = produces = writable = vessels_change = True
    sides = "outside"
    discs = False  # vessels of a dish are voxels

    def build(self, scenario: Scenario) -> DishUnderTest:
        return DishUnderTest(scenario, module(SOURCE))


def checks() -> set[str]:
    methods = inspect.getmembers(AdapterSuite, inspect.isfunction)
    return {name.removeprefix("test_") for name, _ in methods if name.startswith("test_")}


# --- the guide ---


def test_the_guide_quotes_the_code_as_it_is():
    quoted = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    here = Path(__file__).read_text()
    assert len(quoted) == 6
    quoted.remove(_in_time())
    for block in quoted:
        assert block in SOURCE or block in here, block
    adapter = SOURCE[SOURCE.index("def attach(") : SOURCE.index("# --- both at work ---")]
    assert len(adapter.strip().splitlines()) <= 75
    assert sum(block in SOURCE for block in quoted) == 3
    assert "\n\n\n".join(block.strip() for block in quoted[:3]) == adapter.strip()


def _in_time() -> str:
    """The lines for a substrate that goes on in time, which the guide shows on their own."""
    return re.findall(r"```python\n( {8}backend = .*?)```", GUIDE.read_text(), flags=re.DOTALL)[0]


def test_the_lines_in_time_go_on_as_the_host_does_and_from_what_is_written():
    first, last = SOURCE.index("        if not np.array_equal"), SOURCE.index("        field[:] = self._left")
    example = module(SOURCE[:first] + _in_time() + SOURCE[last:])
    fields = []
    for attached in (False, True):
        dish = example.Dish(7, 5, 20.0, 20.0, (0.0, 0.0), ring=False)
        dish.add("drug", 4000.0, 0.05, 3.0)
        dish.cells.append(example.Cell(30.0, 50.0, 4000.0, {"drug": 6.0}))
        if attached:
            example.attach(dish, method="exact", stepping="implicit-euler")
        for step in range(300):
            if step == 100:
                dish.fields["drug"][5, 3] += 20.0
            dish.tick(1e-3)
        fields.append(dish.fields["drug"].copy())
    assert np.abs(fields[0] - fields[1]).max() < 0.005 * fields[0].max()
    assert np.ptp(fields[1]) > 0.3


def test_the_guide_tells_of_every_check():
    of_checks = GUIDE.read_text().partition("Tissues of more than one kind")[0]  # what follows is a kit of its own
    rows = re.findall(r"^\| `(\w+)` \|", of_checks, flags=re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == checks()


def test_the_guide_registers_adapters_where_they_are_looked_for():
    table = tomllib.loads(re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)[0])
    assert list(table["project"]["entry-points"]) == [registry.ADAPTERS]
