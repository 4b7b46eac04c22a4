"""Setting up and running a simulation, in the order of the host's main loop without a Player."""

from __future__ import annotations

import sys
import weakref
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

from cc3d.core.SteppableRegistry import SteppableRegistry
from cc3d.core.XMLUtils import CC3DXMLElement


class PersistentGlobals:
    def __init__(self):
        self.simulator = None
        self.steppable_registry = SteppableRegistry()
        self.shared_steppable_vars: dict = {}
        self.user_stop_simulation_flag = False
        self.execute_step_at_mcs_0 = False
        #: The root of the XML, as ElementTree has it.
        self.root = None

    @property
    def cc3d_xml_2_obj_converter(self):
        """What holds the XML as the host's own elements."""
        return SimpleNamespace(root=CC3DXMLElement(self.root))


persistent_globals = PersistentGlobals()


def resetGlobals() -> None:
    global persistent_globals
    persistent_globals = PersistentGlobals()


def register_steppable(steppable):
    persistent_globals.steppable_registry.registerSteppable(_steppable=steppable)


def stop_simulation():
    persistent_globals.user_stop_simulation_flag = True


def extract_lattice_type():
    return persistent_globals.root.findtext("Potts/LatticeType", default="")


def extract_type_names_and_ids() -> dict:
    types = persistent_globals.root.iterfind("Plugin[@Name='CellType']/CellType")
    return {int(each.get("TypeId")): each.get("TypeName") for each in types}


def initialize_cc3d():
    """Lattice and fields of the XML, then each steppable's ``core_init``: plugins look their fields up after it."""
    from cc3d.cpp.CompuCell import Simulator

    globals_, potts = persistent_globals, persistent_globals.root.find("Potts")
    shape = tuple(int(potts.find("Dimensions").get(axis)) for axis in "xyz")
    boundaries = {axis: potts.findtext(f"Boundary_{axis}", default="") for axis in "xy"}
    globals_.simulator = simulator = Simulator(shape, boundaries, int(potts.findtext("Steps")))
    for field in globals_.root.iterfind("Steppable[@Type='DiffusionSolverFE']/DiffusionField/DiffusionData"):
        numbers = ("GlobalDiffusionConstant", "GlobalDecayConstant", "InitialConcentrationExpression")
        simulator._solve_for(field.findtext("FieldName"), *(float(field.findtext(name)) for name in numbers))
    globals_.steppable_registry.simulator = weakref.ref(simulator)
    globals_.steppable_registry.core_init()
    for chemical in globals_.root.iterfind("Plugin[@Name='Chemotaxis']/ChemicalField"):
        if chemical.get("Name") not in simulator.getConcentrationFieldNameVector():
            raise RuntimeError("there is no concentration field")


def begin():
    """Everything before the first Monte Carlo step."""
    initialize_cc3d()
    persistent_globals.steppable_registry.init(persistent_globals.simulator)
    persistent_globals.steppable_registry.start()


def turn(mcs):
    """One Monte Carlo step."""
    registry = persistent_globals.steppable_registry
    registry.stepRunBeforeMCSSteppables(mcs)
    if mcs != 0 or persistent_globals.execute_step_at_mcs_0:
        persistent_globals.simulator.step(mcs)
    registry.step(mcs)


def run():
    begin()
    registry = persistent_globals.steppable_registry
    for mcs in range(persistent_globals.simulator.getNumSteps()):
        if persistent_globals.user_stop_simulation_flag:
            registry.on_stop()
            return
        turn(mcs)
    registry.finish()


def run_cc3d_project(cc3d_sim_fname):
    project = Path(cc3d_sim_fname)
    description = ElementTree.parse(project).getroot()
    persistent_globals.root = ElementTree.parse(project.parent / description.findtext("XMLScript")).getroot()
    sys.path.insert(0, str(project.parent / "Simulation"))
    script = project.parent / description.findtext("PythonScript")
    # With separate globals and locals, as the host does it: a function defined in the script sees no import of it.
    exec(compile(script.read_text(), str(script), "exec"), {"__name__": "__main__"}, {})
