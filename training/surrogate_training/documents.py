"""Tables that commands keep up to date in Markdown documents."""

from __future__ import annotations

from pathlib import Path

from surrogate_plugin.whole_files import write_text


def write_into(document: Path, kind: str, text: str) -> None:
    """Replace what stands between ``<!-- kind -->`` and ``<!-- end of kind -->`` in a Markdown document.

    Raises
    ------
    ValueError
        If the document has no such place.
    """
    begin, end = f"<!-- {kind} -->\n", f"<!-- end of {kind} -->"
    content = document.read_text(encoding="utf-8")
    if begin not in content or end not in content:
        raise ValueError(f"{document} has no place for the table; the lines {begin.strip()!r} and {end!r} make one.")
    before, _, rest = content.partition(begin)
    write_text(document, f"{before}{begin}{text}{end}{rest.partition(end)[2]}")
