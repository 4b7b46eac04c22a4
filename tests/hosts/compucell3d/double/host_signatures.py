"""Prints how the host's calls differ from ``signatures.json``: nothing where they are the same.

Run by whatever Python has the host, or the double on its path.
"""

from __future__ import annotations

import importlib
import inspect
import json
from functools import reduce
from pathlib import Path


def differences():
    table = json.loads((Path(__file__).parent / "signatures.json").read_text())
    for name, expected in table.items():
        module, _, path = name.partition(":")
        try:
            found = list(
                inspect.signature(reduce(getattr, path.split("."), importlib.import_module(module))).parameters
            )
        except AttributeError as error:
            yield f"{name}: {error}"
            continue
        # Calls generated for C++ may take anything; their parameters have names in its headers only.
        anything = found[-1:] == ["args"] and expected[-1:] != ["args"]
        if found != expected and not anything:
            yield f"{name}: {found} instead of {expected}"


if __name__ == "__main__":
    print("\n".join(differences()))
