"""Every public name has its place in the API reference, and the reference names nothing that is not there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest

from tests.docs.markdown import ROOT

#: Modules whose ``__all__`` the reference has to hold.
PUBLIC = (
    "surrogate_plugin",
    "surrogate_plugin.testing",
    "surrogate_plugin.report",
    "surrogate_plugin.audit",
    "surrogate_plugin.ensemble",
    "surrogate_plugin.files",
    "surrogate_plugin.pictures.view",
    "surrogate_plugin.solvers.protocol",
    "surrogate_adapters.mesa",
    "surrogate_adapters.process_bigraph",
    "surrogate_adapters.pyphysicell",
    "surrogate_adapters.vivarium",
    "surrogate_adapters.compucell3d",
)
#: What packages offer once more, and where it stands.
ELSEWHERE = {
    "HistoryEntry": "surrogate_adapters.steady_fields.HistoryEntry",
    "ReportWarning": "surrogate_plugin.ReportWarning",
    "RunReport": "surrogate_plugin.RunReport",
}


def listed() -> Iterator[str]:
    """The full names that pages below docs/api list."""
    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        module = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            if found := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
                module = found[1]
            elif found := re.fullmatch(r"   ([A-Za-z_][\w.]*)", line):
                yield f"{module}.{found[1]}"


LISTED = list(listed())


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_has_its_page(module: str) -> None:
    names = set(importlib.import_module(module).__all__) - {"__version__"}
    missing = {f"{module}.{name}" for name in names} - set(LISTED)
    missing -= {full for full in missing if ELSEWHERE.get(full.rpartition(".")[2]) in LISTED}
    assert not missing, f"a page of docs/api has to list {sorted(missing)}"


def test_no_name_is_listed_twice() -> None:
    assert sorted(set(LISTED)) == sorted(LISTED)


@pytest.mark.parametrize("full", LISTED)
def test_what_is_listed_is_there_and_says_what_it_is(full: str) -> None:
    try:
        thing = _found(full)
    except ImportError as error:  # a host that is not installed here
        pytest.skip(str(error))
    assert (thing.__doc__ or "").strip()


def _found(full: str) -> Any:
    parts = full.split(".")
    for count in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:count])
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
            continue
        return reduce(getattr, parts[count:], module)
    raise AssertionError(f"{full} is nowhere")
