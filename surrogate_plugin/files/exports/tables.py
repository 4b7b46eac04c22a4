"""Cells as one table: a row for each cell and moment, with what it reads of each substrate."""

from __future__ import annotations

import csv
from pathlib import Path

from surrogate_plugin.files.exports.footage import Footage, Moved, needed_cells, time_of
from surrogate_plugin.whole_files import replacing

_COLUMNS = ("moment", "time_min", "id", "type", "alive", "x_um", "y_um", "radius_um")


def write_csv(path: Path, footage: Footage, moved: Moved) -> list[Path]:
    """Commas between, names in the first line, UTF-8, numbers to the last bit."""
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow([*_COLUMNS, *footage.substrates])
        for number, scenes in enumerate(footage):
            dots = needed_cells(scenes, "a .csv")
            name, time = next(iter(scenes.values())).name, time_of(scenes, number)
            levels = [scene.cells.level for scene in scenes.values() if scene.cells is not None]
            kinds = dots.kind or ("",) * len(dots)
            for k in range(len(dots)):
                place = (*dots.position_um[k].tolist(), float(dots.radius_um[k]))
                row = [name, time, int(dots.name[k]), kinds[k], int(dots.alive[k]), *place]
                table.writerow([*row, *(float(level[k]) for level in levels)])
            moved()
    return [path]
