"""The moment with the largest difference is at hand, with the maps to draw it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrogate_plugin import InvalidProblemError
from surrogate_plugin.audit import Audit, Entry, Maps, Verdict, audit, difference_picture, open_run


def test_the_worst_entry_is_that_of_its_maps(output: Path) -> None:
    result = audit(open_run(output))
    for substrate in result.substrates:
        entry, maps = result.worst(substrate)
        assert entry.substrate == substrate
        assert entry.steady is not None
        assert entry.steady.largest == pytest.approx(float(np.abs(maps.saved - maps.steady).max()))
        later = [each for each in result.of(substrate) if each.steady and each.verdict is not Verdict.INITIAL]
        assert entry.steady.largest / entry.size == max(
            each.steady.largest / each.size for each in later if each.steady is not None
        )
        assert len(difference_picture(entry, maps).axes) >= 3


def test_a_substrate_that_was_not_audited_has_none() -> None:
    entry = Entry("t = 0", "oxygen", "mmHg", 0.0, 0, Verdict.REFUSED, "Nothing pulls it to any value.")
    result = Audit("a host", "output", None, (), (entry,))
    with pytest.raises(InvalidProblemError, match="substrate is 'glucose', which was not audited; oxygen is allowed"):
        result.worst("glucose")
    with pytest.raises(InvalidProblemError, match=r"no moment of 'oxygen' .* Nothing pulls it to any value"):
        result.worst("oxygen")


def test_of_several_moments_it_is_the_one_with_maps() -> None:
    times = (1.0, 2.0, 3.0)
    moments = [Entry(f"t = {t}", "oxygen", "mmHg", t, 0, Verdict.ERROR, "It is off.") for t in times]
    maps = Maps(np.ones((2, 2)), np.zeros((2, 2)), (0.0, 1.0, 0.0, 1.0), np.empty((0, 2)))
    result = Audit("a host", "output", None, (), tuple(moments), {("t = 2.0", "oxygen"): maps})
    assert result.worst("oxygen") == (moments[1], maps)
