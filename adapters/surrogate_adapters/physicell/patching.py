"""The edits of main.cpp and the Makefile, for those who want them made: done once, kept as they are when done again.

Both files follow one pattern in all of PhysiCell's samples. Where a file does not, it is refused as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import surrogate_plugin as sp
from surrogate_adapters.physicell.embedding import Embedding
from surrogate_adapters.physicell.project import (
    FORMER,
    HEADER,
    PLACES,
    USE_FLAGS,
    Written,
    define_flags,
    includes,
    keep_copy,
)
from surrogate_plugin.whole_files import whole

_PHYSICELL_INCLUDE = re.compile(r'^#include "\./(?:core/PhysiCell|modules/PhysiCell_standard_modules)\.h"[^\n]*$', re.M)
_FORMER_INCLUDE = re.compile(rf'^[ \t]*#include[ \t]+"(?:\./)?{re.escape(HEADER)}"[^\n]*$', re.M)
_ATTACHED = re.compile(r"^[ \t]*surrogate::attach\s*\(", re.M)
_SETUP = re.compile(r"^([ \t]*)setup_microenvironment\s*\(\s*\)\s*;[^\n]*$", re.M)
_FIRST_TARGET = re.compile(r"^all:", re.M)
_LINK = re.compile(r"^(\t[^\n]*-o \$\(PROGRAM_NAME\) [^\n]*main\.cpp[^\n]*)$", re.M)
_DEFINED = re.compile(r"^SURROGATE_FLAGS :=[^\n]*$", re.M)


def patch(folder: Path, embedding: Embedding) -> list[Written]:
    """Edit both files, each beside a copy of what it was (``main.cpp.before-surrogate``); neither if one is refused.

    Parameters
    ----------
    folder : Path
        The project.
    embedding : Embedding
        The Python whose flags go into the Makefile.

    Returns
    -------
    list of Written

    Raises
    ------
    InvalidProblemError
        If a file is missing, or not of the pattern.
    """
    edits: dict[str, Callable[[str], str]] = {
        "main.cpp": patched_main,
        "Makefile": lambda text: patched_makefile(text, embedding),
    }
    made = [(folder / name, *_edited(folder / name, edit)) for name, edit in edits.items()]
    return [_exchange(path, old, new) for path, old, new in made]


def patched_main(text: str) -> str:
    """main.cpp with the two lines, and with those of an earlier release led to where the files are now.

    Examples
    --------
    >>> print(patched_main('#include "./core/PhysiCell.h"\\nint main()\\n{\\n\\tsetup_microenvironment();\\n}\\n'))
    #include "./core/PhysiCell.h"
    #include "./custom_modules/surrogate_backend.hpp"
    int main()
    {
        setup_microenvironment();
        surrogate::attach( microenvironment , "./config/surrogate.toml" );
    }
    <BLANKLINE>
    """
    text = _FORMER_INCLUDE.sub(lambda _: PLACES.include, text).replace(FORMER.attach, PLACES.attach)
    included, attached = includes(text, PLACES), _ATTACHED.search(text) is not None
    headers, setups = list(_PHYSICELL_INCLUDE.finditer(text)), list(_SETUP.finditer(text))
    if (not included and not headers) or (not attached and len(setups) != 1):
        raise sp.InvalidProblemError(
            f'main.cpp has {len(headers)} lines #include "./core/PhysiCell.h" and {len(setups)} lines '
            "setup_microenvironment(); where it should have one of each; add the two lines by hand."
        )
    if not attached:
        text = _insert(text, setups[0].end(), setups[0][1] + PLACES.attach)
    if not included:
        text = _insert(text, headers[-1].end(), PLACES.include)
    return text


def patched_makefile(text: str, embedding: Embedding) -> str:
    """The Makefile with the flags of a Python, in place of those of another."""
    first, links = _FIRST_TARGET.search(text), list(_LINK.finditer(text))
    if first is None or not links:
        raise sp.InvalidProblemError(
            f"the Makefile has {'a' if first else 'no'} target all: and {len(links)} lines that link main.cpp into "
            "$(PROGRAM_NAME), where it should have both; load a sample first (make template), or add the flags by hand."
        )
    text = _LINK.sub(lambda line: line[1] if USE_FLAGS in line[1] else f"{line[1].rstrip()} {USE_FLAGS}", text)
    definition = define_flags(embedding)
    if _DEFINED.search(text):
        return _DEFINED.sub(lambda _: definition, text)
    return _FIRST_TARGET.sub(lambda _: f"{definition}\n\nall:", text, count=1)


def _insert(text: str, where: int, line: str) -> str:
    return f"{text[:where]}\n{line}{text[where:]}"


def _edited(path: Path, edit: Callable[[str], str]) -> tuple[str, str]:
    """A file as it is and as it shall be; the line ends of other systems stay as they are, as do odd bytes."""
    if not path.is_file():
        raise sp.InvalidProblemError(f"{path} is missing; load a sample first (make template).")
    old = path.read_bytes().decode("utf-8", "surrogateescape")
    new = edit(old.replace("\r\n", "\n"))
    return old, new.replace("\n", "\r\n") if "\r\n" in old else new


def _exchange(path: Path, old: str, new: str) -> Written:
    if new == old:
        return Written(path, "as it was")
    keep_copy(path)
    with whole(path) as stream:
        stream.write(new.encode("utf-8", "surrogateescape"))
    return Written(path, "edited")
