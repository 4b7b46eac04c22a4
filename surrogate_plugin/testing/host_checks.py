"""Checks of how an adapter lives with its host: the other substrates, and giving the host back."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError
from surrogate_plugin.testing.checking import Checks

__all__ = ["HostChecks"]


class HostChecks(Checks):
    """Several substrates, and the host itself."""

    def test_several_substrates_each_have_their_own_field(self) -> None:
        scenario = self.scenario(70, (12, 17), substrates=3)
        host = self.attached(scenario)
        for _ in range(2):
            host.advance()
            for name in scenario.names:
                self.check(host, scenario, name=name)

    def test_substrates_that_are_not_named_are_left_to_the_host(self) -> None:
        scenario = self.scenario(71, (12, 17), substrates=2)
        plain, host = self.build(scenario), self.attached(scenario, ["glucose"])
        for _ in range(3):
            plain.advance()
            host.advance()
            self.check(host, scenario, name="glucose")
            same = np.array_equal(plain.field("oxygen"), host.field("oxygen"))
            assert same, "oxygen, which was not named, is not what the host makes of it alone."

    def test_an_unknown_substrate_is_refused(self) -> None:
        host = self.build(self.scenario(72, (9, 9)))
        with pytest.raises((InvalidProblemError, UnsupportedProblemError), match="ambrosia"):
            host.attach(["ambrosia"], 1e-6)

    def test_detaching_leaves_the_host_as_it_was(self) -> None:
        self.needs("detaches")
        scenario = self.scenario(73, (12, 17))
        plain, host = self.build(scenario), self.attached(scenario)
        host.detach()
        for _ in range(3):
            plain.advance()
            host.advance()
            same = np.array_equal(plain.field("oxygen"), host.field("oxygen"))
            assert same, "attached and detached, the host does not step as one that never was."

    def test_after_detaching_nobody_answers_until_it_is_attached_again(self) -> None:
        self.needs("detaches")
        scenario = self.scenario(74, (12, 17))
        host = self.attached(scenario)
        host.advance()
        host.detach()
        fewer = scenario.cells.take(range(5))
        host.put(fewer)
        host.advance()
        gap = np.abs(host.field("oxygen") - scenario.steady("oxygen", fewer)).max()
        assert gap > 100 * self.agreement * scenario.scale("oxygen"), "detached, the adapter still answers."
        host.attach(["oxygen"], 0.1 * self.agreement * scenario.scale("oxygen"))
        host.advance()
        self.check(host, scenario, fewer)
