"""Sets the double up with a lattice, cells and steppables, and turns it step by step."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

#: The modules of the adapter that hold classes of the host.
BOUND = {f"surrogate_adapters.compucell3d.{name}" for name in ("steppable", "beforehand")}


@contextmanager
def double_on_the_path() -> Iterator[None]:
    """``import cc3d`` gives the double, and the adapter is imported anew over it; afterwards all is as before."""
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_the_hosts(name)}
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        yield
    finally:
        sys.path.remove(str(Path(__file__).parent))
        for name in [name for name in sys.modules if _is_the_hosts(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _is_the_hosts(name: str) -> bool:
    return name in BOUND or name.partition(".")[0] == "cc3d"


def xml(
    size: Sequence[int],
    types: Sequence[str],
    *,
    solved: Sequence[tuple[str, float, float, float]] = (),
    periodic: str = "",
    lattice: str = "",
    chemotaxis: str = "",
) -> ElementTree.Element:
    """What a modeller writes: (x, y, z) pixels, cell types, and fields as (name, D, decay, initial) of a solver."""
    root = ElementTree.Element("CompuCell3D")
    potts = ElementTree.SubElement(root, "Potts")
    ElementTree.SubElement(potts, "Dimensions", dict(zip("xyz", map(str, size), strict=True)))
    ElementTree.SubElement(potts, "Steps").text = "3"
    for axis in periodic:
        ElementTree.SubElement(potts, f"Boundary_{axis}").text = "Periodic"
    if lattice:
        ElementTree.SubElement(potts, "LatticeType").text = lattice
    plugin = ElementTree.SubElement(root, "Plugin", Name="CellType")
    for number, name in enumerate(("Medium", *types)):
        ElementTree.SubElement(plugin, "CellType", TypeId=str(number), TypeName=name)
    if chemotaxis:
        ElementTree.SubElement(
            ElementTree.SubElement(root, "Plugin", Name="Chemotaxis"), "ChemicalField", Name=chemotaxis
        )
    solver = ElementTree.SubElement(root, "Steppable", Type="DiffusionSolverFE")
    for name, diffusion, decay, initial in solved:
        data = ElementTree.SubElement(ElementTree.SubElement(solver, "DiffusionField", Name=name), "DiffusionData")
        ElementTree.SubElement(data, "FieldName").text = name
        for key, number in (
            ("GlobalDiffusionConstant", diffusion),
            ("GlobalDecayConstant", decay),
            ("InitialConcentrationExpression", initial),
        ):
            ElementTree.SubElement(data, key).text = repr(number)
    return root


class Simulation:
    """One simulation of the double; several can be turned by turns.

    Parameters
    ----------
    root : Element
        Its XML.
    steppables : sequence
        Registered in this order, after one that gives the driver its handles.
    """

    def __init__(self, root: ElementTree.Element, steppables: Sequence[object] = ()) -> None:
        from cc3d import CompuCellSetup
        from cc3d.core.PySteppables import SteppableBasePy

        CompuCellSetup.resetGlobals()
        self._setup, self._globals, self._mcs = CompuCellSetup, CompuCellSetup.persistent_globals, 0
        self._globals.root = root
        self._handles = SteppableBasePy(frequency=1)
        for steppable in (self._handles, *steppables):
            CompuCellSetup.register_steppable(steppable=steppable)
        CompuCellSetup.initialize_cc3d()

    @property
    def handles(self):
        """A steppable, to get at everything a steppable gets at."""
        self._setup.persistent_globals = self._globals
        return self._handles

    def start(self) -> None:
        """Up to the first Monte Carlo step."""
        self._setup.persistent_globals = self._globals
        self._globals.steppable_registry.start()

    @property
    def registry(self):
        """Where steppables are registered, in mid run too."""
        return self._globals.steppable_registry

    def turn(self, mcs: int | None = None) -> None:
        """One Monte Carlo step: the next one, or after a restart any."""
        self._setup.persistent_globals = self._globals
        self._mcs = self._mcs if mcs is None else mcs
        self._setup.turn(self._mcs)
        self._mcs += 1

    def while_cells_move(self, name: str, write: Callable[[np.ndarray], None] | None = None) -> list[np.ndarray]:
        """What a field is in each Monte Carlo step while cells move; ``write`` does what a plugin would do to it."""
        read: list[np.ndarray] = []
        simulator, step = self._globals.simulator, self._globals.simulator.step

        def watched(mcs: int) -> None:
            read.append(self.field(name))
            if write is not None:
                write(simulator._concentration[name]._array[:, :, 0].T)
            step(mcs)

        simulator.step = watched
        return read

    def place(self, cell_type: str, columns: slice | int, rows: slice | int, **entries: float):
        """A new cell on these pixels."""
        cell = self.handles.new_cell(self.handles.cell_type.get_data()[cell_type])
        self.handles.cell_field[columns, rows, 0] = cell
        cell.dict.update(entries)
        return cell

    def field(self, name: str) -> np.ndarray:
        """As the host has it, (H, W)."""
        return getattr(self.handles.field, name).as_numpy()[:, :, 0].T

    def types(self) -> np.ndarray:
        """The type of the cell in each voxel, read one by one, (H, W)."""
        dim, cells = self.handles.dim, self.handles.cell_field
        return np.array([[getattr(cells[x, y, 0], "type", 0) for x in range(dim.x)] for y in range(dim.y)])
