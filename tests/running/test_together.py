"""A run without a host: its steady substrates solved for together have the fields that they have in their turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.at_once import TOGETHER, Where, solved
from tests.running.scenes import DOMAIN, DOSE, DRUG, OXYGEN, TIME, going

HELD = "[[vessels]]\nsubstrate = '{}'\nposition_um = [{}, 60.0]\nradius_um = 14.0\nvalue = {}\n"
GLUCOSE = OXYGEN.replace("oxygen", "glucose").replace("1e4", "3e3")
PARTS = (
    DOMAIN, OXYGEN, GLUCOSE, DRUG, HELD.format("oxygen", 45.0, 38.0), "until_min = 2.0\n",
    HELD.format("glucose", 90.0, 5.0), "until_min = 2.0\n", DOSE, TIME,
)  # fmt: skip


@pytest.mark.parametrize("where", TOGETHER)
def test_a_run_has_the_fields_that_it_has_in_turns(tmp_path: Path, where: Where) -> None:
    runs = []
    for each in ("in turns", where):
        with solved(each) as counts:
            runs.append(going(tmp_path, "tolerance = 1e-3\n", *PARTS, fresh=True))
            assert runs[-1].run()
    assert counts == [2, 2]  # at the start and when both vessels are gone; else both are held
    alone, together = (run.last for run in runs)
    assert alone is not None
    assert together is not None
    for name, field in alone.fields.items():
        assert np.abs(field - together.fields[name]).max() <= alone.bounds[name] + together.bounds[name]
        assert runs[0].told[name].methods["held"] == runs[1].told[name].methods["held"]
        assert runs[1].told[name].reached
