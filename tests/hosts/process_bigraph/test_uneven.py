"""Voxels that are not square, in documents: kept when they are saved, and refused without a depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from process_bigraph import Composite, allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import register
from surrogate_adapters.process_bigraph.settings import Settings
from tests.hosts.process_bigraph.documents import OXYGEN, document, process_of

SPACING_UM = [12.0, 20.0]


def test_a_document_that_was_saved_has_the_same_voxels(tmp_path: Path) -> None:
    core = register(allocate_core())
    composite = Composite(document(spacing_um=SPACING_UM, thickness_um=20.0), core=core)
    composite.run(60.0)
    composite.save("uneven.json", str(tmp_path))
    loaded = Composite.load(str(tmp_path / "uneven.json"), core=core)
    mine, theirs = (process_of(each).backend("oxygen").config.domain for each in (composite, loaded))
    assert mine.spacings_um == theirs.spacings_um == (12.0, 20.0)
    assert np.abs(loaded.state["fields"]["oxygen"] - composite.state["fields"]["oxygen"]).max() <= 0.02


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"spacing_um": [12.0, 0.0], "thickness_um": 20.0}, "spacing_um"),
        ({"spacing_um": [12.0, 20.0, 20.0], "thickness_um": 20.0}, "spacing_um"),
        ({"spacing_um": SPACING_UM}, "thickness_um is None, but pixels are 20 um along x and 12 um along y"),
    ],
)
def test_what_are_no_voxels_is_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(sp.InvalidProblemError, match=sentence):
        _ = Settings(shape=[9, 16], substrates={"oxygen": OXYGEN}, **given).domain
