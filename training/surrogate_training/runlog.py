"""What a run writes down as it goes: log.csv, its picture, and TensorBoard's events where asked for."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_training import curves

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
        """Write down a measurement on the validation split; ``row`` names the step."""
        fresh = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(row)
            writer.writerow(row.values())
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
        if not self.path.exists():
            return
        lines = self.path.read_text().splitlines()
        kept = [line for line in lines[1:] if int(line.partition(",")[0]) <= step]
        self.path.write_text("\n".join([*lines[:1], *kept]) + "\n")


def _writer(folder: Path, step: int) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ModuleNotFoundError(
            "log.tensorboard is true, but tensorboard is not installed; pip install 'surrogate-plugin[tensorboard]'."
        ) from None
    return SummaryWriter(str(folder), purge_step=step + 1)
