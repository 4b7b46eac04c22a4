"""Approximate inverses: what proposes supersolutions to the certificate, which verifies them whatever they are."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import Float32Array
from surrogate_plugin.equation.faces import Faces
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.solvers.direct.factorisation import Factorisation, factorise

Proposal = npt.NDArray[Any]  # float32 or float64
Work = tuple[Proposal, Proposal, Float32Array, FloatArray]


class ApproximateInverse(Protocol):
    """``A^-1``, about; a multigrid hierarchy is one.

    Attributes
    ----------
    exact : bool
        Whether it inverts its matrix to rounding, and is made anew at a price that is worth it only where there would
        be no bound.
    work : four arrays
        For whoever certifies: the proposal, a supersolution and what it lacks, (H + 2, W + 2), and the (H, W) target.
    """

    exact: bool

    @property
    def work(self) -> Work: ...

    def apply(self, z: Proposal, b: Float32Array) -> None:
        """``z ~ A^-1 b``, 0 on fixed pixels; both (H + 2, W + 2)."""

    def apply_well(self, z: Proposal, b: Float32Array) -> None:
        """The same, closer, where `apply` leaves much of ``b``."""

    def rebuild(self, free: BoolArray, decay: FloatArray, faces: Faces | None = None) -> None:
        """Be made for a mask and a decay map, both (H, W), and faces, see `surrogate_plugin.equation.faces`."""

    def relinearise(self, free: BoolArray, decay: FloatArray) -> None:
        """Take another decay map into account, as far as that costs next to nothing."""


class FactorisedInverse:
    """A sparse factorisation, for operators of any conductances; as tight as ``A^-1 |r|`` itself.

    Parameters
    ----------
    operator : Operator
        Whose matrix is factorised.
    factors : Factorisation, optional
        Of about its matrix, if at hand.
    """

    exact = True

    def __init__(self, operator: Operator, factors: Factorisation | None = None) -> None:
        padded = (operator.shape[0] + 2, operator.shape[1] + 2)
        self._operator, self._factors = operator, factors
        self._inside = np.flatnonzero(np.pad(operator.free, 1).ravel())
        self.work: Work = np.zeros(padded), np.zeros(padded), np.zeros(padded, np.float32), np.empty(operator.shape)

    def apply(self, z: Proposal, b: Float32Array) -> None:
        """``z = A^-1 b``; 0 where the matrix is singular."""
        right = b.ravel()[self._inside].astype(np.float64)
        z.reshape(-1)[self._inside] = 0.0 if self._factors is None else self._factors.apply(right)

    def apply_well(self, z: Proposal, b: Float32Array) -> None:
        """As `apply`, which leaves nothing."""
        self.apply(z, b)

    def rebuild(self, free: BoolArray, decay: FloatArray, faces: Faces | None = None) -> None:
        """Factorise the operator's matrix, with another decay map, anew."""
        try:
            self._factors = factorise(self._operator.matrix(decay))
        except RuntimeError:  # singular: uptake alone anchors the field, and its slope is lost
            self._factors = None

    def relinearise(self, free: BoolArray, decay: FloatArray) -> None:
        """Nothing: what there is proposes well enough."""
