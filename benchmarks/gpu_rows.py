"""Rows of the table of a GPU's figures: how fast each way was, and what its fields were worth."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

import surrogate_plugin as sp
from benchmarks.document import markdown_table
from benchmarks.gpu_methods import OURS, Fields
from surrogate_plugin.equation.problem import FloatArray, Problem

#: What is wanted of an H100 at 512 x 512: fields a second of a batch, over those from nothing, and a field's time.
WANTED_RATE, WANTED_RATIO, WANTED_SECONDS = 5000.0, 1.3, 1e-3


@dataclass(frozen=True)
class Row:
    """What one way made of one batch.

    Attributes
    ----------
    seconds : float
        A batch, the median.
    certified, error : float
        The largest bound of all fields and the largest error of those judged, over the largest value; NaN if unknown.
    settled : float
        The share of fields within the target.
    cycles : float
        The mean; NaN if unknown.
    memory : float
        The most that was allocated on the device, bytes a pixel of the batch; NaN if unknown.
    """

    name: str
    batch: int
    seconds: float
    certified: float
    error: float
    settled: float
    cycles: float
    memory: float = math.nan


def judged(
    name: str, problems: Sequence[Problem], found: Fields, exact: Sequence[FloatArray], target: float,
    seconds: Sequence[float], memory: float = math.nan,
) -> Row:  # fmt: skip
    """Judge a batch, as far as bounds came with it, or by `sp.certify`."""
    largest = np.array([problem.largest_imposed for problem in problems])
    fields, bounds = found.each(), found.bounds
    if bounds is None:
        given = zip(problems, fields, strict=True)
        bounds = np.array([sp.certify(problem, np.maximum(_array(field), 0.0)).error_bound for problem, field in given])
    errors = [
        float(np.abs(_array(field) - known).max()) for field, known in zip(fields, exact, strict=False)
    ] / largest[: len(exact)]
    cycles = math.nan if found.cycles is None else float(np.mean(found.cycles))
    relative = bounds / largest
    return Row(
        name, len(problems), statistics.median(seconds), float(relative.max()), float(errors.max()),
        float(np.mean(relative <= target)), cycles, memory,
    )  # fmt: skip


def _array(field: object) -> FloatArray:
    return field.cpu().numpy() if isinstance(field, torch.Tensor) else np.asarray(field)


def table(rows: Sequence[Row]) -> list[str]:
    """All rows as a table of Markdown."""
    headings = ("way", "batch", "ms a batch", "fields/s", "cycles", "settled", "certified to", "largest error")
    return markdown_table(headings, [
        [
            row.name, str(row.batch), f"{1e3 * row.seconds:,.2f}", f"{row.batch / row.seconds:,.0f}",
            "" if math.isnan(row.cycles) else f"{row.cycles:.1f}", f"{row.settled:.0%}", f"{row.certified:.2%}",
            f"{row.error:.3%}",
        ]
        for row in rows
    ])  # fmt: skip


def line(row: Row) -> str:
    """A row as it is printed at once."""
    return (
        f"{row.name}, batch of {row.batch}: {1e3 * row.seconds:,.2f} ms, {row.batch / row.seconds:,.0f} fields/s, "
        f"certified to {row.certified:.2%}"
    )


def said(rows: Sequence[Row]) -> Iterator[str]:
    """What the table comes to: a large batch, one field, and the guarded step over the same from nothing."""
    guarded, nothing = ({row.batch: row for row in rows if row.name == way.name} for way in OURS[:2])
    if guarded:
        most = guarded[max(guarded)]
        rate = most.batch / most.seconds
        yield f"- Batch of {most.batch}, guarded: {rate:,.0f} fields/s ({WANTED_RATE:,.0f} are wanted)."
        if not math.isnan(most.memory):
            yield f"- It held {most.memory:,.0f} bytes a pixel at its peak."
    if nothing:
        most = nothing[max(nothing)]
        yield f"- Batch of {most.batch}, from nothing: {most.batch / most.seconds:,.0f} fields/s."
    both = sorted(set(guarded) & set(nothing))
    if both:
        ratios = ", ".join(f"{nothing[batch].seconds / guarded[batch].seconds:.2f} at {batch}" for batch in both)
        yield f"- Throughput of the guarded step over the same from nothing: {ratios} ({WANTED_RATIO} is wanted)."
    alone = [row for row in rows if row.batch == 1 and row.name in {way.name for way in OURS if way.network}]
    if alone:
        each = "; ".join(f"{row.name}: {1e3 * row.seconds:.2f} ms" for row in alone)
        yield f"- One field ({1e3 * WANTED_SECONDS:.0f} ms is wanted): {each}."
