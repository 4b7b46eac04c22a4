"""Every adapter's suite says what its host can do, so that no check of the kit is skipped for want of an answer."""

from __future__ import annotations

import importlib
import inspect

import pytest

from surrogate_plugin.testing import AdapterSuite
from tests.hosts import every

#: Where each host's suites are.
SUITES = {
    "pyphysicell": "hosts.pyphysicell.test_conformance",
    "PhysiCell": "hosts.physicell.test_conformance",
    "CompuCell3D": "hosts.compucell3d.test_conformance",
    "vivarium-multibody": "hosts.vivarium.test_adapter",
    "process-bigraph": "hosts.process_bigraph.test_adapter",
    "Mesa": "hosts.mesa.test_conformance",
}
ANSWERS = ("torus", "sides", "discs", "saturates", "produces", "writable", "vessels_change")


def suites(module: str) -> list[type[AdapterSuite]]:
    found = inspect.getmembers(importlib.import_module(f"tests.{module}"), inspect.isclass)
    return [kind for name, kind in found if name.startswith("Test") and issubclass(kind, AdapterSuite)]


def test_every_host_with_an_adapter_has_a_suite() -> None:
    assert set(SUITES) == set(every.NAMES)


@pytest.mark.parametrize("module", [*SUITES.values(), "testing.test_new_adapter"])
def test_a_suite_leaves_nothing_unsaid(module: str) -> None:
    assert suites(module)
    for kind in suites(module):
        unsaid = [answer for answer in ANSWERS if getattr(kind, answer) is None]
        assert not unsaid, f"{kind.__qualname__} does not say {unsaid}"


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_answer_is_yes_for_some_host(answer: str) -> None:
    """A check that no host answers would be asked of nobody."""
    assert any(getattr(kind, answer) for module in SUITES.values() for kind in suites(module))
