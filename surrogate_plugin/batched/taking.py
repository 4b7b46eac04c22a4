"""Some of the problems of what holds something of each."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Protocol, TypeVar

from torch import Tensor


class Dataclass(Protocol):
    """An instance of any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


Held = TypeVar("Held", bound=Dataclass)


def take(held: Held, index: Tensor) -> Held:
    """Every tensor of a dataclass reduced to the problems of an index, on the same device; all else as it is.

    Examples
    --------
    >>> import torch
    >>> from surrogate_plugin.batched.level import Level
    >>> level = Level(torch.zeros((3, 4, 4)), None, None, (False, False))
    >>> take(level, torch.tensor([2, 0])).count
    2
    """
    taken: dict[str, Any] = {}
    for each in dataclasses.fields(held):
        value = getattr(held, each.name)
        if isinstance(value, Tensor):
            taken[each.name] = value[index]
    return dataclasses.replace(held, **taken)
