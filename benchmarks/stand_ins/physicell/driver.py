"""Compile the stand-in with the header on it, and drive it from Python; for tests and benchmarks."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_adapters.physicell import bridge

HERE = Path(__file__).parent
HEADER = Path(bridge.__file__).parent
FLAGS = ("-std=c++17", "-O2", "-fopenmp", "-Wall", "-Wextra", "-Werror")

FloatArray = npt.NDArray[np.float64]

_DOUBLES = np.ctypeslib.ndpointer(dtype=np.float64, flags="C")


def missing() -> str | None:
    """What this machine lacks for compiling the stand-in, if anything."""
    include, library = Path(sysconfig.get_path("include")), _libpython()
    if _compiler() is None:
        return "no C++ compiler"
    if not (include / "Python.h").is_file():
        return f"no {include / 'Python.h'}"
    return None if library.is_file() else f"no {library}"


def build_library(folder: Path) -> ctypes.CDLL:
    """The stand-in as a library for the Python that runs this; compiled once a folder."""
    target = folder / "stand_in.so"
    if not target.exists():
        _compile(("stand_in.cpp", "c_api.cpp"), target, ("-fPIC", "-shared"))
    return _typed(ctypes.CDLL(str(target)))


def build_program(folder: Path) -> Path:
    """The stand-in as a program of its own, which starts a Python."""
    target = folder / "stand_in"
    if not target.exists():
        library = _libpython()
        name = library.name.removeprefix("lib").partition(".so")[0]
        paths = (f"-L{library.parent}", f"-Wl,-rpath,{library.parent}")
        _compile(("stand_in.cpp", "main.cpp"), target, (*paths, "-Wl,--no-as-needed", f"-l{name}"))
    return target


@dataclass
class Report:
    """`surrogate::Report`, with the entries of one substrate."""

    solves: int
    held: int
    handed_back: int
    seconds_solving: float
    seconds_around: float
    bound: float
    excess: float
    excess_voxels: int
    method: str
    notices: dict[tuple[str, str], int]


class HostError(RuntimeError):
    """What the C++ side threw."""


class StandIn:
    """One microenvironment with its agents.

    Parameters
    ----------
    library : CDLL
        From `build_library`.
    nodes : (nx, ny) or (nx, ny, nz)
    spacing_um : float or (dx, dy, dz), um
    corner_um : (x, y), um
        The lower left one.
    substrates : list of (name, diffusivity, decay, initial)
    times_min : (diffusion, mechanics, phenotype), min
        How often the host does what.
    """

    def __init__(
        self,
        library: ctypes.CDLL,
        nodes: Sequence[int],
        substrates: Sequence[tuple[str, float, float, float]],
        *,
        spacing_um: float | Sequence[float] = 20.0,
        corner_um: Sequence[float] = (-130.0, 40.0),
        times_min: Sequence[float] = (0.01, 0.1, 6.0),
    ) -> None:
        self.library = library
        self.nodes = (*nodes, 1)[:3]
        spacing = (spacing_um,) * 3 if isinstance(spacing_um, float) else spacing_um
        self.names = [name for name, *_ in substrates]
        self.agents = 0
        self._host = library.create((ctypes.c_int * 3)(*self.nodes), np.array(spacing), np.array(corner_um))
        for name, *numbers in substrates:
            library.add_density(self._host, name.encode(), *numbers)
        library.set_times(self._host, *times_min)

    def release(self) -> None:
        """Free the host."""
        if not self.has_own_solver():
            self.detach()
        self.library.destroy(self._host)

    def fix(self, row: int, column: int, substrate: str, value: float) -> None:
        """Make a voxel a Dirichlet node that is on for one substrate."""
        self.library.add_dirichlet_node(self._host, row * self.nodes[0] + column, self._index(substrate), value)

    def activate(self, row: int, column: int, substrate: str, on: bool) -> None:
        """Switch a Dirichlet node on or off for one substrate."""
        self.library.set_activation(self._host, row * self.nodes[0] + column, self._index(substrate), on)

    def set_coefficients(self, substrate: str, diffusivity: float, decay: float) -> None:
        """Change them while the host runs."""
        self.library.set_coefficients(self._host, self._index(substrate), diffusivity, decay)

    def set_times(self, diffusion_min: float, mechanics_min: float, phenotype_min: float) -> None:
        """How often the host does what, from now on."""
        self.library.set_times(self._host, diffusion_min, mechanics_min, phenotype_min)

    def put(self, position_um: Any, volume_um3: Any, rates: Any) -> None:
        """Set all agents: (n, 2), (n,) and (n, substrates, 4), the latter uptake, secretion, target and export."""
        position, volume, every = (np.ascontiguousarray(part, dtype=float) for part in (position_um, volume_um3, rates))
        self.agents = len(volume)
        self.library.put_agents(self._host, self.agents, position, volume, every)

    def rule(self, rates: Any) -> None:
        """Set the rates alone, (n, substrates, 4): the host applies them when it next sets an agent's volume."""
        self.library.set_rates(self._host, np.ascontiguousarray(rates, dtype=float))

    def set_phenotype_volume(self, agent: int, volume_um3: float) -> None:
        """What an agent says its volume is, which its uptake does not follow."""
        self.library.set_phenotype_volume(self._host, agent, volume_um3)

    def climb(self, agent: int, substrate: str) -> None:
        """Let an agent move along a gradient, or at least say so."""
        self.library.set_climbs(self._host, agent, self._index(substrate))

    def set_kind(self, agent: int, kind: int) -> None:
        """The type of an agent: 0 "stroma", 1 "wall", 2 "cyst"."""
        self.library.set_kind(self._host, agent, kind)

    def set_variable(self, agent: int, name: str, value: float) -> None:
        """A custom variable of an agent."""
        self.library.set_variable(self._host, agent, name.encode(), value)

    def kill_last(self, share: float) -> None:
        """The last agent dies, and releases this share of what it has taken up."""
        self.library.kill_last(self._host, share)
        self.agents -= 1

    def write(self, substrate: str, field: Any) -> None:
        """Let code of the model write a density, (ny, nx), between two steps."""
        self.library.write_density(self._host, self._index(substrate), np.ascontiguousarray(field, dtype=float))

    def set_threads(self, count: int) -> None:
        """How many threads the host's loops take; agents that share a voxel are in an order with one alone."""
        self.library.set_threads(count)

    def set_active(self, agent: int, on: bool) -> None:
        """Whether an agent takes part."""
        self.library.set_active(self._host, agent, on)

    def attach(self, settings: Path) -> None:
        """`surrogate::attach`."""
        self._do(self.library.attach, os.fsencode(settings))

    def detach(self) -> None:
        """`surrogate::detach`."""
        self._do(self.library.detach)

    def advance(self, steps: int = 1) -> None:
        """The host's own loop: the solver, the agents' uptake, then what else is due."""
        self._do(self.library.advance, steps)

    def call_solver(self, dt: float) -> None:
        """The solver alone."""
        self._do(self.library.solver_call, dt)

    def density(self, substrate: str) -> FloatArray:
        """(ny, nx)."""
        nx, ny, nz = self.nodes
        return self._read(self.library.read_density, substrate, nx * ny * nz).reshape(nz * ny, nx)

    def seen(self, substrate: str) -> FloatArray:
        """What each agent read in the last phenotype or mechanics step."""
        return self._read(self.library.read_seen, substrate, self.agents)

    def gradient(self, substrate: str) -> FloatArray:
        """(agents, 2): along x and y, as each agent found it in the last mechanics step."""
        out = np.empty(2 * self.agents)
        self.library.read_gradient(self._host, self._index(substrate), out)
        return out.reshape(self.agents, 2)

    def gradient_bound(self, substrate: int = 0) -> float:
        """The largest error that a gradient can have, by `surrogate::report`; by the order of the settings."""
        out = ctypes.c_double()
        self._do(self.library.read_gradient_bound, substrate, ctypes.byref(out))
        return out.value

    def internalised(self, substrate: str) -> FloatArray:
        """What each agent took up so far, net of what it gave off, by its own count."""
        return self._read(self.library.read_internalised, substrate, self.agents)

    def solver_calls(self) -> int:
        """How often the solver that the host began with was called, by whomever."""
        return int(self.library.solver_calls(self._host))

    def has_own_solver(self) -> bool:
        """Whether the solver pointer is the one the host began with."""
        return bool(self.library.has_own_solver(self._host))

    def report(self, substrate: int = 0) -> Report:
        """`surrogate::report`; ``substrate`` counts those attached."""
        counts, seconds = (ctypes.c_long * 3)(), np.zeros(2)
        bound, excess, voxels, method = ctypes.c_double(), ctypes.c_double(), ctypes.c_long(), ctypes.c_char_p()
        notices = ctypes.c_char_p()
        out = [ctypes.byref(item) for item in (bound, excess, voxels, method, notices)]
        self._do(self.library.read_report, counts, seconds, substrate, *out)
        told = (method.value or b"").decode()
        solves, held, handed_back = (int(count) for count in counts)
        solving, around = seconds.tolist()
        lines = [line.split("|") for line in (notices.value or b"").decode().splitlines()]
        counted = {(kind, name): int(times) for kind, name, times in lines}
        return Report(
            solves, held, handed_back, solving, around, bound.value, excess.value, int(voxels.value), told, counted
        )

    def _do(self, call: Any, *arguments: Any) -> None:
        if call(self._host, *arguments):
            raise HostError(self.library.last_message().decode())

    def _read(self, call: Any, substrate: str, count: int) -> FloatArray:
        out = np.empty(count)
        call(self._host, self._index(substrate), out)
        return out

    def _index(self, substrate: str) -> int:
        return self.names.index(substrate)


def _compiler() -> str | None:
    return shutil.which(os.environ.get("CXX", "g++"))


def _libpython() -> Path:
    return Path(str(sysconfig.get_config_var("LIBDIR"))) / str(sysconfig.get_config_var("LDLIBRARY"))


def _compile(sources: Sequence[str], target: Path, options: Sequence[str]) -> None:
    """Under another name first, so that two test workers never load half a file."""
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    paths = [f"-I{HEADER}", f"-isystem{sysconfig.get_path('include')}", *(str(HERE / name) for name in sources)]
    command = [str(_compiler()), *FLAGS, *paths, "-o", str(unfinished), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
    unfinished.replace(target)


def _typed(library: ctypes.CDLL) -> ctypes.CDLL:
    host, number, whole, text = ctypes.c_void_p, ctypes.c_double, ctypes.c_int, ctypes.c_char_p
    answers: dict[str, Any] = {"last_message": text, "create": host}
    answers |= dict.fromkeys(
        (
            "solver_call",
            "advance",
            "attach",
            "detach",
            "read_report",
            "has_own_solver",
            "solver_calls",
            "read_gradient_bound",
        ),
        whole,
    )
    arguments: dict[str, list[Any]] = {
        "last_message": [],
        "create": [ctypes.POINTER(whole), _DOUBLES, _DOUBLES],
        "destroy": [host],
        "add_density": [host, text, number, number, number],
        "set_coefficients": [host, whole, number, number],
        "set_times": [host, number, number, number],
        "add_dirichlet_node": [host, whole, whole, number],
        "set_activation": [host, whole, whole, whole],
        "put_agents": [host, whole, _DOUBLES, _DOUBLES, _DOUBLES],
        "set_rates": [host, _DOUBLES],
        "set_phenotype_volume": [host, whole, number],
        "set_climbs": [host, whole, whole],
        "set_kind": [host, whole, whole],
        "set_variable": [host, whole, text, number],
        "kill_last": [host, number],
        "write_density": [host, whole, _DOUBLES],
        "read_gradient": [host, whole, _DOUBLES],
        "set_threads": [whole],
        "set_active": [host, whole, whole],
        "solver_call": [host, number],
        "advance": [host, whole],
        "read_density": [host, whole, _DOUBLES],
        "read_seen": [host, whole, _DOUBLES],
        "read_gradient_bound": [host, whole, ctypes.c_void_p],
        "read_internalised": [host, whole, _DOUBLES],
        "has_own_solver": [host],
        "solver_calls": [host],
        "attach": [host, text],
        "detach": [host],
        "read_report": [host, ctypes.c_void_p, _DOUBLES, whole, *[ctypes.c_void_p] * 5],
    }
    for name, types in arguments.items():
        function = getattr(library, name)
        function.argtypes, function.restype = types, answers.get(name)
    return library
