"""Slopes that cells climb: those of the exact field where they are, within the bound that is told with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from process_bigraph import Composite, allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import SurrogateDiffusion, register
from tests.hosts.process_bigraph.documents import CELL, CONFIG, OXYGEN, VESSEL, document
from tests.hosts.process_bigraph.test_following import MINUTE, SHAPE, SPACING_UM, composite, exact, nothing, voxel


def slopes(field: np.ndarray) -> np.ndarray:
    """Centred differences along x and y; beside a side that nothing passes lies the edge itself."""
    padded = np.pad(field, 1, mode="edge")
    return np.stack([padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]]) / (2 * SPACING_UM)


def test_cells_are_told_the_slopes_where_they_are() -> None:
    cells = {"a": CELL, "b": {**CELL, "position_um": [310.0, 15.0]}}
    _, solver, _ = composite(nothing, cells, gradients=["oxygen"])
    update = solver.update({"fields": {"oxygen": np.zeros(SHAPE)}, "cells": cells, "vessels": {"v": VESSEL}})
    field, bound = exact(cells), update["gradient_bound"]["oxygen"]
    assert bound == pytest.approx(update["bound"]["oxygen"] / SPACING_UM, rel=1e-6)
    for key, cell in cells.items():
        off = np.abs(np.array(update["gradient"][key]["oxygen"]) - slopes(field)[:, *voxel(cell)]).max()
        assert off <= bound + 1e-9
    assert update["gradient"]["b"]["oxygen"][0] < 0.0 < update["gradient"]["a"]["oxygen"][0]


def test_a_composite_wires_them() -> None:
    state = document(gradients=["oxygen"])
    state["state"]["diffusion"]["outputs"] |= {port: [port] for port in ("gradient", "gradient_bound")}
    made = Composite(state, core=register(allocate_core()))
    made.run(MINUTE)
    assert np.shape(made.state["gradient"]["a"]["oxygen"]) == (2,)
    assert made.state["gradient_bound"]["oxygen"] > 0.0


def test_cells_in_arrays_have_theirs_in_rows() -> None:
    config = {**CONFIG, "cells": "arrays", "gradients": ["oxygen"], "substrates": {"oxygen": {**OXYGEN}}}
    process = SurrogateDiffusion(config, core=register(allocate_core()))
    table: dict[str, Any] = {"position_um": [[105.0, 62.0], [310.0, 15.0]], "volume_um3": 10.0}
    state = {"fields": {"oxygen": np.zeros(SHAPE)}, "cells": table, "vessels": {"v": VESSEL}}
    assert process.update(state, MINUTE)["gradient"]["oxygen"].shape == (2, 2)
    with pytest.raises(sp.UnsupportedProblemError, match="no substrate 'glucose'"):
        SurrogateDiffusion({**config, "gradients": ["glucose"]}, core=allocate_core())
