"""A certified neural diffusion backend for agent-based tissue simulators.

The public names load on first use (PEP 562), so that ``import surrogate_plugin`` costs a host next to nothing:
torch, numba, pyvista and the sparse solvers are imported by the first call that needs them.

Examples
--------
>>> import numpy as np
>>> import surrogate_plugin as sp
>>> source = np.zeros((32, 32)); source[16, 16] = 38.0
>>> sp.Problem(source, decay=1 / 25).shape
(32, 32)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrogate_plugin.on_first_use import look_up

if TYPE_CHECKING:
    from surrogate_plugin.engine.advance import advance as advance
    from surrogate_plugin.engine.certifying import Certificate as Certificate
    from surrogate_plugin.engine.certifying import certify as certify
    from surrogate_plugin.engine.discretisation import DiscretisationEstimate as DiscretisationEstimate
    from surrogate_plugin.engine.discretisation import estimate_discretisation as estimate_discretisation
    from surrogate_plugin.engine.engine import Engine as Engine
    from surrogate_plugin.engine.engine import solve as solve
    from surrogate_plugin.engine.many import solve_many as solve_many
    from surrogate_plugin.equation.balance import Balance as Balance
    from surrogate_plugin.equation.membranes import Membranes as Membranes
    from surrogate_plugin.equation.per_axis import PerAxis as PerAxis
    from surrogate_plugin.equation.problem import MichaelisMenten as MichaelisMenten
    from surrogate_plugin.equation.problem import Problem as Problem
    from surrogate_plugin.equation.sides import Boundary as Boundary
    from surrogate_plugin.equation.sides import Exchange as Exchange
    from surrogate_plugin.equation.sides import Flux as Flux
    from surrogate_plugin.equation.solution import Flag as Flag
    from surrogate_plugin.equation.solution import Reason as Reason
    from surrogate_plugin.equation.solution import Solution as Solution
    from surrogate_plugin.errors import InvalidProblemError as InvalidProblemError
    from surrogate_plugin.errors import PromiseWarning as PromiseWarning
    from surrogate_plugin.errors import StaleStateError as StaleStateError
    from surrogate_plugin.errors import UnsupportedProblemError as UnsupportedProblemError
    from surrogate_plugin.recordings.reader import Recording as Recording
    from surrogate_plugin.recordings.reader import RecordingError as RecordingError
    from surrogate_plugin.recordings.writer import Recorder as Recorder
    from surrogate_plugin.recordings.writer import RecordingWarning as RecordingWarning
    from surrogate_plugin.report.writing import ReportWarning as ReportWarning
    from surrogate_plugin.report.writing import RunReport as RunReport
    from surrogate_plugin.session.backend import Backend as Backend
    from surrogate_plugin.session.backend import BackendConfig as BackendConfig
    from surrogate_plugin.session.backend import StepRecord as StepRecord
    from surrogate_plugin.session.backend import StepResult as StepResult
    from surrogate_plugin.session.settings import EngineSettings as EngineSettings
    from surrogate_plugin.session.settings import Settings as Settings
    from surrogate_plugin.session.together import step_together as step_together
    from surrogate_plugin.settings.file import SettingsFile as SettingsFile
    from surrogate_plugin.settings.reading import load_settings as load_settings
    from surrogate_plugin.team import use_threads as use_threads
    from surrogate_plugin.tissue.cells import Cells as Cells
    from surrogate_plugin.tissue.domain import Domain as Domain
    from surrogate_plugin.tissue.regridding import regrid as regrid
    from surrogate_plugin.tissue.regridding import regrid_fixed as regrid_fixed
    from surrogate_plugin.tissue.state import TissueState as TissueState
    from surrogate_plugin.tissue.state import Vessels as Vessels
    from surrogate_plugin.tissue.state import Voxels as Voxels

__version__ = "0.1.0"

#: Where each public name lives; the import happens when the name is first asked for.
_HOME = {
    "Problem": "equation.problem",
    "MichaelisMenten": "equation.problem",
    "PerAxis": "equation.per_axis",
    "Membranes": "equation.membranes",
    "Flux": "equation.sides",
    "Exchange": "equation.sides",
    "Boundary": "equation.sides",
    "Solution": "equation.solution",
    "Flag": "equation.solution",
    "Reason": "equation.solution",
    "solve": "engine.engine",
    "solve_many": "engine.many",
    "advance": "engine.advance",
    "Engine": "engine.engine",
    "certify": "engine.certifying",
    "Certificate": "engine.certifying",
    "estimate_discretisation": "engine.discretisation",
    "DiscretisationEstimate": "engine.discretisation",
    "Domain": "tissue.domain",
    "Cells": "tissue.cells",
    "Vessels": "tissue.state",
    "Voxels": "tissue.state",
    "TissueState": "tissue.state",
    "regrid": "tissue.regridding",
    "regrid_fixed": "tissue.regridding",
    "Backend": "session.backend",
    "BackendConfig": "session.backend",
    "Settings": "session.settings",
    "EngineSettings": "session.settings",
    "SettingsFile": "settings.file",
    "load_settings": "settings.reading",
    "StepResult": "session.backend",
    "StepRecord": "session.backend",
    "step_together": "session.together",
    "Balance": "equation.balance",
    "Recorder": "recordings.writer",
    "RecordingWarning": "recordings.writer",
    "Recording": "recordings.reader",
    "RecordingError": "recordings.reader",
    "RunReport": "report.writing",
    "ReportWarning": "report.writing",
    "use_threads": "team",
    "InvalidProblemError": "errors",
    "UnsupportedProblemError": "errors",
    "StaleStateError": "errors",
    "PromiseWarning": "errors",
}

__all__ = [
    "Problem",
    "MichaelisMenten",
    "PerAxis",
    "Membranes",
    "Flux",
    "Exchange",
    "Boundary",
    "Solution",
    "Flag",
    "Reason",
    "solve",
    "solve_many",
    "advance",
    "Engine",
    "certify",
    "Certificate",
    "estimate_discretisation",
    "DiscretisationEstimate",
    "Domain",
    "Cells",
    "Vessels",
    "Voxels",
    "TissueState",
    "regrid",
    "regrid_fixed",
    "Backend",
    "BackendConfig",
    "Settings",
    "EngineSettings",
    "SettingsFile",
    "load_settings",
    "StepResult",
    "StepRecord",
    "step_together",
    "Balance",
    "Recorder",
    "RecordingWarning",
    "Recording",
    "RecordingError",
    "RunReport",
    "ReportWarning",
    "use_threads",
    "InvalidProblemError",
    "UnsupportedProblemError",
    "StaleStateError",
    "PromiseWarning",
    "__version__",
]


__getattr__ = look_up(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
