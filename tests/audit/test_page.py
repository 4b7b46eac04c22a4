"""The page of an audit in a real browser: it complains of nothing, loads nothing, and fits a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from surrogate_adapters.pyphysicell.saves import SimulationRun
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.page import audit_page
from tests.hosts.pyphysicell.tissue import tissue
from tests.report import browser


@pytest.mark.skipif(browser.found() is None, reason="no browser is installed")
def test_it_opens_without_complaint_on_a_phone(tmp_path: Path) -> None:
    sim = tissue(1, second=True)
    earlier = sim.branch()
    sim.run(0.5)
    path = audit_page(audit(SimulationRun([earlier, sim]))).write(tmp_path / "audit.html")
    with browser.Browser(str(browser.found()), tmp_path / "browser") as opened:
        opened.open(path, 390)
        assert opened.complaints == []
        assert [address for address in opened.asked if not address.startswith(("file:", "data:"))] == []
        assert opened.tells("document.documentElement.scrollWidth") <= 390
        pictures = "Array.from(document.images).every(image => image.naturalWidth > 0) && document.images.length"
        assert opened.tells(pictures) == 6
