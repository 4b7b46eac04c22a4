"""The base class of steppables."""

from __future__ import annotations

from cc3d import CompuCellSetup
from cc3d.core.SteppablePy import SteppablePy
from cc3d.cpp import CompuCell


class CellTypeFetcher:
    def __init__(self, type_id_type_name_dict):
        self._ids = {name: type_id for type_id, name in type_id_type_name_dict.items()}

    def __getattr__(self, item):
        try:
            return self._ids[item]
        except KeyError:
            raise KeyError(f"there is no cell type {item}") from None

    def get_data(self) -> dict:
        return self._ids


class FieldFetcher:
    def __getattr__(self, item):
        simulator = CompuCellSetup.persistent_globals.simulator
        if item.lower() in ("cell_field", "cellfield"):
            return simulator.getPotts().getCellFieldG()
        field = CompuCell.getConcentrationField(simulator, item)
        if field is None:
            raise KeyError(f"there is no field {item}")
        return field


class CellList:
    def __init__(self, simulator, types=()):
        self._simulator, self._types = simulator, types

    def __iter__(self):
        alive = [cell for cell in self._simulator._cells if cell.volume > 0]
        return iter([cell for cell in alive if not self._types or cell.type in self._types])

    def __len__(self):
        return sum(1 for _ in self)


class SteppableBasePy(SteppablePy):
    def __init__(self, *args, **kwds):
        super().__init__()
        self.frequency = kwds.get("frequency", args[0] if args else 1)
        if not isinstance(self.frequency, int):
            raise TypeError("frequency is a whole number")
        self.field = FieldFetcher()
        self._simulator = None
        self.cell_type = self.cell_field = self.cell_list = None
        self.mcs = -1
        self.shared_steppable_vars: dict = {}

    def core_init(self, reinitialize_cell_types=True):
        self.cell_field = self.potts.getCellFieldG()
        self.cell_list = CellList(self.simulator)
        types = CompuCellSetup.extract_type_names_and_ids()
        self.cell_type = CellTypeFetcher(type_id_type_name_dict=types)
        if reinitialize_cell_types:
            for type_id, name in types.items():
                setattr(self, name.upper(), type_id)
        self.shared_steppable_vars = CompuCellSetup.persistent_globals.shared_steppable_vars

    def init(self, _simulator):
        pass

    @property
    def simulator(self):
        return self._simulator()

    @simulator.setter
    def simulator(self, simulator):
        self._simulator = simulator

    @property
    def potts(self):
        return self.simulator.getPotts()

    @property
    def dim(self):
        return self.potts.getCellFieldG().getDim()

    def cell_list_by_type(self, *args):
        return CellList(self.simulator, args)

    def new_cell(self, cell_type=0):
        cells = self.simulator._cells
        cells.append(CompuCell.CellG(len(cells) + 1, cell_type))
        return cells[-1]

    def delete_cell(self, cell):
        field = self.cell_field
        for x, y, z in zip(*(field._cells == cell).nonzero(), strict=True):
            field._put(x, y, z, None)

    def copy_cell_attribute_field_values_to(self, field_name: str, cell_attribute_name: str):
        array = self.simulator._generic[field_name]._array
        for place, cell in zip(range(array.size), self.cell_field._cells.flat, strict=True):
            array.flat[place] = 0 if cell is None else getattr(cell, cell_attribute_name)

    def stop_simulation(self):
        CompuCellSetup.stop_simulation()
