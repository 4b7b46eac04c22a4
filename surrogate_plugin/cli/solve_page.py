"""The page of one solve: the field with what is held, who answered, how sure, what was asked, and by which versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.cli.answer import Answer, rows
from surrogate_plugin.pictures import view
from surrogate_plugin.report import Page
from surrogate_plugin.report.about import card_of, sides_of, versions
from surrogate_plugin.report.words import WHAT_A_BOUND_IS, WHAT_AN_ESTIMATE_IS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from surrogate_plugin.engine.discretisation import DiscretisationEstimate
    from surrogate_plugin.equation.problem import FloatArray


def check_page(path: Path) -> None:
    """Refuse what is no name of a page, or cannot be written, before anybody waits."""
    from surrogate_plugin.report.writing import checked

    checked(path)


def write_page(answer: Answer, source: str, colours: str, path: Path) -> Path:
    """Write the page of a solve, and return where it is; ``source`` names what was read."""
    solution, told = answer.solution, answer.told
    page = Page(f"The field around {source}")
    page.section("Field")
    bound = f"{solution.error_bound:.3g} {told.units}".rstrip()
    held = f"{int(answer.problem.fixed.sum())} pixels are held"
    page.picture(
        _drawn(answer, solution.field, colours),
        f"Answered by {solution.method} within {bound}; what is held is red.",
        alt=f"A map of values from {solution.field.min():.3g} to {solution.field.max():.3g}; {held}.",
    )
    page.facts(dict(rows(answer)))
    page.text(WHAT_A_BOUND_IS)
    if answer.discretisation is not None:
        _tell_discretisation(page, answer, answer.discretisation, colours)
    page.section("Sides")
    page.facts({"sides": sides_of(answer.problem.boundary)})
    page.section("Model card")
    page.facts(card_of("default"))
    page.section("Versions")
    page.facts(versions())
    return page.write(path)


def _tell_discretisation(page: Page, answer: Answer, found: DiscretisationEstimate, colours: str) -> None:
    page.section("What the lattice costs: an estimate")
    largest = f"{found.largest:.3g} {answer.told.units}".rstrip()
    page.picture(
        _drawn(answer, found.map, colours),
        "About how far the exact field of this lattice is from that of the continuous equation; what is held is red.",
        alt=f"A map of estimated errors, up to {largest}.",
    )
    page.facts({"discretisation": found.sentence(answer.told.units)})
    page.text(WHAT_AN_ESTIMATE_IS)


def _drawn(answer: Answer, values: FloatArray, colours: str) -> Figure:
    problem = answer.problem
    height, width = np.multiply(problem.shape, problem.spacings).tolist()
    made, (axes,) = view.figure(6.2, min(9.0, max(1.2, 5.0 * height / width)), (1.0,))
    view.draw_field(axes, problem, values, colours=colours, label=answer.told.units.replace("$", r"\$"))
    view.draw_fixed(axes, problem, problem.fixed)
    return made
