"""The command line: ``surrogate-plugin solve | view | audit | ...``, and commands of plugins.

Nothing is imported before `main` runs, so that Ctrl-C is heard from the first moment on.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrogate_plugin.cli.tree import app as app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; a fault of ours leaves a traceback, and an exit code that nothing else has."""
    try:
        _open_streams()
        if "MPLBACKEND" in os.environ:  # for windows, and there are none here; a name that matplotlib lacks ends it
            os.environ["MPLBACKEND"] = "agg"
        from surrogate_plugin.cli.tree import app

        app()
    except KeyboardInterrupt:  # before there was a command to hear it
        os.write(2, b"\nStopped.\n")
        sys.exit(130)
    except Exception as error:
        import traceback

        from surrogate_plugin.errors import UnusableEnvironmentError
        from surrogate_plugin.terminal import BAD_INPUT, FAULT, print_error

        if isinstance(error, UnusableEnvironmentError):
            print_error(str(error))
            sys.exit(BAD_INPUT)
        traceback.print_exc()
        print_error("this is a fault of surrogate-plugin; please report it with the lines above.")
        sys.exit(FAULT)


def _open_streams() -> None:
    """Have streams that take whatever is written: closed ones lead nowhere, poor ones get a ? for what they lack."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 for as long as the process lives
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def __getattr__(name: str) -> Any:
    if name == "app":
        from surrogate_plugin.cli.tree import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
