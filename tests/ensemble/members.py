"""What members of the tests run: they note who they are, and kill the process that runs them where they are told to."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.ensemble import Link


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
