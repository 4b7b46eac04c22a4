"""How anything that takes long says how far it is: one callable, which hears the share done and a line of text."""

from __future__ import annotations

from typing import Protocol


class Callback(Protocol):
    """Hears how far something is.

    Parameters
    ----------
    done : float
        The share that is done, 0 to 1.
    text : str
        One line on what is being done, or a measurement as JSON, which ends in ``}``.
    """

    def __call__(self, done: float, text: str) -> None: ...


def silent(done: float, text: str) -> None:
    """Tell nobody."""


def part(callback: Callback, first: float, share: float, title: str = "") -> Callback:
    """What hears of a part of the whole, as a share of that part.

    Parameters
    ----------
    callback : Callback
        Of the whole.
    first, share : float
        Where the part begins, and how much of the whole it is.
    title : str
        Before each of its lines.

    Examples
    --------
    >>> half = part(lambda done, text: print(f"{done:.2f} {text}"), 0.5, 0.5, "training: ")
    >>> half(0.5, "step 3")
    0.75 training: step 3
    """
    return lambda done, text: callback(first + share * done, f"{title}{text}")
