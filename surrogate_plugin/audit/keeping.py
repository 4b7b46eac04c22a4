"""What is finished of an audit, kept in one file, so that one that was stopped or killed goes on where it was.

The file is good for the same question alone: the same run, its files unchanged, the same options and the same release.
It is written between moments, now and then, and before Ctrl-C ends the process; a damaged one counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

import surrogate_plugin
from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.audit.options import Options
from surrogate_plugin.audit.run import Run, RunFacts
from surrogate_plugin.audit.tables import Entry, Maps
from surrogate_plugin.folders import cache_folder
from surrogate_plugin.interruption import on_interrupt
from surrogate_plugin.plain_files import check_plain
from surrogate_plugin.whole_files import whole

#: Raised when what is kept, or what it means, changes.
_FORMAT = 1
#: Writing takes at most this share of the time.
_SHARE = 0.02
#: Seconds after which a file in the cache is forgotten.
_FORGOTTEN = 30 * 86400.0
_entries = TypeAdapter(tuple[Entry, ...])


@dataclass
class Finished:
    """Everything that an audit knows after some of its moments.

    Attributes
    ----------
    moments : list of str
        Their names, in order.
    entries : list of Entry
    maps : dict of (moment, substrate) to Maps
        Of each substrate the entry with the largest difference so far.
    worst : dict of str to (moment, float)
        By substrate, which that is, and how large the difference is beside its size.
    steady : dict of str to (moment, (H, W) float64)
        By substrate, the last steady field.
    """

    moments: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    maps: dict[tuple[str, str], Maps] = field(default_factory=dict)
    worst: dict[str, tuple[str, float]] = field(default_factory=dict)
    steady: dict[str, tuple[str, FloatArray]] = field(default_factory=dict)


def place_of(source: Path) -> Path:
    """Where the cache keeps what is finished of an audit of a run; what nobody went on with for a month is removed."""
    folder = cache_folder() / "audits"
    with suppress(OSError):
        for path in folder.glob("*.npz"):
            if time.time() - path.stat().st_mtime > _FORGOTTEN:
                path.unlink()
    return folder / f"{hashlib.sha256(os.path.realpath(source).encode()).hexdigest()[:24]}.npz"


class Keeper:
    """Writes what is finished to a file, and finds it there.

    Parameters
    ----------
    path : Path
    question : str
        What is asked, as `question_of` puts it; what was kept of another is left alone until it is overwritten.
    """

    def __init__(self, path: Path, question: str) -> None:
        self._path, self._question = path, question
        self._pending: Finished | None = None
        self._wrote, self._cost = -float("inf"), 0.0
        on_interrupt(self.write)

    def find(self) -> Finished:
        """What is finished already; nothing where there is no file, or none of this question."""
        try:
            check_plain(self._path)
            with self._path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                told = json.loads(stored["told"].tobytes())
                if told["question"] == self._question:
                    return _read(told, stored)
        except Exception:  # whatever became of it, the audit begins anew
            pass
        return Finished()

    def keep(self, finished: Finished) -> None:
        """Have the file say this; it is written once that costs little."""
        self._pending = replace(
            finished,
            moments=list(finished.moments),
            entries=list(finished.entries),
            maps=dict(finished.maps),
            worst=dict(finished.worst),
            steady=dict(finished.steady),
        )  # as it is now, whatever of the next moment is there when it is written
        if time.monotonic() - self._wrote >= self._cost / _SHARE:
            self.write()

    def write(self) -> None:
        """Write what was not written yet; a disk that is full costs nothing but the chance to go on."""
        if self._pending is None:
            return
        began = time.monotonic()
        with suppress(OSError), whole(self._path) as stream:
            np.savez(stream, **dict(_arrays(self._pending, self._question)))
        self._pending = None
        self._wrote = time.monotonic()
        self._cost = self._wrote - began


def question_of(run: Run, options: Options) -> str:
    """What an audit asks of which files, in so many letters that no two are the same.

    A file counts as unchanged where its size and its time of modification are.
    """
    asked = {
        "format": _FORMAT,
        "release": surrogate_plugin.__version__,
        "host": run.facts.host,
        "moments": list(run.names),
        "options": {**asdict(options), "thresholds": dict(options.thresholds or {})},
        "files": list(_files(run.facts)),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _files(facts: RunFacts) -> Iterator[tuple[str, int, int] | str]:
    source = Path(os.path.realpath(facts.source))
    found = sorted(source.iterdir()) if source.is_dir() else [source]
    for path in (*found, *map(Path, facts.beside)):
        if path.is_file():
            known = path.stat()
            yield str(path), known.st_size, known.st_mtime_ns
        else:
            yield str(path)


def _arrays(finished: Finished, question: str) -> Iterator[tuple[str, Any]]:
    """The parts of the file: what is told as JSON, and the fields by number."""
    maps, steady = list(finished.maps.items()), list(finished.steady.items())
    told = {
        "question": question,
        "moments": finished.moments,
        "entries": [asdict(entry) for entry in finished.entries],
        "worst": finished.worst,
        "maps": [[*where, list(each.extent_um)] for where, each in maps],
        "steady": [[substrate, moment] for substrate, (moment, _) in steady],
    }
    yield "told", np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)
    for number, (_, each) in enumerate(maps):
        yield f"saved{number}", each.saved
        yield f"map{number}", each.steady
        yield f"position{number}", each.position_um
    for number, (_, (_, steady_field)) in enumerate(steady):
        yield f"steady{number}", steady_field


def _read(told: dict[str, Any], stored: Any) -> Finished:
    return Finished(
        told["moments"],
        list(_entries.validate_python(told["entries"])),
        {
            (moment, substrate): Maps(
                stored[f"saved{number}"], stored[f"map{number}"], tuple(extent), stored[f"position{number}"]
            )
            for number, (moment, substrate, extent) in enumerate(told["maps"])
        },
        {substrate: (moment, worse) for substrate, (moment, worse) in told["worst"].items()},
        {substrate: (moment, stored[f"steady{number}"]) for number, (substrate, moment) in enumerate(told["steady"])},
    )
