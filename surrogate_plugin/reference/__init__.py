"""The discrete equation solved in extended precision, with a bound of its own; it shares no code with the solvers."""

from surrogate_plugin.reference.network import Reference, solve_extended

__all__ = ["Reference", "solve_extended"]
