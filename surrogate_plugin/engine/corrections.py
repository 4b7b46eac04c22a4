"""The network as a corrector of the field before: what it says has changed since, added to that field.

Where a network is off, it is off much the same before and after a step, so that the difference of its two fields is far
closer to what has changed than either field is to the exact one. The field before was certified, so what is left is the
error of that difference alone.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.equation.problem import FloatArray

#: How many fields are known again: one of each substrate that shares an engine.
_MOST = 8


@dataclass(frozen=True, eq=False)
class _Said:
    """A field that was handed out, and what the network said of its problem."""

    answer: weakref.ref[FloatArray]
    prediction: FloatArray


class Corrections:
    """What the network said of the last fields that came from it, as long as somebody holds these."""

    def __init__(self) -> None:
        self._said: OrderedDict[int, _Said] = OrderedDict()

    def remember(self, answer: FloatArray, prediction: FloatArray) -> None:
        """A field that is handed out, (H, W), and the network's for the same problem."""
        for key in [key for key, said in self._said.items() if said.answer() is None]:
            del self._said[key]
        self._said[id(answer)] = _Said(weakref.ref(answer), prediction)
        while len(self._said) > _MOST:
            self._said.popitem(last=False)

    def corrected(self, previous: object, prediction: FloatArray) -> FloatArray | None:
        """The previous field with the change that the network sees, (H, W), >= 0; None if it did not come from it."""
        said = self._said.get(id(previous))
        answer = None if said is None else said.answer()
        if said is None or answer is None or answer is not previous or said.prediction.shape != prediction.shape:
            return None
        found = prediction - said.prediction
        found += answer
        return np.maximum(found, 0.0, out=found)
