"""The ranges of a retrained model's card: its parent's, widened where the recording supports it and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from surrogate_plugin.guard.applicability import Extent, covering
from surrogate_plugin.surrogate.card import Ranges
from surrogate_training.quality.assessment import Answer

#: So many training states must lie beyond a limit before it moves.
LEAST_STATES = 20
#: Of the held-out states beyond a limit this share must be certified at 1 % after two cycles.
LEAST_CERTIFIED = 0.5
_TOLERANCE, _CYCLES = 0.01, 2


@dataclass(frozen=True)
class HeldOut:
    """A held-out state, and how both networks answer it."""

    extent: Extent
    parent: Answer
    child: Answer


@dataclass(frozen=True)
class _Measure:
    """What one range of a card speaks of."""

    of: Callable[[Extent], float]
    lower: bool = False

    def beyond(self, limit: float) -> Callable[[Extent], bool]:
        """Whether a state lies beyond a limit."""
        return lambda extent: self.of(extent) < limit if self.lower else self.of(extent) > limit

    def wider(self, limit: float, found: float) -> float:
        """The farther of two limits."""
        return min(limit, found) if self.lower else max(limit, found)


_MEASURES = {
    "shortest_length_px": _Measure(lambda extent: extent.shortest_length_px, lower=True),
    "longest_length_px": _Measure(lambda extent: extent.longest_length_px),
    "largest_contrast": _Measure(lambda extent: extent.contrast),
    "most_sources": _Measure(lambda extent: extent.sources),
    "largest_source_px": _Measure(lambda extent: extent.largest_source_px),
    "largest_fixed_share": _Measure(lambda extent: extent.fixed_share),
    "largest_link_contrast": _Measure(lambda extent: extent.link_contrast),
    "largest_blocked_share": _Measure(lambda extent: extent.blocked_share),
    "largest_anisotropy": _Measure(lambda extent: extent.anisotropy),
    "shortest_side_px": _Measure(lambda extent: min(extent.shape), lower=True),
    "longest_side_px": _Measure(lambda extent: max(extent.shape)),
}


def widened(parent: Ranges, training: Sequence[Extent], held_out: Sequence[HeldOut]) -> tuple[Ranges, list[str]]:
    """The parent's ranges, each moved to what the training states cover if these support it.

    A limit moves if at least `LEAST_STATES` training states lie beyond it, and if of the held-out states beyond it
    the child has at least `LEAST_CERTIFIED`, and no smaller share than its parent, certified at 1 % after two cycles,
    whatever the cards say. It moves to the 0.5th or 99.5th percentile of the training states, as a card made anew
    has it. A kind of side is added on the same terms, and so is supply. States without any decay have no diffusion
    length, and where one axis conducts nothing there is no anisotropy, so that no card covers such states and they
    support nothing.

    Parameters
    ----------
    parent : Ranges
    training : sequence of Extent
        Of recorded training states.
    held_out : sequence of HeldOut

    Returns
    -------
    Ranges, list of str
        And a sentence for each limit that training states lie beyond: what became of it, and why.
    """
    usable = [each for each in training if math.isfinite(each.longest_length_px) and math.isfinite(each.anisotropy)]
    if not usable:
        return parent, []
    found, changes, sentences = covering(usable), dict[str, Any](), list[str]()
    for name, measure in _MEASURES.items():
        limit = getattr(parent, name)
        beyond = measure.beyond(limit)
        if not any(map(beyond, usable)):
            continue
        objection = _objection(beyond, usable, held_out)
        if objection:
            sentences.append(f"{name} stays {limit:.4g}: {objection}.")
        else:
            changes[name] = measure.wider(limit, getattr(found, name))
            sentences.append(f"{name} goes from {limit:.4g} to {changes[name]:.4g}.")
    for kind in sorted(set(found.boundaries) - set(parent.boundaries)):
        objection = _objection(_has_side(kind), usable, held_out)
        if not objection:
            changes["boundaries"] = tuple(sorted({*changes.get("boundaries", parent.boundaries), kind}))
        sentences.append(f"sides of kind {kind} are " + (f"not added: {objection}." if objection else "added."))
    if found.supplied and not parent.supplied:
        objection = _objection(lambda extent: extent.supplied, usable, held_out)
        changes["supplied"] = not objection
        sentences.append("supply is " + (f"not added: {objection}." if objection else "added."))
    return parent.model_copy(update=changes), sentences


def _objection(beyond: Callable[[Extent], bool], training: Sequence[Extent], held_out: Sequence[HeldOut]) -> str | None:
    """Why a limit stays; None if it may move."""
    count = sum(map(beyond, training))
    if count < LEAST_STATES:
        return f"{count} training states lie beyond, {LEAST_STATES} are needed"
    judged = [state for state in held_out if beyond(state.extent)]
    if not judged:
        return "no held-out state lies beyond, so that nobody knows how the network does there"
    before, after = (
        sum(answer.certified(_TOLERANCE, _CYCLES) for answer in answers) / len(judged)
        for answers in ([state.parent for state in judged], [state.child for state in judged])
    )
    needed = max(before, LEAST_CERTIFIED)
    if after >= needed:
        return None
    return (
        f"of the held-out states beyond, {100 * after:.0f} % are certified at 1 % after {_CYCLES} cycles, "
        f"{100 * needed:.0f} % are needed"
    )


def _has_side(kind: str) -> Callable[[Extent], bool]:
    return lambda extent: kind in extent.boundaries
