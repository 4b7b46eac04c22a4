"""A substrate that goes on in time behind the solver pointer, against steps of an independent solve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from tests.exact import exact_field
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import write_settings

pytestmark = physicell_fixtures.MARKS
library = physicell_fixtures.library

DT, MECHANICS, PHENOTYPE = 0.05, 0.1, 2.0
NX, NY, H = 12, 10, 20.0
SETTINGS = {
    "substrates": ["oxygen", "antigen"],
    "stepping": {"antigen": "implicit-euler"},
    "tolerance": {"oxygen": 1e-3, "antigen": 1e-8},
}


class Model:
    """Cells at rest that take oxygen up and have to do with an antigen, and what an independent solve makes of both."""

    def __init__(
        self, library, diffusivity: float = 30.0, decay: float = 0.01, initial: float = 1.0, rates=(0.3, 0.0, 0.0)
    ) -> None:
        self.diffusivity, self.decay = diffusivity, decay
        media = [("oxygen", 1e5, 0.1, 38.0), ("antigen", diffusivity, decay, initial)]
        times = (DT, MECHANICS, PHENOTYPE)
        self.host = driver.StandIn(library, (NX, NY), media, spacing_um=H, corner_um=(0.0, 0.0), times_min=times)
        self.host.set_threads(1)
        self.host.fix(0, 0, "oxygen", 38.0)
        self.place = np.random.default_rng(3).uniform((0.0, 0.0), (NX * H, NY * H), (30, 2))
        self.rates = np.zeros((30, 2, 4))
        self.rates[:, 0, 0] = 10.0
        self.rates[:, 1, :3] = rates
        self.put()
        self.held = np.zeros((NY, NX), dtype=bool)
        self.value = np.zeros((NY, NX))

    def put(self) -> None:
        self.host.put(self.place, np.full(30, 2494.0), self.rates)

    def hold(self, value: float) -> None:
        """All of the first column, from now on at this value."""
        self.held[:, 0], self.value[:, 0] = True, value
        for row in range(NY):
            self.host.fix(row, 0, "antigen", value)

    def stepped(self, field: np.ndarray, minutes: float) -> np.ndarray:
        """One backward step by the assembled reference."""
        there = tuple((self.place // H).astype(int).T[::-1])
        share = 2494.0 / H**3
        decay, made = np.full((NY, NX), self.decay), np.zeros((NY, NX))
        uptake, secretion, target, export = self.rates[:, 1].T
        np.add.at(decay, there, share * (uptake + secretion))
        np.add.at(made, there, share * secretion * target + export / H**3)
        return exact_field(
            sp.Problem(
                np.where(self.held, self.value, 0.0),
                fixed=self.held,
                diffusivity=self.diffusivity,
                decay=decay + 1.0 / minutes,
                production=made + np.where(self.held, self.value, field) / minutes,
                spacing=H,
                boundary="reflecting",
            )
        )

    def finely(self, minutes: float, do: Callable[[float, np.ndarray], np.ndarray] = lambda _, field: field):
        """Many short steps of the reference; ``do`` may change field, nodes or coefficients before each."""
        field = self.host.density("antigen")
        for k in range(round(minutes / DT)):
            field = self.stepped(do(k * DT, field), DT)
        return field

    def apart(self, exact: np.ndarray) -> float:
        return float(np.abs(self.host.density("antigen") - exact).max() / np.abs(exact).max())


@pytest.fixture
def model(library) -> Iterator[Callable[..., Model]]:
    made: list[Model] = []

    def make(*numbers, **options) -> Model:
        made.append(Model(library, *numbers, **options))
        return made[-1]

    yield make
    for each in made:
        each.host.release()


def steps(minutes: float) -> int:
    """Calls of the solver until, and with, the one at this minute."""
    return round(minutes / DT) + 1


def attach(model: Model, folder: Path, **keys) -> None:
    model.host.attach(write_settings(folder, **(SETTINGS | {"log": str(folder / "log.csv")} | keys)))


def logged(folder: Path) -> list[tuple[float, str]]:
    lines = [line.split(",") for line in (folder / "log.csv").read_text().splitlines()[1:]]
    return [(round(float(line[0]), 6), line[2]) for line in lines if line[1] == "antigen"]


def test_each_step_is_the_implicit_one_of_the_agents_as_they_are(model, tmp_path):
    one = model()
    attach(one, tmp_path)
    one.host.advance(steps(12.0))  # by then what followed the start is past
    field = one.host.density("antigen")
    for _ in range(3):
        one.rates[:, 1, 0] *= 1.3
        one.put()
        one.host.advance(steps(PHENOTYPE) - 2)
        np.testing.assert_allclose(one.host.density("antigen"), field, atol=1e-6)
        one.host.advance()
        field = one.stepped(field, PHENOTYPE)
        np.testing.assert_allclose(one.host.density("antigen"), field, atol=1e-6)
        there = (one.place // H).astype(int)
        np.testing.assert_array_equal(one.host.seen("antigen"), one.host.density("antigen")[there[:, 1], there[:, 0]])
    assert logged(tmp_path)[-4:] == [(time, "phenotype") for time in (12.0, 14.0, 16.0, 18.0)]
    assert not one.host.report(1).notices


def test_steps_after_the_start_and_after_a_dose_grow_until_the_hosts_are_shorter(model, tmp_path):
    one = model()
    field = one.host.density("antigen")
    attach(one, tmp_path)
    one.host.advance(steps(12.3) - 1)
    dosed = one.host.density("antigen")
    dosed[4, 5] += 20.0
    one.host.write("antigen", dosed)
    one.host.advance(steps(26.0) - steps(12.3) + 1)
    last = 0.0
    for time, _ in logged(tmp_path):
        end = time if time == 12.3 else time + DT  # a call ends a step later, and a dose was there before it began
        field, last = one.stepped(field, end - last), end
        field[4, 5] += 20.0 * (time == 12.3)
    np.testing.assert_allclose(one.host.density("antigen"), field, atol=1e-6)
    times = [time for time, _ in logged(tmp_path)]
    for change in (0.0, 12.25):
        since = np.array([time - change for time in times if change <= time <= change + 8.0])
        assert np.all(np.diff(since) <= 0.25 * since[:-1] + MECHANICS + DT)
    assert times[-3:] == [22.0, 24.0, 26.0]


@pytest.mark.parametrize("refresh", ["phenotype", "mechanics", 0.5])
def test_an_antigen_that_nothing_decays_is_as_a_fine_step_solution_has_it(model, tmp_path, refresh):
    one = model(1.0, 0.0, 0.5, rates=(0.01, 0.02, 4.0))
    exact = one.finely(12.0 + DT)
    attach(one, tmp_path, refresh=refresh)
    one.host.advance(steps(12.0))
    assert one.apart(exact) < {"phenotype": 2e-2, "mechanics": 2e-3, 0.5: 5e-3}[refresh]


def test_a_dose_that_user_code_writes_spreads_from_when_it_was_written(model, tmp_path):
    one = model()

    def dose(field):
        written = field.copy()
        written[4, 5] += 20.0
        return written

    exact = one.finely(8.0 + DT, lambda time, field: dose(field) if abs(time - 3.3) < 1e-6 else field)
    attach(one, tmp_path, refresh="mechanics")
    one.host.advance(steps(3.3) - 1)
    one.host.write("antigen", dose(one.host.density("antigen")))
    one.host.advance(steps(8.0) - steps(3.3) + 1)
    assert one.apart(exact) < 0.02


@pytest.mark.parametrize("minutes", [0.3, 0.6, 1.0, 1.8])
def test_a_dose_spreads_between_the_hosts_steps_too(model, tmp_path, minutes):
    """Fast at first: half of it is gone from its voxel within 0.3 min, and the next step of the host is 2 min away."""
    one = model(600.0)

    def dose(field):
        written = field.copy()
        written[4, 5] += 20.0
        return written

    exact = one.finely(4.1 + minutes + DT, lambda time, field: dose(field) if abs(time - 4.1) < 1e-6 else field)
    attach(one, tmp_path)
    one.host.advance(steps(4.1) - 1)
    one.host.write("antigen", dose(one.host.density("antigen")))
    one.host.advance(steps(4.1 + minutes) - steps(4.1) + 1)
    assert one.apart(exact) < 0.45


def test_a_field_is_brought_up_to_the_minute_of_a_dose(model, tmp_path):
    """With what there was before; then one short step, and on with longer ones."""
    one = model()
    attach(one, tmp_path)
    one.host.advance(steps(12.0))  # by then what followed the start is past
    field = one.host.density("antigen")
    one.host.advance(steps(13.3) - steps(12.0) - 1)
    dosed = one.host.density("antigen")
    np.testing.assert_array_equal(dosed, field)
    dosed[4, 5] += 20.0
    one.host.write("antigen", dosed)
    one.host.advance(2)
    field = one.stepped(field, 13.3 - 12.0 - DT)
    field[4, 5] += 20.0
    np.testing.assert_allclose(one.host.density("antigen"), one.stepped(field, MECHANICS), atol=1e-6)
    assert logged(tmp_path)[-3:] == [(12.0, "phenotype"), (13.3, "changes"), (13.35, "changes")]


@pytest.mark.parametrize("diffusivity", [1e4, 30.0])
def test_a_node_that_changes_in_each_step_is_followed(model, tmp_path, diffusivity):
    one = model(diffusivity, 0.01, 5.0)

    def follow(time):
        one.hold(5.0 * math.exp(-time / 10.0))

    follow(0.0)
    exact = one.finely(8.0 + DT, lambda time, field: (follow(time), field)[1])
    follow(0.0)
    attach(one, tmp_path)
    for k in range(steps(8.0)):
        follow(k * DT)
        one.host.advance()
    assert one.apart(exact) < 0.02
    np.testing.assert_array_equal(one.host.density("antigen")[:, 0], 5.0 * math.exp(-0.8))


def test_a_node_that_is_switched_holds_from_then_on_and_not_before(model, tmp_path):
    one = model(300.0, 0.01, 5.0)
    one.hold(5.0)

    def switched(time, field):
        if time > 3.299:
            one.hold(0.0)
        return field

    exact = one.finely(4.0 + DT, switched)
    one.hold(5.0)
    attach(one, tmp_path)
    one.host.advance(steps(3.3) - 1)
    one.hold(0.0)
    one.host.advance(steps(4.0) - steps(3.3) + 1)
    assert one.apart(exact) < 0.07


@pytest.mark.parametrize("refresh", ["phenotype", "mechanics"])
def test_what_agents_take_in_is_what_the_field_loses(model, tmp_path, refresh):
    one = model(30.0, 0.0, 1.0)

    def amount():
        return H**3 * one.host.density("antigen").sum() + one.host.internalised("antigen").sum()

    attach(one, tmp_path, refresh=refresh)
    before = amount()
    one.host.advance(steps(4.0))
    assert one.host.internalised("antigen").sum() > 0.05 * before
    assert amount() == pytest.approx(before, rel=1e-6)
    one.host.advance(20)
    dosed = one.host.density("antigen")
    dosed[4, 5] += 3.0
    one.host.write("antigen", dosed)
    before = amount()
    one.host.advance(steps(8.0) - steps(4.0) - 20)
    assert amount() == pytest.approx(before, rel=1e-6)


@pytest.mark.filterwarnings("ignore:oxygen was written from outside")
@pytest.mark.filterwarnings("ignore:the field of oxygen that cells read")  # with one more among them
def test_what_a_dying_cell_releases_goes_on_from_its_voxel(model, tmp_path):
    one = model(30.0, 0.0, 1.0)
    attach(one, tmp_path)
    one.host.advance(steps(4.0))
    held = H**3 * one.host.density("antigen").sum()
    release = one.host.internalised("antigen")[-1]
    one.host.kill_last(1.0)
    one.host.advance(10)
    before = one.host.internalised("antigen").sum()
    one.host.advance(steps(4.0) - 11)
    taken = one.host.internalised("antigen").sum() - before
    assert release > 100.0
    assert H**3 * one.host.density("antigen").sum() + taken == pytest.approx(held + release, rel=2e-2)


def test_steps_of_one_substrate_do_not_put_a_steady_one_off(model, tmp_path):
    one = model()
    attach(one, tmp_path, refresh=1.0)
    for _ in range(steps(4.0)):
        dosed = one.host.density("antigen")
        dosed[4, 5] += 0.1
        one.host.write("antigen", dosed)
        one.host.advance()
    lines = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert [round(float(line[0]), 6) for line in lines if line[1] == "oxygen"] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_coefficients_that_change_hold_from_then_on(model, tmp_path):
    one = model()

    def faster(time, field):
        one.decay = 0.5 if time > 2.999 else 0.01
        return field

    exact = one.finely(4.0 + DT, faster)
    attach(one, tmp_path, refresh="mechanics")
    one.host.advance(steps(3.0) - 1)
    one.host.set_coefficients("antigen", 30.0, 0.5)
    one.host.advance(steps(4.0) - steps(3.0) + 1)
    assert one.apart(exact) < 0.02


def test_the_host_takes_over_where_a_step_fails_and_the_next_goes_on_from_there(model, tmp_path):
    one, plain = model(), model()
    attach(one, tmp_path, on_error="host")
    for each in (one, plain):
        each.rates[:, 1, 0] = -1.0
        each.put()
        each.host.advance(3)
    np.testing.assert_array_equal(one.host.density("antigen"), plain.host.density("antigen"))
    one.rates[:, 1, 0] = 0.3
    one.put()
    field = one.host.density("antigen")
    one.host.advance(steps(PHENOTYPE) - 3)
    assert one.host.report(1).solves == 1
    assert np.abs(one.host.density("antigen") - field).max() < 0.6


def test_a_table_of_its_own_says_so_too(model, tmp_path):
    one = model()
    path = write_settings(tmp_path, substrates=["oxygen"])
    path.write_text('[substrates.oxygen]\ntolerance = 0.1\n[substrates.antigen]\nstepping = "implicit-euler"\n')
    field = one.host.density("antigen")
    one.host.attach(path)
    one.host.advance()
    np.testing.assert_allclose(one.host.density("antigen"), one.stepped(field, DT), atol=1e-3)


def test_a_word_that_is_not_allowed_is_refused(model, tmp_path):
    with pytest.raises(driver.HostError, match=r"surrogate\.toml, line 2: stepping\.antigen is \'explicit\'"):
        attach(model(), tmp_path, stepping={"antigen": "explicit"})
