"""What adapters share: a backend a substrate, one history of all of them, and options read in one way."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.options import Options, settings_of
from surrogate_adapters.steady_fields import SteadyFields
from tests.report.strict import read

DOMAIN = sp.Domain.from_lattice((12, 16), 20.0)


def fields(*names: str, **options) -> SteadyFields:
    config = sp.BackendConfig(domain=DOMAIN, diffusivity_um2_per_min=1e5, decay_per_min=0.1, boundary="reflecting")
    return SteadyFields(dict.fromkeys(names, config), **options)


def tissue(value: float) -> sp.TissueState:
    return sp.TissueState(vessels=sp.Vessels([(100.0, 100.0)], 30.0, value))


def test_one_entry_a_field_solved_for_says_why_and_how_long_it_was_held() -> None:
    steady = fields("oxygen", "glucose")
    steady.solve("oxygen", tissue(38.0), 0.0, "first")
    steady.solve("glucose", tissue(5.0), 0.0, "first")
    steady.solve("oxygen", tissue(38.0), 6.0, "phenotype")
    steady.hold("glucose")
    steady.hold("oxygen")
    steady.solve("oxygen", tissue(20.0), 12.0, "moved")
    told = [(entry.substrate, entry.time_min, entry.reason, entry.held) for entry in steady.history]
    assert told == [("oxygen", 0.0, "first", 2), ("glucose", 0.0, "first", 1), ("oxygen", 12.0, "moved", 0)]
    assert steady.latest("oxygen") is steady.history[-1]
    assert steady.method("oxygen") == steady.history[-1].method != "held"


def test_the_field_a_substrate_has_now_is_there() -> None:
    steady = fields("oxygen")
    assert steady.result("oxygen") is None
    result = steady.solve("oxygen", tissue(38.0), 0.0)
    assert steady.result("oxygen") is result


def test_only_the_newest_are_kept_where_that_is_asked_for() -> None:
    steady = fields("oxygen", keep=2)
    for k in range(5):
        steady.solve("oxygen", tissue(10.0 + k), float(k))
    assert [entry.time for entry in steady.history] == [3.0, 4.0]
    assert [record.step for record in steady.backends["oxygen"].records] == [3, 4]
    assert steady.backends["oxygen"].summary().steps == 5


def test_one_substrate_goes_on_otherwise_and_the_others_as_they_were() -> None:
    steady = fields("oxygen", "glucose")
    for name in ("oxygen", "glucose"):
        steady.solve(name, tissue(38.0), 0.0)
    engine = steady.backends["oxygen"].engine
    steady.reconfigure("oxygen", decay_per_min=30.0)
    far = [steady.solve(name, tissue(38.0), 1.0).field.min() for name in ("oxygen", "glucose")]
    assert far[0] < 0.5 * far[1]
    assert [entry.held for entry in steady.history] == [0, 1, 0]
    assert steady.backends["oxygen"].engine is steady.backends["glucose"].engine is engine


def test_another_description_is_taken_up_with_its_history_and_engine() -> None:
    steady = fields("oxygen")
    steady.solve("oxygen", tissue(38.0), 0.0)
    steady.change("oxygen", steady.backends["oxygen"].config.replace(decay_per_min=3.0, michaelis_km=4.0))
    steady.solve("oxygen", tissue(38.0), 1.0)
    assert [record.method == "held" for record in steady.backends["oxygen"].records] == [False, False]
    assert len(steady.history) == 2


@pytest.mark.parametrize(
    ("noun", "said"), [("field", "field 'oxygen': "), ("substrate", "substrate 'oxygen': "), (None, "")]
)
def test_errors_name_the_substrate_as_the_host_calls_it(noun, said) -> None:
    steady = fields("oxygen", noun=noun)
    with pytest.raises(sp.InvalidProblemError, match=rf"^{said}BackendConfig.tolerance is -1"):
        steady.reconfigure("oxygen", tolerance=-1)
    steady.reconfigure("oxygen", decay_per_min=0.0)
    with pytest.raises(sp.InvalidProblemError, match=rf"^{said}the problem has no unique steady state"):
        steady.solve("oxygen", sp.TissueState(), 0.0)
    assert steady.history == []


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda steady: pickle.loads(pickle.dumps(steady))])
def test_a_copy_goes_on_by_itself_over_one_engine_of_its_own(duplicate) -> None:
    steady = fields("oxygen", "glucose")
    steady.solve("oxygen", tissue(38.0), 0.0)
    twin = duplicate(steady)
    twin.solve("oxygen", tissue(20.0), 1.0)
    assert (len(steady.history), len(twin.history)) == (1, 2)
    assert twin.backends["oxygen"].engine is twin.backends["glucose"].engine
    assert twin.backends["oxygen"].engine is not steady.backends["oxygen"].engine
    assert np.array_equal(steady.solve("oxygen", tissue(38.0), 1.0).field, steady.result("oxygen").field)


def test_there_may_be_no_substrate_to_answer_for() -> None:
    assert pickle.loads(pickle.dumps(fields())).history == []


def test_options_are_the_same_for_all_substrates_but_for_the_tolerance() -> None:
    chosen = settings_of(["oxygen", "glucose"], {"glucose": 0.1}, method="exact", policy="surrogate-first")
    assert chosen["oxygen"] == sp.Settings(method="exact", policy="surrogate-first")
    assert chosen["glucose"] == sp.Settings(tolerance=0.1, method="exact", policy="surrogate-first")
    options = Options(tolerance={"glucose": 0.1}, method="exact", policy="surrogate-first")
    assert options.settings(["oxygen", "glucose"]) == chosen


def both() -> SteadyFields:
    """Oxygen, which is steady, and a drug, which goes on in time."""
    settings = settings_of(["oxygen", "drug"], stepping={"drug": "implicit-euler"}, method="exact")
    rates = {"domain": DOMAIN, "diffusivity_um2_per_min": 600.0, "decay_per_min": 0.01, "boundary": "reflecting"}
    return SteadyFields({name: sp.BackendConfig(**rates, **dict(chosen)) for name, chosen in settings.items()})


def test_one_substrate_may_be_steady_beside_another_that_goes_on_in_time() -> None:
    steady = both()
    assert [steady.is_stepping(name) for name in ("oxygen", "drug")] == [False, True]
    for k in range(3):
        for name in ("oxygen", "drug"):
            steady.step(name, tissue(5.0), 6.0 * k, dt_min=6.0)
    told = [(entry.substrate, entry.time, entry.held, entry.record.dt_min) for entry in steady.history]
    drug = [("drug", 6.0 * k, 0, 6.0) for k in range(3)]
    assert told == [("oxygen", 0.0, 2, np.inf), *drug]
    assert (steady.result("drug").field < steady.result("oxygen").field)[0].all()
    with pytest.raises(sp.InvalidProblemError, match=r"^substrate 'drug': dt_min is None"):
        steady.solve("drug", tissue(5.0), 18.0)


def test_what_a_host_holds_is_gone_on_from() -> None:
    steady = both()
    host = np.zeros(DOMAIN.shape, dtype=np.float32)
    host[3, 4] = 50.0
    dose = steady.step("drug", sp.TissueState(), 6.0, 6.0, field=host, reason="dose").field
    assert dose.sum() == pytest.approx(50.0 / 1.06, rel=1e-9)
    again = steady.step("drug", sp.TissueState(), 12.0, 6.0, field=dose.astype(np.float32)).field
    assert again.sum() == pytest.approx(50.0 / 1.06**2, rel=1e-9)
    assert steady.history[0].reason == "dose"
    with pytest.raises(sp.InvalidProblemError, match=r"^substrate 'drug': field has shape \(2, 2\), but the domain"):
        steady.step("drug", sp.TissueState(), 18.0, 6.0, field=np.ones((2, 2)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stepping": "euler"}, "^stepping is 'euler'; allowed are 'steady' and 'implicit-euler', or a mapping of"),
        ({"stepping": {"oxygen": "euler"}}, "^stepping of 'oxygen' is 'euler'; allowed are"),
        ({"stepping": {"drug": "steady"}}, "^stepping names 'drug'; the substrates answered for are oxygen"),
        ({"stepping": None}, "^stepping is None; allowed are"),
        ({"time_tolerance": {"drug": 1.0}}, "^time_tolerance names 'drug'; the substrates answered for are oxygen"),
        ({"time_tolerance": -1.0}, "^time_tolerance is -1.0; a positive finite number is allowed"),
        ({"model": "defualt"}, "^model is 'defualt'; the models installed are"),
        ({"method": "magic"}, "^method is 'magic'; allowed are"),
        ({"policy": "slowest"}, "^policy is 'slowest'; input should be"),
        ({"device": "tpu"}, "^device is 'tpu'; allowed are"),
        ({"tolerance": -1.0}, "^tolerance is -1.0; a positive finite number is allowed"),
        ({"tolerance": {"ambrosia": 1.0}}, "^tolerance names 'ambrosia'; the substrates answered for are oxygen"),
        ({"speed": 9}, "^Settings has no option 'speed'"),
    ],
)
def test_an_option_that_is_not_allowed_is_named_as_the_user_gave_it(given, message) -> None:
    with pytest.raises(sp.InvalidProblemError, match=message):
        settings_of(["oxygen"], **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "defualt"}, "^Lamp: model is 'defualt'; the models installed are"),
        ({"device": "tpu"}, "^Lamp: device is 'tpu'; allowed are"),
        ({"tolerance": -1.0}, "^Lamp: tolerance is -1.0; input should be greater than 0"),
        ({"speed": 9}, "^Lamp has no setting 'speed'; it has watts, model, method, policy, device, tolerance"),
    ],
)
def test_settings_of_an_adapter_refuse_in_its_owners_name(given, message) -> None:
    class Lamp(Options):
        watts: float = 5.0

    with pytest.raises(sp.InvalidProblemError, match=message):
        Lamp(**given)


def test_one_page_has_all_substrates_with_the_hosts_times_and_a_copy_writes_none(tmp_path: Path) -> None:
    steady = fields("oxygen", "glu<cose", report=tmp_path / "run.html", host="mesa")
    for step in range(3):
        for name in ("oxygen", "glu<cose"):
            steady.solve(name, tissue(38.0 - step), 6.0 * step)
    steady.hold("oxygen")
    twin = pickle.loads(pickle.dumps(steady))
    assert twin.report is None
    twin.solve("oxygen", tissue(1.0), 99.0)
    steady.finish()
    found = read((tmp_path / "run.html").read_text(encoding="utf-8"))
    assert "The run is over." in found.text
    assert "oxygen at step 2, time 12" in found.text
    assert "glu<cose at step 2, time 12" in found.text
    assert "held by the host's side" in found.text
    assert "Diffusion in mesa" in found.text
    (tmp_path / "run.html").unlink()
    del steady
    assert not (tmp_path / "run.html").exists()  # it was written for the last time
