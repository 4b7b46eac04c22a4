"""A colony of vivarium-multibody that grows, divides and pushes, fed by glucose that diffuses in from one side."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from vivarium.core.engine import Engine
from vivarium.library.units import units
from vivarium_multibody.composites.grow_divide import GrowDivide
from vivarium_multibody.composites.lattice import make_lattice_config

import surrogate_plugin as sp
from surrogate_adapters.vivarium import SurrogateLattice
from surrogate_plugin.pictures import view

BOUNDS, N_BINS = [60, 40], [30, 20]  # um and bins along x and y
STEP_S, STEPS = 30.0, 40

parser = argparse.ArgumentParser(description="A colony in Vivarium on certified glucose.")
parser.add_argument(
    "-o", "--output", type=Path, default=Path("vivarium-lattice.png"), help="the picture (default: %(default)s)"
)
output = parser.parse_args().output

bath = np.zeros(N_BINS, dtype=bool)
bath[0] = True
config = make_lattice_config(
    time_step=STEP_S, jitter_force=1e-5, bounds=BOUNDS, n_bins=N_BINS, depth=2.0, molecules=["glc"], diffusion=600.0
)
config["diffusion"] |= {
    "decay_per_s": 0.01,
    "uptake_per_s": 20.0,
    "fixed": {"glc": bath},
    "fixed_value": 5.0,  # mmol / L
    "tolerance": 0.005,
}
composite = SurrogateLattice(config).generate()
cell = GrowDivide({"growth": {"default_growth_rate": 0.002, "time_step": STEP_S}})
places = {"a": [15.0, 20.0], "b": [40.0, 12.0], "c": [45.0, 30.0]}
for name in places:
    composite.merge(composite=cell.generate({"agent_id": name}), path=("agents", name))
boundaries = {name: {"boundary": {"location": place, "mass": 1500 * units.fg}} for name, place in places.items()}

engine = Engine(
    processes=composite.processes,
    steps=composite.steps,
    flow=composite.flow,
    topology=composite.topology,
    initial_state={"agents": boundaries},
    display_info=False,
)
print("    s  agents  lowest glucose  bound    answered by")
for step in range(1, STEPS + 1):
    engine.update(STEP_S)
    if step % 10 == 0:
        state = engine.state.get_value()
        lowest = min(agent["boundary"]["external"]["glc"] for agent in state["agents"].values())
        told = state["certificate"]["glc"]
        print(f"{step * STEP_S:5.0f}  {len(state['agents']):6d}  {lowest:14.3f}  {told['bound']:.1e}  {told['method']}")

history = composite.processes["diffusion"].history
largest = max(entry.bound for entry in history)
print(f"{len(history)} fields solved for; largest certified bound {largest:.4f} of 0.005 mmol/L allowed")

made, (axes,) = view.figure(9.6, 5.6, (1.0,))
glucose = engine.state.get_value()["fields"]["glc"]  # (columns, rows), as the host has it
domain = sp.Domain((0.0, 0.0), BOUNDS, N_BINS[::-1])
view.draw_field(axes, domain, glucose.T, colours="viridis", label="glucose (mmol/L)")
agents = [agent["boundary"] for agent in engine.state.get_value()["agents"].values()]
for agent in agents:
    (x, y), half = agent["location"], 0.5 * agent["length"] * np.array([np.cos(agent["angle"]), np.sin(agent["angle"])])
    axes.plot([x - half[0], x + half[0]], [y - half[1], y + half[1]], color="#ffd9a0", linewidth=5, alpha=0.8)
view.draw_scale(axes, 10.0)
axes.set_title(f"{len(agents)} cells after {STEP_S * STEPS / 60:.0f} min, fed from the left")
made.savefig(output, dpi=100)
print(f"picture: {output}")
