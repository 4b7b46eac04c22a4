"""The conformance kit: what every adapter has to keep, whatever its host, as tests to be inherited."""

from __future__ import annotations

from surrogate_plugin.testing.cell_checks import CellChecks
from surrogate_plugin.testing.exchange_checks import ExchangeChecks
from surrogate_plugin.testing.field_checks import FieldChecks
from surrogate_plugin.testing.host_checks import HostChecks
from surrogate_plugin.testing.lattice_checks import LatticeChecks
from surrogate_plugin.testing.reading_checks import ReadingChecks

__all__ = ["AdapterSuite"]


class AdapterSuite(FieldChecks, CellChecks, ExchangeChecks, LatticeChecks, ReadingChecks, HostChecks):
    """Every check of an adapter; inherit, name the class ``Test...``, and say how a host is built.

    Attributes
    ----------
    agreement : float
        Largest error allowed, relative to the largest value of a field.
    outside : "error", "drop", "clamp" or None
        What becomes of cells off the lattice; None where the host cannot have any.
    several_cells_a_voxel, secretes, detaches, lines : bool
        False where the host has no such thing; lines are lattices of one voxel along one axis.
    deposit : "voxel" or "area"
        How cells land on voxels and read them, see `Scenario`; a host that has both gets two suites.
    torus : bool
        Whether the host's own sides can wrap around.
    sides : "outside", "nodes" or False
        Where a side that is named holds its value: one spacing outside the lattice, or in its outermost voxels; False
        where sides have no names.
    discs : bool
        Whether vessels can be told as discs.
    saturates, produces : bool
        Whether uptake can saturate, and cells can make an amount whatever is there.
    writable : bool
        Whether others can write into the field; the driver's ``write`` does.
    vessels_change : bool
        Whether vessels can change in mid-run; the driver's ``hold`` has them do so.

    Notes
    -----
    What of the last six a suite does not say, its checks are skipped and say so. `HostUnderTest` has what a driver may
    show of its host beyond what it must.
    """
