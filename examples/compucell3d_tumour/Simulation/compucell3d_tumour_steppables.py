"""Where the cells are at first, and what they make of oxygen."""

from cc3d.core.PySteppables import SteppableBasePy


class Seeding(SteppableBasePy):
    """A block of tumour cells of 4 x 4 pixels between two vessels."""

    def start(self):
        for x in range(24, 72, 4):
            for y in range(12, 52, 4):
                self.cell_field[x : x + 4, y : y + 4, 0] = self.new_cell(self.TUMOUR)
        for x, y in ((14, 20), (80, 40)):
            self.cell_field[x : x + 3, y : y + 3, 0] = self.new_cell(self.VESSEL)


class Hypoxia(SteppableBasePy):
    """Cells that read little oxygen become hypoxic, and then take up half as much."""

    def __init__(self, surrogate, frequency=1):
        super().__init__(frequency=frequency)
        self.surrogate = surrogate

    def step(self, mcs):
        oxygen = self.field.oxygen
        for cell in self.cell_list_by_type(self.TUMOUR):
            # Whole numbers: the host does not check whether a place is on the lattice, and rounds up at its end.
            if oxygen[round(cell.xCOM) % self.dim.x, round(cell.yCOM), 0] < 12.0:
                cell.type = self.HYPOXIC
                cell.dict["oxygen_uptake"] = 10.0

    def finish(self):
        hypoxic = len(self.cell_list_by_type(self.HYPOXIC))
        print(f"{hypoxic} of {len(self.cell_list)} cells are hypoxic")
        for entry in self.surrogate.history:
            seconds = entry.record.total_seconds
            print(f"MCS {entry.time:2}: {entry.method}, within {entry.bound:.3g} mmHg, {1e3 * seconds:.1f} ms")
