"""Tables on terminals of any width: no number is broken or cut, and what does not fit as a table is paragraphs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from surrogate_plugin.terminal import table

NUMBERS = [f"{number}.{number}e-{number}" for number in range(101, 149)]


def shown(columns: int, width: int, cell_words: int = 1) -> str:
    made = table("Figures", *(f"quantity {number}" for number in range(columns)))
    for begin in range(0, 24, columns):
        cells = NUMBERS[begin : begin + columns] + [""] * columns
        made.add_row(*(" ".join([each] * cell_words) for each in cells[:columns]))
    drawn = io.StringIO()
    Console(file=drawn, width=width, color_system=None).print(made)
    return drawn.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("columns", [2, 4, 6, 8, 12])
def test_every_number_is_whole_and_every_line_fits(columns: int, width: int) -> None:
    lines = shown(columns, width).splitlines()
    words = [word for line in lines for word in line.split()]
    assert words.count("Figures") == 1
    for number in NUMBERS[:24]:
        assert words.count(number) == 1
    assert max(map(len, lines)) <= width


def test_it_is_a_table_where_there_is_room_and_names_each_number_where_there_is_none() -> None:
    wide, narrow = shown(6, 200), shown(6, 60)
    assert "┃ quantity 3" in wide
    assert "┃" not in narrow
    line = next(line for line in narrow.splitlines() if NUMBERS[3] in line)
    assert line.split() == ["quantity", "3", NUMBERS[3]]


def test_a_table_whose_cells_would_be_towers_is_paragraphs() -> None:
    assert "┃" in shown(2, 60, cell_words=2)
    assert "┃" not in shown(2, 60, cell_words=12)


def test_a_list_of_names_stays_one() -> None:
    made = table("Solution", "", "")
    made.show_header = False
    made.add_row("error at most", " ".join(NUMBERS))
    drawn = io.StringIO()
    Console(file=drawn, width=60, color_system=None).print(made)
    assert "│ error at most │" in drawn.getvalue()
    assert all(number in drawn.getvalue().split() for number in NUMBERS)
