"""The guarded step for many problems of one kind at once: start, cycles, certificate, acceptance, problem by problem.

Each problem goes its own way by the rules of one that is solved alone, see `surrogate_plugin.engine.polish`: a few
numbers a problem are read after each cycle, the host decides, and problems that are done leave the batch when they are
half of it. What does not settle here is somebody else's to solve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from surrogate_plugin.arguments import BoolArray, FloatArray, IndexArray
from surrogate_plugin.batched import certificate, graphs, reading
from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.course import WORSE_THAN_NOTHING, Course
from surrogate_plugin.batched.iteration import Iteration
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.stack import Stack

#: A share's tolerance where all is 0: what a bound on nothing is at least, and more.
_LEAST = 1e-290


class Start(IntEnum):
    """What became of the field that a problem was to start from.

    There was none; the answer came from it; its residual was not finite; one cycle showed it to be worse than nothing;
    it led nowhere. In the last three the problem was solved from nothing, if at all.
    """

    NONE = 0
    KEPT = 1
    NOT_FINITE = 2
    WORSE = 3
    NOT_CERTIFIED = 4


@dataclass(frozen=True, eq=False)
class Answers:
    """Fields of a batch with their bounds.

    Attributes
    ----------
    field : (B, H, W) float64 tensor, field units
        Within what the maximum principle allows; the last one that was certified where a problem has not settled, and
        0 where there is none, or where that is no number.
    bound : (B,) float64 array, field units
        At least the largest error; infinite where nothing is shown.
    cycles : (B,) int64 array
        Of the start that was kept, without the certificate's.
    settled : (B,) bool array
        Whether the bound is within the tolerance.
    start : (B,) int64 array
        A `Start` each.
    map : (B, H, W) float64 tensor, field units, or None
        The largest error possible at each pixel, where it was asked for and the problem has settled; else infinite.
    """

    field: Tensor
    bound: FloatArray
    cycles: IndexArray
    settled: BoolArray
    start: IndexArray
    map: Tensor | None = None


def solve(
    stack: Stack,
    *,
    tolerance: FloatArray | float | None = None,
    share: float | None = None,
    start: Tensor | None = None,
    error_map: bool = False,
) -> Answers:
    """Certified fields of all problems of a stack, as far as they settle.

    Parameters
    ----------
    stack : Stack
        Of B problems.
    tolerance : (B,) float64 array or float, field units
        The largest error allowed of each.
    share : float
        What may be off of each field's largest value instead.
    start : (B, H, W) float64 tensor, field units, optional
        Fields to start from, as a network's; some may be anything at all, NaN too.
    error_map : bool
        Bound the error at each pixel, too.

    Returns
    -------
    Answers

    Raises
    ------
    ValueError
        If neither a tolerance nor a share says how close the fields are to be.

    Examples
    --------
    >>> from surrogate_plugin import Problem
    >>> source = np.zeros((24, 24)); source[9:12, 9:12] = 38.0
    >>> stack = Stack.of([Problem(source, decay=0.01 * (i + 1)) for i in range(3)], "cpu")
    >>> answers = solve(stack, tolerance=0.38)
    >>> answers.settled.tolist(), bool((answers.bound <= 0.38).all())
    ([True, True, True], True)
    """
    if tolerance is None and share is None:
        raise ValueError("tolerance is None; the largest error allowed, or a share of the largest value, is needed.")
    wanted = np.broadcast_to(np.float64(0.0 if tolerance is None else tolerance), (stack.count,))
    with torch.no_grad():
        batch = _Batch(stack, share=None if tolerance is not None else share, error_map=error_map)
        everyone = np.arange(stack.count)
        batch.polish(stack, Course.begun(everyone, wanted), start)
        rest = ~batch.answers.settled
        if start is not None and rest.any():
            # From nothing: a start on the wrong side may lead nowhere.
            some = stack if rest.all() else stack.take(reading.index(rest, stack.device))
            batch.polish(some, Course.begun(everyone[rest], wanted[rest]), None)
    return batch.answers


class _Batch:
    """All problems of a stack, and what has been answered of them."""

    def __init__(self, stack: Stack, *, share: float | None, error_map: bool) -> None:
        count, device = stack.count, stack.device
        self._share = share
        self._imposed, self._ceiling = reading.read(torch.stack((_largest_imposed(stack), stack.ceiling)))
        field = torch.zeros((count, *stack.shape), dtype=torch.float64, device=device)
        self.answers = Answers(
            field,
            np.full(count, math.inf),
            np.zeros(count, np.int64),
            np.zeros(count, np.bool_),
            np.full(count, Start.NONE, np.int64),
            torch.full_like(field, math.inf) if error_map else None,
        )

    def polish(self, stack: Stack, course: Course, start: Tensor | None) -> None:
        """Cycles from a start, or from nothing, until every problem has settled or been given up."""
        mapped = stack.north is not None
        iteration = Iteration(stack, Levels(stack.shape, stack.rings, stack.count, stack.device, mapped=mapped), start)
        begun = start is not None
        while True:
            self._see(iteration, course)
            self._drop(course, course.broken(), Start.NOT_FINITE if begun else None)
            if begun:
                imposed = self._imposed[course.place]
                poor = (imposed > 0.0) & (course.estimate > WORSE_THAN_NOTHING * imposed)
                self._drop(course, poor & (course.cycles == 1), Start.WORSE)
            ready = course.ready()
            if ready.any():
                self._certify(iteration, course, ready, begun=begun)
            going = int(course.open.sum())
            if not going:
                return
            if 2 * going <= course.open.size:
                iteration = iteration.take(reading.index(course.open, stack.device))
                course = course.of(course.open)
            graphs.advance(iteration)
            course.went_on()

    def _see(self, iteration: Iteration, course: Course) -> None:
        """Read where the iteration stands."""
        rows = [iteration.estimate, iteration.largest_residual, iteration.on_path]
        if self._share is not None:
            rows.append(iteration.field[:, 1:-1, 1:-1].amax((1, 2)))
        numbers = reading.read(torch.stack([each.to(torch.float64) for each in rows]))
        course.see(numbers[0], numbers[1], numbers[2] > 0.0)
        if self._share is not None:
            course.tolerance = self._allowed(numbers[3], self._share, course.place)

    def _allowed(self, highest: FloatArray, share: float, place: IndexArray) -> FloatArray:
        """What may be off of fields whose largest values are these.

        A start may be far too large, so what the principle allows counts too.
        """
        largest = np.fmax(self._imposed[place], np.fmin(highest, self._ceiling[place]))
        return np.asarray(np.fmax(share * largest, _LEAST))

    def _drop(self, course: Course, who: BoolArray, why: Start | None) -> None:
        who = who & course.open
        course.open[who] = False
        if why is not None:
            self.answers.start[course.place[who]] = why

    def _certify(self, iteration: Iteration, course: Course, ready: BoolArray, *, begun: bool) -> None:
        """Bound the smoothed fields of those that are ready, and keep what is within the tolerance, or given up."""
        part, among = iteration, ready
        if 2 * int(ready.sum()) <= ready.size:
            part, among = (
                iteration.take(reading.index(ready, iteration.stack.device)),
                np.ones(int(ready.sum()), np.bool_),
            )
        candidate = part.smoothed()
        if self._share is not None:  # of this very field, which sweeps have changed
            highest = reading.read(candidate[:, 1:-1, 1:-1].amax((1, 2)))[among]
            course.tolerance[ready] = self._allowed(highest, self._share, course.place[ready])
        tolerance = course.tolerance[ready]
        given = np.full(among.size, math.inf)
        given[among] = tolerance
        bounds = certificate.bound(
            part.stack, part.levels, candidate, given, among=among, with_map=self.answers.map is not None
        )
        value = np.full(ready.size, math.inf)
        value[ready] = bounds.value[among]
        settled = ready & (value <= course.tolerance)
        course.open &= ~settled
        given_up = course.tried(ready, value, mapped=iteration.stack.north is not None)
        kept = np.zeros(among.size, np.bool_)
        kept[among] = (settled | given_up)[ready]
        self._keep(part.stack, candidate, kept, bounds, course.of(settled | given_up), begun=begun)
        self._drop(course, given_up, Start.NOT_CERTIFIED if begun else None)

    def _keep(
        self,
        stack: Stack,
        candidate: Tensor,
        who: BoolArray,
        bounds: certificate.Bounds,
        course: Course,
        *,
        begun: bool,
    ) -> None:
        """Write answers down, within what the maximum principle allows, which makes none of them worse.

        ``course`` is of those that are kept, ``who`` says where they stand in the stack.
        """
        if not who.any():
            return
        answers, place = self.answers, course.place
        at, to = reading.index(who, stack.device), reading.index(place, stack.device)
        if fused(answers.field, candidate, stack.ceiling):
            from surrogate_plugin.batched.fused import fields

            fields.keep(answers.field, candidate, stack.ceiling, at, to)
        else:
            field = torch.nan_to_num(candidate[at, 1:-1, 1:-1], nan=0.0)
            answers.field[to] = torch.minimum(field.clamp(min=0.0), stack.ceiling[at, None, None])
        answers.bound[place], answers.cycles[place] = bounds.value[who], course.cycles
        answers.settled[place] = bounds.value[who] <= course.tolerance
        if begun:
            answers.start[place] = Start.KEPT
        if answers.map is not None and bounds.map is not None:
            answers.map[to] = bounds.map[at]


def _largest_imposed(stack: Stack) -> Tensor:
    """The largest value that a fixed pixel or a side holds, (B,) float64."""
    return torch.maximum(stack.source.amax((1, 2)), stack.wall_value.amax((1, 2)))
