"""What a C++ program needs in order to run this Python inside itself: its header, its shared library, its flags."""

from __future__ import annotations

import shlex
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import surrogate_plugin as sp


@dataclass(frozen=True)
class Embedding:
    """How to compile and link against one Python.

    Attributes
    ----------
    executable : Path
        The interpreter; that of a virtual environment, so that its packages are found.
    include : Path
        The folder of ``Python.h``.
    library : Path
        The shared library, such as ``libpython3.11.so``.
    platform : str
        As `sys.platform`.
    """

    executable: Path
    include: Path
    library: Path
    platform: str = sys.platform

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags of the compiler that compiles and links at once, as PhysiCell's Makefile does with main.cpp.

        Debian's linker drops a library that it sees no use of yet, and the header's uses come from an object that
        stands before it or after it as the Makefile pleases; hence ``--no-as-needed``, which macOS does not know.

        Examples
        --------
        >>> made = Embedding(Path("/venv/bin/python"), Path("/py/include"), Path("/py/lib/libpython3.11.so"), "linux")
        >>> " ".join(made.flags)
        '-std=c++17 -I/py/include -L/py/lib -Wl,-rpath,/py/lib -Wl,--no-as-needed -lpython3.11'
        """
        folder, name = str(self.library.parent), self.library.stem.removeprefix("lib")
        keep = () if self.platform == "darwin" else ("-Wl,--no-as-needed",)
        paths = (f"-I{self.include}", f"-L{folder}", f"-Wl,-rpath,{folder}")
        return ("-std=c++17", *map(shlex.quote, paths), *keep, f"-l{name}")


def this_python(variable: Callable[[str], object] = sysconfig.get_config_var) -> Embedding:
    """How to embed the Python that runs this.

    Parameters
    ----------
    variable : callable, optional
        The configuration Python was built with, by name.

    Returns
    -------
    Embedding

    Raises
    ------
    UnsupportedProblemError
        If this Python has no shared library, or no header.
    """
    include = Path(sysconfig.get_path("include"))
    version = str(variable("LDVERSION") or f"{sys.version_info.major}.{sys.version_info.minor}")
    library = next((path for path in _libraries(variable, version) if path.is_file()), None)
    if library is None:
        raise sp.UnsupportedProblemError(
            f"{sys.executable} has no shared library libpython{version}, so no C++ program can run it inside itself; "
            "use one that has: of conda or uv, of Debian with libpython3-dev, or of pyenv built with "
            "PYTHON_CONFIGURE_OPTS=--enable-shared."
        )
    if not (include / "Python.h").is_file():
        raise sp.UnsupportedProblemError(
            f"{sys.executable} has no header {include / 'Python.h'}; install it (on Debian: python3-dev)."
        )
    return Embedding(Path(sys.executable), include, library)


def _libraries(variable: Callable[[str], object], version: str) -> Iterator[Path]:
    """Where the shared library may be: where the build says, and beside the standard library if Python was moved."""
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    folders = [variable("LIBDIR"), variable("LIBPL"), f"{sys.base_prefix}/lib"]
    for folder in folders:
        if folder:
            yield Path(str(folder)) / f"libpython{version}{suffix}"
