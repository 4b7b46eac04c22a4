"""How the site is built: by ``make docs``, into build/docs, every warning an error. It asks the network for nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

from sphinx.ext.autosummary.generate import find_autosummary_in_files

import surrogate_plugin

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "surrogate-plugin"
author = "the authors of surrogate-plugin"
version = release = surrogate_plugin.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docstrings",
    "names",
    "repository",
]
exclude_patterns = ["extensions", "templates"]
templates_path = ["templates"]
default_role = "py:obj"  # single backticks
language = "en"

# Markdown as GitHub reads it: links by the slugs of headings.
myst_heading_anchors = 4
myst_url_schemes = {"http": None, "https": None, "mailto": None, "source": {"url": "{{path}}"}}

# Notebooks are shown as they were saved; widgets would ask the network for their scripts.
nb_execution_mode = "off"
nb_ipywidgets_js = {}

# Docstrings say types, shapes and units in words; these are no names to look up.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["cc3d"]  # comes with conda alone
autosummary_generate = True
autosummary_ignore_module_all = False
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style"), ("Source", "notes_style")]

nitpicky = True

html_theme = "furo"
html_title = "surrogate-plugin"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def plain_fences(app: Sphinx, page: str, _source: list[str]) -> None:
    """Fences that name no language hold commands and what they print, and are no Python."""
    if app.env.doc2path(page).suffix == ".md":
        app.env.temp_data["highlight_language"] = "text"


def forget_names(app: Sphinx) -> None:
    """Pages of the reference whose names are listed no more would else be pages that no table of contents has."""
    folder = Path(app.srcdir) / "api"
    listed = {entry.name for entry in find_autosummary_in_files(list(map(str, folder.glob("*.md"))))}
    for page in (folder / "generated").glob("*.rst"):
        if page.stem not in listed:
            page.unlink()


def setup(app: Sphinx) -> None:
    """Listen to what Sphinx does."""
    app.connect("builder-inited", forget_names, priority=100)
    app.connect("source-read", plain_fences)
