"""The conformance kits for authors of adapters and of solvers; needs pytest.

Write a driver for your host (`HostUnderTest`), inherit `AdapterSuite`, and run pytest::

    from surrogate_plugin.testing import AdapterSuite

    class TestMyAdapter(AdapterSuite):
        def build(self, scenario):
            return MyHostUnderTest(scenario)

Where cells of your host conduct in their own way, have membranes, or fields go on in time, a class that inherits
`WiderSuite` says so and is checked for it. A solver needs no driver::

    from surrogate_plugin.testing import SolverSuite

    class TestMySolver(SolverSuite):
        def make_solver(self):
            return MySolver()
"""

from surrogate_plugin.extras import extra

with extra("testing", "the conformance kit"):
    import pytest

# Before the checks are imported, so that their assertions show their values.
for _name in ("checking", "field_checks", "cell_checks", "exchange_checks", "lattice_checks", "reading_checks"):
    pytest.register_assert_rewrite(f"surrogate_plugin.testing.{_name}")
pytest.register_assert_rewrite("surrogate_plugin.testing.host_checks")
pytest.register_assert_rewrite("surrogate_plugin.testing.solver_suite")
pytest.register_assert_rewrite("surrogate_plugin.testing.wider_suite")

from surrogate_plugin.testing.diagnosis import diagnose  # noqa: E402
from surrogate_plugin.testing.driver import HostUnderTest  # noqa: E402
from surrogate_plugin.testing.scenario import CellTable, Disc, Medium, Scenario  # noqa: E402
from surrogate_plugin.testing.solver_suite import SolverSuite  # noqa: E402
from surrogate_plugin.testing.suite import AdapterSuite  # noqa: E402
from surrogate_plugin.testing.wider_suite import WiderSuite  # noqa: E402

__all__ = [
    "AdapterSuite", "SolverSuite", "WiderSuite", "HostUnderTest", "Scenario", "Medium", "CellTable", "Disc", "diagnose",
]  # fmt: skip
