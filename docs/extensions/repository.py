"""Links that work on GitHub work on the site too, for pages that stand outside this folder and are included here.

A page of the site is a file of this folder. Some hold nothing but the text of a file elsewhere in the repository, as
``overview.md`` holds the README; links in that text start from where the file stands. Each link is therefore made one
from the page: to another page, if its file is one or is held by one; else to a copy of the file on the site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

DOCS = "docs"
#: What the copy of a file is called among the pages.
COPIES = "source"

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_LINK = re.compile(r"\]\((?!#|[a-z]+:)([^()\s#]+)(#[^()\s]*)?\)")
_INCLUDE = re.compile(r"^```\{include\} (\S+)$", flags=re.MULTILINE)
_COPIED = re.compile(r"\]\(source:([^()\s]+)\.html\)")


class Place(NamedTuple):
    """Where a text stands, and where it is shown.

    Attributes
    ----------
    file : str
        Path in the repository.
    page : str
        Name of the page, without suffix, in the folder of documents.
    """

    file: str
    page: str


def pages_of(root: Path) -> dict[str, str]:
    """Files of the repository that are pages of the site, by themselves or by inclusion.

    Parameters
    ----------
    root : Path
        The repository.

    Returns
    -------
    dict of str to str
        Path in the repository to the name of its page.
    """
    pages = {}
    for path in sorted((root / DOCS).rglob("*.md")):
        page = path.relative_to(root / DOCS).with_suffix("").as_posix()
        pages[path.relative_to(root).as_posix()] = page
        for included in _INCLUDE.findall(path.read_text(encoding="utf-8")):
            pages[_joined(f"{DOCS}/{page}", included)] = page
    return pages


def rewritten(text: str, place: Place, pages: Mapping[str, str], is_file: Callable[[str], bool]) -> str:
    """The text with its links started from the page that shows it.

    Parameters
    ----------
    text : str
        Markdown.
    place : Place
    pages : mapping of str to str
        As of `pages_of`.
    is_file : callable
        Whether a path in the repository is a file or a folder of it.

    Returns
    -------
    str
        What stands in code is left alone, and so is a link to nothing, of which Sphinx complains.
    """

    def link(found: re.Match[str]) -> str:
        target, anchor = found[1], found[2] or ""
        return f"]({_seen_from(place, target, pages, is_file)}{anchor})"

    return "\n".join(_outside_code(line, link) if prose else line for line, prose in _lines(text))


def copied(text: str, page: str) -> set[str]:
    """Files of the repository whose copies a page's rewritten text links to."""
    return {_joined(f"{page}", path).removeprefix(f"{COPIES}/") for path in _COPIED.findall(text)}


def _seen_from(place: Place, target: str, pages: Mapping[str, str], is_file: Callable[[str], bool]) -> str:
    file = _joined(place.file, target)
    here = posixpath.dirname(place.page)
    if file in pages:
        return posixpath.relpath(f"{pages[file]}.md", here or ".")
    if not is_file(file):
        return target
    if file.startswith(f"{DOCS}/") or PurePosixPath(file).suffix in {".png", ".svg", ".gif"}:
        return posixpath.relpath(file, posixpath.join(DOCS, here))
    return f"source:{posixpath.relpath(f'{COPIES}/{file}', here or '.')}.html"


def _joined(file: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), target))


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is prose rather than fenced code."""
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
            yield line, False
        elif found and line.strip() == found[1] and found[1].startswith(fence):
            fence = ""
            yield line, False
        else:
            yield line, not fence


def _outside_code(line: str, link: Callable[[re.Match[str]], str]) -> str:
    parts, start = [], 0
    for code in _CODE.finditer(line):
        parts += [_LINK.sub(link, line[start : code.start()]), code[0]]
        start = code.end()
    return "".join([*parts, _LINK.sub(link, line[start:])])


class _Site:
    """The links of one build."""

    def __init__(self, app: Sphinx) -> None:
        self.root = Path(app.srcdir).parent
        self.pages = pages_of(self.root)

    def read(self, app: Sphinx, page: str, source: list[str]) -> None:
        self._rewrite(app, Place(f"{DOCS}/{page}.md", page), source)

    def include(self, app: Sphinx, path: Path, _stem: str, source: list[str]) -> None:
        file = posixpath.normpath(posixpath.join(DOCS, path.as_posix()))
        if file.endswith(".md"):
            self._rewrite(app, Place(file, app.env.docname), source)

    def _rewrite(self, app: Sphinx, place: Place, source: list[str]) -> None:
        source[0] = rewritten(source[0], place, self.pages, lambda file: (self.root / file).exists())
        _linked(app.env).setdefault(place.page, set()).update(copied(source[0], place.page))

    def copies(self, app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
        """A page for each file that is linked to, and one for each folder, which links to its files."""
        waiting = sorted(set[str]().union(*_linked(app.env).values()))
        done: set[str] = set()
        while waiting:
            file = waiting.pop()
            if file in done:
                continue
            done.add(file)
            path = self.root / file
            inside = [child for child in sorted(path.iterdir()) if _shown(child)] if path.is_dir() else []
            waiting += [child.relative_to(self.root).as_posix() for child in inside]
            body = _folder(path, inside) if path.is_dir() else _highlighted(app, path)
            title = f"<h1><code>{file}</code></h1>"
            yield f"{COPIES}/{file}", {"title": file, "body": title + body, "parents": []}, "page.html"


def _shown(path: Path) -> bool:
    return not path.name.startswith((".", "__pycache__")) and not path.name.endswith(".egg-info")


def _folder(path: Path, inside: list[Path]) -> str:
    links = (f'<li><a href="{path.name}/{child.name}.html"><code>{child.name}</code></a></li>' for child in inside)
    return f"<ul>{''.join(links)}</ul>"


def _highlighted(app: Any, path: Path) -> str:
    from pygments.lexers import get_lexer_for_filename
    from pygments.util import ClassNotFound

    try:
        language = get_lexer_for_filename(path.name).aliases[0]
    except (ClassNotFound, IndexError):
        language = "text"
    return str(app.builder.highlighter.highlight_block(path.read_text(encoding="utf-8"), language))


def _linked(env: Any) -> dict[str, set[str]]:
    if not hasattr(env, "files_linked_to"):
        env.files_linked_to = {}
    linked: dict[str, set[str]] = env.files_linked_to
    return linked


def _purge(_app: Sphinx, env: BuildEnvironment, page: str) -> None:
    _linked(env).pop(page, None)


def _merge(_app: Sphinx, env: BuildEnvironment, pages: list[str], other: BuildEnvironment) -> None:
    _linked(env).update({page: files for page, files in _linked(other).items() if page in pages})


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to what Sphinx reads."""
    site = _Site(app)
    app.connect("source-read", site.read)
    app.connect("include-read", site.include)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("html-collect-pages", site.copies)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
