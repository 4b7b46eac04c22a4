"""A picture of an ensemble: one number over one or two parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.ensemble.results import Results
from surrogate_plugin.errors import EnsembleError
from surrogate_plugin.pictures import view
from surrogate_plugin.whole_files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(results: Results, what: str, path: str | Path, *, over: tuple[str, ...] = (), label: str = "") -> None:
    """Draw a number of all finished members over parameters, and write the picture.

    One parameter gives points and the mean of each of its values; of two that make a grid a map of means, else points
    in the colour of the number. Parameters that are not named are averaged over.

    Parameters
    ----------
    results : Results
    what : str
        The name of the number.
    path : str or Path
        Of a picture, ``.png`` as a rule.
    over : (str,) or (str, str)
        The parameters; by default the first two that vary, or the one.
    label : str
        Of the number; its name if not given.

    Raises
    ------
    EnsembleError
        If there is no such number, no parameter to draw it over, or no finished member.
    """
    over = over or _varying(results)[:2]
    if not 1 <= len(over) <= 2:
        raise EnsembleError(f"{results.path} has no parameter that varies, over which {what} could be drawn.")
    values, columns = results.number(what), [results.number(name) for name in over]
    there = np.isfinite(values)
    if not there.any():
        raise EnsembleError(f"{results.path} has no finished member with {what}.")
    made, (axes,) = view.figure(6.4, 4.8, (1.0,))
    draw_into(axes, values[there], [column[there] for column in columns], label=label or what)
    axes.set_xlabel(over[0])
    if len(over) == 2:
        axes.set_ylabel(over[1])
    with replacing(Path(path)) as partial:
        made.savefig(partial, dpi=110)


def draw_into(axes: Axes, values: FloatArray, columns: list[FloatArray], *, label: str) -> None:
    """Draw numbers, (n,), over one or two parameters, each (n,)."""
    if len(columns) == 1:
        places = np.unique(columns[0])
        means = [values[columns[0] == place].mean() for place in places]
        axes.plot(columns[0], values, "o", color="#7fd1ff", alpha=0.6)
        if len(places) < len(values):
            axes.plot(places, means, color="#f4a259")
        axes.set_ylabel(label)
        return
    x, y = np.unique(columns[0]), np.unique(columns[1])
    if len(x) * len(y) <= len(values):
        bar_of: Any = axes.pcolormesh(_edges(x), _edges(y), _means(values, columns, x, y), cmap="magma")
    else:
        bar_of = axes.scatter(columns[0], columns[1], c=values, cmap="magma")
    bar = axes.get_figure().colorbar(bar_of, ax=axes, pad=0.015)  # type: ignore[union-attr]
    bar.set_label(label, color=view.INK)
    bar.ax.tick_params(colors=view.INK, labelsize=8)


def _varying(results: Results) -> tuple[str, ...]:
    varying = []
    for name in results.parameters:
        column = results.parameter(name)
        if len(set(column)) > 1 and not any(isinstance(each, str) for each in column):
            varying.append(name)
    return tuple(varying)


def _means(values: FloatArray, columns: list[FloatArray], x: FloatArray, y: FloatArray) -> FloatArray:
    """The mean at each pair of values, (len(y), len(x)); NaN where there is none."""
    sums, counts = np.zeros((len(y), len(x))), np.zeros((len(y), len(x)))
    place = np.searchsorted(y, columns[1]), np.searchsorted(x, columns[0])
    np.add.at(sums, place, values)
    np.add.at(counts, place, 1.0)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _edges(places: FloatArray) -> FloatArray:
    """Between values, and as far beyond the outer ones."""
    if len(places) == 1:
        width = abs(places[0]) or 1.0
        return np.array([places[0] - width / 2, places[0] + width / 2])
    middles = (places[1:] + places[:-1]) / 2
    return np.concatenate([[2 * places[0] - middles[0]], middles, [2 * places[-1] - middles[-1]]])
