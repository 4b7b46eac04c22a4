"""Uptake counts once: in the field that pyphysicell shows, and in the totals that it keeps."""

from __future__ import annotations

import numpy as np

from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import TOLERANCE, seen, still, tissue


def test_uptake_counts_once_wherever_the_host_looks():
    sim = tissue(4)
    looks: dict[str, list[float]] = {}

    def look(slot):
        def record(context):
            looks.setdefault(slot, []).append(float(np.abs(seen(sim) - link.result("oxygen").field).max()))

        return record

    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        for slot in ("phenotype", "custom_rule", "step"):
            sim.hook(slot)(look(slot))
        for _ in range(60):
            sim.step()
            # After the host has applied its own uptake, the field is still the steady one.
            assert np.array_equal(seen(sim), link.result("oxygen").field)
        gradient = sim.microenvironment.gradient[0, ..., 0, 0]
        expected = np.gradient(link.result("oxygen").field, 20.0, axis=1)
        assert np.abs(gradient - expected).max() < 1e-9
    assert set(looks) == {"phenotype", "custom_rule", "step"}
    assert max(map(max, looks.values())) == 0.0


def test_internalised_totals_keep_counting_what_the_cells_take_up():
    sim = tissue(5, track=True)
    still(sim)
    with attach(sim, substrates=["oxygen"], tolerance=1e-8) as link:
        minutes = 0.2
        for _ in range(20):
            sim.step()
        c = sim.cells
        taken = c.internalized[: c.n, 0]
        at = link.result("oxygen").field.ravel()[c.voxel[: c.n]]
        kinds = ("uptake_rate", "secretion_rate", "secretion_target", "net_export_rate")
        uptake, secretion, target, export = (getattr(c, kind)[: c.n, 0] for kind in kinds)
        rate = c.volume_total[: c.n] * ((uptake + secretion) * at - secretion * target) - export
        assert np.bincount(c.voxel[: c.n]).max() > 1
        assert np.abs(taken - minutes * rate).max() <= 1e-9 * np.abs(minutes * rate).max()
