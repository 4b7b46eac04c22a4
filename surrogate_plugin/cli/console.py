"""What the commands of the core share: the terminal, and errors in one sentence."""

from __future__ import annotations

from contextlib import AbstractContextManager

from surrogate_plugin.terminal import (
    BAD_INPUT,
    FOUND,
    INTERRUPTED,
    Bar,
    notes,
    one_sentence,
    print_error,
    print_json,
    progress,
    stderr,
    stdout,
    stopped_at_once,
    table,
)

__all__ = [
    "BAD_INPUT",
    "Bar",
    "FOUND",
    "INTERRUPTED",
    "notes",
    "plain_errors",
    "print_error",
    "print_json",
    "progress",
    "stderr",
    "stdout",
    "stopped_at_once",
    "table",
]


def plain_errors() -> AbstractContextManager[None]:
    """Turn an error the caller can put right into one sentence and exit code 2."""
    return one_sentence(_callers_errors, _sentence)


def _sentence(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "this needs more memory than there is; a smaller lattice is allowed."
    return str(error)


def _callers_errors() -> tuple[type[Exception], ...]:
    """What a caller can put right; anything else is a fault of ours and keeps its traceback."""
    from surrogate_plugin.errors import (
        EnsembleError,
        InvalidProblemError,
        MissingExtraError,
        UnsupportedProblemError,
    )
    from surrogate_plugin.recordings.store import RecordingError
    from surrogate_plugin.registry import BrokenPluginError, UnknownPluginError

    return (
        InvalidProblemError, UnsupportedProblemError, UnknownPluginError, BrokenPluginError, RecordingError,
        EnsembleError, MissingExtraError, MemoryError, OSError,
    )  # fmt: skip
