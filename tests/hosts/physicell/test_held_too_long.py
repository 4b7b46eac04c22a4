"""What cells read of a steady field that was held too long is told of, once, with a number; by an independent solve."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from tests.equation.assembled import solved
from tests.hosts.physicell import fixtures as physicell_fixtures

pytestmark = physicell_fixtures.MARKS
library = physicell_fixtures.library

H, ROWS, COLUMNS = 20.0, 6, 9
DT, MECHANICS, PHENOTYPE = 0.01, 0.1, 1.0
PERMEABILITY, ALLOWED = 3.0, 0.1
KIND = "cells read more than the bound", "oxygen"
MEMBRANES = f"membrane_by_type = {{ cyst = {PERMEABILITY} }}\n"


@pytest.fixture
def host(library):
    """Oxygen that one side holds, and a cyst behind a membrane that takes up nothing."""
    media = [("oxygen", 1e4, 5.0, 10.0)]
    times = (DT, MECHANICS, PHENOTYPE)
    made = driver.StandIn(library, (COLUMNS, ROWS), media, spacing_um=H, corner_um=(0.0, 0.0), times_min=times)
    made.set_threads(1)
    for row in range(ROWS):
        made.fix(row, 0, "oxygen", 10.0)
    put(made, 2)
    made.set_kind(0, 2)
    yield made
    made.release()


def put(host, column: int) -> None:
    host.put([((column + 0.5) * H, 3.5 * H)], [H**3], np.zeros((1, 1, 4)))


def exact(column: int) -> np.ndarray:
    """The field with the cyst in this column of row 3."""
    x, y = np.full((ROWS, COLUMNS - 1), np.inf), np.full((ROWS - 1, COLUMNS), np.inf)
    x[3, column - 1 : column + 1] = y[2:4, column] = PERMEABILITY
    source, fixed = np.zeros((ROWS, COLUMNS)), np.zeros((ROWS, COLUMNS), dtype=bool)
    source[:, 0], fixed[:, 0] = 10.0, True
    return solved(
        sp.Problem(
            source,
            fixed=fixed,
            diffusivity=1e4,
            decay=5.0,
            spacing=H,
            boundary="reflecting",
            membranes=sp.Membranes(x=x, y=y),
        )
    )


def attach(host, folder, refresh: str = "'phenotype'") -> None:
    path = folder / "surrogate.toml"
    head = f"refresh = {refresh}\nmethod = 'exact'\n"
    path.write_text(f"{head}[substrates.oxygen]\ntolerance = {ALLOWED}\n{MEMBRANES}")
    host.attach(path)


def test_it_is_told_once_and_the_most_in_the_end(host, tmp_path, capfd):
    attach(host, tmp_path)
    host.advance(50)
    put(host, 4)
    with pytest.warns(sp.PromiseWarning, match="the field of oxygen that cells read before 1 min was off by") as told:
        host.advance(51)
    assert len(told) == 1
    found = re.search(r"off by ([\d.]+), and 0.1 is allowed: .* refresh = 'mechanics'", str(told[0].message))
    first = np.abs(exact(2) - exact(4)).max()
    assert found is not None
    assert float(found[1]) == pytest.approx(first, rel=1e-2)
    put(host, 1)
    host.advance(100)
    assert host.report().notices == {KIND: 2}
    host.detach()
    most = max(first, np.abs(exact(4) - exact(1)).max())
    said = re.search(
        r"oxygen: the field that cells read was off by up to ([\d.]+), most before 2 min", capfd.readouterr().err
    )
    assert said is not None
    assert float(said[1]) == pytest.approx(most, rel=1e-2)


def test_nothing_is_told_of_what_nobody_has_read(host, tmp_path):
    attach(host, tmp_path, "'mechanics'")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for column in (4, 3, 5):
            host.advance(10)
            put(host, column)  # before a mechanics step, as it is solved for
        host.advance(10)
    assert host.report().notices == {}


def test_nothing_is_told_of_nodes_that_change_as_a_solve_is_due(host, tmp_path):
    attach(host, tmp_path)
    host.advance(100)
    host.fix(3, COLUMNS - 1, "oxygen", 8.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        host.advance()
    assert np.ptp(host.density("oxygen")[:, -1]) > 1.0
    assert host.report().notices == {}


def test_nothing_is_told_of_a_field_that_was_held_rightly(host, tmp_path):
    attach(host, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        host.advance(205)
    assert host.report().notices == {}
