"""Processes that make samples: what they leave behind when they are ended in the midst of a batch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENDED = """
import multiprocessing
import time

from surrogate_training.samples.workers import _begin_worker


def work(ready):
    _begin_worker(0)
    lock = multiprocessing.Lock()  # as compressors of stores make one at their first chunk
    ready.set()
    while True:
        with lock:
            time.sleep(0.01)


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    worker = context.Process(target=work, args=(ready,))
    worker.start()
    ready.wait()
    worker.terminate()
    worker.join()
    print(worker.exitcode)
"""


def assert_its_worker_ends_in_order(program: str, script: Path) -> None:
    """Run a program that prints the exit code of its worker, and see that nobody has anything to complain of."""
    script.write_text(program)
    ran = subprocess.run(
        [sys.executable, str(script)], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "0", "")


def test_a_worker_that_is_ended_leaves_no_semaphore_behind(tmp_path: Path) -> None:
    assert_its_worker_ends_in_order(ENDED, tmp_path / "ended.py")


HANDING_OVER = """
import multiprocessing
import threading

import torch

from surrogate_training.samples.workers import _begin_worker


def hand_over(begun):
    while True:
        torch.zeros(4).share_memory_()
        begun.set()


def work():
    _begin_worker(0)
    begun = threading.Event()
    threading.Thread(target=hand_over, args=(begun,), daemon=True).start()
    begun.wait()


if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=work)
    worker.start()
    worker.join()
    print(worker.exitcode)
"""


def test_a_worker_that_still_hands_tensors_over_ends_in_order(tmp_path: Path) -> None:
    assert_its_worker_ends_in_order(HANDING_OVER, tmp_path / "handing_over.py")


ORPHAN = """
import multiprocessing
import os
import signal
import threading

from surrogate_training.samples.workers import _begin_worker


def work(begun):
    begun.set()
    multiprocessing.parent_process().join()
    _begin_worker(0)
    threading.Event().wait()


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    worker = context.Process(target=work, args=(begun,))
    worker.start()
    print(worker.pid, flush=True)
    begun.wait()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_whose_parent_was_killed_before_it_began_does_not_wait_for_it(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        try:
            parent.communicate(timeout=100)  # until nobody holds its streams any more
        except subprocess.TimeoutExpired:
            os.kill(worker, signal.SIGKILL)
            pytest.fail("the worker outlived its parent")
    assert parent.returncode == -signal.SIGKILL
