"""Each check of the conformance kit notices an adapter that is broken in the way that it is there for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from surrogate_plugin.testing import AdapterSuite, Scenario
from tests.testing import test_new_adapter as guide


@dataclass(frozen=True)
class Mistake:
    """A change of the adapter's text, which check is to notice, and what it is to say."""

    name: str
    check: str
    old: str
    new: str
    says: str = ""


WRITE = "field[:] = self._left[name] = result.field.T"

ANSWER = "        result = self._backends[name].step("

CORNER = "dish.corner_um, dish.depth_um)"

VOLUME = "volume_um3=[cell.volume_um3 for"

NAMES = "names_of(substrates, list(dish.fields))"

VOXEL = 'deposit="voxel",'

UNNAMED = "unnamed=own"

MEASURE = "        self._dish.measure(name)\n"

EAT = "        if name not in self._backends:\n            Dish.eat"

TELL = "self.notices.tell("


def at_first(statement: str) -> str:
    """The adapter's answer, begun with a statement."""
    return f"        {statement}\n{ANSWER}"


MISTAKES = [
    # The field and the lattice.
    Mistake("transposed", "the_field_is_the_exact_one_on_any_lattice", WRITE, "self._dish.fields[name] = result.field",
            "turn it|transposed"),
    Mistake("upside down", "it_is_not_turned_or_mirrored", WRITE, WRITE + "[:, ::-1]", "upside down"),
    Mistake("mirrored", "it_is_not_turned_or_mirrored", WRITE, WRITE + "[::-1]", "mirrored"),
    Mistake("half a voxel off", "the_field_is_the_exact_one_on_any_lattice", "[(cell.x_um, cell.y_um)",
            "[(max(cell.x_um - 0.5 * dish.side_um, dish.corner_um[0]), cell.y_um)", "off the steady field"),
    Mistake("a corner of its own forgotten", "the_field_is_the_exact_one_on_any_lattice", CORNER,
            "(0.0, 0.0), dish.depth_um)", "off the domain"),
    Mistake("sides that let through", "the_field_is_the_exact_one_on_any_lattice", UNNAMED, "unnamed='absorbing'",
            "sides that absorb"),
    Mistake("cells spread over voxels", "the_field_is_the_exact_one_on_any_lattice", VOXEL, 'deposit="area",',
            "off the steady field"),
    Mistake("tolerance not passed on", "the_field_is_the_exact_one_on_any_lattice", "**options,\n        )",
            '**options | {"tolerance": None},\n        )', "off the steady field"),
    # Units.
    Mistake("volumes forgotten", "lengths_volumes_and_rates_are_in_the_units_said", VOLUME,
            "volume_um3=[dish.side_um**2 * dish.depth_um for", "as large as their voxels"),
    Mistake("thickness forgotten", "lengths_volumes_and_rates_are_in_the_units_said", CORNER, "dish.corner_um)",
            "off the steady field"),
    Mistake("seconds for minutes in coefficients", "lengths_volumes_and_rates_are_in_the_units_said",
            "60.0 * dish.diffusivity[name]", "dish.diffusivity[name]", "off the steady field"),
    Mistake("seconds for minutes in rates", "lengths_volumes_and_rates_are_in_the_units_said",
            "60.0 * cell.uptake", "cell.uptake", "off the steady field"),
    Mistake("seconds for minutes in all rates", "the_field_is_the_exact_one_on_any_lattice",
            "60.0 * cell.", "cell.", "1/60 of their rates"),
    Mistake("decay forgotten", "lengths_volumes_and_rates_are_in_the_units_said", "60.0 * dish.decay[name]", "0.0",
            "off the steady field"),
    Mistake("volumes for radii", "lengths_volumes_and_rates_are_in_the_units_said", VOLUME,
            "radius_um=[cell.volume_um3 ** 0.5 for", "off the steady field"),
    # What is held, and what is there.
    Mistake("vessels dropped", "vessels_keep_their_values", "sp.Voxels(~np.isnan(held)",
            "sp.Voxels(np.zeros(held.shape, dtype=bool)", "do not hold what they should"),
    Mistake("vessels transposed", "vessels_keep_their_values", "dish.held[name].T",
            "dish.held[name].reshape(dish.shape[::-1])"),
    Mistake("vessels read as sources", "vessels_keep_their_values",
            "~np.isnan(held), np.nan_to_num(held), production_per_min=made", "production_per_min=np.nan_to_num(held)"),
    Mistake("skipped without cells", "without_cells_the_field_is_that_of_the_vessels", ANSWER,
            at_first("if not self._dish.cells: return"), "began with"),
    Mistake("skipped without vessels", "without_cells_and_vessels_there_is_nothing", ANSWER,
            at_first("if np.isnan(self._dish.held[name]).all(): return"), "began with"),
    Mistake("NaN before the first step", "before_the_first_step_a_field_can_be_asked_for", "self.history: list",
            "for name in backends: dish.fields[name][:] = np.nan\n        self.history: list"),
    Mistake("zero before the first step", "before_the_first_step_a_field_can_be_asked_for", "self.history: list",
            "for name in backends: dish.fields[name][:] = 0.0\n        self.history: list"),
    # Uptake.
    Mistake("uptake twice", "the_field_is_the_exact_one_on_any_lattice", "60.0 * cell.uptake", "120.0 * cell.uptake"),
    Mistake("uptake twice, by the balance", "what_the_cells_take_up_is_what_the_vessels_give", "60.0 * cell.uptake",
            "120.0 * cell.uptake", "times what is taken up"),
    Mistake("the host drains the field", "uptake_counts_once_however_often_the_host_steps",
            EAT, "        if True:\n            Dish.eat", "off the steady field"),
    Mistake("secretion forgotten", "the_field_is_the_exact_one_on_any_lattice", "60.0 * cell.secretion",
            "0.0 * cell.secretion", "secrete nothing"),
    Mistake("one cell a voxel counted", "the_field_is_the_exact_one_on_any_lattice", "in dish.cells]",
            "in {dish.voxel(cell): cell for cell in dish.cells}.values()]", "off the steady field"),
    # Cells that come and go.
    Mistake("solved once and never again", "the_field_follows_cells_that_move", ANSWER,
            at_first("if self.history: return"), "as they were at first"),
    Mistake("newborn cells ignored", "the_field_follows_cells_that_divide_and_die", "for cell in dish.cells]",
            "for cell in dish.cells[:10]]", "off the steady field"),
    Mistake("solved when the number of cells changes", "the_field_follows_rates_and_volumes", ANSWER,
            at_first("if len(self.history) and self.n == len(self._dish.cells): return\n"
                     "        self.n = len(self._dish.cells)"), "as they were at first"),
    Mistake("clamps silently", "cells_off_the_lattice_are_treated_as_the_adapter_says", VOXEL,
            VOXEL + 'outside="clamp",', "DID NOT RAISE"),
    Mistake("drops silently", "cells_off_the_lattice_are_treated_as_the_adapter_says", VOXEL,
            VOXEL + 'outside="drop",', "DID NOT RAISE"),
    # What cells read besides.
    Mistake("gradients not computed", "gradients_are_those_of_the_exact_field", MEASURE, "",
            "nobody has computed them"),
    Mistake("gradients of the last step", "gradients_are_those_of_the_exact_field", f"        {WRITE}\n{MEASURE}",
            f"{MEASURE}        {WRITE}\n", "a turn ago"),
    Mistake("gradients a voxel", "gradients_are_those_of_the_exact_field", MEASURE,
            MEASURE + "        self._dish.slopes[name] *= self._dish.side_um\n", "per voxel"),
    Mistake("gradients turned", "gradients_are_those_of_the_exact_field", MEASURE,
            MEASURE + "        self._dish.slopes[name] = self._dish.slopes[name][::-1]\n", "x comes first"),
    Mistake("late rates ignored", "rates_changed_between_solves_are_felt_at_the_next_turn", ANSWER,
            at_first("there = [(cell.x_um, cell.y_um) for cell in self._dish.cells]\n"
                     "        if vars(self).setdefault('there', {}).get(name) == there: return\n"
                     "        self.there[name] = there"), "reads oxygen"),
    Mistake("solved when cells have moved far", "cells_that_secrete_and_move_read_what_is_promised", ANSWER,
            at_first("there = np.array([(cell.x_um, cell.y_um) for cell in self._dish.cells])\n"
                     "        last = vars(self).get('there', there + np.inf)\n"
                     "        if np.abs(there - last).max() < self._dish.side_um: return\n"
                     "        self.there = there"), "reads oxygen"),
    Mistake("writes kept", "what_others_write_into_the_field_is_told_and_mended", WRITE,
            f"if result.record.method != 'held': {WRITE}", "off the steady field"),
    Mistake("writes not told", "what_others_write_into_the_field_is_told_and_mended", TELL, "print(", "DID NOT WARN"),
    Mistake("vessels read once", "vessels_that_change_are_felt_at_the_next_turn", "held, made = dish.held[name].T,",
            "held, made = vars(dish).setdefault('first', {}).setdefault(name, dish.held[name].T.copy()),",
            "off the steady field"),
    Mistake("false alarms", "nothing_is_told_where_nothing_is_amiss", f"        {WRITE}",
            "        if not np.array_equal(field, result.field.T): "
            f"{TELL}'written from outside', name, 'it is changed')\n        {WRITE}", "the adapter says: it is"),
    # The rim.
    Mistake("unnamed sides absorb", "sides_that_are_not_named_are_the_hosts_own", UNNAMED, "unnamed='absorbing'",
            "absorb where they are not named"),
    Mistake("sides not passed on", "sides_that_are_not_named_are_the_hosts_own", "sides or {}", "{}",
            "without the sides that were named"),
    Mistake("unnamed sides of a ring reflect", "sides_that_are_not_named_wrap_around_where_the_hosts_do", UNNAMED,
            "unnamed='reflecting'", "does not wrap around"),
    Mistake("no wrap", "a_torus_wraps_around", UNNAMED, "unnamed='reflecting'", "does not wrap around"),
    Mistake("no wrap, moved", "a_tissue_moved_around_a_torus_has_the_same_field_moved", UNNAMED,
            "unnamed='reflecting'", "does not wrap around"),
    Mistake("small lattices refused", "small_lattices_are_solved_too", ANSWER,
            at_first("assert min(self._dish.shape) >= 8, 'too small'"), "too small"),
    # What cells exchange.
    Mistake("uptake never saturates", "uptake_saturates", "michaelis_km=dish.km.get(name)", "michaelis_km=None",
            "does not saturate"),
    Mistake("production dropped", "what_cells_make_is_there", ", production_per_min=made", "",
            "production was dropped"),
    Mistake("production a second for a minute", "what_cells_make_is_there", "60.0 * dish.made", "dish.made",
            "off the steady field"),
    Mistake("secretion limited", "strong_secretion_is_read_as_it_is_solved", "60.0 * cell.secretion.get(name, 0.0)",
            "min(60.0 * cell.secretion.get(name, 0.0), 100.0)", "off the steady field"),
    # Several substrates, and the host itself.
    Mistake("answers for the first substrate alone", "several_substrates_each_have_their_own_field", NAMES,
            NAMES + "[:1]", "off the steady field"),
    Mistake("one field for all substrates", "several_substrates_each_have_their_own_field",
            "state_of(self._dish, name)", "state_of(self._dish, next(iter(self._backends)))", "off the steady field"),
    Mistake("rates of one substrate for all", "several_substrates_each_have_their_own_field", "uptake.get(name, 0.0)",
            "uptake[min(cell.uptake)]", "off the steady field"),
    Mistake("answers for substrates it was not asked for", "substrates_that_are_not_named_are_left_to_the_host", NAMES,
            "dish.fields"),
    Mistake("stops what it does not answer for", "substrates_that_are_not_named_are_left_to_the_host",
            "            Dish.diffuse(self._dish, name, seconds)", "            pass"),
    Mistake("takes any name", "an_unknown_substrate_is_refused", NAMES,
            "[name for name in dish.fields if name in substrates]", "DID NOT RAISE"),
    Mistake("does not detach", "detaching_leaves_the_host_as_it_was", "vars(self._dish).pop(step, None)", "pass"),
    Mistake("detaches by half", "detaching_leaves_the_host_as_it_was", '("diffuse", "eat")', '("diffuse",)'),
    Mistake("goes on after detaching", "after_detaching_nobody_answers_until_it_is_attached_again",
            "vars(self._dish).pop(step, None)", "pass"),
]  # fmt: skip

#: A dish has no round vessels: see test_kit_round_vessels.
ELSEWHERE = {"round_vessels_on_the_seam_of_a_torus_wrap_around", "round_vessels_at_the_rim_end_there"}


def complaints(suite: AdapterSuite, check: str) -> Iterator[str]:
    """What one check says of an adapter, over all of its parameters."""
    method = getattr(suite, f"test_{check}")
    for given in _parameters(method):
        try:
            method(**given)
        except pytest.skip.Exception as skipped:
            if check not in ELSEWHERE:
                yield f"it is skipped: {skipped}"
        except (Exception, pytest.fail.Exception) as error:
            yield f"{type(error).__name__}: {error}"


def _parameters(method: Any) -> Iterator[dict[str, Any]]:
    axes = []
    for mark in getattr(method, "pytestmark", []):
        names, values = mark.args
        one = isinstance(names, str)
        axes.append([{names: value} if one else dict(zip(names, value, strict=True)) for value in values])
    for chosen in itertools.product(*axes):
        yield {name: value for part in chosen for name, value in part.items()}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_broken_adapter_fails_the_check_that_is_there_for_it(mistake):
    assert mistake.old in guide.SOURCE
    broken = guide.module(guide.SOURCE.replace(mistake.old, mistake.new))

    class Suite(guide.TestMinimalAdapter):
        def build(self, scenario: Scenario) -> guide.DishUnderTest:
            return guide.DishUnderTest(scenario, broken)

    said = list(complaints(Suite(), mistake.check))
    assert said, f"nobody noticed: {mistake.name}"
    assert any(re.search(mistake.says, each) for each in said), said


def test_the_adapter_itself_gives_no_cause_for_complaint():
    for check in guide.checks():
        assert not list(complaints(guide.TestMinimalAdapter(), check))


def test_every_check_of_the_kit_can_fail():
    assert {mistake.check for mistake in MISTAKES} | ELSEWHERE == guide.checks()
