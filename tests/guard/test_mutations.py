"""Each mend of the guard, taken out, is found again by the generators that attack it; and nothing is while it is in."""

from __future__ import annotations

import itertools

import pytest

from tests.attack.mutations import MUTATIONS
from tests.attack.poisoned import warm


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    warm()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mend_taken_out_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    mutation.take_out(monkeypatch)
    assert next(mutation.hunt(), None), f"nothing notices that {name} is gone"


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_nothing_is_found_while_it_is_in(name: str) -> None:
    assert not list(itertools.islice(MUTATIONS[name].hunt(), 3))
