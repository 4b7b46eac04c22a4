"""Tables that can be read on any terminal: where columns would break words, each row becomes a paragraph of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

#: A table that would be so many times wider than the terminal is paragraphs, though its words would fit.
_TIMES = 2


def table(title: str, *columns: str) -> Table:
    """An empty table in the house style; nothing in it is cut off.

    Parameters
    ----------
    title : str
    *columns : str
        The headings; with two empty ones, and ``show_header`` turned off, it is a list of names and what they are.
    """
    made = _Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


class _Table(Table):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._fits(console, options):
            yield from super().__rich_console__(console, options)
        else:
            yield from self._paragraphs(console)

    def _fits(self, console: Console, options: ConsoleOptions) -> bool:
        """Whether every word has room, and cells are no towers."""
        if not self.show_header:
            return True
        wanted = self.__rich_measure__(console, options.update(max_width=100_000))
        return wanted.minimum <= options.max_width and wanted.maximum <= _TIMES * options.max_width

    def _paragraphs(self, console: Console) -> RenderResult:
        if self.title:
            yield Text(str(self.title), style="bold")
        names = [str(column.header) for column in self.columns]
        for first, *others in zip(*(column.cells for column in self.columns), strict=True):
            yield _bold(console, first)
            made = Table.grid(padding=(0, 2))
            made.add_column(no_wrap=True)
            made.add_column(overflow="fold")
            for name, cell in zip(names[1:], others, strict=True):
                if cell:
                    made.add_row(f"  {name}", cell)
            yield made


def _bold(console: Console, cell: RenderableType) -> RenderableType:
    return console.render_str(cell, style="bold") if isinstance(cell, str) else cell
