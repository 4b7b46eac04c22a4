"""What a run has to be told about itself: each kind once, as a warning, and how often it was so in the end."""

from __future__ import annotations

import warnings
from typing import Literal

import surrogate_plugin as sp

__all__ = ["Kind", "Notices"]

#: The same words in every host. "cells read more than the bound": what they read is further off than the field is.
Kind = Literal[
    "not quasi-steady",
    "written from outside",
    "nodes changed",
    "nothing supplies it",
    "not anchored",
    "cells read more than the bound",
]


class Notices:
    """The notices of one attachment.

    Attributes
    ----------
    counts : dict of (kind, substrate) to int
        How often each was told, the times after the first without a warning.

    Examples
    --------
    >>> import warnings
    >>> notices = Notices()
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     for step in range(3):
    ...         notices.tell("written from outside", "oxygen", f"somebody wrote into oxygen at step {step}.")
    >>> [str(one.message) for one in told]
    ['somebody wrote into oxygen at step 0.']
    >>> notices.summary()
    ['oxygen: written from outside, 3 times.']
    """

    def __init__(self) -> None:
        self.counts: dict[tuple[Kind, str], int] = {}

    def tell(self, kind: Kind, substrate: str, sentence: str) -> None:
        """Count one occurrence; the first of a kind and substrate is a `PromiseWarning` with this sentence."""
        seen = self.counts.get((kind, substrate), 0)
        self.counts[kind, substrate] = seen + 1
        if seen == 0:
            # The line that is shown is of no help, whichever it is: the host calls the adapter.
            warnings.warn(sentence, sp.PromiseWarning, stacklevel=3)

    def summary(self) -> list[str]:
        """One sentence a kind and substrate, in the order they came first."""
        return [
            f"{substrate}: {kind}, {'once' if times == 1 else f'{times} times'}."
            for (kind, substrate), times in self.counts.items()
        ]
