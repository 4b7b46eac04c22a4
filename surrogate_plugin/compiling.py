"""Whether numba can compile here, looked at before it is imported: what its variables say is told in one sentence.

Kernels cannot run as the python that they are written in: they call one another by address and claim work by atomic
counters. So where numba is told to compile nothing there is nothing to go on with, and its own errors come from its
inside and name no variable.
"""

from __future__ import annotations

import os
import sys

from surrogate_plugin.errors import UnusableEnvironmentError


def check_compiler() -> None:
    """See that the environment lets numba compile.

    Raises
    ------
    UnusableEnvironmentError
        One sentence with the variable and what is allowed.
    """
    config = getattr(sys.modules.get("numba"), "config", None)  # once it is there it has read them
    if _number("NUMBA_DISABLE_JIT") if config is None else config.DISABLE_JIT:
        raise UnusableEnvironmentError(
            "NUMBA_DISABLE_JIT is set, but kernels of surrogate_plugin run only where numba compiles them; unset it."
        )
    threads = _number("NUMBA_NUM_THREADS")
    if config is None and threads is not None and threads < 1:
        raise UnusableEnvironmentError(f"NUMBA_NUM_THREADS is {threads}; a whole number of at least 1 is allowed.")


def _number(name: str) -> int | None:
    """What a variable says, as numba reads it; None where it says no whole number, of which numba only warns."""
    try:
        return int(os.environ.get(name, ""))
    except ValueError:
        return None


check_compiler()
