"""The page of a run while it runs: what each step leaves behind, and when the page is written."""

from __future__ import annotations

import os
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from surrogate_plugin.arguments import shown
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.interruption import on_interrupt
from surrogate_plugin.report.about import program
from surrogate_plugin.report.page import Page
from surrogate_plugin.report.run import Audited, Picture, run_page
from surrogate_plugin.report.watch import Watch
from surrogate_plugin.report.words import duration
from surrogate_plugin.session.config import BackendConfig

__all__ = ["ReportWarning", "RunReport", "Watch"]

#: A page of a run that goes on is written again after so long at the earliest, and never more often than costs it this
#: share of the run.
_SECONDS_BETWEEN, _SHARE = 60.0, 0.01

#: Who writes each page, the newest; an older one writes no more.
_writers: weakref.WeakValueDictionary[str, RunReport] = weakref.WeakValueDictionary()


class ReportWarning(UserWarning):
    """The page of a run could not be written; the run goes on all the same."""


class RunReport:
    """Writes the page of a run: after its first step, now and then while it goes on, and when it is over.

    It is over when whoever is watched (a `Backend`, what `attach` returns) is gone, or the program ends, be it by an
    exception or by Ctrl-C: the page then says so. Each time the page appears whole. While the run goes on, writing
    takes at most about a hundredth of it.

    Parameters
    ----------
    path : str or Path
        Of the page, with a name that ends in .html; one that is there is replaced.
    title : str, optional
    unit : str
        That of the fields, such as ``"mmHg"``.
    hosts : sequence of str
        Python packages whose versions belong on the page, the simulator's first.

    Attributes
    ----------
    path : Path
    title, unit : str
        May be changed at any time.
    further : list of functions of a Page
        What they add stands at the end of each page that is written from then on.
    spent_before : float, s
        What other processes took until the run came to this one.

    Raises
    ------
    InvalidProblemError
        If it is no name of a page, or nothing can be written there.

    Examples
    --------
    >>> import tempfile
    >>> from surrogate_plugin import Backend, Domain, TissueState, Vessels
    >>> domain = Domain.from_lattice((16, 32), spacing_um=20.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     backend = Backend(BackendConfig(
    ...         domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, report=Path(folder) / "run.html"))
    ...     _ = backend.step(TissueState(vessels=Vessels([(320.0, 160.0)], radius_um=30.0, value=38.0)))
    ...     [file.name for file in Path(folder).iterdir()]
    ...     del backend
    ['run.html']
    """

    def __init__(self, path: str | Path, *, title: str = "", unit: str = "", hosts: Sequence[str] = ()) -> None:
        self.path = checked(path)
        self.unit = unit
        self.hosts = tuple(hosts)
        self.title = title or "Diffusion" + (f" in {hosts[0]}" if hosts else "") + f": {program()}"
        self.further: list[Callable[[Page], None]] = []
        self.spent_before = 0.0
        self._watches: dict[str, Watch] = {}
        self._audits: dict[str, list[Audited]] = {}
        self._began, self._wrote, self._cost = time.perf_counter(), -float("inf"), 0.0
        self._before, self._process = _uncaught(), os.getpid()
        self._warned = self._over = self._interrupted = False
        on_interrupt(self._interrupt)
        _writers[os.path.realpath(self.path)] = self

    def watch(self, name: str, config: BackendConfig) -> Watch:
        """The part of one field, for its backend to tell."""
        self._watches[name] = Watch(name, config, lambda: self.unit, self._after_a_step)
        return self._watches[name]

    def follow(self, owner: object) -> None:
        """Write the page for the last time when an object is gone, or the program ends."""
        weakref.finalize(owner, self.close)

    def audit(self, name: str, at: float, by: str, error: float, bound: float) -> None:
        """Note how far a field was off one that was solved for in another way.

        Parameters
        ----------
        name : str
            Of the field.
        at : float
            The host's time or, where the backend knows none, the step.
        by : str
            Who solved for it again.
        error, bound : float, field units
            The largest distance found, and what was promised.
        """
        self._audits.setdefault(name, []).append(Audited(at, by, error, bound))

    def page(self) -> Page:
        """The page of the run up to now, to which more can be added."""
        watches = self._watches
        made = run_page(
            {name: watch.course for name, watch in watches.items()},
            {name: watch.config for name, watch in watches.items()},
            title=self.title,
            unit=self.unit,
            lead=self._lead(),
            pictures={name: [Picture(*each) for each in watch.pictures()] for name, watch in watches.items()},
            audits=self._audits,
            hosts=self.hosts,
            wall_seconds=self.spent_before + time.perf_counter() - self._began,
        )
        for add in self.further:
            add(made)
        return made

    def write(self, *, over: bool = False) -> Path:
        """Write the page now, and return where it is.

        Parameters
        ----------
        over : bool
            Whether the run is over, which the page then says.

        Raises
        ------
        UnwritableError
            If it cannot be written, as on a full disk.
        """
        self._over = self._over or over
        began = time.perf_counter()
        for watch in self._watches.values():
            watch.news = False
        self.page().write(self.path)
        self._wrote = time.perf_counter()
        self._cost = self._wrote - began
        return self.path

    def close(self) -> None:
        """Write the page as that of a run that is over, unless it says all of it already; a failure is a warning."""
        new = any(watch.news for watch in self._watches.values()) or not self._over
        if new and os.getpid() == self._process:  # a fork has the page of its parent, and leaves it alone
            self._over = True
            self._or_warn(self.write)

    def _interrupt(self) -> None:
        """Ctrl-C is about to end the program, past all that Python does at its end."""
        self._interrupted = not self._over
        if self._watches:
            self.close()

    def _lead(self) -> list[str]:
        now, spent = datetime.now().astimezone(), duration(time.perf_counter() - self._began)
        told = [f"Written on {now:%Y-%m-%d at %H:%M}, {spent} after {program()} began to solve."]
        if self._interrupted:
            told.append("The run was ended by Ctrl-C.")
        elif (error := _uncaught()) is not None and error is not self._before:
            told.append(f"The run was ended by {type(error).__name__}{f': {error}' if str(error) else ''}.")
        else:
            told.append("The run is over." if self._over else "The run was still going on.")
        return [" ".join(told), *(watch.stopped for watch in self._watches.values() if watch.stopped)]

    def _after_a_step(self, watch: Watch, begins: bool) -> None:
        if begins:
            self._or_warn(watch.draw_first)
        since = time.perf_counter() - self._wrote
        if since >= max(_SECONDS_BETWEEN, self._cost / _SHARE):
            self._or_warn(self.write)

    def _or_warn(self, do: Callable[[], object]) -> None:
        if _writers.get(os.path.realpath(self.path)) is not self:
            return
        try:
            do()
        except Exception as error:  # whatever it is: the host's run is worth more than its page
            self._wrote = time.perf_counter()
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"the page {self.path} was not written ({type(error).__name__}: {error}); the run goes on.",
                    ReportWarning,
                    stacklevel=2,
                )


def checked(path: str | Path) -> Path:
    """The path of a page, refused in one sentence where it is none or nothing can be written there."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidProblemError(f"report is {shown(path)}; the name of a page is allowed, such as 'run.html'.")
    made = Path(path)
    if made.suffix.lower() not in (".html", ".htm") or made.is_dir():
        raise InvalidProblemError(f"report is {str(path)!r}; a file whose name ends in .html is allowed.")
    folder = next(each for each in made.absolute().parents if each.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InvalidProblemError(f"report is {str(path)!r}, but nothing can be written in {str(folder)!r}.")
    return made


def _uncaught() -> BaseException | None:
    """The exception that ended the program, if one has."""
    return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
