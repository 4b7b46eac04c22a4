"""64 tumours: the example runs small, goes on with what it has, and says what its page shows; members are certified."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
from PIL import Image

from surrogate_plugin import ensemble
from tests.examples.scripts import EXAMPLES, script

EXAMPLE = EXAMPLES / "ensemble_tumours.py"


def small(folder) -> str:
    told = {**os.environ, "PHYSICELL_THREADS": "1"}
    command = [sys.executable, str(EXAMPLE), "--small", "-o", "small.png"]
    done = subprocess.run(command, cwd=folder, env=told, capture_output=True, text=True, check=True, timeout=500)
    return done.stdout


def test_it_runs_and_what_starves_dies(tmp_path) -> None:
    said = small(tmp_path)
    assert "4 tumours finished" in said
    with Image.open(tmp_path / "small.png") as drawn:
        assert drawn.width > 600
    results = ensemble.Results(tmp_path / "ensemble-tumours.zarr")
    assert results.finished.all()
    assert results.number("bound").max() <= script("ensemble_tumours").TOLERANCE
    dead = results.number("dead").reshape(2, 2)
    assert dead[1, 0] > dead[0, 0] + 0.1, "cells that take more up die for want of it"
    assert dead[1, 0] > dead[1, 1], "and those with few vessels do"
    for each in results:
        living = int((~each.arrays["is_dead"]).sum())
        assert living == each.numbers["living"]
        assert each.arrays["places"].shape == (len(each.arrays["is_dead"]), 2)
    assert small(tmp_path).splitlines()[:4] == said.splitlines()[:4], "the store is gone on with"


def test_the_sweep_is_of_64_tumours_over_two_parameters() -> None:
    members = script("ensemble_tumours").sweep(small=False)
    varying = [name for name in members[0] if len({each[name] for each in members}) > 1]
    assert (len(members), varying) == (64, ["uptake", "vessels"])


def test_cells_are_packed_around_the_middle_without_overlap() -> None:
    example = script("ensemble_tumours")
    places = example.packed(300)
    apart = np.hypot(*(places[:, np.newaxis] - places).transpose(2, 0, 1)) + 1e9 * np.eye(300)
    assert apart.min() >= 1.6 * example.RADIUS_UM
    assert np.hypot(*places.mean(axis=0)) < example.RADIUS_UM
