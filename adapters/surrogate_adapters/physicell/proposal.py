"""What a project's XML says for and against a steady field of each substrate, and how exact it should be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import surrogate_plugin as sp
from surrogate_adapters.biofvm import SHARE, SHARE_CLIMBED, concerns, do_not_diffuse
from surrogate_adapters.physicell.facts import climbers, remark, substrate_of
from surrogate_adapters.physicell.settings import Settings
from surrogate_adapters.physicell.variables import Variable
from surrogate_adapters.quasi_steady import relaxation_min


@dataclass(frozen=True)
class Verdict:
    """What is proposed for one substrate.

    Attributes
    ----------
    name : str
    fits : bool
        Whether it is answered for unless others are named.
    tolerance : float or None, field units
        Where a side holds a value above 0; the default otherwise.
    reason : str
        Sentences.
    pace : str or None
        How long it takes to come to rest beside a phenotype step, and what makes it so; None if it does not diffuse.
    slow : bool
        Whether it is far from steady at a phenotype step.
    """

    name: str
    fits: bool
    tolerance: float | None
    reason: str
    pace: str | None = None
    slow: bool = False


def verdicts(settings: Settings) -> list[Verdict]:
    """One verdict a substrate, in PhysiCell's order.

    Raises
    ------
    UnsupportedProblemError
        If the lattice is not allowed, whatever the substrates are.
    """
    try:
        _ = settings.lattice.domain
    except ValueError as error:
        raise sp.UnsupportedProblemError(f"{settings.path}: {error}") from None
    still = do_not_diffuse(substrate_of(settings, one) for one in settings.variables)
    return [_verdict(one, settings, one.name in still) for one in settings.variables]


def _verdict(variable: Variable, settings: Settings, still: bool) -> Verdict:
    if still:
        reason = f"{variable.name} does not diffuse, so the header steps it voxel by voxel, as PhysiCell would."
        return Verdict(variable.name, False, None, reason)
    against = concerns(substrate_of(settings, variable), settings.lattice.size_um, settings.times.phenotype_min)
    tolerance, how = _tolerance(variable, list(climbers(settings, variable.name)))
    pace = _pace(variable, settings)
    if not against:
        return Verdict(variable.name, True, tolerance, how, pace)
    told = [
        one.sentence[0].upper() + one.sentence[1:] if one.kind == "nothing supplies it" else one.sentence
        for one in against
    ]
    if any(one.kind == "nothing supplies it" for one in against):
        told.append("If your own code does, name it with --substrates.")
    slow = any(one.kind == "not quasi-steady" for one in against)
    return Verdict(variable.name, False, tolerance, " ".join(filter(None, [*told, remark(variable)])), pace, slow)


def _pace(variable: Variable, settings: Settings) -> str:
    """How long a substrate takes to come to rest beside a phenotype step, and what makes it so."""
    diffusivity, decay, size = variable.diffusivity_um2_per_min, variable.decay_per_min, settings.lattice.size_um
    rest = relaxation_min(diffusivity, decay, size, held=bool(variable.sides))
    lasts = "never comes to rest" if math.isinf(rest) else f"comes to rest in about {rest:.3g} min"
    spreads = f"it spreads over {max(size):g} um with {diffusivity:g} um^2/min, "
    return (
        f"{variable.name} {lasts}, and a phenotype step is {settings.times.phenotype_min:g} min: "
        f"{spreads if variable.sides else 'no side holds it, '}and it decays at {decay:g}/min."
    )


def _tolerance(variable: Variable, climbed_by: list[str]) -> tuple[float | None, str]:
    """The largest error allowed, and how it comes about."""
    largest = max(variable.sides.values(), default=0.0)
    share, percent = (SHARE_CLIMBED, "0.1 %") if climbed_by else (SHARE, "1 %")
    climbed = f", since {', '.join(climbed_by)} climbs it" if climbed_by else ""
    if largest <= 0:
        return None, f"No side holds it above 0: the default tolerance, {percent} of the largest value{climbed}."
    tolerance = float(f"{share * largest:.3g}")
    sides = ", ".join(side for side, value in variable.sides.items() if value == largest)
    return (
        tolerance,
        f"Held at {largest:g} by {sides}: an error of at most {tolerance:g}, {percent} of that{climbed}.",
    )
