"""`audit`: a finished run in, a table of how far its fields were from certified ones out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from surrogate_plugin.arguments import FloatArray, positive_number
from surrogate_plugin.audit.in_time import Between, Stepper, held_for
from surrogate_plugin.audit.judging import Evidence, judge
from surrogate_plugin.audit.keeping import Finished, Keeper, question_of
from surrogate_plugin.audit.options import Options
from surrogate_plugin.audit.run import Moment, Run, RunFacts, Seen
from surrogate_plugin.audit.scheme import AtRest, at_rest, brackets_of, small_enough
from surrogate_plugin.audit.steady import Rest
from surrogate_plugin.audit.tables import Audit, Crossing, Difference, Entry, InTime, Maps, Pace, TimeStep, Verdict
from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError

#: The part of the largest value up to which a difference counts as none.
_SMALL = 0.01
#: The part of that which the length of certified steps may be estimated to add.
_OF_TIME = 0.1
#: The part of a difference that may stay untold.
_OF_DIFFERENCE = 0.05


def audit(
    run: Run,
    *,
    substrates: Sequence[str] | None = None,
    moments: Sequence[str] | None = None,
    tolerance: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    in_time: bool = True,
    progress: Callable[[str, str], None] | None = None,
    keep: str | Path | None = None,
) -> Audit:
    """How far the fields that the cells of a finished run saw were from certified ones.

    Parameters
    ----------
    run : Run
        As `surrogate_plugin.audit.open_run` finds it.
    substrates, moments : sequence of str, optional
        Those to audit; all by default. The moment before each is read too.
    tolerance : float, field units, optional
        Up to which a difference counts as none; by default 1 % of the largest value, saved or steady.
    thresholds : mapping of str to float, field units, optional
        By substrate: which cells were on the wrong side is told. Oxygen has 5 if it is not named.
    in_time : bool
        Whether certified steps between the moments are taken, which tell error from what is not yet steady.
    progress : function, optional
        Called with the moment and the substrate before each.
    keep : path, optional
        A file for what is finished: the same audit of the same files, called again after it was stopped or killed,
        begins with the moment that it was at. It stays, and may be removed.

    Returns
    -------
    Audit

    Raises
    ------
    InvalidProblemError
        If a substrate or moment is named that there is not, or a file is missing or damaged.

    Examples
    --------
    >>> from surrogate_plugin.audit import open_run
    >>> audit(open_run("output")).of("oxygen")[-1].verdict  # doctest: +SKIP
    <Verdict.ERROR: 'error'>
    """
    if tolerance is not None:
        positive_number("tolerance", tolerance)
    began, facts = time.perf_counter(), run.facts
    options = Options(
        _known("substrates", substrates, facts.substrates),
        _known("moments", moments, run.names),
        tolerance,
        thresholds,
        in_time,
    )
    keeper = None if keep is None else Keeper(Path(keep), question_of(run, options))
    finished = Finished() if keeper is None else keeper.find()
    auditor = _Auditor(facts, options, finished)
    before: Moment | None = None
    for index, name in enumerate(run.names):
        if options.moments is not None and name not in options.moments:
            continue
        if name in finished.moments:
            continue
        if index and (before is None or before.name != run.names[index - 1]):
            before = run.moment(run.names[index - 1])
        moment = run.moment(name)
        for substrate in options.substrates or facts.substrates:
            if progress is not None:
                progress(name, substrate)
            finished.entries.append(auditor.entry(moment, before if index else None, substrate))
        before = moment
        finished.moments.append(name)
        if keeper is not None:
            keeper.keep(finished)
    if keeper is not None:
        keeper.write()
    return Audit(
        facts.host, str(facts.source), facts.diffusion_step_min, facts.notes, tuple(finished.entries), finished.maps,
        time.perf_counter() - began,
    )  # fmt: skip


class _Auditor:
    """Audits one entry after another; keeps the steady fields of the moment before and the worst maps."""

    def __init__(self, facts: RunFacts, options: Options, finished: Finished) -> None:
        self._facts = facts
        self._options = options
        self._maps, self._worst, self._steady = finished.maps, finished.worst, finished.steady

    def entry(self, moment: Moment, before: Moment | None, substrate: str) -> Entry:
        """One substrate of one moment, with the moment before it, if there is one."""
        seen = moment.seen[substrate]
        name, units, cells = moment.name, seen.units, len(moment.cell_id)
        if seen.state is None:
            return Entry(name, substrate, units, moment.time_min, cells, Verdict.REFUSED, seen.refusal)
        try:
            rest = Rest.of(moment, seen, seen.state)
        except (InvalidProblemError, UnsupportedProblemError) as error:
            return Entry(name, substrate, units, moment.time_min, cells, Verdict.REFUSED, str(error))
        size = float(max(seen.field.max(), rest.field.max(), 0.0))
        tolerance = self._options.tolerance or _SMALL * size
        centres = moment.domain.centres_um()
        difference = Difference.of(
            seen.field, rest.field, moment.at_cells(seen.field) - moment.at_cells(rest.field), centres
        )
        first = moment.time_min <= 0.0
        between = None if before is None or first else self._between(before, moment, substrate, tolerance)
        predicted = self._predicted(seen, rest) if not first else None
        brackets = by_host = None
        if self._options.in_time and not first and difference.largest > tolerance:
            held, highest = held_for(moment.time_min, self._facts.held_min), self._highest(before, substrate, size)
            if _brackets_tell(between, held, rest.relaxation_min, highest, difference.largest):
                stepper = Stepper(max(_OF_TIME * tolerance, _OF_DIFFERENCE * difference.largest))
                brackets = stepper.brackets(moment, seen, highest, held)
            claimed = any(
                each is not None and each.outside(seen.field).max() > tolerance for each in (between, brackets)
            )
            if claimed and seen.scheme is not None and self._facts.diffusion_step_min is not None:
                by_host = brackets_of(seen.scheme, self._facts.diffusion_step_min, highest, seen.field, held)
        known = Evidence(
            seen.field,
            rest.field,
            tolerance,
            between,
            brackets,
            by_host,
            None if predicted is None else predicted.field,
            first,
        )
        verdict = judge(known, rest.relaxation_min, units)
        entry = Entry(
            name,
            substrate,
            units,
            moment.time_min,
            cells,
            verdict.verdict,
            verdict.sentence,
            size,
            tolerance,
            difference,
            rest.bound,
            verdict.error_at_least,
            None if between is None else _in_time(between, moment, seen, rest, centres),
            self._pace(before, moment, substrate, rest),
            self._crossing(moment, substrate, rest),
            None if predicted is None else self._time_step(moment, seen, rest, predicted, tolerance),
        )
        self._steady[substrate] = (name, rest.field)
        self._keep_worst(moment, entry, rest)
        return entry

    def _between(self, before: Moment, moment: Moment, substrate: str, tolerance: float) -> Between | None:
        if not self._options.in_time or substrate not in before.seen or tolerance <= 0.0:
            return None
        stepper = Stepper(_OF_TIME * tolerance)
        pair = (before, before.seen[substrate]), (moment, moment.seen[substrate])
        return stepper.between(*pair, self._facts.held_min)

    def _highest(self, before: Moment | None, substrate: str, now: float) -> float:
        """The highest value that there can have been, by the fields of this moment and the one before."""
        known = self._steady.get(substrate)
        steady = now if known is None else max(now, float(known[1].max()))
        return steady if before is None else max(steady, float(before.seen[substrate].field.max()))

    def _predicted(self, seen: Seen, rest: Rest) -> AtRest | None:
        step = self._facts.diffusion_step_min
        return None if seen.scheme is None or step is None else at_rest(seen.scheme, step, rest)

    def _pace(self, before: Moment | None, moment: Moment, substrate: str, rest: Rest) -> Pace:
        relaxation, held = rest.relaxation_min, held_for(moment.time_min, self._facts.held_min)
        known = self._steady.get(substrate)
        old = None if before is None else before.seen.get(substrate)
        if before is None or old is None or old.field.shape != rest.field.shape:
            return Pace(relaxation, held, None, None, None)
        changed = float(np.abs(moment.seen[substrate].field - old.field).max())
        if known is None or known[0] != before.name:
            return Pace(relaxation, held, changed, None, None)
        steady_changed = float(np.abs(rest.field - known[1]).max())
        minutes = moment.time_min - before.time_min
        lag = steady_changed * min(relaxation / minutes, 1.0) if minutes > 0 else None
        return Pace(relaxation, held, changed, steady_changed, lag)

    def _crossing(self, moment: Moment, substrate: str, rest: Rest) -> Crossing | None:
        threshold = self._options.threshold(substrate)
        if threshold is None:
            return None
        saved, steady = (moment.at_cells(field) for field in (moment.seen[substrate].field, rest.field))
        unsure = np.abs(steady - threshold) <= rest.bound
        low, should = saved < threshold, steady < threshold
        decided = moment.alive & ~unsure
        return Crossing(
            threshold,
            int((low & moment.alive).sum()),
            int((should & moment.alive).sum()),
            tuple(moment.cell_id[decided & low & ~should].tolist()),
            tuple(moment.cell_id[decided & ~low & should].tolist()),
            int((unsure & moment.alive).sum()),
        )

    def _time_step(self, moment: Moment, seen: Seen, rest: Rest, predicted: AtRest, tolerance: float) -> TimeStep:
        error = np.abs(predicted.field - rest.field)
        where = moment.voxel if len(moment.voxel) else np.arange(error.size)
        at_cells = float(error.ravel()[where].max())
        assert seen.scheme is not None, "something was predicted"
        if at_cells <= tolerance:
            enough: AtRest | None = predicted
        else:
            enough = small_enough(seen.scheme, rest, predicted, where, tolerance) if tolerance > 0 else None
        return TimeStep(
            predicted.dt_min,
            float(error.max()),
            at_cells,
            float(np.abs(seen.field - predicted.field).max()),
            None if enough is None else enough.dt_min,
            None if enough is None else float(np.abs(enough.field - rest.field).ravel()[where].max()),
        )

    def _keep_worst(self, moment: Moment, entry: Entry, rest: Rest) -> None:
        """Keep the maps of a substrate's largest difference, relative to its size."""
        assert entry.steady is not None, "it was audited"
        worse = entry.steady.largest / entry.size if entry.size > 0 else 0.0
        stood = self._worst.get(entry.substrate)
        if entry.verdict is Verdict.INITIAL or (stood is not None and worse <= stood[1]):
            return
        if stood is not None:
            del self._maps[(stood[0], entry.substrate)]
        (x, y), (width, height) = moment.domain.origin_um, moment.domain.size_um
        self._worst[entry.substrate] = (moment.name, worse)
        self._maps[(moment.name, entry.substrate)] = Maps(
            moment.seen[entry.substrate].field, rest.field, (x, x + width, y, y + height), moment.position_um
        )


def _brackets_tell(
    between: Between | None, held_min: float, relaxation_min: float, highest: float, difference: float
) -> bool:
    """Whether steps from the lowest and the highest field are worth taking: many, where a field is slow."""
    if held_min <= 0.0 or (between is not None and between.doubt <= _OF_DIFFERENCE * difference):
        return False
    left = highest * math.exp(-held_min / relaxation_min) if relaxation_min > 0.0 else 0.0
    return left < 0.5 * difference


def _in_time(
    between: Between, moment: Moment, seen: Seen, rest: Rest, centres: tuple[FloatArray, FloatArray]
) -> InTime:
    stepped = between.by_now.field
    at_cells = moment.at_cells(seen.field) - moment.at_cells(stepped)
    return InTime(
        between.minutes,
        between.by_now.steps,
        Difference.of(seen.field, stepped, at_cells, centres),
        float(np.abs(stepped - rest.field).max()),
        between.by_now.bound,
        between.by_now.time_error,
        between.apart,
    )


def _known(what: str, given: Sequence[str] | None, known: Sequence[str]) -> Sequence[str] | None:
    """Refuse a name that there is not."""
    for name in given or ():
        if name not in known:
            shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
            raise InvalidProblemError(f"{what} names {name!r}, which the run does not have; it has {shown}.")
    return given
