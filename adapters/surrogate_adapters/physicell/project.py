"""A PhysiCell project on disk: is it one, where it keeps our files, and the lines that its modeller adds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import surrogate_plugin as sp
from surrogate_adapters.physicell.embedding import Embedding
from surrogate_plugin.whole_files import replacing

HEADER = "surrogate_backend.hpp"
#: Goes to the end of the Makefile's line that compiles and links main.cpp.
USE_FLAGS = "$(SURROGATE_FLAGS)"

_FOLDERS = ("BioFVM", "core")
_FILES = ("main.cpp", "Makefile")


@dataclass(frozen=True)
class Places:
    """Where header and settings are, relative to the project's folder.

    Attributes
    ----------
    headers : str
        A folder.
    settings : str
        A file.
    """

    headers: str
    settings: str

    @property
    def include(self) -> str:
        """Goes below the other includes of main.cpp."""
        return f'#include "./{self.headers}{HEADER}"'

    @property
    def attach(self) -> str:
        """Goes below ``setup_microenvironment();`` in main.cpp."""
        return f'surrogate::attach( microenvironment , "{self.settings}" );'


#: What ``make save``, ``load`` and ``pack`` carry, and PhysiCell Studio too.
PLACES = Places("custom_modules/", "./config/surrogate.toml")
#: Those of earlier releases, where a project that has them goes on keeping them.
FORMER = Places("", "surrogate.toml")


@dataclass(frozen=True)
class Written:
    """What became of one file.

    Attributes
    ----------
    path : Path
    outcome : str
        ``wrote``, ``replaced``, ``edited``, ``moved``, ``as it was``, or ``kept`` where it differs and nobody asked for
        force.
    why : str
        What differs, or nothing.
    """

    path: Path
    outcome: str
    why: str = ""


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


def places_of(folder: Path) -> Places:
    """Where a project keeps our files: where main.cpp includes the header from, if it does."""
    main = folder / "main.cpp"
    text = main.read_bytes().decode("utf-8", "surrogateescape") if main.is_file() else ""
    return FORMER if includes(text, FORMER) else PLACES


def includes(main: str, places: Places) -> bool:
    """Whether main.cpp includes the header from there, with or without ``./``."""
    return re.search(rf'^[ \t]*#include[ \t]+"(?:\./)?{re.escape(places.headers + HEADER)}"', main, re.M) is not None


def define_flags(embedding: Embedding) -> str:
    """The Makefile's line that stands above its first target.

    Examples
    --------
    >>> made = Embedding(Path("/venv/bin/python"), Path("/py/include"), Path("/py/lib/libpython3.11.so"), "linux")
    >>> define_flags(made)
    'SURROGATE_FLAGS := -std=c++17 -I/py/include -L/py/lib -Wl,-rpath,/py/lib -Wl,--no-as-needed -lpython3.11'
    """
    return "SURROGATE_FLAGS := " + " ".join(embedding.flags).replace("$", "$$")


def keep_copy(path: Path) -> None:
    """Leave what a file is beside it, before it is changed (``main.cpp.before-surrogate``)."""
    with replacing(path.with_name(f"{path.name}.before-surrogate")) as partial:
        partial.write_bytes(path.read_bytes())


def move_from_former(folder: Path) -> list[Written]:
    """Take settings to where they are now; the header that is left behind is kept as a copy only."""
    moved: list[Written] = []
    settings = folder / FORMER.settings
    if settings.is_file() and not (folder / PLACES.settings).exists():
        (folder / PLACES.settings).parent.mkdir(exist_ok=True)
        settings.rename(folder / PLACES.settings)
        moved.append(Written(folder / PLACES.settings, "moved", f"it was {settings}"))
    header = folder / HEADER
    if header.is_file():
        header.rename(header.with_name(f"{HEADER}.before-surrogate"))
    return moved
