"""The drug pulse: what its picture says of near and far cells, as numbers."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from tests.examples.running import NUMBER, numbers, run
from tests.examples.saying import no_longer_said, page_of


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drug")
    return run("drug_pulse.py", "-o", "picture.png", folder=folder), folder / "picture.png"


def doses(said: str, name: str) -> list[float]:
    """What cells near and far had of it, and when it was most."""
    sentence = "near cells had # in all (drug x min), far cells #; most at # min"
    return numbers(f"\n{name}: {sentence}", f"\n{said}")


def test_pulse_and_drip_bring_near_cells_the_same_and_far_cells_less(shown):
    near, far, soon = doses(shown[0], "pulse")
    near_on_drip, far_on_drip, late = doses(shown[0], "drip")
    assert near_on_drip == pytest.approx(near, rel=0.02)
    assert far < 0.2 * near
    assert 0.8 * far < far_on_drip < far  # what the drip has brought into the tissue is still on its way
    assert soon < 20 < 200 < late


def test_the_injection_adds_to_what_far_cells_had_and_hardly_to_near_ones(shown):
    near, far, _ = doses(shown[0], "pulse")
    near_then, far_then, _ = doses(shown[0], "pulse and injection")
    assert far_then > 1.1 * far
    assert near_then == pytest.approx(near, rel=0.01)


def test_steps_are_as_certain_as_they_were_asked_to_be_and_nothing_gets_lost(shown):
    said, _ = shown
    bounds = re.findall(rf"at most ({NUMBER}) off, and ({NUMBER}) \(estimate\)", said)
    assert len(bounds) == 3
    assert all(float(bound) <= 1e-3 and float(error) <= 0.05 for bound, error in bounds)
    defects = re.findall(rf"change {NUMBER}, off by ({NUMBER})", said)
    assert len(defects) == 3
    assert all(0.0 <= float(defect) < 1e-3 for defect in defects)


def test_oxygen_beside_it_is_at_rest(shown):
    (oxygen,) = numbers("oxygen, at rest: # mmHg in cells on average", shown[0])
    assert 5.0 < oxygen < 38.0


def test_the_picture_is_there(shown):
    with Image.open(shown[1]) as picture:
        assert min(picture.size) > 500


def test_the_page_shows_what_is_printed(shown):
    assert no_longer_said(page_of("drug_pulse.py"), shown[0]) == []
