"""What docstrings name is found: a name in backticks leads to its page, if it has one, and is code if it has none.

Docstrings say ``Problem`` or ``InvalidProblemError``, as code does that has imported it, rather than where it stands.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils.nodes import Element, TextElement
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

#: Packages whose names docstrings say in full.
OTHERS = {"numpy", "pathlib", "pydantic"}


def only_page_of(name: str, documented: dict[str, Any]) -> str | None:
    """The one documented object that ends in this name, if there is one.

    Parameters
    ----------
    name : str
        As a docstring says it: ``Problem``, ``sp.Problem`` or ``Problem.replace``.
    documented : dict
        Full names of documented objects.

    Returns
    -------
    str or None
        The full name. Of several, that of `surrogate_plugin` itself; none where that does not decide it.
    """
    short = name.removeprefix("~").removeprefix("sp.")
    ends = [full for full in documented if full == short or full.endswith(f".{short}")]
    if len(ends) > 1:
        ends = [full for full in ends if full == f"surrogate_plugin.{short}"]
    return ends[0] if ends else None


def _missing(app: Sphinx, env: BuildEnvironment, node: Element, content: TextElement) -> Element | None:
    if node.get("refdomain") != "py":
        return None
    python = env.get_domain("py")
    full = only_page_of(node["reftarget"], python.objects)
    if full is not None:
        where = python.objects[full]
        from sphinx.util.nodes import make_refnode

        return make_refnode(app.builder, node["refdoc"], where.docname, where.node_id, content, full)
    name = node["reftarget"]
    if node["reftype"] == "obj" or hasattr(builtins, name) or name.partition(".")[0] in OTHERS:
        return content  # a parameter, or a name of Python or of another package: code, and no link
    return None


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen for names that Sphinx does not find."""
    app.connect("missing-reference", _missing)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
