"""A run has the same bits, and its card the same numbers, whatever the environment says of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from surrogate_plugin.team import thread_count
from surrogate_training.threads import fixed_threads

#: Large enough a lattice for the solvers and the sweeps to share it out.
RUN = """
import hashlib, sys
from pathlib import Path
from surrogate_training.loop import checkpoint
from surrogate_training.config import TrainConfig
from surrogate_training.publishing.publish import publish
from surrogate_training.loop.trainer import Trainer

folder = Path(sys.argv[1])
config = TrainConfig.model_validate({
    "name": "small", "network": {"hyperparameters": {"width": 16, "head": 16}}, "workers": 0,
    "data": {
        "batch": 1, "shape": [136, 128], "other_shapes": 0.0, "distribution": {"kind": "vessels", "saturating": 0.5},
    },
    "optimiser": {"steps": 3, "warmup_steps": 1}, "validate_steps": 2, "validation_batches": 1, "test_batches": 1,
})
Trainer(config, folder).run()
card = publish(folder, folder)
learned = hashlib.sha256()
for name, value in sorted(checkpoint.load(folder)[2].items()):
    learned.update(name.encode() + value.numpy().tobytes())
print(learned.hexdigest(), card.sha256, card.metrics, card.training["loss"])
"""
NAMES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def trained(folder: Path, threads: str) -> str:
    script = folder / "run.py"
    folder.mkdir()
    script.write_text(RUN)
    environment = os.environ | dict.fromkeys(NAMES, threads)
    ran = subprocess.run(
        [sys.executable, str(script), str(folder / "run")], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_run_does_not_depend_on_the_environment_s_threads(tmp_path: Path) -> None:
    assert trained(tmp_path / "one", "1") == trained(tmp_path / "three", "3")


@pytest.mark.parametrize("count", [1, 2])
def test_threads_are_what_they_were_afterwards(count: int) -> None:
    before = torch.get_num_threads(), thread_count()
    found = []

    @fixed_threads(count)
    def interrupted() -> None:
        found.append((torch.get_num_threads(), thread_count()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert found == [(count, 1)]
    assert (torch.get_num_threads(), thread_count()) == before
