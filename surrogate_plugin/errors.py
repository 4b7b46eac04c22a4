"""The errors and the warning this package raises on purpose; each message is one sentence with the remedy."""

from __future__ import annotations


class InvalidProblemError(ValueError):
    """A field of the problem, state or configuration is not allowed; the message names it, its value and where."""


class UnsupportedProblemError(ValueError):
    """The named method cannot take this problem; the message says why and which methods can."""


class StaleStateError(ValueError):
    """A prepared solver state was handed a problem with another operator."""


class PromiseWarning(UserWarning):
    """A host does what a steady field cannot follow, or its cells read more than the bound covers."""


class UnusableEnvironmentError(RuntimeError):
    """A variable of the environment keeps kernels from being compiled; the message names it, and what is allowed."""


class MissingExtraError(ModuleNotFoundError):
    """What was asked for needs a package that an extra brings; the message has the pip command."""


class EnsembleError(ValueError):
    """A store is none of an ensemble, is damaged, or a member gave what cannot be kept; the message says which."""
