"""What a field is in the host's memory: left there in float32, bounded as it is there, and watched."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.substrate import Substrate

__all__ = ["Written"]

_LARGEST = float(np.finfo(np.float32).max)


class Written:
    """One field of the host.

    Parameters
    ----------
    memory : (H, W) float32, field units
        A view of the host's.
    substrate : Substrate

    Attributes
    ----------
    left : (H, W) float32, or None
        What was left in the memory; None before the first time.
    """

    def __init__(self, memory: npt.NDArray[np.float32], substrate: Substrate) -> None:
        self.left: npt.NDArray[np.float32] | None = None
        self._memory = memory
        self.describe(substrate)

    def describe(self, substrate: Substrate) -> None:
        """Go on with another description of the field."""
        self._substrate = substrate
        self._host = sp.Backend(substrate.config(sp.Settings(), host=True)) if substrate.elsewhere else None

    def put(self, result: sp.StepResult, state: sp.TissueState) -> float:
        """Leave a field in the host's memory.

        Parameters
        ----------
        result : StepResult
            The field, on the lattice that was solved on.
        state : TissueState
            What it was solved for, on the host's lattice.

        Returns
        -------
        float, field units
            At least the largest distance of what is left there from the steady field of ``state`` on the host's own
            lattice, whatever lattice was solved on.

        Raises
        ------
        UnsupportedProblemError
            If a value is beyond float32.
        """
        field = self._substrate.on_lattice(result.field, state)
        largest = float(field.max())
        if largest > _LARGEST:
            raise sp.UnsupportedProblemError(
                f"field {self._substrate.name!r} reaches {largest:.3g}, and the host keeps fields in float32, which "
                f"ends at {_LARGEST:.3g}; choose a larger unit of the field."
            )
        self.left = np.empty_like(self._memory)  # in the order of the host's memory, which it is compared with
        self.left[...] = field
        self._memory[...] = self.left
        if self._host is not None:
            return sp.certify(self._host.problem(state), self.left).error_bound
        return result.solution.error_bound + float(np.abs(self.left - field).max())

    def begin(self) -> None:
        """Leave there what a field that goes on in time begins with."""
        self._memory[...] = self._substrate.field.initial

    def held(self) -> npt.NDArray[np.float32]:
        """What is there now, (H, W), whoever wrote it."""
        return self._memory

    def restore(self) -> float:
        """Write anew what was left there; how far it had been changed since, field units."""
        if self.left is None or np.array_equal(self._memory, self.left):
            return 0.0
        with np.errstate(invalid="ignore", over="ignore"):
            changed = float(np.abs(self._memory.astype(np.float64) - self.left).max())
        self._memory[...] = self.left
        return changed
