"""The conformance kit for authors of adapters; needs pytest.

Write a driver for your host (`HostUnderTest`), inherit `AdapterSuite`, and run pytest::

    from surrogate_plugin.testing import AdapterSuite

    class TestMyAdapter(AdapterSuite):
        def build(self, scenario):
            return MyHostUnderTest(scenario)
"""

import pytest

# Before the suite is imported, so that its assertions show their values.
pytest.register_assert_rewrite("surrogate_plugin.testing.suite")

from surrogate_plugin.testing.diagnosis import diagnose  # noqa: E402
from surrogate_plugin.testing.scenario import CellTable, Medium, Scenario  # noqa: E402
from surrogate_plugin.testing.suite import AdapterSuite, HostUnderTest  # noqa: E402

__all__ = ["AdapterSuite", "HostUnderTest", "Scenario", "Medium", "CellTable", "diagnose"]
