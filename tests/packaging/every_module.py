"""``python -m tests.packaging.every_module``: import every module that is installed, with warnings as errors.

What an extra brings may be missing: a module that needs it is passed over, and which it is is told.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Iterator

PACKAGES = ("surrogate_plugin", "surrogate_adapters", "surrogate_training")
#: What modules may lack, and the extra, or the build of torch, that brings it.
OPTIONAL = {
    "process_bigraph": "process-bigraph",
    "pytest": "testing",
    "triton": "torch for GPUs",
    "vivarium": "vivarium",
    "vivarium_multibody": "vivarium",
}


def modules() -> Iterator[str]:
    """Every module of ours but what runs when it is imported."""
    for package in PACKAGES:
        folders = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(folders, f"{package}.", onerror=lambda name: None):
            if not module.name.endswith("__main__"):
                yield module.name


def main() -> None:
    warnings.simplefilter("error")
    imported, lacking = 0, dict[str, int]()
    for name in modules():
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in OPTIONAL:
                raise
            lacking[OPTIONAL[error.name]] = lacking.get(OPTIONAL[error.name], 0) + 1
        else:
            imported += 1
    told = ", ".join(f"{count} that need [{extra}]" for extra, count in sorted(lacking.items()))
    print(f"{imported} modules of {sys.prefix} import" + (f"; passed over: {told}." if told else "."))


if __name__ == "__main__":
    main()
