"""Plugin discovery: what is found, what breaks, and that nothing broken stops the rest."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin import registry

SOLVER = """
class {name}:
    name = "{name}"
    def refusal(self, problem): return None
    def prepare(self, problem): return None
    def solve(self, state, problem, guess=None, *, tolerance=None): return None
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install fake packages into a sealed folder: discovery sees these and none of the machine's own."""
    monkeypatch.setattr(registry, "_path", lambda: (str(tmp_path),))
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install(package: str, entries: dict[str, dict[str, str]] | str, **modules: str) -> None:
        folder = tmp_path / f"{package}-1.2.dist-info"
        folder.mkdir()
        text = entries if isinstance(entries, str) else ""
        if not isinstance(entries, str):
            for group, targets in entries.items():
                text += f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in targets.items())
        (folder / "entry_points.txt").write_text(text)
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(source)
        registry.forget()

    yield install
    registry.forget()
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def quietly(group: str) -> dict[str, registry.Plugin]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", registry.PluginWarning)
        return {plugin.name: plugin for plugin in registry.discover(group)}


def test_a_good_plugin_is_loaded_with_its_origin(install: Install) -> None:
    install("lab", {registry.SOLVERS: {"fast": "lab_fast:Fast"}}, lab_fast=SOLVER.format(name="Fast"))
    (plugin,) = registry.discover(registry.SOLVERS)
    assert plugin.status is registry.Status.LOADED
    assert (plugin.name, plugin.origin, plugin.target) == ("fast", "lab 1.2", "lab_fast:Fast")
    assert registry.load(registry.SOLVERS, "fast") is plugin.value
    assert registry.discover(registry.MODELS) == ()


@pytest.mark.parametrize(
    ("target", "source", "says"),
    [
        ("bad:Bad", "raise RuntimeError('no licence\\nsecond line')", "RuntimeError: no licence"),
        ("bad:Bad", "import not_installed_anywhere", "not_installed_anywhere"),
        ("bad:Bad", "raise SystemExit(3)", "SystemExit"),
        ("bad:Bad", "def broken(:", "SyntaxError"),
        ("bad:Bad", "good = 1", "Bad"),
        ("bad:Bad", "Bad = 3", "it is a int"),
        ("bad:Bad", "class Bad:\n    def solve(self): ...", "no refusal and no prepare"),
        ("bad:Bad", "SURROGATE_PLUGIN_CONTRACT = 99\n" + SOLVER.format(name="Bad"), "contract 99"),
        ("not a target!", "", "module:attribute"),
        ("nowhere.at.all:Bad", "", "ModuleNotFoundError"),
    ],
)
def test_a_broken_plugin_is_listed_with_its_reason_and_stops_nobody(
    install: Install, target: str, source: str, says: str
) -> None:
    install("broken", {registry.SOLVERS: {"bad": target}}, bad=source)
    install("lab", {registry.SOLVERS: {"fast": "lab_fast:Fast"}}, lab_fast=SOLVER.format(name="Fast"))
    found = quietly(registry.SOLVERS)
    assert found["fast"].status is registry.Status.LOADED
    assert found["bad"].status is registry.Status.BROKEN
    assert says in found["bad"].problem
    assert "\n" not in found["bad"].problem
    assert registry.load(registry.SOLVERS, "fast") is found["fast"].value
    with pytest.raises(registry.BrokenPluginError, match=r"broken 1\.2"):
        registry.load(registry.SOLVERS, "bad")


def test_a_broken_plugin_warns_once(install: Install) -> None:
    install("broken", {registry.MODELS: {"bad": "missing_module:path"}})
    with pytest.warns(registry.PluginWarning, match="missing_module"):
        registry.discover(registry.MODELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(registry.discover(registry.MODELS)) == 1


@pytest.mark.parametrize("text", ["no section at all", "[a]\nx = 1\nx = 2\n", "[a]\n[a]\n"])
def test_an_unreadable_file_hides_no_other_package(install: Install, text: str) -> None:
    install("aaa", text)
    install("lab", {registry.SOLVERS: {"fast": "lab_fast:Fast"}}, lab_fast=SOLVER.format(name="Fast"))
    install("zzz", "also [broken")
    found = quietly(registry.SOLVERS)
    assert found["fast"].status is registry.Status.LOADED
    assert found["entry_points.txt"].status is registry.Status.BROKEN
    assert registry.names(registry.SOLVERS) == ("fast",)


def test_a_percent_sign_is_no_interpolation(install: Install) -> None:
    install("odd", {registry.MODELS: {"odd": "%(x)s"}})
    assert quietly(registry.MODELS)["odd"].status is registry.Status.BROKEN


def test_a_repeated_name_is_reported_and_only_one_stands(install: Install) -> None:
    for package in ("one", "two"):
        install(
            package,
            {registry.SOLVERS: {"fast": f"{package}_fast:Fast"}},
            **{f"{package}_fast": SOLVER.format(name="Fast")},
        )
    with pytest.warns(registry.PluginWarning, match="same name"):
        plugins = registry.discover(registry.SOLVERS)
    assert sorted(plugin.status for plugin in plugins) == [registry.Status.HIDDEN, registry.Status.LOADED]
    standing = next(plugin for plugin in plugins if plugin.status is registry.Status.LOADED)
    assert registry.load(registry.SOLVERS, "fast") is standing.value


def test_a_broken_repeat_of_a_name_does_not_take_it(install: Install) -> None:
    install("aaa", {registry.SOLVERS: {"fast": "not a target!"}})
    install("lab", {registry.SOLVERS: {"fast": "lab_fast:Fast"}}, lab_fast=SOLVER.format(name="Fast"))
    assert registry.load(registry.SOLVERS, "fast").name == "Fast"


def test_looking_up_one_name_imports_no_other_plugin(install: Install) -> None:
    install("other", {registry.SOLVERS: {"other": "other_module:Other"}}, other_module="raise RuntimeError")
    install("lab", {registry.SOLVERS: {"fast": "lab_fast:Fast"}}, lab_fast=SOLVER.format(name="Fast"))
    registry.load(registry.SOLVERS, "fast")
    assert registry.names(registry.SOLVERS) == ("fast", "other")
    assert "other_module" not in sys.modules


def test_an_unknown_name_lists_what_is_installed(install: Install) -> None:
    install("lab", {registry.SOLVERS: {"fast": "lab_fast:Fast"}}, lab_fast=SOLVER.format(name="Fast"))
    with pytest.raises(registry.UnknownPluginError, match=r"no plugin named 'slow'.*installed are: fast"):
        registry.load(registry.SOLVERS, "slow")
    with pytest.raises(registry.UnknownPluginError, match="none"):
        registry.load(registry.MODELS, "slow")
    with pytest.raises(registry.UnknownPluginError, match="no plugin group"):
        registry.discover("surrogate_plugin.unheard_of")


def test_a_package_installed_later_is_found(install: Install) -> None:
    assert registry.discover(registry.MODELS) == ()
    install("lab", {registry.MODELS: {"new": "lab_model:path"}}, lab_model="def path(): return 'here'")
    assert registry.load(registry.MODELS, "new")() == "here"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(alphabet="[]=:%\n\r .abc#;", max_size=60))
def test_no_entry_points_file_whatsoever_stops_discovery(install: Install, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "noise-0.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "entry_points.txt").write_text(f"[{registry.MODELS}]\n{text}")
    if not (tmp_path / "lab-1.2.dist-info").exists():
        install("lab", {registry.MODELS: {"good": "lab_model:path"}}, lab_model="def path(): return 'here'")
    registry.forget()
    assert quietly(registry.MODELS)["good"].status is registry.Status.LOADED


WRAPPER = """
from surrogate_plugin.solvers.direct.solver import SparseDirect
class Lab(SparseDirect):
    name = "lab"
    def refusal(self, problem): return "Lab takes squares only." if problem.shape[0] != problem.shape[1] else None
"""


@pytest.fixture
def engine() -> sp.Engine:
    """Made while the installed model can still be found."""
    return sp.Engine()


def test_a_plugin_solver_is_called_by_its_name_and_certified(engine: sp.Engine, install: Install) -> None:
    install("lab", {registry.SOLVERS: {"lab": "lab_solver:Lab", "hurt": "lab_none:Hurt"}}, lab_solver=WRAPPER)
    source = np.zeros((16, 16))
    source[4, 5] = 38.0
    solution = engine.solve(sp.Problem(source), method="lab")
    assert solution.method == "lab"
    assert solution.error_bound <= 1e-8 * 38
    exact = engine.solve(sp.Problem(source), method="sparse-direct")
    assert np.abs(solution.field - exact.field).max() <= solution.error_bound + exact.error_bound
    with pytest.raises(sp.UnsupportedProblemError, match="squares only"):
        engine.solve(sp.Problem(source[:, :12]), method="lab")
    with pytest.raises(registry.BrokenPluginError, match="lab_none"):
        engine.solve(sp.Problem(source), method="hurt")
    with pytest.raises(sp.UnsupportedProblemError, match="installed are: hurt, lab"):
        engine.solve(sp.Problem(source), method="nobody")


def test_our_own_plugins_are_registered_and_load() -> None:
    for group, expected in {
        registry.SOLVERS: {"sparse-direct", "spectral", "multigrid", "algebraic"},
        registry.ADAPTERS: {"pyphysicell"},
        registry.MODELS: {"default"},
        registry.DEMOS: {"pyphysicell"},
        registry.COMMANDS: {"train", "publish", "samples", "distribution", "study", "retrain", "physicell"},
    }.items():
        found = quietly(group)
        assert expected <= set(found)
        for name in expected:
            assert found[name].problem == ""
            assert found[name].status is registry.Status.LOADED
