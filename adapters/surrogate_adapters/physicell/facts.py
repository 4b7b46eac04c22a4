"""What the settings, cell types and rules say of one substrate together; what custom code does is not known."""

from __future__ import annotations

from collections.abc import Iterator

from surrogate_adapters.biofvm import Substrate
from surrogate_adapters.physicell.settings import Settings
from surrogate_adapters.physicell.variables import Variable

__all__ = ["climbers", "remark", "substrate_of"]


def substrate_of(settings: Settings, variable: Variable) -> Substrate:
    """What decides whether a steady field suits one substrate."""
    name, sides = variable.name, variable.sides
    rates = [one.rates[name] for one in settings.cell_types if name in one.rates]
    ruled = {rule.exchange(name) for rule in settings.rules}
    supplied = "secretion" in ruled or "export" in ruled or any(one.supplies for one in rates)
    anchored = "uptake" in ruled or "secretion" in ruled or any(one.anchors for one in rates)
    return Substrate(
        name=name,
        diffusivity_um2_per_min=variable.diffusivity_um2_per_min,
        decay_per_min=variable.decay_per_min,
        held=bool(sides),
        supplied=supplied or any(value > 0 for value in sides.values()),
        taken_up=True if anchored else None,  # custom code may
    )


def climbers(settings: Settings, name: str) -> Iterator[str]:
    """The cell types with chemotaxis along a substrate, and ``"a rule"`` where one changes such a thing."""
    yield from (one.name for one in settings.cell_types if name in one.climbs)
    if any(rule.climbs(name) for rule in settings.rules):
        yield "a rule"


def remark(variable: Variable) -> str | None:
    """Where the XML looks as if it held sides and does not, why.

    Examples
    --------
    >>> from surrogate_adapters.physicell.variables import Held
    >>> off, left = Held(False, 38.0), {"xmin": 38.0}
    >>> print(remark(Variable("oxygen", "mmHg", 1e5, 0.1, 38.0, off, {"xmin": Held(True, 38.0)}, left, {}, 1)))
    Its Dirichlet_options enable xmin, but PhysiCell holds no side of oxygen unless a Dirichlet_boundary_condition is \
enabled too.
    """
    enabled = variable.enabled_sides
    if variable.condition.enabled and not enabled:
        return (
            "Its Dirichlet_boundary_condition is enabled, but PhysiCell goes by Dirichlet_options, where no side of "
            f"{variable.name} is: it holds none."
        )
    if enabled and not variable.sides:
        return (
            f"Its Dirichlet_options enable {', '.join(enabled)}, but PhysiCell holds no side of {variable.name} unless "
            "a Dirichlet_boundary_condition is enabled too."
        )
    return None
