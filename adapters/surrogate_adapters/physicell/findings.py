"""What is worth telling of settings: where PhysiCell will stop, and where it does other than one may think."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass

import surrogate_plugin as sp
from surrogate_adapters.biofvm import concerns, do_not_diffuse, require_allowed
from surrogate_adapters.physicell.elements import Document
from surrogate_adapters.physicell.facts import remark, substrate_of
from surrogate_adapters.physicell.settings import File, Settings
from surrogate_adapters.physicell.step_errors import predictions
from surrogate_adapters.physicell.unread import unread
from surrogate_adapters.physicell.variables import Variable

__all__ = ["Finding", "errors_of", "warnings_of"]


@dataclass(frozen=True)
class Finding:
    """One thing that is told.

    Attributes
    ----------
    kind : str
        A few words that stay the same.
    substrate : str
        Which it is of; empty where it is of all.
    sentence : str
    """

    kind: str
    substrate: str
    sentence: str


def errors_of(settings: Settings) -> Iterator[Finding]:
    """What PhysiCell stops at, or has no field for."""
    nx, ny, _ = settings.lattice.nodes
    if settings.lattice.flat and min(nx, ny) < 2:
        yield Finding("lattice", "", f"there are {nx} x {ny} voxels; PhysiCell's 2-D solver needs 2 along x and y.")
    for variable in settings.variables:
        try:
            require_allowed(substrate_of(settings, variable), steady=False)
        except sp.InvalidProblemError as error:
            yield Finding("coefficient", variable.name, f"line {variable.line}: {error}")
    for one in settings.cell_types:
        for name, rates in one.rates.items():
            if name not in settings.names and settings.names:
                yield Finding(
                    "unknown substrate",
                    name,
                    f"line {one.line}: cell type {one.name!r} exchanges {name!r}; {', '.join(settings.names)} are "
                    "allowed: PhysiCell stops at others.",
                )
            for what, number in vars(rates).items():
                if number < 0.0 and what != "net_export":
                    yield Finding(
                        "negative rate",
                        name,
                        f"line {one.line}: {what.removesuffix('_per_min').replace('_', ' ')} of {name} of cell type "
                        f"{one.name!r} is {number:g}; a number >= 0 is allowed.",
                    )
    yield from _files(settings)


def _files(settings: Settings) -> Iterator[Finding]:
    named: dict[str, File | None] = {
        "initial_condition": settings.initial_condition,
        "cell_positions": settings.cell_positions,
    }
    for name, file in named.items():
        if file is not None and not os.path.isfile(file.path):
            yield Finding("missing file", "", f"line {file.line}: {name} is '{file.path}'; there is no such file.")
        elif file is not None:
            try:
                if name == "cell_positions":
                    settings.placed()
                elif settings.lattice.nodes[2] == 1:
                    for substrate in settings.names:
                        settings.initial(substrate)
            except ValueError as error:
                yield Finding("file", "", str(error))


def warnings_of(settings: Settings, share: float) -> Iterator[Finding]:
    """What may not be as one thinks, where a step error of more than a share is."""
    yield from (Finding("unread", "", sentence) for sentence in unread(Document.read(settings.path)))
    yield from _lattice(settings)
    yield from _ignored(settings)
    still = do_not_diffuse(substrate_of(settings, one) for one in settings.variables)
    for variable in settings.variables:
        yield from _sides(variable)
        if variable.name in still:
            yield Finding("does not diffuse", variable.name, _still(variable))
            continue
        substrate = substrate_of(settings, variable)
        for one in concerns(substrate, settings.lattice.size_um, settings.times.phenotype_min):
            if one.kind != "not quasi-steady":  # which is no fault of a model, and stands in the table
                yield Finding(one.kind, variable.name, _begun(one.sentence, variable.name))
        yield from _short(settings, variable)
        for predicted in predictions(settings, variable):
            if abs(predicted.share) > share:
                yield Finding("step error", variable.name, _begun(predicted.sentence(share), variable.name))
    yield from _rules(settings)


def _lattice(settings: Settings) -> Iterator[Finding]:
    lattice, times = settings.lattice, settings.times
    dx, dy, dz = lattice.spacing_um
    if not lattice.flat:
        yield Finding(
            "3-D",
            "",
            f"The lattice has {lattice.nodes[2]} layers (use_2D is false); the backend answers for 2-D models.",
        )
    uneven = (dx, dy) if lattice.flat else (dx, dy, dz)
    if len(set(uneven)) > 1:
        size = " x ".join(f"{each:g}" for each in uneven)
        yield Finding(
            "uneven voxels", "", f"Voxels are {size} um, and PhysiCell's solver takes dx = {dx:g} um along all axes."
        )
    for axis, count, spacing, low in zip("xyz", lattice.nodes, lattice.spacing_um, lattice.origin_um, strict=True):
        length = settings.lattice.length_um[axis]
        if count * spacing > length * (1.0 + 1e-9):
            yield Finding(
                "lattice",
                "",
                f"{axis}_max - {axis}_min is {length:g} um, no multiple of d{axis} = {spacing:g}: the last voxel "
                f"reaches to {axis} = {low + count * spacing:g}.",
            )
    if times.diffusion_min > min(times.mechanics_min, times.phenotype_min):
        yield Finding(
            "steps",
            "",
            f"dt_diffusion is {times.diffusion_min:g} min, dt_mechanics {times.mechanics_min:g} and dt_phenotype "
            f"{times.phenotype_min:g}; PhysiCell acts at diffusion steps alone, so the others should not be shorter.",
        )
    for what, unit, counted in (("time", times.unit, "min"), ("space", lattice.unit, "micron")):
        if unit and unit != counted:
            yield Finding("units", "", f"{what}_units is {unit!r}, but PhysiCell counts in {counted} whatever it says.")


def _ignored(settings: Settings) -> Iterator[Finding]:
    if not settings.variables:
        yield Finding(
            "no substrates", "", "No substrates are declared (microenvironment_setup): code of the model adds them."
        )
    if settings.dirichlet_nodes is not None:
        file = settings.dirichlet_nodes
        yield Finding(
            "ignored nodes",
            "",
            f"Line {file.line}: dirichlet_nodes is enabled, but PhysiCell up to 1.14 passes it over.",
        )
    names = set[str]()
    for one in settings.cell_types:
        if one.asked_parent and one.asked_parent not in names:
            yield Finding(
                "parent",
                "",
                f"Line {one.line}: cell type {one.name!r} names the parent {one.asked_parent!r}, which does not stand "
                "above it: PhysiCell takes the default for it, without its rates.",
            )
        names.add(one.name)
    for ruleset in settings.rulesets:
        if not ruleset.found:
            yield Finding("missing rules", "", f"Line {ruleset.line}: there are no rules at '{ruleset.path}'.")
    if settings.cell_positions is not None and os.path.isfile(settings.cell_positions.path):
        yield from _left_out(settings)


def _left_out(settings: Settings) -> Iterator[Finding]:
    try:
        left_out = settings.placed().left_out
    except ValueError:  # which is told as an error
        return
    if left_out:
        yield Finding(
            "cells left out",
            "",
            f"{left_out} of the cells of cell_positions are of no type that there is, or stand off the lattice.",
        )


def _sides(variable: Variable) -> Iterator[Finding]:
    name, told = variable.name, remark(variable)
    if told is not None:
        yield Finding("ignored Dirichlet_boundary_condition", name, f"{name}: {told[0].lower()}{told[1:]}")
    elif variable.condition.enabled and (
        other := {side: held.value for side, held in variable.options.items() if held.value != variable.condition.value}
    ):
        values = ", ".join(f"{side} {value:g}" for side, value in other.items() if side in variable.sides)
        if values:
            yield Finding(
                "ignored Dirichlet_boundary_condition",
                name,
                f"{name}: the {variable.condition.value:g} of its Dirichlet_boundary_condition is ignored where "
                f"Dirichlet_options say otherwise: {values}.",
            )


def _still(variable: Variable) -> str:
    return (
        f"{variable.name} has diffusion coefficient {variable.diffusivity_um2_per_min:g}, so it stays where it "
        "is made: it has no field to solve for."
    )


def _short(settings: Settings, variable: Variable) -> Iterator[Finding]:
    """Where a field falls off within a voxel, which no lattice of that spacing shows."""
    spacing, name = max(settings.lattice.spacing_um[:2]), variable.name
    if variable.decay_per_min <= 0.0:
        return
    length = math.sqrt(variable.diffusivity_um2_per_min / variable.decay_per_min)
    if length < spacing:
        yield Finding(
            "short length",
            name,
            f"{name} falls off within {length:.3g} um (the root of D over decay), less than a voxel of "
            f"{spacing:g} um: its slopes are not those of the equation.",
        )


def _rules(settings: Settings) -> Iterator[Finding]:
    for name in settings.names:
        changing = [(rule, changed) for rule in settings.rules if (changed := rule.exchange(name)) is not None]
        for what in dict.fromkeys(changed for _, changed in changing):
            places = [f"{rule.cell_type!r} (line {rule.line})" for rule, changed in changing if changed == what]
            yield Finding(
                "rules change rates",
                name,
                f"Rules change the {what} of {name} during the run, of {', '.join(dict.fromkeys(places))}: its rate "
                "here is that without a signal.",
            )


def _begun(sentence: str, name: str) -> str:
    """With a capital, unless it begins with a name, of which the case counts."""
    return sentence if sentence.startswith(name) else sentence[:1].upper() + sentence[1:]
