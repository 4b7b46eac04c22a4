"""Two processes that train together do what one does with twice the batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from surrogate_training.config import read_config
from surrogate_training.loop import checkpoint
from surrogate_training.loop.distributed import Group, joined
from surrogate_training.loop.trainer import Trainer

CONFIG = """
name = "tiny"
workers = 0
validation_batches = 1
validate_steps = 3
network.hyperparameters = { width = 8, head = 8 }
data = { batch = 2, samples = 7, mirrors = 2, shape = [16, 24], other_shapes = 0.0, remade = REMADE }
optimiser = { steps = 6, warmup_steps = 1, average = 0.5, clip = 0.05 }
stop = { monitor = "validation_loss", patience = 50, select = "best" }
"""
TRAIN = "import sys; from surrogate_plugin.cli import main; sys.argv[0] = 'surrogate-plugin'; main()"


@pytest.mark.parametrize("samples_on", ["workers", "device"])
def test_two_processes_equal_one_with_twice_the_batch(tmp_path: Path, samples_on: str) -> None:
    file, out = tmp_path / "tiny.toml", tmp_path / "two"
    # Where samples are solved together, each process has a thread of its own that makes them ahead.
    file.write_text(f'samples_on = "{samples_on}"' + CONFIG.replace("REMADE", str(samples_on == "device").lower()))
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    command = [sys.executable, "-c", TRAIN, "train", str(file), "--out", str(out)]
    here = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "MASTER_ADDR": "127.0.0.1"}
    done = subprocess.run(start + command, env=os.environ | here, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("finished after 6 steps") == 1
    Trainer(read_config(file, **{"data.batch": 4}), tmp_path / "one").run()
    (_, two, twos), (_, one, ones) = checkpoint.load(out), checkpoint.load(tmp_path / "one")
    assert twos.keys() == ones.keys()
    for name, value in ones.items():
        torch.testing.assert_close(twos[name], value, rtol=1e-4, atol=1e-6, msg=name)
    assert (two.step, two.samples, two.batches, one.batches) == (6, one.samples, 12, 6)
    assert two.loss == pytest.approx(one.loss, rel=1e-4)
    assert two.best is not None
    assert (out / "log.csv").read_text().count("\n") == 3


def test_a_process_alone_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as (group, device):
        assert (group, device) == (Group(), "cpu")
    network = nn.Linear(2, 1)
    loss = network(torch.ones(1, 2)).sum()
    loss.backward()
    assert network.weight.grad is not None
    before = network.weight.grad.clone()
    assert group.average(network, loss) is loss
    assert torch.equal(network.weight.grad, before)
