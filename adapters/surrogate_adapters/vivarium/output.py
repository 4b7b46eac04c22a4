"""A finished Vivarium run: what an emitter gathered, as JSON, with fields and agents at each emitted time."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_plugin.audit.run import Moment, RunFacts, Seen

__all__ = ["EmittedRun", "read_run"]

_SECONDS_PER_MINUTE = 60.0
#: How vivarium-core writes a number with a unit.
_WITH_UNIT = re.compile(r"!units\[(\S+) (\S+)\]")
_UM3 = {"femtoliter": 1.0, "micrometer ** 3": 1.0}


def read_run(path: Path, settings: Path | None = None, nodes: str | None = None) -> EmittedRun | None:
    """The run in a JSON file of emitted data, None if it is none.

    Parameters
    ----------
    path : Path
        What ``json.dump(engine.emitter.get_data(), file)`` wrote, of a composite with a lattice.
    settings, nodes
        Of other hosts.

    Raises
    ------
    InvalidProblemError
        If the file is damaged.
    """
    if path.suffix != ".json" or not path.is_file():
        return None
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not data or not all(_is_time(time) for time in data):
        return None
    if not all(isinstance(state, dict) and _are_fields(state.get("fields")) for state in data.values()):
        return None
    for what, given in (("settings", settings), ("nodes", nodes)):
        if given is not None:
            raise sp.InvalidProblemError(f"{what} is {str(given)!r}, which emitted data of Vivarium are not read with.")
    return EmittedRun(path, data)


@dataclass(frozen=True, eq=False)
class EmittedRun:
    """What was emitted.

    Attributes
    ----------
    source : Path
    data : mapping of time (s) to what was emitted then
    """

    source: Path
    data: Mapping[str, Any]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The emitted times, s."""
        return tuple(sorted(self.data, key=float))

    @cached_property
    def facts(self) -> RunFacts:
        """What the first moment says."""
        return RunFacts(
            host="Vivarium",
            source=self.source,
            substrates=tuple(self.data[self.names[0]]["fields"]),
            notes=("Emitted data hold fields and agents; no constant of diffusion and no rate is among them.",),
        )

    def moment(self, name: str) -> Moment:
        """All fields and agents of one time."""
        state = self.data[name]
        domain = self._domain(name, state.get("dimensions"))
        ids, position, volume = self._agents(name, state.get("agents") or {})
        (rows, columns), (dy, dx) = domain.shape, domain.spacings_um
        column = np.clip(np.floor(position[:, 0] / dx), 0, columns - 1).astype(np.int64)
        row = np.clip(np.floor(position[:, 1] / dy), 0, rows - 1).astype(np.int64)
        return Moment(
            name=name,
            time_min=float(name) / _SECONDS_PER_MINUTE,
            domain=domain,
            position_um=position,
            voxel=row * columns + column,
            cell_id=np.arange(len(ids), dtype=np.int64),
            alive=np.ones(len(ids), dtype=np.bool_),
            seen={one: self._seen(name, one, state["fields"], domain) for one in self.facts.substrates},
            kind=("agent",) * len(ids),
            radius_um=None if volume is None else np.cbrt(volume) * np.cbrt(3.0 / (4.0 * np.pi)),
        )

    def _domain(self, time: str, said: Any) -> sp.Domain:
        try:
            (nx, ny), (length_x, length_y) = said["n_bins"], said["bounds"]
            shape = int(ny), int(nx)
            spacing = float(length_y) / shape[0], float(length_x) / shape[1]
            return sp.Domain.from_lattice(shape, spacing_um=spacing, thickness_um=float(said["depth"]))
        except (TypeError, KeyError, ValueError, ZeroDivisionError, OverflowError) as error:
            raise sp.InvalidProblemError(
                f"{self.source}, at {time} s: dimensions have no bounds, n_bins and depth that are a lattice ({error})."
            ) from None

    def _agents(
        self, time: str, agents: Any
    ) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
        """Ids, places (n, 2) and, where all have one, volumes, um^3."""
        place, volume = [], []
        try:
            for agent in agents.values():
                boundary = agent["boundary"]
                place.append([_plain(one) for one in boundary["location"]])
                volume.append(_plain(boundary.get("volume", math.nan)))
            position = np.array(place, dtype=np.float64).reshape(len(place), 2)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise sp.InvalidProblemError(f"{self.source}, at {time} s: agents have no location ({error}).") from None
        if not np.isfinite(position).all():
            raise sp.InvalidProblemError(f"{self.source}, at {time} s: an agent's location is not finite.")
        known = np.array(volume)
        return list(agents), position, known if np.isfinite(known).all() and (known >= 0).all() else None

    def _seen(self, time: str, name: str, fields: Mapping[str, Sequence[Any]], domain: sp.Domain) -> Seen:
        try:
            field = np.ascontiguousarray(np.array(fields[name], dtype=np.float64).T)
        except (KeyError, TypeError, ValueError):
            field = np.empty((0, 0))
        if field.shape != domain.shape or not np.isfinite(field).all():
            raise sp.InvalidProblemError(
                f"{self.source}, at {time} s: the field {name!r} is not {domain.shape[1]} x {domain.shape[0]} finite "
                "numbers, along x and y."
            )
        return Seen(
            field,
            0.0,
            0.0,
            None,
            units="mmol/L",
            refusal=f"Emitted data have neither the diffusion constant of {name!r} nor what agents take up and "
            "release; a run with SurrogateLattice of surrogate_adapters.vivarium in the place of Lattice has a bound "
            "for each field.",
        )


def _is_time(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _are_fields(given: Any) -> bool:
    return isinstance(given, dict) and bool(given)


def _plain(given: Any) -> float:
    """A number, or one that vivarium-core wrote with its unit; NaN of a unit that is no volume in um^3."""
    if isinstance(given, str):
        found = _WITH_UNIT.fullmatch(given)
        if found is None:
            raise ValueError(f"{given[:40]!r} is no number")
        return float(found[1]) * _UM3.get(found[2], math.nan)
    return float(given)
