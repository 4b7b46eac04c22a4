"""A member of an ensemble: its parameters, what tells it from all others, and what its function gets beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from surrogate_plugin.ensemble.sweep import Parameters, Value


@dataclass(frozen=True)
class Member:
    """One simulation.

    Attributes
    ----------
    index : int
        Its row in the ensemble, from 0.
    parameters : dict of str to value
    repeat : int
        From 0, where each set of parameters is run several times.
    seed : int
        Of the ensemble.
    subject : str
        What is run: the name of the function.
    """

    index: int
    parameters: Parameters
    repeat: int
    seed: int
    subject: str

    @cached_property
    def key(self) -> str:
        """What tells it from others, 16 hexadecimal digits: parameters, repeat, seed and what is run, and no more.

        So a sweep may grow, or be put in another order, and what is finished is known again.
        """
        parameters = {name: _same_for_same(value) for name, value in sorted(self.parameters.items())}
        said = [self.subject, parameters, self.repeat, self.seed]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _same_for_same(value: Value) -> Value:
    """5 and 5.0 are one value."""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53
    return float(value) if whole else value


def members_of(sweep: Sequence[Parameters], subject: str, *, repeats: int, seed: int) -> list[Member]:
    """All members of a sweep, the repeats of a set of parameters one after the other.

    Sets of parameters that occur twice in the sweep are one.

    Examples
    --------
    >>> [(each.parameters["uptake"], each.repeat) for each in members_of([{"uptake": 5.0}], "grow", repeats=2, seed=0)]
    [(5.0, 0), (5.0, 1)]
    """
    made: dict[str, Member] = {}
    for parameters in sweep:
        for repeat in range(repeats):
            member = Member(len(made), parameters, repeat, seed, subject)
            made.setdefault(member.key, member)
    return list(made.values())


@dataclass(frozen=True)
class Link:
    """What the function of a member is handed beside its parameters.

    Attributes
    ----------
    index : int
        The row of the member in the ensemble.
    repeat : int
        From 0.
    folder : Path
        Of its own, and there: what is written into it is found there again by the same member if it is begun anew
        after a kill, so that it can go on from its own checkpoint. It is removed when the member is finished.
    seed : int
        For generators of random numbers, 32 bits: the same for the same member, whenever and wherever it is run.
    """

    index: int
    repeat: int
    folder: Path
    seed: int

    @classmethod
    def of(cls, member: Member, folder: Path) -> Link:
        """The one of a member."""
        entropy = [member.seed, member.repeat, int(member.key, 16)]
        return cls(member.index, member.repeat, folder, int(np.random.SeedSequence(entropy).generate_state(1)[0]))

    @cached_property
    def rng(self) -> np.random.Generator:
        """A generator made from the seed; numpy's global one is shared by all members of a process."""
        return np.random.default_rng(self.seed)
