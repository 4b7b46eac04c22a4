"""A finished run as a film: its moments as scenes, to be drawn and exported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.audit.run import Moment, Run
from surrogate_plugin.audit.steady import config_of
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.pictures.scene import Dots, Scene
from surrogate_plugin.session.posing import problem_of, raster_of

#: Moments that are kept, since the substrates of one are asked for one after another.
_KEPT = 2


class RunFilm:
    """The moments of a run, each read when it is asked for.

    Raises
    ------
    InvalidProblemError
        If the run has no moments or no substrates.
    """

    def __init__(self, run: Run) -> None:
        facts = run.facts
        self.names: Sequence[str] = tuple(run.names)
        self.substrates: Sequence[str] = facts.substrates
        for what, there in (("moments", self.names), ("substrates", self.substrates)):
            if not there:
                raise InvalidProblemError(f"{facts.source} has no {what}; at least one is needed.")
        self._moment = lru_cache(maxsize=_KEPT)(run.moment)

    def scene(self, index: int, substrate: str) -> Scene:
        """A field as it was saved, with the cells, and the equation where it can be posed."""
        moment = self._moment(self.names[index])
        seen = moment.seen[substrate]
        problem = None
        if seen.state is not None:
            config = config_of(moment, seen)
            problem = problem_of(raster_of(seen.state, config), config)
        return Scene(
            moment.name,
            moment.domain,
            seen.field,
            substrate,
            moment.time_min,
            seen.units,
            "um",
            held=None if problem is None else problem.fixed,
            problem=problem,
            cells=_dots(moment, seen.field),
            saved=True,
        )


def _dots(moment: Moment, field: FloatArray) -> Dots:
    """Cells of which no size is known are drawn half a pixel wide."""
    count = len(moment.cell_id)
    radius = moment.radius_um
    if radius is None:
        radius = np.full(count, min(moment.domain.spacings_um) / 4)
    return Dots(
        moment.position_um, radius, moment.kind, moment.cell_id, moment.at_cells(field), np.asarray(moment.alive)
    )
