"""Processes that make samples: what they leave behind when they are ended in the midst of a batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_a_worker_that_is_ended_leaves_no_semaphore_behind(tmp_path: Path) -> None:
    script = tmp_path / "ended.py"
    script.write_text(ENDED)
    ran = subprocess.run(
        [sys.executable, str(script)], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "0", "")
