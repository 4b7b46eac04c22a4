"""Compiled kernels: two flavours, and one cache on disk that no changed kernel can make stale.

`exact` keeps IEEE arithmetic as it is written; whatever a proof rests on is of this flavour. `fast` lets the compiler
contract and reorder sums, which only proposes: cycles, networks. Under `fast` no kernel may lean on the order of a sum
(``1 / (x + (1 - y))`` becomes ``1 / ((x + 1) - y)``, which is 1 / 0 for a small ``x``) nor on a NaN. `exact_inner` and
`fast_inner` are for functions that other kernels call and python does not: without an entry from python they compile
in half the time.

numba's own cache looks at the file that defines a function. A kernel that calls one of another file, which has since
changed, would go on running with the old one inlined. Here the cache lies in a folder named by a digest of every file
that holds a kernel, so that any change compiles what is called anew, and a copy, a wheel and a checkout share nothing
that differs.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

from surrogate_plugin import loading
from surrogate_plugin.folders import cache_folder

__all__ = ["exact", "exact_inner", "fast", "fast_inner", "kernel_files"]

_PACKAGE = Path(__file__).parent
_EXACT: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_FAST: dict[str, Any] = {**_EXACT, "fastmath": {"contract", "reassoc", "nsz"}}
#: The kernels that are being loaded or compiled, and since when; the last for the sake of those before it.
_open: list[tuple[Any, float]] = []
#: Inlined, since a process that compiles a kernel would else run another copy of an inner function than one that loads
#: the kernel from the cache, optimised in another context: 20 % slower or quicker, and with other last bits.
_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}


def exact(function: Callable[..., Any]) -> Any:
    """Compile with IEEE arithmetic, operation by operation: NaN and infinity are kept, and nothing is reordered."""
    return _cached(function, numba.njit(**_EXACT)(function))


def fast(function: Callable[..., Any]) -> Any:
    """Compile with sums and products that may be contracted and reordered; for what is verified afterwards."""
    return _cached(function, numba.njit(**_FAST)(function))


def exact_inner(function: Callable[..., Any]) -> Any:
    """As `exact`, for a function that only kernels call."""
    return numba.njit(**_EXACT, **_INNER)(function)


def fast_inner(function: Callable[..., Any]) -> Any:
    """As `fast`, for a function that only kernels call."""
    return numba.njit(**_FAST, **_INNER)(function)


def kernel_files() -> list[Path]:
    """Every file of this package that holds kernels: their names end so."""
    return sorted(_PACKAGE.rglob("*kernels.py"))


def _cached(function: Callable[..., Any], kernel: Any) -> Any:
    file = Path(function.__code__.co_filename)
    if not file.is_file():  # typed into a session, which has nothing to be keyed by
        return kernel
    folder = _folder_for(_digest(None if file.is_relative_to(_PACKAGE) else file))
    kernel._cache = _cache_in(folder)(function)
    if folder is None:
        kernel._cache.disable()
    return kernel


@functools.cache
def _digest(elsewhere: Path | None) -> str:
    """Of all that can be inlined into a kernel: this package's kernels and, where it stands elsewhere, its own file."""
    digest = hashlib.blake2b(digest_size=10)
    for path in [Path(__file__), *kernel_files(), *([elsewhere] if elsewhere else [])]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _folder_for(digest: str) -> Path | None:
    """A folder of the user's that can be written to; None where there is none, and kernels are compiled each time."""
    for base in _bases():
        folder = base / "kernels" / digest
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        # What lies there is run, so it must be nobody else's.
        if not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid():
            return folder
    return None


def _bases() -> Iterator[Path]:
    """Where such a folder may be, one after the other."""
    yield cache_folder()
    try:
        temporary = tempfile.gettempdir()
    except OSError:  # as in a container of which nothing else can be written to
        return
    yield Path(temporary) / f"surrogate-plugin-{_user()}"


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


@functools.cache
def _cache_in(folder: Path | None) -> type[caching.FunctionCache]:
    class Locator(caching._CacheLocator):  # type: ignore[misc]
        """Where a kernel's compiled code lies; the folder's name says what it was compiled from."""

        def __init__(self, function: Callable[..., Any], file: str) -> None:
            self._py_file = file
            self._name = f"{function.__module__}.{function.__qualname__}"

        def get_cache_path(self) -> str:
            return str(folder)

        def get_source_stamp(self) -> str:
            return str(folder)

        def get_disambiguator(self) -> str:
            return hashlib.blake2b(self._name.encode(), digest_size=5).hexdigest()

        @classmethod
        def from_function(cls, function: Callable[..., Any], file: str) -> Any:
            return cls(function, file)

    class Contents(caching.CompileResultCacheImpl):  # type: ignore[misc]
        _locator_classes = (Locator,)

    class KernelCache(caching.FunctionCache):  # type: ignore[misc]
        """numba asks it before it compiles, and hands it what was compiled: so it knows how long that took."""

        _impl_class = Contents

        def load_overload(self, signature: Any, target: Any) -> Any:
            _open.append((self, time.perf_counter()))
            try:
                found = super().load_overload(signature, target)
            except Exception:  # A damaged file only costs the compiling; it is written anew.
                found = None
                with suppress(OSError):
                    self.flush()
            if found is None:
                loading.announce()
            else:
                self._count()
            return found

        def save_overload(self, signature: Any, data: Any) -> None:
            with suppress(OSError):  # A full disk: the kernel is there, and the next process compiles it again.
                super().save_overload(signature, data)
            self._count()

        def _count(self) -> None:
            """A kernel that is compiled for another's sake counts within that one's time."""
            while _open:
                kernel, began = _open.pop()
                if kernel is self:
                    break
            if not _open:
                loading.spend(time.perf_counter() - began)

    return KernelCache
