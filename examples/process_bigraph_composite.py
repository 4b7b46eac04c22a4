"""A process-bigraph document with cells that grow on certified oxygen and divide; run, saved, loaded and run on."""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from process_bigraph import Composite, Process, allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import register
from surrogate_plugin.pictures import view

HOUR = 3600.0  # the host counts in seconds

CELL = {
    "position_um": "list[float]",
    "volume_um3": "float",
    "uptake_per_min": "map[float]",
    "secretion_per_min": "map[float]",
    "secretion_target": "map[float]",
}
CELLS = {"_type": "map", "_value": CELL}


class Growth(Process):
    """Cells grow by what oxygen there is, and divide in two."""

    config_schema: ClassVar[dict[str, str]] = {"rate_per_h": "float", "half_oxygen": "float", "divide_at_um3": "float"}

    def inputs(self) -> dict[str, Any]:
        return {"cells": CELLS, "sampled": "map[map[float]]"}

    def outputs(self) -> dict[str, Any]:
        return {"cells": CELLS}

    def update(self, state: dict[str, Any], interval: float) -> dict[str, Any]:
        update: dict[str, Any] = {}
        born, gone = [], []
        for key, cell in state["cells"].items():
            oxygen = state["sampled"][key]["oxygen"]  # newborn cells have it too
            rate = self.config["rate_per_h"] * oxygen / (oxygen + self.config["half_oxygen"])
            volume = cell["volume_um3"] * math.exp(rate * interval / HOUR)
            if volume < self.config["divide_at_um3"]:
                update[key] = {"volume_um3": volume - cell["volume_um3"]}
                continue
            gone.append(key)
            x, y = cell["position_um"]
            for side, step in (("l", -15.0), ("r", 15.0)):
                born.append((key + side, {**cell, "position_um": [x + step, y + step], "volume_um3": volume / 2}))
        return {"cells": {**update, "_add": born, "_remove": gone}}


def fresh_core() -> Any:
    """A core that knows the process and the step of the document."""
    core = register(allocate_core())
    core.register_link("Growth", Growth)
    return core


parser = argparse.ArgumentParser(description="Cells of a process-bigraph document that grow on certified oxygen.")
parser.add_argument(
    "-o",
    "--output",
    type=Path,
    default=Path("process-bigraph-composite.png"),
    help="the picture (default: %(default)s)",
)
output = parser.parse_args().output

document = json.loads(Path(__file__).with_suffix(".json").read_text())
composite = Composite(document, core=fresh_core())
for hours in (4, 8, 12):
    composite.run(4 * HOUR)
    oxygen = min(seen["oxygen"] for seen in composite.state["sampled"].values())
    told = f"bound {composite.state['bound']['oxygen']:.3f} mmHg by {composite.state['method']['oxygen']}"
    print(f"{hours:2d} h: {len(composite.state['cells'])} cells, oxygen at least {oxygen:.2f} mmHg, {told}")

with tempfile.TemporaryDirectory() as folder:
    composite.save("tissue.json", folder)
    loaded = Composite.load(str(Path(folder) / "tissue.json"), core=fresh_core())
loaded.run(12 * HOUR)
bounds = [entry.bound for entry in loaded.state["diffusion"]["instance"].history if entry.substrate == "oxygen"]
print(f"24 h, the latter half from a saved document: {len(loaded.state['cells'])} cells")
print(f"largest certified bound {max(bounds):.3f} of 0.38 mmHg allowed, over {len(bounds)} fields")

made, axes = view.figure(9.6, 3.8, (1.0, 1.0))
step = document["state"]["diffusion"]["config"]
domain = sp.Domain.from_lattice(step["shape"], step["spacing_um"])
grown = loaded.state["cells"].values()
cells = sp.Cells([cell["position_um"] for cell in grown], volume_um3=[cell["volume_um3"] for cell in grown])
shown = (("oxygen", "oxygen (mmHg)", "magma"), ("glucose", "glucose (mmol/L)", "viridis"))
for each, (name, label, colours) in zip(axes, shown, strict=True):
    view.draw_field(each, domain, np.asarray(loaded.state["fields"][name]), label=label, colours=colours)
    view.draw_cells(each, cells, "#ffffff", alpha=0.9)
    view.draw_scale(each, 200.0)
    each.set_title(f"{name} around {len(cells)} cells after 24 h")
made.savefig(output, dpi=100)
print(f"picture: {output}")
