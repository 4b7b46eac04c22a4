"""A PhysiCell project on disk: is it one, the two files it is given, and the lines its modeller adds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import surrogate_plugin as sp
from surrogate_adapters.physicell.embedding import Embedding

HEADER = "surrogate_backend.hpp"
SETTINGS = "surrogate.toml"

#: Goes below the other includes of main.cpp.
INCLUDE = f'#include "./{HEADER}"'
#: Goes below ``setup_microenvironment();`` in main.cpp.
ATTACH = f'surrogate::attach( microenvironment , "{SETTINGS}" );'
#: Goes to the end of the Makefile's line that compiles and links main.cpp.
USE_FLAGS = "$(SURROGATE_FLAGS)"

_FOLDERS = ("BioFVM", "core")
_FILES = ("main.cpp", "Makefile")


@dataclass(frozen=True)
class Written:
    """What became of one file.

    Attributes
    ----------
    path : Path
    outcome : str
        ``wrote``, ``replaced``, ``edited``, ``as it was``, or ``kept`` where it differs and nobody asked for force.
    """

    path: Path
    outcome: str


def require_project(folder: Path) -> None:
    """Refuse what is no PhysiCell project.

    Raises
    ------
    InvalidProblemError
        If it has not both folders ``BioFVM`` and ``core``, and ``main.cpp`` or a ``Makefile``.
    """
    missing = [f"{name}/" for name in _FOLDERS if not (folder / name).is_dir()]
    if not any((folder / name).is_file() for name in _FILES):
        missing.append(" nor ".join(_FILES))
    if missing:
        raise sp.InvalidProblemError(
            f"{folder} is no PhysiCell project, as it has no {' and no '.join(missing)}; "
            "give the folder that holds BioFVM/, core/, main.cpp and the Makefile."
        )


def header_text() -> str:
    """The header, as it stands in this package."""
    return (Path(__file__).parent / HEADER).read_text(encoding="utf-8")


def settings_text(executable: Path, substrates: Sequence[str], tolerance: float | None) -> str:
    """The settings, with every choice that was not made at its default.

    Examples
    --------
    >>> print(settings_text(Path("/venv/bin/python"), ["oxygen"], None))
    # How surrogate_backend.hpp answers for this simulation; the guide tells of every key.
    python = '/venv/bin/python' # the interpreter that has surrogate-plugin
    substrates = ["oxygen"] # all others stay with PhysiCell's own solver
    # tolerance = 0.38 # largest error anywhere, in the substrate's unit; by default 1 % of its largest Dirichlet value
    <BLANKLINE>
    """
    given = "# tolerance = 0.38" if tolerance is None else f"tolerance = {float(tolerance)!r}"
    named = json.dumps(list(substrates), ensure_ascii=False)  # a list of strings is the same in TOML
    return (
        "# How surrogate_backend.hpp answers for this simulation; the guide tells of every key.\n"
        f"python = {_quoted(str(executable))} # the interpreter that has surrogate-plugin\n"
        f"substrates = {named} # all others stay with PhysiCell's own solver\n"
        f"{given} # largest error anywhere, in the substrate's unit; by default 1 % of its largest Dirichlet value\n"
    )


def write_files(folder: Path, settings: str, *, force: bool = False) -> list[Written]:
    """Put header and settings into a project; a file that is there and differs is kept unless ``force``."""
    return [_write(folder / name, text, force) for name, text in ((HEADER, header_text()), (SETTINGS, settings))]


def define_flags(embedding: Embedding) -> str:
    """The Makefile's line that stands above its first target.

    Examples
    --------
    >>> made = Embedding(Path("/venv/bin/python"), Path("/py/include"), Path("/py/lib/libpython3.11.so"), "linux")
    >>> define_flags(made)
    'SURROGATE_FLAGS := -std=c++17 -I/py/include -L/py/lib -Wl,-rpath,/py/lib -Wl,--no-as-needed -lpython3.11'
    """
    return "SURROGATE_FLAGS := " + " ".join(embedding.flags).replace("$", "$$")


def _write(path: Path, text: str, force: bool) -> Written:
    if not path.exists():
        outcome = "wrote"
    elif path.read_text(encoding="utf-8") == text:
        return Written(path, "as it was")
    elif force:
        outcome = "replaced"
    else:
        return Written(path, "kept")
    path.write_text(text, encoding="utf-8")
    return Written(path, outcome)


def _quoted(path: str) -> str:
    """A path for TOML as it stands, since the header that reads this line undoes no escapes."""
    return json.dumps(path, ensure_ascii=False) if "'" in path else f"'{path}'"
