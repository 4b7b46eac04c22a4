"""What docs/concepts says in numbers is what its script and the package say."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import surrogate_plugin as sp
from tests.scripts import loaded

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    return loaded(DOCS / "draw_concepts.py")


def page(name: str) -> str:
    return (DOCS / "concepts" / f"{name}.md").read_text(encoding="utf-8")


def ran(name: str) -> dict[str, object]:
    """The names of a page's example, which ran."""
    (code,) = re.findall(r"```python\n(.*?)```", page(name), flags=re.DOTALL)
    found: dict[str, object] = {}
    exec(code, found)
    return found


def test_the_example_of_the_bound_runs() -> None:
    certificate = ran("bound")["certificate"]
    assert isinstance(certificate, sp.Certificate)
    assert 0.62 <= certificate.error_bound < 1.5


def test_the_example_of_the_estimate_says_what_the_page_says() -> None:
    found = ran("discretisation")
    estimate = found["estimate"]
    assert isinstance(estimate, sp.DiscretisationEstimate)
    assert (round(estimate.largest, 1), round(estimate.uncertainty, 1)) == (8.3, 4.8)


@pytest.mark.parametrize("spacing", [20.0, 10.0, 5.0])
def test_the_tables_of_errors_are_those_of_the_script(spacing: float, drawing: ModuleType) -> None:
    text = page("discretisation")
    for row in (drawing.of_vessel(spacing), drawing.of_slab(spacing)):
        cells = [cell for name, cell in row.items() if name not in ("bound", "pixels held")]  # of bounds any will do
        line = next(each for each in text.splitlines() if each.startswith(f"| {spacing:g} |") and cells[1] in each)
        assert all(f"| {cell} " in line for cell in cells)


def test_the_table_of_steps_is_that_of_the_script(drawing: ModuleType) -> None:
    for steps in (1, 4):
        *cells, _ = drawing.of_steps(steps).values()
        assert " | ".join(cells) in page("time")


def test_the_table_of_starts_is_that_of_the_script(drawing: ModuleType) -> None:
    row = drawing.of_starts(1e-2)
    assert " | ".join(row.values()) in page("starts")
