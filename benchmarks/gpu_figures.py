"""All figures of a GPU that were found so far: said as they come, written into a file, and at the end as Markdown."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import Any

import torch

from benchmarks.gpu_methods import CASE, DRAWN
from benchmarks.gpu_rows import Row, line, said, table

#: What is told of a training.
OF_TRAINING = ("made_per_second", "consumed_per_second", "waited")


class Figures:
    """All that was found so far; printed and written as it comes, since what comes next may fail."""

    def __init__(self, options: argparse.Namespace, device: torch.device) -> None:
        self._options, self._device = options, device
        self.rows: list[Row] = []
        self.left_out: list[str] = []
        self.training: dict[str, float | None] | None = None
        self.profiles: dict[str, list[str]] = {}

    def add(self, row: Row) -> None:
        """Say a row, and keep it."""
        self.rows.append(row)
        print(line(row), file=sys.stderr, flush=True)
        self.write()

    def leave_out(self, name: str, why: str | BaseException) -> None:
        """Say what is missing, and why."""
        what = why if isinstance(why, str) else f"{type(why).__name__}: {(str(why).splitlines() or [''])[0]}"
        self.left_out.append(f"{name} ({what})")
        print(f"left out: {self.left_out[-1]}", file=sys.stderr, flush=True)
        self.write()

    def write(self) -> None:
        """Everything so far into a file, if one is wanted."""
        if self._options.json:
            figures: dict[str, Any] = {"device": _card(self._device), "rows": [asdict(row) for row in self.rows]}
            figures |= {"training": self.training, "left_out": self.left_out, "profiles": self.profiles}
            self._options.json.parent.mkdir(parents=True, exist_ok=True)
            self._options.json.write_text(json.dumps(figures, indent=1))

    def text(self) -> str:
        """All of it in Markdown."""
        rows = sorted(self.rows, key=lambda row: row.batch)
        lines = [*_about(self._options, self._device), "", *table(rows), "", *said(rows)]
        if self.training is not None:
            made, consumed, waited = (self.training[name] for name in OF_TRAINING)
            lines.append(
                f"- Training on the device (`train default`): {_rate(made)} samples/s can be made, {_rate(consumed)} "
                f"samples/s were learnt from; the network waited {0.0 if waited is None else waited:.0%} of the time."
            )
        if self.left_out:
            lines += ["", f"Left out: {'; '.join(self.left_out)}."]
        return "\n".join(lines) + "\n"


def _about(options: argparse.Namespace, device: torch.device) -> list[str]:
    card = _card(device)
    lines = [
        f"{card}; torch {torch.__version__}, {os.cpu_count()} cores beside it. {CASE.capitalize()}, {options.side} x "
        f"{options.side} pixels, each field certified to {options.target:.0%} of its largest value. Medians of "
        f"{options.rounds} runs. More than {DRAWN} problems are these and their mirror images.",
    ]
    if device.type == "cpu":
        lines += ["", "**CPU tensors: a trial of the command. No figure here says anything of a GPU.**"]
    return lines


def _card(device: torch.device) -> str:
    if device.type == "cpu":
        return "No GPU"
    return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"


def _rate(value: float | None) -> str:
    return "no" if value is None else f"{value:,.1f}"
