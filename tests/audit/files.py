"""A finished run as PhysiCell writes it, made of simulations of pyphysicell: settings, and MultiCellDS moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyphysicell as pc
from scipy.io import savemat

#: One row, or one a substrate, of every cell.
LABELS = ("uptake_rates", "secretion_rates", "saturation_densities", "net_export_rates")
RATES = ("uptake_rate", "secretion_rate", "secretion_target", "net_export_rate")


def write_run(folder: Path, sims: Sequence[pc.Simulation]) -> Path:
    """A project with ``config/`` and ``output/``; its output."""
    output = folder / "output"
    for path in (output, folder / "config"):
        path.mkdir(parents=True, exist_ok=True)
    (folder / "config" / "PhysiCell_settings.xml").write_text(settings_text(sims[0].model))
    for number, sim in enumerate(sims):
        write_moment(output, f"output{number:08d}", sim)
    return output


def settings_text(model: pc.Model) -> str:
    """The settings of a model, so far as an audit looks at them."""
    d, t = model.domain, model.time
    variables = "".join(
        f'<variable name="{s.name}" units="mmHg" ID="{k}"><physical_parameter_set>'
        f"<diffusion_coefficient>{s.diffusion_coefficient}</diffusion_coefficient>"
        f"<decay_rate>{s.decay_rate}</decay_rate></physical_parameter_set>"
        f"<initial_condition>{s.initial_condition}</initial_condition>"
        f'<Dirichlet_boundary_condition enabled="{bool(s.dirichlet_faces)}">0</Dirichlet_boundary_condition>'
        f"<Dirichlet_options>{_sides(s)}</Dirichlet_options></variable>"
        for k, s in enumerate(model.substrates)
    )
    bounds = "".join(f"<{a}_{e}>{getattr(d, f'{a}_{e}')}</{a}_{e}>" for a in "xyz" for e in ("min", "max"))
    spacing = "".join(f"<d{a}>{getattr(d, f'd{a}')}</d{a}>" for a in "xyz")
    return (
        f"<PhysiCell_settings><domain>{bounds}{spacing}<use_2D>true</use_2D></domain>"
        f"<overall><max_time>60</max_time><dt_diffusion>{t.dt_diffusion}</dt_diffusion>"
        f"<dt_phenotype>{t.dt_phenotype}</dt_phenotype></overall>"
        "<save><folder>output</folder><full_data><interval>6</interval><enable>true</enable></full_data></save>"
        f"<microenvironment_setup>{variables}</microenvironment_setup></PhysiCell_settings>"
    )


def _sides(substrate: pc.Substrate) -> str:
    faces = {side: substrate.dirichlet_faces.get(side, (False, 0.0)) for side in ("xmin", "xmax", "ymin", "ymax")}
    return "".join(
        f'<boundary_value ID="{side}" enabled="{enabled}">{value}</boundary_value>'
        for side, (enabled, value) in faces.items()
    )


def write_moment(output: Path, name: str, sim: pc.Simulation) -> Path:
    """The XML of a moment and its two matrices."""
    me, cells = sim.microenvironment, sim.cells
    n, (x, y, _z) = cells.n, me.centers
    place = np.stack(np.meshgrid(x, y), axis=0).reshape(2, -1)
    fixed_rows = [place, np.zeros((1, place.shape[1])), np.full((1, place.shape[1]), me.voxel_volume)]
    savemat(
        output / f"{name}_microenvironment0.mat",
        {"multiscale_microenvironment": np.concatenate([*fixed_rows, me.density[0].reshape(-1, me.ns).T])},
        format="4",
    )
    rows = {
        "ID": cells.ID[None, :n],
        "position": cells.position[:n].T,
        "total_volume": cells.volume_total[None, :n],
        "cell_type": cells.type_idx[None, :n],
        "dead": cells.dead[None, :n],
        **{label: getattr(cells, rate)[:n].T for label, rate in zip(LABELS, RATES, strict=True)},
    }
    savemat(output / f"{name}_cells.mat", {"cells": np.concatenate(list(rows.values())).astype(float)}, format="4")
    path = output / f"{name}.xml"
    path.write_text(_xml(name, sim, x, y, {label: len(row) for label, row in rows.items()}))
    return path


def _xml(name: str, sim: pc.Simulation, x: np.ndarray, y: np.ndarray, sizes: dict[str, int]) -> str:
    index, labels = 0, []
    for label, size in sizes.items():
        labels.append(f'<label index="{index}" size="{size}" units="none">{label}</label>')
        index += size
    variables = "".join(
        f'<variable name="{s.name}" units="mmHg" ID="{k}"><physical_parameter_set>'
        f"<diffusion_coefficient>{s.diffusion_coefficient}</diffusion_coefficient>"
        f"<decay_rate>{s.decay_rate}</decay_rate></physical_parameter_set></variable>"
        for k, s in enumerate(sim.model.substrates)
    )
    types = "".join(f'<type ID="{k}" type="{k}">{one}</type>' for k, one in enumerate(sim.model.cell_type_names))
    return (
        '<?xml version="1.0"?><MultiCellDS version="2" type="snapshot/simulation"><metadata><software>'
        f'<name>PhysiCell</name><version>1.14.2</version></software><current_time units="min">{sim.t}</current_time>'
        '</metadata><microenvironment><domain name="microenvironment"><mesh type="Cartesian">'
        f'<x_coordinates delimiter=" ">{_text(x)}</x_coordinates>'
        f'<y_coordinates delimiter=" ">{_text(y)}</y_coordinates>'
        '<z_coordinates delimiter=" ">0</z_coordinates></mesh>'
        f"<variables>{variables}</variables>"
        '<data type="matlab">'
        f"<filename>{name}_microenvironment0.mat</filename></data></domain></microenvironment><cellular_information>"
        "<cell_populations><cell_population><custom>"
        f"<simplified_data><cell_types>{types}</cell_types><labels>{''.join(labels)}</labels>"
        f"<filename>{name}_cells.mat</filename></simplified_data></custom></cell_population></cell_populations>"
        "</cellular_information></MultiCellDS>"
    )


def _text(numbers: Iterable[float]) -> str:
    return " ".join(f"{number:.17g}" for number in numbers)
