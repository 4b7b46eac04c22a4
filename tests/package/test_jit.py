"""The compiled kernels: what a bound rests on is IEEE arithmetic, and no kernel runs from a stale cache."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import surrogate_plugin
from surrogate_plugin import jit
from surrogate_plugin.equation import operator_kernels as lattice_kernels
from surrogate_plugin.equation import uptake_kernels
from surrogate_plugin.equation.sides import Boundary
from surrogate_plugin.guard import certificate_kernels
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy

PACKAGE = Path(surrogate_plugin.__file__).parent
MODULES = [
    ".".join(["surrogate_plugin", *path.relative_to(PACKAGE).with_suffix("").parts]) for path in jit.kernel_files()
]


def kernels_of(module: Any) -> dict[str, Dispatcher]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Dispatcher)}


def is_exact(kernel: Dispatcher) -> bool:
    return not kernel.targetoptions.get("fastmath")


@pytest.mark.parametrize(
    "module", [certificate_kernels, lattice_kernels, uptake_kernels], ids=lambda module: module.__name__
)
def test_every_kernel_that_a_bound_rests_on_is_exact(module) -> None:
    found = kernels_of(module)
    assert found
    assert [name for name, kernel in found.items() if not is_exact(kernel)] == []


def modules_of_the_guard() -> list[str]:
    """What a bound is computed by; `applicability` only decides who is asked."""
    found = [path.stem for path in sorted((PACKAGE / "guard").glob("*.py"))]
    names = [f"surrogate_plugin.guard.{name}" for name in found if not name.startswith(("__init__", "applicability"))]
    return [*names, "surrogate_plugin.equation.operator"]


@pytest.mark.parametrize("name", modules_of_the_guard())
def test_every_kernel_that_the_guard_uses_is_exact(name) -> None:
    """Those that its modules hold, and whole modules of kernels that they import."""
    module = importlib.import_module(name)
    imported = [value for value in vars(module).values() if isinstance(value, type(sys)) and is_of_kernels(value)]
    for each in (module, *imported):
        assert [called for called, kernel in kernels_of(each).items() if not is_exact(kernel)] == []


def is_of_kernels(module: Any) -> bool:
    return module.__name__.startswith("surrogate_plugin.") and module.__name__.endswith("kernels")


def test_the_guard_does_use_kernels() -> None:
    used = {
        value.__name__
        for name in modules_of_the_guard()
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type(sys)) and is_of_kernels(value)
    }
    assert used == {certificate_kernels.__name__, lattice_kernels.__name__}


@pytest.mark.parametrize("name", MODULES)
def test_an_exact_kernel_calls_exact_kernels_alone(name) -> None:
    module = importlib.import_module(name)
    for kernel in kernels_of(module).values():
        called = (getattr(module, used, None) for used in kernel.py_func.__code__.co_names)
        for callee in called:
            if is_exact(kernel) and isinstance(callee, Dispatcher):
                assert is_exact(callee), f"{kernel.py_func.__name__} calls {callee.py_func.__name__}"


@pytest.mark.parametrize("name", MODULES)
def test_no_kernel_brings_openmp_or_a_cache_of_its_own(name) -> None:
    for kernel in kernels_of(importlib.import_module(name)).values():
        assert not kernel.targetoptions.get("parallel")
        assert not kernel.targetoptions.get("cache")


@pytest.mark.parametrize("kind", ["absorbing", "reflecting", "periodic"])
@pytest.mark.parametrize("strong", [1e-12, 1.0, 3e6, 1e7, 1e12, 1e30, 1e200])
def test_a_cycle_is_finite_and_solves_whatever_the_decay(kind, strong) -> None:
    """Reassociated, ``1 / (x + (1 - y))`` was 1 / 0 for the inverse of a strong decay."""
    rng = np.random.default_rng(0)
    for shape in ((33, 24), (16, 16), (64, 40)):
        free = rng.random(shape) > 0.1
        decay = np.full(shape, 1e-3)
        decay[shape[0] // 2 :] = strong
        hierarchy = Hierarchy(shape, Boundary.parse(kind).walls())
        hierarchy.rebuild(free, decay)
        b, z = hierarchy.vectors[0], hierarchy.vectors[1]
        b[1:-1, 1:-1] = np.where(free, rng.random(shape), 0.0)
        hierarchy.v_cycle(z, b)
        assert np.isfinite(z).all()
        assert (z[1:-1, 1:-1][~free] == 0.0).all()
        weak = z[1:-1, 1:-1][: shape[0] // 2][free[: shape[0] // 2]]
        assert weak.max() > 0.1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sign", [False, True])
def test_the_peak_of_a_row_sees_what_is_not_finite(value, sign) -> None:
    """The NaN that an x86 processor makes has its sign set: as an integer it is below every number."""
    for place in (0, 3, 9):
        row = np.linspace(0.0, 1.0, 10)
        row[place] = -np.float64(value) if sign else value
        bits = row.view(np.int64)
        if sign and np.isnan(value):
            bits[place] = np.int64(-0x8000000000000)  # sign, exponent and quiet bit
        assert certified_peak(row) == np.inf


def certified_peak(row: np.ndarray) -> float:
    """The largest residual that the certificate sees of a field which is one bad row in a lattice of zeros."""
    from surrogate_plugin import team
    from surrogate_plugin.sharing_kernels import CHUNKS

    shape = (8, row.size)
    c = np.zeros((10, row.size + 2))
    c[4, 1:-1] = row
    nothing, free = np.zeros(shape), np.ones(shape, bool)
    rules, values = np.zeros((2, 2), np.int64), np.zeros((2, 2))
    return float(
        team.run(
            certificate_kernels.inflated_residual, c, nothing, free, None, None, nothing + 0.1, nothing, None, 1.0,
            rules, values, np.empty(shape), np.zeros(CHUNKS, np.int64),
        )
    )  # fmt: skip


#: Runs one kernel, `inflated_residual`, which calls `peak` of another file, on a field that holds a NaN.
SCRIPT = """
import numpy as np
from surrogate_plugin import team
from surrogate_plugin.guard import certificate_kernels
from surrogate_plugin.sharing_kernels import CHUNKS
c = np.zeros((10, 10)); c[3, 3] = np.nan
o, free = np.zeros((8, 8)), np.ones((8, 8), bool)
print(team.run(certificate_kernels.inflated_residual, c, o, free, None, None, o + 0.1, o, None, 1.0,
    np.zeros((2, 2), np.int64), np.zeros((2, 2)), np.empty((8, 8)), np.zeros(CHUNKS, np.int64)))
"""
MENDED = "highest = max(highest, bits[j] & np.int64(0x7FFFFFFFFFFFFFFF))"
BROKEN = "highest = max(highest, bits[j] & np.int64(0))"


def answer(copy: Path, cache: Path) -> float:
    environment = {**os.environ, "PYTHONPATH": str(copy), "SURROGATE_PLUGIN_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(PACKAGE, folder / "surrogate_plugin", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    return folder


def test_a_changed_kernel_reaches_its_callers_in_other_files(copy: Path, tmp_path: Path) -> None:
    """As after a pull: the file that changed is not the one whose kernel is called. And back, within the second."""
    cache = tmp_path / "cache"
    callee = copy / "surrogate_plugin" / "equation" / "operator_kernels.py"
    mended, stamp = callee.read_text(), callee.stat()
    assert MENDED in mended
    assert answer(copy, cache) == np.inf
    callee.write_text(mended.replace(MENDED, BROKEN))
    os.utime(callee, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert answer(copy, cache) == 0.0
    callee.write_text(mended)
    os.utime(callee, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert answer(copy, cache) == np.inf


def test_a_damaged_cache_is_compiled_anew(copy: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert answer(copy, cache) == np.inf
    kept = [path for path in cache.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:100])
    assert answer(copy, cache) == np.inf


def test_without_a_folder_to_write_to_kernels_still_run(copy: Path, tmp_path: Path, monkeypatch) -> None:
    occupied = tmp_path / "a file"
    occupied.write_text("")
    monkeypatch.setenv("TMPDIR", str(occupied))
    assert answer(copy, occupied) == np.inf


CYCLE = """
import hashlib
import numpy as np
from surrogate_plugin.equation.sides import Boundary
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
rng = np.random.default_rng(1)
free = rng.random((64, 64)) > 0.1
hierarchy = Hierarchy(free.shape, Boundary.parse("absorbing").walls())
hierarchy.rebuild(free, 0.1 * rng.random(free.shape))
b, z = hierarchy.vectors[:2]
b[1:-1, 1:-1] = np.where(free, rng.random(free.shape), 0.0)
hierarchy.v_cycle(z, b)
print(hashlib.sha256(z.tobytes()).hexdigest())
"""


def test_a_process_that_compiles_has_the_bits_of_one_that_loads(tmp_path: Path) -> None:
    environment = {**os.environ, "SURROGATE_PLUGIN_CACHE": str(tmp_path / "cache")}
    runs = [
        subprocess.run([sys.executable, "-c", CYCLE], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout


def test_without_any_temporary_folder_kernels_are_kept_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container of which only a volume for the cache can be written to."""

    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(jit.tempfile, "gettempdir", nowhere)
    for cache, expected in ((tmp_path, tmp_path / "kernels" / "abc"), (Path(os.devnull), None)):
        monkeypatch.setattr(jit, "cache_folder", lambda cache=cache: cache)
        jit._folder_for.cache_clear()
        assert jit._folder_for("abc") == expected
    jit._folder_for.cache_clear()
