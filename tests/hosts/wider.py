"""What every host is asked of the wider equation, and how a driver says what its host cannot be told."""

from __future__ import annotations

from collections.abc import Mapping

import surrogate_plugin as sp
from surrogate_plugin.testing import Scenario, WiderSuite

__all__ = ["EverythingSuite", "refuse"]


class EverythingSuite(WiderSuite):
    """All checks of `WiderSuite`: what is not among ``cannot`` has to work, and nothing is skipped."""

    conducts = walls = decays = places = regions = fluxes = uneven = produces = stepping = True


def refuse(scenario: Scenario, cannot: Mapping[str, str]) -> None:
    """Say, in the place of a field that leaves it out, what of a scenario the host cannot be told.

    Raises
    ------
    UnsupportedProblemError
        With the sentence of the first that it poses.
    """
    for ability in sorted(scenario.poses & set(cannot)):
        raise sp.UnsupportedProblemError(cannot[ability])
