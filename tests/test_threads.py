"""How the compiled loops are shared out: by OpenMP, and not at all where a lattice is small."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.solvers.threads import few_for

SMALL, LARGE = 50 * 40, 512 * 512


@pytest.mark.parametrize(("chosen", "layer"), [({}, "omp"), ({"NUMBA_THREADING_LAYER": "workqueue"}, "workqueue")])
def test_loops_are_shared_out_by_openmp_unless_the_user_says_otherwise(chosen, layer) -> None:
    """TBB, numba's first choice where it is installed, is many times slower for loops as short as ours."""
    code = (
        "import numba, numpy as np, surrogate_plugin as sp\n"
        "sp.solve(sp.Problem(np.eye(64)), method='multigrid')\n"
        "from numba import config\n"
        "print(config.THREADING_LAYER_PRIORITY[0], numba.threading_layer())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, **chosen}
    )
    first, used = done.stdout.split()
    assert used == layer
    assert (first == "omp") is not bool(chosen)


def test_a_small_lattice_has_one_thread_and_the_others_come_back() -> None:
    before = numba.get_num_threads()
    with few_for(SMALL):
        assert numba.get_num_threads() == 1
        with few_for(LARGE):
            assert numba.get_num_threads() == 1
    assert numba.get_num_threads() == before
    with few_for(LARGE):
        assert numba.get_num_threads() == before


def test_the_others_come_back_after_an_error_too() -> None:
    before = numba.get_num_threads()
    with pytest.raises(sp.UnsupportedProblemError):
        sp.solve(sp.Problem(np.eye(16), decay=np.eye(16)), method="spectral")
    assert numba.get_num_threads() == before
