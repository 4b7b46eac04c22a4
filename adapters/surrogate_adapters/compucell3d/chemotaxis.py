"""Which fields the host's cells climb, which asks for fields whose slopes are right too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["climbed"]


def climbed() -> set[str]:
    """The names of the fields in the Chemotaxis plugin of the simulation's XML."""
    from cc3d import CompuCellSetup

    root = CompuCellSetup.persistent_globals.cc3d_xml_2_obj_converter.root
    return {
        field.getAttribute("Name")
        for plugin in _elements(root, "Plugin")
        if plugin.getAttribute("Name") == "Chemotaxis"
        for field in _elements(plugin, "ChemicalField")
    }


def _elements(parent: Any, name: str) -> Iterator[Any]:
    from cc3d.core.XMLUtils import CC3DXMLListPy

    yield from CC3DXMLListPy(parent.getElements(name))
