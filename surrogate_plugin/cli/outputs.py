"""Where fields go: refused before anybody waits, and written so that one full disk costs no other output."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_plugin.cli.console import print_error, stderr
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.whole_files import UnwritableError

if TYPE_CHECKING:
    from surrogate_plugin import files
    from surrogate_plugin.equation.solution import Solution


def check(outputs: list[Path], saved: list[Path], inputs: list[Path | None], colours: str) -> None:
    """Refuse outputs that cannot be written, or would overwrite what is read or one another."""
    from surrogate_plugin import files
    from surrogate_plugin.equation.storage import check_name

    read = {os.path.realpath(path) for path in inputs if path is not None}
    seen: set[str] = set()
    for path in outputs:
        files.check_writable(path, colours=colours)
    for path in saved:
        check_name(path)
    for path in (*saved, *outputs):
        place = os.path.realpath(path)
        if place in read or place in seen:
            what = "is read" if place in read else "is written already"
            raise InvalidProblemError(f"output {str(path)!r} {what}; another name is allowed.")
        seen.add(place)


def check_picture(path: Path, inputs: list[Path | None]) -> None:
    """Refuse a picture of a kind that is not drawn, and what `check_place` refuses."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InvalidProblemError(f"output {path.name!r} ends in {path.suffix!r}; .png, .svg or .pdf is allowed.")
    check_place(path, inputs)


def check_place(path: Path, inputs: list[Path | None]) -> None:
    """Refuse what cannot be written, or would overwrite what is read."""
    if path.is_dir():
        raise UnwritableError(f"{path} is a folder; the name of a file is allowed.")
    if os.path.realpath(path) in [os.path.realpath(each) for each in inputs if each is not None]:
        raise InvalidProblemError(f"output {str(path)!r} is read; another name is allowed.")


def write(
    outputs: list[Path], solution: Solution, spacing: float | tuple[float, ...], colours: str, told: files.Told
) -> list[Path]:
    """Write what can be written, so that one full disk costs no other output; return what was.

    Where nothing could be, the numbers go to the folder for temporary files, so that the solve is not lost.
    """
    from surrogate_plugin import files

    written = []
    for path in outputs:
        try:
            files.write_field(path, solution.field, spacing=spacing, colours=colours, told=told)
            written.append(path)
        except OSError as error:
            print_error(str(error))
    if outputs and not written:
        kept = Path(tempfile.gettempdir()) / f"surrogate-plugin-field-{os.getpid()}.npy"
        with suppress(OSError):
            files.write_field(kept, solution.field)
            stderr().print(f"The field is kept in {kept}.", markup=False, soft_wrap=True)
    return written
