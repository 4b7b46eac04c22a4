"""What a command's docstring says: a sentence, paragraphs, and the sections Examples, Exit codes and JSON.

A section is headed and underlined as in numpydoc::

    Examples
    --------
    surrogate-plugin solve vessels.png --white 38

    Exit codes
    ----------
    1 : if the bound exceeds the tolerance

    JSON
    ----
    error_bound : the largest error anywhere
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: What every command leaves with; a docstring adds what 1 means to it.
_EXIT_CODES = {
    0: "it was done",
    2: "it could not be: a wrong option, or something that cannot be read or written",
    130: "Ctrl-C",
}
_HEADING = re.compile(r"^(Examples|Exit codes|JSON)\n-+\n", re.MULTILINE)


@dataclass(frozen=True)
class Sections:
    """A docstring, read.

    Attributes
    ----------
    text : str
        What stands before the sections; paragraphs with blank lines between, each in one line.
    examples : tuple of str
        One command line each.
    exit_codes : dict of int to str
        By code, in order.
    json : dict of str to str
        The keys of the object that ``--json`` prints, and what each is.
    """

    text: str
    examples: tuple[str, ...] = ()
    exit_codes: dict[int, str] = field(default_factory=lambda: dict(_EXIT_CODES))
    json: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first sentence, without its full stop, for a list of commands."""
        return re.split(r"\.(?:\s|$)", self.text, maxsplit=1)[0]

    @classmethod
    def read(cls, docstring: str) -> Sections:
        """The sections of a docstring whose indentation is gone.

        Examples
        --------
        >>> read = Sections.read("Count\\nsheep.\\n\\nExit codes\\n----------\\n1 : if there are none")
        >>> read.text, read.exit_codes[1]
        ('Count sheep.', 'if there are none')
        """
        text, *rest = _HEADING.split(docstring)
        found = dict(zip(rest[::2], rest[1::2], strict=True))
        codes = {int(code): said for code, said in _pairs(found.get("Exit codes", "")).items()}
        paragraphs = (" ".join(each.split()) for each in re.split(r"\n\s*\n", text.strip()))
        return cls(
            "\n\n".join(paragraphs),
            tuple(line.strip() for line in found.get("Examples", "").splitlines() if line.strip()),
            dict(sorted({**_EXIT_CODES, **codes}.items())),
            _pairs(found.get("JSON", "")),
        )


def _pairs(text: str) -> dict[str, str]:
    """``name : what it is``, which may go on in indented lines."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        head, colon, said = line.partition(" : ")
        if colon and not line.startswith(" "):
            name = head.strip()
            found[name] = said.strip()
        elif line.strip() and name:
            found[name] += " " + line.strip()
    return found
