"""A finished PhysiCell run: the folder that it saved to, and the settings that it ran with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.biofvm_scheme import Exchange, Scheme
from surrogate_adapters.nodes import Nodes
from surrogate_adapters.physicell.lattice import nodes_of
from surrogate_adapters.physicell.multicellds import Saved
from surrogate_adapters.physicell.nodes import held_nodes, nodes_of_file
from surrogate_adapters.physicell.settings import CONFIGURATION, Settings, read_settings
from surrogate_plugin.audit.run import Moment, RunFacts, Seen

FloatArray = npt.NDArray[np.float64]

__all__ = ["PhysiCellRun", "read_run"]

#: How PhysiCell calls what it saves every so often.
_MOMENTS = "output[0-9]*.xml"
#: Its settings, of which it puts a copy into the output.
_SETTINGS = "PhysiCell_settings.xml"


def read_run(path: Path, settings: Path | None = None, nodes: str | None = None) -> PhysiCellRun | None:
    """The run in a folder, None if it holds no moment that PhysiCell saved.

    Parameters
    ----------
    path : Path
        The output, or a project with its output in it.
    settings : Path, optional
        The XML that it ran with, where it is not beside the output.
    nodes : str, optional
        Dirichlet nodes that custom code set: ``"held"`` for the voxels that hold one value in the last two moments, or
        the name of a ``.csv`` of columns x, y and one a substrate.

    Raises
    ------
    InvalidProblemError
        If its settings are not found or cannot be read.
    """
    folder = _output_of(path)
    if folder is None:
        return None
    found = _settings_of(path, folder) if settings is None else Path(settings)
    if found is None:
        raise sp.InvalidProblemError(
            f"{folder} holds no {_SETTINGS}, nor does config/ beside it; name the XML that the run had, whose sides "
            "are in no other file (--settings)."
        )
    return PhysiCellRun(folder, read_settings(found), nodes)


@dataclass(frozen=True, eq=False)
class PhysiCellRun:
    """A run; nothing but the names of its moments is read before it is asked for.

    Attributes
    ----------
    folder : Path
        Its output.
    settings : Settings
    nodes : str or None
        As for `read_run`.
    """

    folder: Path
    settings: Settings
    nodes: str | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Its moments, in order."""
        return tuple(sorted(path.stem for path in self.folder.glob(_MOMENTS)))

    @cached_property
    def facts(self) -> RunFacts:
        """What the last moment and the settings say of it."""
        last, times = self._last, self.settings.times
        return RunFacts(
            host=f"PhysiCell {last.version}".strip(),
            source=self.folder,
            substrates=last.names,
            units=dict(zip(last.names, last.units, strict=True)),
            diffusion_step_min=times.diffusion_min,
            held_min=times.phenotype_min,
            notes=tuple(self._notes()),
            beside=(str(self.settings.path), self.nodes or ""),
        )

    def moment(self, name: str) -> Moment:
        """One moment with all its substrates."""
        saved = self._last if name == self.names[-1] else Saved.read(self.folder / f"{name}.xml")
        position = saved.label("position")
        voxel, inside = _voxels(saved.domain, position)
        label = saved.rows
        alive = saved.label("dead")[0] == 0 if "dead" in label else np.ones(len(voxel), dtype=np.bool_)
        kinds = saved.label("cell_type")[0].astype(int) if "cell_type" in label else np.zeros(len(voxel), dtype=int)
        return Moment(
            name=name,
            time_min=saved.time_min,
            domain=saved.domain,
            position_um=np.ascontiguousarray(position[:2].T),
            voxel=voxel,
            cell_id=saved.label("ID")[0].astype(np.int64),
            alive=np.asarray(alive),
            seen={one: self._seen(saved, k, voxel, inside) for k, one in enumerate(saved.names)},
            radius_um=np.cbrt(saved.label("total_volume")[0] * (3.0 / (4.0 * np.pi))),
            kind=tuple(saved.kinds.get(int(kind), str(kind)) for kind in kinds),
        )

    def _seen(self, saved: Saved, k: int, voxel: npt.NDArray[np.int64], inside: npt.NDArray[np.bool_]) -> Seen:
        name, domain, nodes = saved.names[k], saved.domain, self._nodes(saved, k)
        uptake, secretion, target, export = saved.rates(k)[:, inside]
        where, volume = voxel[inside], saved.label("total_volume")[0][inside]
        try:
            made = np.bincount(where, weights=export, minlength=saved.fields[k].size) / domain.voxel_volume_um3
            if made.min(initial=0.0) < 0.0:
                raise sp.UnsupportedProblemError(f"cells take {name} in by a net export below 0, which can drain it.")
            state = sp.TissueState(
                sp.Cells(
                    voxel=where,
                    volume_um3=volume,
                    uptake_per_min=uptake,
                    secretion_per_min=secretion,
                    secretion_target=target,
                ),
                voxels=sp.Voxels(nodes.fixed, nodes.value, production_per_min=made.reshape(domain.shape)),
            )
        except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
            return Seen(
                saved.fields[k], saved.diffusivity[k], saved.decay[k], None, units=saved.units[k], refusal=str(error)
            )
        depth = domain.voxel_volume_um3
        exchange = Exchange(where, volume / depth, secretion, uptake, target, export / depth)
        dx = domain.spacings_um[1]  # PhysiCell's solver of 2-D models takes that of x for both
        scheme = Scheme(saved.diffusivity[k], saved.decay[k], (dx, dx), nodes.fixed, nodes.value, exchange)
        return Seen(saved.fields[k], saved.diffusivity[k], saved.decay[k], state, units=saved.units[k], scheme=scheme)

    def _nodes(self, saved: Saved, k: int) -> Nodes:
        """What is held: the sides by the settings, and what was said of custom code."""
        name, nodes = saved.names[k], self._sides(saved, k)
        if self.nodes is None:
            return nodes
        if self.nodes == "held":
            return self._suspected.get(name, nodes)
        return nodes.with_others(self._given.get(name))

    def _sides(self, saved: Saved, k: int) -> Nodes:
        """The nodes of the sides; none of a substrate that the settings do not have."""
        name, shape = saved.names[k], saved.domain.shape
        if name not in self.settings.names:
            return Nodes(np.zeros(shape, dtype=np.bool_), np.zeros(shape))
        return Nodes(*nodes_of(saved.domain, self.settings.variables, name))

    @cached_property
    def _last(self) -> Saved:
        return Saved.read(self.folder / f"{self.names[-1]}.xml")

    @cached_property
    def _given(self) -> Mapping[str, Nodes]:
        return nodes_of_file(Path(str(self.nodes)), self._last.domain, self._last.names)

    @cached_property
    def _suspected(self) -> Mapping[str, Nodes]:
        """Sides and voxels that hold one value in the last two moments while their neighbours change, by substrate."""
        if len(self.names) < 2:
            return {}
        last, before = self._last, Saved.read(self.folder / f"{self.names[-2]}.xml")
        found = {}
        for k, name in enumerate(last.names):
            nodes = self._sides(last, k)
            if before.fields[k].shape == last.fields[k].shape:
                others = held_nodes(before.fields[k], last.fields[k], nodes.fixed)
                if others.fixed.any():
                    found[name] = nodes.with_others(others)
        return found

    def _notes(self) -> list[str]:
        notes = [
            "Sides are held as the settings say; Dirichlet nodes that custom code sets are in no file.",
        ]
        if self.nodes is None and self._suspected:
            told = ", ".join(self._suspected)
            notes.append(
                f"Some voxels hold one value of {told} in the last two moments while their neighbours change, as nodes "
                "that custom code set do; --nodes held takes them for such."
            )
        unknown = [name for name in self._last.names if name not in self.settings.names]
        if unknown:
            notes.append(f"{self.settings.path} does not have {', '.join(unknown)}: no side of them counts as held.")
        return notes


def _output_of(path: Path) -> Path | None:
    """The folder with the saved moments: the path, or the output of the project there."""
    if not path.is_dir():
        return None
    candidates = [path, path / "output"]
    configuration = path / CONFIGURATION
    if configuration.is_file():
        candidates.insert(1, path / (read_settings(configuration).saves.folder or "output"))
    return next((folder for folder in candidates if any(folder.glob(_MOMENTS))), None)


def _settings_of(path: Path, folder: Path) -> Path | None:
    """The settings nearest to the output."""
    places = (folder / _SETTINGS, path / CONFIGURATION, folder.parent / CONFIGURATION, path / _SETTINGS)
    return next((place for place in places if place.is_file()), None)


def _voxels(domain: sp.Domain, position: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The voxel of each cell, the nearest one of what is outside, and which are inside, and so take part."""
    (rows, columns), (dy, dx) = domain.shape, domain.spacings_um
    x, y = (position[0] - domain.origin_um[0]) / dx, (position[1] - domain.origin_um[1]) / dy
    inside = (x >= 0) & (x <= columns) & (y >= 0) & (y <= rows)
    column = np.clip(np.floor(x), 0, columns - 1).astype(np.int64)
    row = np.clip(np.floor(y), 0, rows - 1).astype(np.int64)
    return row * columns + column, inside
