"""Small settings of PhysiCell, written by tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

EXTENT = {"x_min": -500, "x_max": 500, "y_min": -400, "y_max": 400, "z_min": -10, "z_max": 10}
DOMAIN = {**EXTENT, "dx": 20, "dy": 20, "dz": 20, "use_2D": "true"}


def elements(values: Mapping[str, object]) -> str:
    """An element a line."""
    return "".join(f"<{name}>{value}</{name}>\n" for name, value in values.items())


def variable(
    name: str,
    diffusion: object = 1e5,
    decay: object = 0.1,
    condition: str = "true",
    options: Mapping[str, tuple[str, object]] | None = None,
    initial: object = 38,
) -> str:
    """A substrate, held at 38 unless the condition is off; `options` are a side's flag and value."""
    lines = "".join(
        f'<boundary_value ID="{side}" enabled="{on}">{value}</boundary_value>\n'
        for side, (on, value) in (options or {}).items()
    )
    return (
        f'<variable name="{name}" units="mmHg">\n<physical_parameter_set>\n'
        f"{elements({'diffusion_coefficient': diffusion, 'decay_rate': decay})}</physical_parameter_set>\n"
        f"{elements({'initial_condition': initial})}"
        f'<Dirichlet_boundary_condition enabled="{condition}">38</Dirichlet_boundary_condition>\n'
        f"{f'<Dirichlet_options>{lines}</Dirichlet_options>' if options is not None else ''}</variable>\n"
    )


def cell_type(name: str, attributes: str = "", volume: object = None, **exchange: Mapping[str, object]) -> str:
    """A cell definition; what it exchanges by substrate, with ``_`` for blanks."""
    size = "" if volume is None else f"<volume>{elements({'total': volume})}</volume>\n"
    secretion = "".join(
        f'<substrate name="{substrate.replace("_", " ")}">{elements(rates)}</substrate>\n'
        for substrate, rates in exchange.items()
    )
    return (
        f'<cell_definition name="{name}" {attributes}>\n<phenotype>\n{size}<secretion>{secretion}</secretion>\n'
        "</phenotype></cell_definition>\n"
    )


def settings_text(
    *variables: str,
    cells: str = "",
    more: str = "",
    options: str = "",
    domain: Mapping[str, object] | None = None,
    overall: Mapping[str, object] | None = None,
) -> str:
    """The XML; `options` go into microenvironment_setup, `more` below the root."""
    return (
        f"<PhysiCell_settings>\n<domain>\n{elements({**DOMAIN, **(domain or {})})}</domain>\n"
        f"<overall>\n{elements({'max_time': 1440, **(overall or {})})}</overall>\n"
        f"<microenvironment_setup>\n{''.join(variables)}<options>{options}</options></microenvironment_setup>\n"
        f"<cell_definitions>\n{cells}</cell_definitions>\n{more}</PhysiCell_settings>\n"
    )


def write(folder: Path, *variables: str, **parts: object) -> Path:
    """The XML in ``config/`` of a folder, where a simulation runs."""
    path = folder / "config" / "PhysiCell_settings.xml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(settings_text(*variables, **parts))  # type: ignore[arg-type]
    return path
