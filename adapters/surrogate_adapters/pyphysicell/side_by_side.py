"""Several simulations of one process at once, as members of an ensemble are."""

from __future__ import annotations

import surrogate_plugin as sp
from surrogate_plugin.engine.pooling import is_member

__all__ = ["refuse_shared_threads"]


def refuse_shared_threads() -> None:
    """Refuse a member of an ensemble where pyphysicell's threads are shared by all simulations of the process.

    Its kernels have one pool of threads a process, made when it is imported, and end the process when two simulations
    use it at once.

    Raises
    ------
    InvalidProblemError
        If it has more than one thread.
    """
    if not is_member():
        return
    from pyphysicell import _kernels

    if not getattr(_kernels, "HAS_OPENMP", False) and getattr(_kernels, "MAX_THREADS", 1) > 1:
        raise sp.InvalidProblemError(
            "pyphysicell was imported with threads that two simulations cannot use at once; PHYSICELL_THREADS=1 in the "
            "environment before it is imported, or importing it inside the function of the ensemble, is needed."
        )
