"""A settings file as it stands: its text, what it says, and on which line."""

from __future__ import annotations

import copy
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.plain_files import check_plain
from surrogate_plugin.settings.lines import Place, lines_of

#: No settings are longer; what is was meant as something else.
_LONGEST = 10_000_000
_PARSERS_PLACE = re.compile(r"^(?P<said>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.DOTALL)
#: What the parser says in its own words, in those of a reader.
_SAID = {
    "Cannot overwrite a value": "a key is given twice",
    "Cannot declare (": "a table is given twice",
    "Cannot mutate immutable namespace": "a key adds to a table in braces, which is complete",
    "Invalid value": "what stands behind the = is no value; text needs quotes",
    "Expected '=' after a key": "a key needs a = and a value",
    'Expected "\'"': "quotes are not closed",
    "Expected ']'": "a bracket is not closed",
    "Unterminated string": "quotes are not closed",
    "Illegal character '\\n'": "quotes are not closed",
    "Unclosed array": "a bracket is not closed",
    "Unclosed inline table": "a brace is not closed",
}


@dataclass(frozen=True)
class Document:
    """What a settings file says.

    Attributes
    ----------
    path : Path
    said : dict
        As the parser gives it.
    lines : mapping of place to int
        From 1, see `lines_of`.
    """

    path: Path
    said: dict[str, Any]
    lines: Mapping[Place, int]

    @classmethod
    def read(cls, path: str | Path) -> Document:
        """The file at a path.

        Raises
        ------
        InvalidProblemError
            If it cannot be read or is no TOML: one sentence, with the line.
        """
        path = Path(path)
        text = _text(path)
        try:
            return cls(path, tomllib.loads(text), lines_of(text))
        except RecursionError:
            raise InvalidProblemError(f"{path} is not TOML: brackets are nested too deeply.") from None
        except ValueError as error:
            raise _no_toml(path, text, str(error)) from None

    def changed(self, changes: Mapping[str, Any]) -> Document:
        """The same file with other values of some keys, each named as errors name it, ``vessels[0].value`` too.

        Raises
        ------
        InvalidProblemError
            If a key is inside of something that is no table.

        Examples
        --------
        >>> Document(Path("surrogate.toml"), {"time": {"dt_min": 1.0}}, {}).changed({"time.dt_min": 2.0}).said
        {'time': {'dt_min': 2.0}}
        """
        said = copy.deepcopy(self.said)
        for name, value in changes.items():
            *above, last = (int(part) if part.isdigit() else part for part in re.split(r"[.\[\]]+", name.rstrip("]")))
            here: Any = said
            try:
                for part in above:
                    here = here.setdefault(part, {}) if isinstance(here, dict) else here[part]
                here[last] = value
            except (TypeError, IndexError, AttributeError):
                raise InvalidProblemError(
                    f"{self.path} has no place for {name}; a key of one of its tables is allowed."
                ) from None
        return Document(self.path, said, self.lines)

    @property
    def folder(self) -> Path:
        """Where relative paths in the file begin."""
        return self.path.parent

    def where(self, place: Place) -> str:
        """The file, and the line of a place, or of the table that it is missing from.

        Examples
        --------
        >>> Document(Path("surrogate.toml"), {"a": {}}, {("a",): 3}).where(("a", "b"))
        'surrogate.toml, line 3'
        """
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return f"{self.path}, line {self.lines[place[:length]]}"
        return str(self.path)

    def error(self, place: Place, sentence: str) -> InvalidProblemError:
        """What is wrong at a place."""
        return InvalidProblemError(f"{self.where(place)}: {sentence}")

    @contextmanager
    def at(self, place: Place) -> Iterator[None]:
        """Say in an error of the package which place of the file it comes from."""
        try:
            yield
        except InvalidProblemError as error:
            said, name = str(error), named(place)
            raise self.error(place, said if said.startswith((f"{name} ", f"{name}.")) else f"{name}: {said}") from None


def named(place: Place) -> str:
    """A place as the file may write it.

    Examples
    --------
    >>> named(("sources", 0, "file"))
    'sources[0].file'
    """
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{_plain(part)}"
    return text


def _plain(part: str) -> str:
    """A key on one line, cut where it is long."""
    text = part if re.fullmatch(r"[\w-]+", part) else repr(part)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(path: Path) -> str:
    if os.path.isdir(path):
        raise InvalidProblemError(f"{path} is a folder; the name of a settings file is allowed.")
    try:
        check_plain(path)
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise InvalidProblemError(f"cannot read the settings {path}: {_plainly(error)}.") from None
    except ValueError:  # a path with a null character
        raise InvalidProblemError(f"cannot read the settings {str(path)!r}: this is no path.") from None
    if len(content) > _LONGEST:
        raise InvalidProblemError(f"{path} is larger than {_LONGEST:,} bytes, which no settings are.")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidProblemError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is no text in UTF-8; save the file in that "
            "encoding, as editors call it."
        ) from None


def _plainly(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _no_toml(path: Path, text: str, said: str) -> InvalidProblemError:
    found = _PARSERS_PLACE.match(said)
    message, line = (said, None) if found is None else (found["said"], found["line"])
    for theirs, ours in _SAID.items():
        if message.startswith(theirs):
            message = ours
    number = int(line) if line is not None else text.rstrip().count("\n") + 1
    shown = text.split("\n")[number - 1].strip() if text else ""
    shown = f" ({' '.join(ascii_shown(shown).split())})" if shown else ""
    return InvalidProblemError(f"{path}, line {number}: this is not TOML{shown}: {_one_line(message)}.")


def ascii_shown(line: str) -> str:
    """A line of a file for a sentence: what no terminal shows is escaped, and it is cut where it is long."""
    text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in line)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_line(message: str) -> str:
    text = " ".join(ascii_shown(part) for part in message.split())
    return text[0].lower() + text[1:] if text else "it cannot be read"
