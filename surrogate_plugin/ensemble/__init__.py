"""Many simulations side by side: a sweep over parameters, whose fields are solved in batches."""

from surrogate_plugin.ensemble.members import Link
from surrogate_plugin.ensemble.picture import draw
from surrogate_plugin.ensemble.results import MemberResult, Results
from surrogate_plugin.ensemble.run import run
from surrogate_plugin.ensemble.store import Failure
from surrogate_plugin.ensemble.sweep import grid, latin_hypercube, sobol
from surrogate_plugin.errors import EnsembleError

__all__ = [
    "EnsembleError",
    "Failure",
    "Link",
    "MemberResult",
    "Results",
    "draw",
    "grid",
    "latin_hypercube",
    "run",
    "sobol",
]
