"""What a check found, on a terminal of 60 columns or more."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from surrogate_adapters.physicell.cell_types import Rates
from surrogate_adapters.physicell.checking import Checked, Row
from surrogate_adapters.physicell.findings import Finding
from surrogate_adapters.physicell.step_errors import percent
from surrogate_adapters.physicell.variables import SIDES

__all__ = ["show"]

_UNITS = (
    "D in um2/min, decay in 1/min; reach is the root of D over decay, in um, rest the time that it takes to come to "
    "rest, in min, and error what the diffusion step is predicted to make."
)


def show(checked: Checked, console: Console) -> None:
    """Tables of substrates, sides and rates, then errors and warnings, a sentence each."""
    settings = checked.settings
    console.print(Text(str(settings.path), style="bold"), soft_wrap=True)
    console.print(_lattice(checked))
    if checked.rows:
        for part in (_substrates(checked.rows), _UNITS, _sides(checked), _exchange(checked)):
            console.print()
            console.print(part)
        console.print()
    for title, style, findings in (
        ("Error", "bold red", checked.errors),
        ("Warning", "bold yellow", checked.warnings),
    ):
        for finding in findings:
            console.print(_told(title, style, finding))
    console.print(_summary(checked))


def _lattice(checked: Checked) -> str:
    lattice, times = checked.settings.lattice, checked.settings.times
    axes = 2 if lattice.flat else 3
    voxels = " x ".join(f"{count}" for count in lattice.nodes[:axes])
    size = " x ".join(f"{each:g}" for each in lattice.spacing_um)
    corner = ", ".join(f"{each:g}" for each in lattice.origin_um[:axes])
    return (
        f"{voxels} voxels of {size} um from ({corner}); steps of {times.diffusion_min:g} (diffusion), "
        f"{times.mechanics_min:g} (mechanics) and {times.phenotype_min:g} min (phenotype), to {times.end_min:g} min."
    )


def _substrates(rows: Sequence[Row]) -> Table:
    made = _table(
        [row.variable.name for row in rows], "substrate", "D", "decay", "start", "reach", "rest", "step error"
    )
    for row in rows:
        one = row.variable
        unit = "" if one.unit in ("", "dimensionless") else f" {one.unit}"
        made.add_row(
            Text(one.name),
            _number(one.diffusivity_um2_per_min),
            _number(one.decay_per_min),
            Text(f"{_number(one.initial)}{unit}"),
            _number(row.length_um),
            _number(row.rest_min),
            "" if row.step_error is None else percent(row.step_error),
        )
    return made


def _sides(checked: Checked) -> Table:
    sides = SIDES[:4] if checked.settings.lattice.flat else SIDES
    made = _table(checked.settings.names, "held at", *sides, "voxels")
    for row in checked.rows:
        held = row.variable.sides
        values = (_number(held[side]) if side in held else "" for side in sides)
        made.add_row(Text(row.variable.name), *values, f"{row.nodes}")
    return made


def _exchange(checked: Checked) -> Table:
    """What cells do with each substrate, those that do the same together."""
    made = _table(checked.settings.names, "substrate", "exchange of cells, in 1/min")
    made.columns[1].justify = "left"
    for name in checked.settings.names:
        types: dict[str, list[str]] = {}
        for one in checked.settings.cell_types:
            if name in one.rates and (one.rates[name].anchors or one.rates[name].net_export):
                types.setdefault(_said(one.rates[name]), []).append(one.name)
        for what, names in types.items():
            made.add_row(Text(name), Text(f"{what}: {', '.join(names)}"))
    return made


def _said(rates: Rates) -> str:
    """The rates that are not 0.

    Examples
    --------
    >>> _said(Rates(10.0, 1.0, 38.0, 0.0))
    'uptake 10, secretion 1 towards 38'
    """
    parts = {
        f"uptake {_number(rates.uptake_per_min)}": rates.uptake_per_min,
        f"secretion {_number(rates.secretion_per_min)} towards {_number(rates.secretion_target)}": (
            rates.secretion_per_min
        ),
        f"export {_number(rates.net_export)} a cell": rates.net_export,
    }
    return ", ".join(said for said, rate in parts.items() if rate)


def _table(names: Sequence[str], first: str, *others: str) -> Table:
    """A table of substrates, in which no word of their names is broken."""
    longest = max((len(word) for name in names for word in name.split()), default=0)
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    made.add_column(first, overflow="fold", min_width=min(longest, 18))
    for name in others:
        made.add_column(name, justify="right", overflow="fold")
    return made


def _number(number: float) -> str:
    """Three digits; a dash for what has no end.

    Examples
    --------
    >>> _number(100000.0), _number(0.1), _number(math.inf)
    ('1e+05', '0.1', '-')
    """
    return "-" if math.isinf(number) else f"{number:.3g}"


def _told(title: str, style: str, finding: Finding) -> Text:
    return Text.assemble((f"{title}: ", style), finding.sentence)


def _summary(checked: Checked) -> str:
    counts = ((len(checked.errors), "error"), (len(checked.warnings), "warning"))
    told = " and ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count)
    return f"{told or 'No errors, no warnings'}."
