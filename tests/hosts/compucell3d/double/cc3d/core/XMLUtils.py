"""The XML's elements, as the host hands them out."""

from __future__ import annotations


class CC3DXMLElement:
    """One element; the host's is made in C++."""

    def __init__(self, element):
        self._element = element

    def getAttribute(self, key):
        return self._element.get(key, default="")

    def getElements(self, _name=""):
        return [CC3DXMLElement(child) for child in self._element if _name in ("", child.tag)]


class CC3DXMLListPy:
    def __init__(self, _list):
        self.elementList = _list

    def __iter__(self):
        return iter(self.elementList)
