"""The backend takes as many threads as the simulation asked OpenMP for, and gives them back."""

from __future__ import annotations

from surrogate_plugin import team
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import write_settings

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


def test_the_backend_has_the_threads_of_the_host(tissue, tmp_path, monkeypatch):
    monkeypatch.delenv("SURROGATE_PLUGIN_THREADS", raising=False)
    before = team.thread_count()
    host, _ = tissue(71)
    host.set_threads(3)
    host.attach(write_settings(tmp_path))
    assert team.thread_count() == 3
    host.detach()
    assert team.thread_count() == before
