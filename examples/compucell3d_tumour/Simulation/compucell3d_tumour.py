"""A tumour beside two vessels in CompuCell3D, with oxygen from the certified backend."""

from cc3d import CompuCellSetup
from compucell3d_tumour_steppables import Hypoxia, Seeding

from surrogate_adapters.compucell3d import Field, SurrogateDiffusion

oxygen = Field(
    diffusivity_um2_per_min=1e5,
    decay_per_min=0.1,
    uptake_per_min={"Tumour": 20.0, "Hypoxic": "oxygen_uptake"},  # the latter from cell.dict["oxygen_uptake"]
    fixed={"Vessel": 38.0},  # mmHg
)
surrogate = SurrogateDiffusion({"oxygen": oxygen}, um_per_pixel=5.0, minutes_per_mcs=1.0)

# The order matters: cells are there before the field is solved for, and the field before the cells read it.
CompuCellSetup.register_steppable(steppable=Seeding())
CompuCellSetup.register_steppable(steppable=surrogate)
CompuCellSetup.register_steppable(steppable=Hypoxia(surrogate))
CompuCellSetup.run()
