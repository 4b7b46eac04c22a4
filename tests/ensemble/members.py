"""What members of the tests run: they note who they are, and kill the process that runs them where they are told to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.ensemble import Link
from surrogate_plugin.team import thread_count


def noting(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """Solve for a vessel, twice; member ``kills`` kills its process at its first attempt, and says what is finished."""
    notes = Path(given["notes"])
    note(notes, begun=given["x"])
    first = not (link.folder / "checkpoint").exists()
    (link.folder / "checkpoint").write_text("begun")
    source = np.zeros((16, 16))
    source[8, 4 + given["x"] % 8] = 38.0
    fields = [sp.solve(sp.Problem(source, decay=decay), method="exact").field for decay in (0.1, 0.01)]
    if given["x"] == given["kills"] and first:
        note(notes, killed=os.getpid(), finished=finished(notes.with_name("out.zarr")))
        os.kill(os.getpid(), signal.SIGKILL)
    return {"mean": fields[1].mean(), "second": not first, "process": os.getpid(), "field": (("y", "x"), fields[1])}


def deadly(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """Member 1 kills its process at each attempt."""
    if given["x"] == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"twice": 2 * given["x"]}


def note(notes: Path, **said: Any) -> None:
    """Append a line, at once, so that processes do not mix theirs."""
    descriptor = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(descriptor, (json.dumps(said) + "\n").encode())
    os.close(descriptor)


def noted(notes: Path, what: str) -> list[Any]:
    """What was noted under a name, in order."""
    lines = [json.loads(line) for line in notes.read_text().splitlines()]
    return [line[what] for line in lines if what in line]


def begun(notes: Path) -> Counter[int]:
    """How many times each member was begun."""
    return Counter(noted(notes, "begun"))


def finished(store: Path) -> list[int]:
    """Members whose results are in the store now."""
    found = (json.loads(path.read_text()) for path in (store / "members").glob("*/zarr.json"))
    return sorted(each["attributes"]["parameters"]["x"] for each in found)


def killing_the_command(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """Member 2 kills the process that gave it its work, at its first attempt, and waits for what comes of that."""
    notes = Path(given["notes"])
    note(notes, begun=given["x"])
    if given["x"] == 2 and not noted(notes, "finished"):
        note(notes, finished=finished(notes.with_name("out.zarr")))
        os.kill(int(notes.with_name("command").read_text()), signal.SIGKILL)
        threading.Event().wait()  # until the worker ends too, as it does when its command is gone
    return {"twice": 2 * given["x"]}


def interrupting(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """Member 2 has the process that gave it its work interrupted, at its first attempt, and never comes to an end."""
    notes = Path(given["notes"])
    note(notes, begun=given["x"])
    if given["x"] == 2 and not noted(notes, "interrupted"):
        note(notes, interrupted=given["x"])
        os.kill(os.getppid(), signal.SIGINT)
        threading.Event().wait()
    return {"twice": 2 * given["x"]}


def spoiling_the_store(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """Member 2 leaves a file in the place of the folder that all members need."""
    if given["x"] == 2:
        begun_by_all = link.folder.parent
        shutil.rmtree(begun_by_all)
        begun_by_all.write_text("in the way")
    return {"twice": 2 * given["x"]}


def telling(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """What is around this member."""
    import module_beside  # type: ignore[import-not-found]

    print(f"printed-{given['x']}")
    manners = np.geterr()
    return {
        "arguments": " ".join(sys.argv), "divide": manners["divide"], "over": manners["over"],
        "mkl": os.environ["MKL_NUM_THREADS"], "omp": os.environ["OMP_NUM_THREADS"],
        "size": module_beside.SIZE, "threads": thread_count(), "read": len(sys.stdin.read()),
    }  # fmt: skip


def meeting(given: dict[str, Any], link: Link) -> dict[str, Any]:
    """Members 0 and 1 come to an end together, in two processes: each waits for the other one at a pipe."""
    notes = Path(given["notes"])
    note(notes, begun=given["x"])
    if given["x"] < 2:
        late = threading.Timer(120.0, _give_up, (notes.with_name("pipe"),))
        late.daemon = True
        late.start()
        with notes.with_name("pipe").open("rb" if given["x"] == 0 else "wb"):
            late.cancel()
    field = sp.solve(sp.Problem(np.full((16, 16), 1.0 + given["x"]), decay=0.1), method="exact").field
    return {"process": os.getpid(), "threads": thread_count(), "draw": link.rng.random(), "field": field}


def _give_up(pipe: Path) -> None:
    """Let a member that waits at a pipe go on."""
    os.close(os.open(pipe, os.O_RDWR))
