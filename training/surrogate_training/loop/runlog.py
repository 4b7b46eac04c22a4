"""What a run writes down as it goes: log.csv, its picture, and TensorBoard's events where asked for."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_plugin.extras import extra
from surrogate_plugin.whole_files import replacing
from surrogate_training.loop import curves

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FILE = "log.csv"


class RunLog:
    """The log of a run; lines after the checkpoint that a run resumes from are dropped, as they will come again.

    Parameters
    ----------
    folder : Path
        Gets ``log.csv``, ``curve.png`` and, with ``tensorboard``, the folder ``tensorboard``.
    step : int
        Where the run stands.
    tensorboard : bool

    Raises
    ------
    ModuleNotFoundError
        If ``tensorboard`` is asked for and not installed.
    """

    def __init__(self, folder: Path, step: int, tensorboard: bool) -> None:
        self.path = folder / FILE
        self._drop_after(step)
        self._writer = _writer(folder / "tensorboard", step) if tensorboard else None

    def validated(self, row: Mapping[str, float | None]) -> None:
        """Write down a measurement on the validation split; ``row`` names the step. A log keeps the columns it has."""
        written = self._text()
        columns = next(csv.reader([written.partition("\n")[0]]), None) or list(row)
        with replacing(self.path) as partial, partial.open("w", newline="") as file:
            file.write(written)
            writer = csv.writer(file)
            if not written:
                writer.writerow(columns)
            writer.writerow(row.get(name) for name in columns)
        curves.draw(self.path)
        if self._writer is not None:
            for name, value in row.items():
                if value is not None and name != "step":
                    self._writer.add_scalar(f"validation/{name}", value, int(row["step"] or 0))
            self._writer.flush()

    def stepped(self, step: int, loss: float, learning_rate: float) -> None:
        """Hear of a training step."""
        if self._writer is not None:
            self._writer.add_scalar("training/loss", loss, step)
            self._writer.add_scalar("training/learning_rate", learning_rate, step)

    def close(self) -> None:
        """Write what is not written yet."""
        if self._writer is not None:
            self._writer.close()

    def _drop_after(self, step: int) -> None:
        lines = self._text().splitlines(keepends=True)
        kept = [*lines[:1], *(line for line in lines[1:] if _is_whole(line, lines[0]) and _step_of(line) <= step)]
        if kept != lines:
            with replacing(self.path) as partial, partial.open("w", newline="") as file:
                file.writelines(kept)

    def _text(self) -> str:
        """What is written down so far, line ends as they are."""
        if not self.path.exists():
            return ""
        with self.path.open(newline="", errors="replace") as file:
            return file.read()


def _is_whole(line: str, head: str) -> bool:
    """Whether a line is a row of numbers below this head; a file that something damaged has others."""
    values = line.strip().split(",")
    return line.endswith("\n") and len(values) == head.count(",") + 1 and all(map(_is_number, values))


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def _step_of(line: str) -> float:
    return float(line.partition(",")[0] or "nan")


def _writer(folder: Path, step: int) -> SummaryWriter:
    with extra("tensorboard", "log.tensorboard = true"):
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(str(folder), purge_step=step + 1)
