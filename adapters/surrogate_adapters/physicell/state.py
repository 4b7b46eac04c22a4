"""The header's buffers in the terms of the core: one voxel after another along x, then y, so nothing is turned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.biofvm import Substrate

FloatArray = npt.NDArray[np.float64]

#: Where a substrate is held, (H, W) bool, and at what, (H, W) float64.
Nodes = tuple[npt.NDArray[np.bool_], FloatArray]

#: Rates of an agent, in the order the header hands them over.
UPTAKE, SECRETION, TARGET, EXPORT = range(4)


def domain_of(nodes: Sequence[int], spacing_um: Sequence[float], origin_um: Sequence[float]) -> sp.Domain:
    """The host's lattice.

    Parameters
    ----------
    nodes : (nx, ny, nz)
    spacing_um : (dx, dy, depth of a voxel), um
    origin_um : (x, y), um
        The lower left corner.

    Returns
    -------
    Domain

    Raises
    ------
    UnsupportedProblemError
        If there is more than one layer of voxels.

    Examples
    --------
    >>> domain_of((75, 50, 1), (20.0, 20.0, 20.0), (-750.0, -500.0)).shape
    (50, 75)
    """
    (nx, ny, nz), (dx, dy, depth) = nodes, spacing_um
    if min(nx, ny) < 2:
        raise sp.UnsupportedProblemError(
            f"the microenvironment has {nx} x {ny} voxels; at least 2 along x and y are allowed, as PhysiCell's own "
            "solver of 2-D models needs."
        )
    if nz != 1:
        raise sp.UnsupportedProblemError(
            f"the microenvironment has {nz} layers of voxels along z; one is allowed (use_2D)."
        )
    spacing = dx if math.isclose(dx, dy, rel_tol=1e-12) else (dy, dx)
    return sp.Domain.from_lattice((ny, nx), spacing, origin_um=origin_um, thickness_um=depth)


@dataclass(frozen=True)
class Roles:
    """What cells, or types of cells, may do with one substrate.

    Attributes
    ----------
    climbed : bool
        Some move along its gradient.
    supplied : bool
        Some secrete or export it.
    anchored : bool
        Some take it up or secrete it.
    was_there : bool
        At the first solve: it was not 0 everywhere before.
    """

    climbed: bool
    supplied: bool
    anchored: bool
    was_there: bool

    @classmethod
    def of(cls, bits: int) -> Roles:
        """As the header adds them up.

        Examples
        --------
        >>> Roles.of(5)
        Roles(climbed=True, supplied=False, anchored=True, was_there=False)
        """
        return cls(*(bool(int(bits) & bit) for bit in (1, 2, 4, 8)))


@dataclass(frozen=True, eq=False)
class HostState:
    """What the header gathered, as arrays over its own memory; good for the length of the call.

    Attributes
    ----------
    voxel : (n,) int64
        Each agent's voxel ``j nx + i``; -1 for those that take no part, whose volume and rates are 0.
    volume : (n,) float64, um^3
    rates : (substrates, 4, n) float64
        Uptake and secretion (1 / min), target (field units), net export (field units um^3 / min).
    coefficients : (substrates, 2) float64
        Diffusivity (um^2 / min) and decay (1 / min).
    fixed : (substrates, H, W) bool
        Active Dirichlet nodes.
    value : (substrates, H, W) float64, field units
    kind : (n,) int64
        The number of each agent's type.
    kinds : dict of int to str
        Their names.
    variables : dict of str to (n,) float64
        What agents have of their own under some names; NaN where they have nothing.
    """

    voxel: npt.NDArray[np.int64]
    volume: FloatArray
    rates: FloatArray
    coefficients: FloatArray
    fixed: npt.NDArray[np.bool_]
    value: FloatArray
    kind: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    kinds: dict[int, str] = field(default_factory=dict)
    variables: dict[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def over(
        cls,
        buffers: Sequence[memoryview],
        substrates: int,
        shape: tuple[int, int],
        kinds: dict[int, str],
        names: Sequence[str],
    ) -> HostState:
        """Arrays over the header's buffers, in the order of the attributes; nothing is copied."""
        voxel, kind, variables, volume, rates, *lattice = buffers
        own = np.frombuffer(variables).reshape(len(names), -1) if names else ()
        return cls(
            np.frombuffer(voxel, dtype=np.int64),
            np.frombuffer(volume),
            np.frombuffer(rates).reshape(substrates, 4, len(volume) // 8),
            *cls.lattice(lattice, substrates, shape),
            np.frombuffer(kind, dtype=np.int64),
            kinds,
            dict(zip(names, own, strict=True)),
        )

    @staticmethod
    def lattice(
        buffers: Sequence[memoryview], substrates: int, shape: tuple[int, int]
    ) -> tuple[FloatArray, npt.NDArray[np.bool_], FloatArray]:
        """The last three attributes, of a host whose agents are not known yet."""
        coefficients, fixed, value = buffers
        return (
            np.frombuffer(coefficients).reshape(substrates, 2),
            np.frombuffer(fixed, dtype=np.bool_).reshape(substrates, *shape),
            np.frombuffer(value).reshape(substrates, *shape),
        )

    def described(self, substrate: int, name: str, roles: Roles) -> Substrate:
        """What decides whether a steady field suits one substrate, once there are cells."""
        diffusivity, decay = self.coefficients[substrate].tolist()
        held, above = bool(self.fixed[substrate].any()), bool(self.value[substrate].any())
        # One that was 0 all the time may still be made by cells; only one that was there is lost.
        supplied = above or roles.supplied or not roles.was_there
        return Substrate(name, diffusivity, decay, held, supplied, taken_up=roles.anchored)

    def require_anchored(self, substrate: int, name: str) -> None:
        """Refuse a state that has no steady field, since nothing pulls the substrate to any value.

        Raises
        ------
        UnsupportedProblemError
        """
        pulled = self.volume * (self.rates[substrate, UPTAKE] + self.rates[substrate, SECRETION])
        if self.coefficients[substrate, 1] == 0 and not self.fixed[substrate].any() and not pulled.any():
            raise sp.UnsupportedProblemError(
                f"{name} has decay rate 0, no active Dirichlet node, and no cell takes it up or secretes it, so it has "
                "no steady field; step it in time (stepping = 'implicit-euler'), or leave it to PhysiCell."
            )

    def nodes(self, substrate: int) -> Nodes:
        """The active Dirichlet nodes of one substrate, copied."""
        return self.fixed[substrate].copy(), self.value[substrate].copy()

    def tissue(
        self,
        substrate: int,
        domain: sp.Domain,
        nodes: Nodes | None = None,
        own: Mapping[str, FloatArray] | None = None,
        places: Mapping[str, Any] | None = None,
    ) -> sp.TissueState:
        """Everything one substrate's field depends on; with other nodes than the host's, if they are given.

        What a `Medium` says of cells and places comes on top, as ``own``, by agent, and as ``places``.

        Raises
        ------
        InvalidProblemError
            If a rate is negative or not finite.
        UnsupportedProblemError
            If a net export is negative: a constant drain can take the field below zero.
        """
        rates = self.rates[substrate]
        taking_part = np.flatnonzero(self.voxel >= 0) if own else self._taking_part(rates)
        uptake, secretion, target, _ = rates[:, taking_part]
        cells = sp.Cells(
            voxel=np.maximum(self.voxel[taking_part], 0),
            volume_um3=self.volume[taking_part],
            uptake_per_min=uptake,
            secretion_per_min=secretion,
            secretion_target=target,
            **{name: each[taking_part] for name, each in (own or {}).items()},
        )
        made = self._exported(rates[EXPORT], domain)
        fixed, value = (self.fixed[substrate], self.value[substrate]) if nodes is None else nodes
        voxels = sp.Voxels(fixed, value, production_per_min=made, **(places or {}))
        return sp.TissueState(cells, voxels=voxels)

    def _taking_part(self, rates: FloatArray) -> slice | npt.NDArray[np.int64]:
        """The cells that exchange something; all, if a number is not allowed, so that an error counts them rightly."""
        if not all((np.isfinite(numbers) & (numbers >= 0)).all() for numbers in (rates, self.volume)):
            return slice(None)
        return np.flatnonzero(rates[UPTAKE] + rates[SECRETION])

    def _exported(self, rate: FloatArray, domain: sp.Domain) -> float | FloatArray:
        if not rate.any():
            return 0.0
        if not (rate >= 0).all():
            agent = int(np.argmin(rate >= 0))
            raise sp.UnsupportedProblemError(
                f"cell {agent} of PhysiCell's list has net export {rate[agent]:g}; values >= 0 are allowed: "
                "use uptake for what cells take in."
            )
        rows, columns = domain.shape
        total = np.bincount(np.maximum(self.voxel, 0), weights=rate, minlength=rows * columns)
        return np.asarray(total.reshape(domain.shape) / domain.voxel_volume_um3)
