"""How far something is, and how long it will take: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from surrogate_plugin import loading
from surrogate_plugin.terminal.streams import stderr

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

#: Seconds between two lines where there is no terminal.
_EVERY = 30.0


class Bar:
    """What is told of progress, and shown of it.

    Parameters
    ----------
    title : str
        What is being done.
    total : int or None
        How many steps; None where that is not known.
    console : Console
    shown : Progress or None
        The bar on the terminal; None where there is none.
    every : float or None, s
        Between two lines, where there is no terminal; None where nothing is to be said.
    expected : float or None, s
        About how long all of it takes, where steps do not tell.
    """

    def __init__(
        self,
        title: str,
        total: int | None,
        console: Console,
        shown: Progress | None,
        every: float | None,
        expected: float | None = None,
    ) -> None:
        self._text, self._total, self._every = title, total, every
        self._console, self._shown, self._expected = console, shown, expected
        self._steps, self._before, self._share = 0, 0, 0.0
        self._began = self._told = time.monotonic()
        self._task: TaskID | None = None if shown is None else shown.add_task(title, total=1.0)
        self._show()

    def advance(self) -> None:
        """One more of the steps is done."""
        self._steps += 1
        if self._total:
            self._share = min(1.0, self._steps / self._total)
        self._show()

    def skip(self, steps: int) -> None:
        """So many were done before, and took no time."""
        self._before = self._steps = steps
        if self._total:
            self._share = min(1.0, self._steps / self._total)
        self._show()

    def say(self, text: str) -> None:
        """What is being done now."""
        self._text = text
        self._show()

    def tell(self, done: float, text: str) -> None:
        """The share that is done, 0 to 1, and what is being done now; a measurement, which ends in ``}``, is kept."""
        self._share = min(1.0, done)
        if text.endswith("}") and self._every is not None:
            self._console.print(f"{100 * done:.1f} %  {text}", markup=False, soft_wrap=True)
            self._told = time.monotonic()
        elif not text.endswith("}"):
            self._text = text
        self._show()

    @property
    def times(self) -> str:
        """How long it took so far and, where that can be told, how long it will still take."""
        spent = time.monotonic() - self._began
        if self._expected is not None and spent < self._expected:
            return f"{_clock(spent)}, about {_clock(self._expected - spent)} left"
        before = self._before / self._total if self._total else 0.0
        if not before < self._share < 1.0:
            return _clock(spent)
        return f"{_clock(spent)}, {_clock(spent * (1.0 - self._share) / (self._share - before))} left"

    @property
    def count(self) -> str:
        """Steps done of all, or the share in per cent."""
        if self._total:
            return f"{self._steps} of {self._total}"
        return f"{100 * self._share:.1f} %" if self._share > 0.0 else ""

    def _show(self) -> None:
        if self._shown is not None and self._task is not None:
            total = 1.0 if self._total or self._share > 0.0 else None
            self._shown.update(self._task, completed=self._share, total=total, description=self._text)
        elif self._shown is None and self._every is not None and time.monotonic() - self._told > self._every:
            self._told = time.monotonic()
            self._console.print(
                "  ".join(filter(None, (self.count, self.times, self._text))), markup=False, soft_wrap=True
            )


@contextmanager
def progress(
    title: str,
    total: int | None = None,
    *,
    quiet: bool = False,
    every: float = _EVERY,
    expected: float | None = None,
) -> Iterator[Bar]:
    """A bar with the time elapsed and the time left on the error stream; it vanishes when done.

    It says so while kernels are compiled, which is done once a machine and takes longer than most of what follows.

    Parameters
    ----------
    title : str
        What is being done.
    total : int, optional
        How many steps; unknown if None.
    quiet : bool
        Whether nothing is shown.
    every : float, s
        Between two lines, where there is no terminal.
    expected : float, s, optional
        About how long all of it takes, where steps do not tell.

    Yields
    ------
    Bar
    """
    console = stderr()
    if quiet or not console.is_terminal or not console.file.isatty() or console.is_dumb_terminal:
        bar = Bar(title, total, console, None, None if quiet else every, expected)
        yield bar
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, Task
    from rich.table import Column
    from rich.text import Text

    class Line(ProgressColumn):
        """Numbers first, so that where there is little room it is words that are cut."""

        def render(self, task: Task) -> Text:
            told = (made[0].count, made[0].times, task.description) if made else (task.description,)
            return Text("  ".join(filter(None, told)), no_wrap=True, overflow="ellipsis")

    made: list[Bar] = []
    line = Line(table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = (BarColumn(bar_width=20 if console.width >= 80 else 8), line)
    with Progress(*columns, console=console, transient=True) as shown:
        made.append(Bar(title, total, console, shown, every, expected))

        def compiling() -> None:
            made[0].say(f"{title} (compiling the kernels first, once on this machine)")

        with loading.watched(compiling):
            yield made[0]


def _clock(seconds: float) -> str:
    """As people read it: ``0:07``, ``12:30``, ``3:04:00``.

    Examples
    --------
    >>> _clock(7.4), _clock(750), _clock(11040)
    ('0:07', '12:30', '3:04:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
