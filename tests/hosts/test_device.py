"""`device=` through every door: functions, backends, every host, the settings file, the commands.

Each door is asked for each device, and for one that there is not. What it comes to is the device of the engine behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import surrogate_plugin as sp
from surrogate_adapters.options import Options, settings_of
from surrogate_adapters.physicell.choices import load
from surrogate_adapters.physicell.commands import app as physicell
from surrogate_adapters.physicell.fields import Fields
from surrogate_adapters.steady_fields import SteadyFields
from surrogate_plugin.cli.tree import app
from surrogate_plugin.engine.request import DEVICES
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.physicell import projects
from tests.hosts.test_settings_files import HOSTS, every_host, written

DOMAIN = sp.Domain.from_lattice((8, 16), 20.0)
folder = projects.folder
MEDIUM = {"domain": DOMAIN, "diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1}


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def config(**options: Any) -> sp.BackendConfig:
    return sp.BackendConfig(**MEDIUM, **options)


def bridge(tmp_path: Path, device: str) -> sp.Backend:
    path = written(tmp_path, f"substrates = ['oxygen']\ndevice = {device!r}\n")
    return Fields(load(path), {"oxygen": (1e5, 0.1)}, DOMAIN)._steady.backends["oxygen"]


#: What leads to an engine without a host; of a folder for files, and the device.
DOORS: dict[str, Callable[[Path, str], Any]] = {
    "Engine": lambda _, device: sp.Engine(device=device),
    "EngineSettings": lambda _, device: sp.EngineSettings(device=device).engine(),
    "Settings": lambda _, device: sp.Settings(device=device).engine(),
    "BackendConfig": lambda _, device: sp.Backend(config(device=device)).engine,
    "SteadyFields": lambda _, device: SteadyFields({"a": config(device=device)}).backends["a"].engine,
    "an adapter's Options": lambda _, device: Options(device=device).settings(["a"])["a"].engine(),
    "settings_of": lambda _, device: settings_of(["a"], device=device)["a"].engine(),
    "a settings file": lambda folder, device: (
        sp.load_settings(written(folder, f"device = {device!r}\n"), "mesa").settings("a").engine()
    ),
    "PhysiCell's bridge": lambda folder, device: bridge(folder, device).engine,
}
every_device = pytest.mark.parametrize("device", DEVICES)


@pytest.mark.parametrize("door", DOORS)
@every_device
def test_what_is_asked_for_is_the_engines(tmp_path: Path, door: str, device: str) -> None:
    assert DOORS[door](tmp_path, device).device == device


@every_host
def test_what_a_host_is_asked_for_is_the_engines(tmp_path: Path, host: str) -> None:
    backend = HOSTS[host](device="cpu", method="exact")
    assert (backend.config.device, backend.engine.device) == ("cpu", "cpu")
    file = written(tmp_path, "device = 'cpu'\nmethod = 'exact'\n")
    assert HOSTS[host](settings=file).engine.device == "cpu"
    assert HOSTS[host](settings=file, device="cuda").engine.device == "cuda"  # what the code says wins
    assert HOSTS[host](method="exact").engine.device == "auto"


@pytest.mark.parametrize("door", DOORS)
def test_a_device_that_there_is_not_is_refused_in_a_sentence(tmp_path: Path, door: str) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        DOORS[door](tmp_path, "tpu")
    _assert_refused(str(caught.value))


@every_host
def test_a_host_refuses_one_that_there_is_not(host: str) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        HOSTS[host](device="tpu")
    _assert_refused(str(caught.value))


def test_functions_refuse_one_that_there_is_not() -> None:
    problem = sp.Problem(np.eye(8), decay=0.1)
    for call in (
        lambda: sp.solve(problem, device="tpu"),
        lambda: sp.advance(problem, np.zeros((8, 8)), 1.0, device="tpu"),
        lambda: sp.solve_many([problem], device="tpu"),
    ):
        with pytest.raises(sp.InvalidProblemError) as caught:
            call()
        _assert_refused(str(caught.value))


def _assert_refused(sentence: str) -> None:
    devices = sentence.partition("device is 'tpu'; allowed ")[2]
    assert re.findall(r"\w{3,}", devices) == ["are", "auto", "cpu", "cuda"] or devices.startswith('is "auto", "cpu" or')
    assert "\n" not in sentence


SCENE = """device = "cpu"
method = "exact"
[domain]
shape = [8, 16]
spacing_um = 20.0
[[vessels]]
position_um = [100.0, 80.0]
radius_um = 30.0
value = 38.0
[substrates.oxygen]
diffusivity_um2_per_min = 1e5
decay_per_min = 0.1
"""


def test_run_takes_the_files_device_or_that_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engines = []
    begin = sp.Backend.__init__

    def beginning(self: sp.Backend, *given: Any, **options: Any) -> None:
        begin(self, *given, **options)
        engines.append(self.engine.device)

    monkeypatch.setattr(sp.Backend, "__init__", beginning)
    path = written(tmp_path, SCENE)
    for further in ([], ["--device", "cuda"]):
        made = CliRunner().invoke(app, ["run", str(path), "--json", *further])
        assert made.exit_code == 0, made.output
        assert json.loads(made.stdout)["finished"]
    assert engines == ["cpu", "cuda"]
    refused = CliRunner().invoke(app, ["run", str(path), "--device", "tpu"])
    assert (refused.exit_code, "device is 'tpu'" in refused.output) == (2, True)


def test_physicell_init_writes_the_device_that_is_asked_for(folder: Path) -> None:
    made = CliRunner().invoke(physicell, ["init", str(folder), "--device", "cuda"])
    assert made.exit_code == 0, made.output
    assert load(folder / projects.SETTINGS).device == "cuda"
    again = CliRunner().invoke(physicell, ["init", str(folder), "--device", "cpu"])
    assert "device is 'cuda', not 'cpu'; --force replaces it" in " ".join(again.output.split())
    refused = CliRunner().invoke(physicell, ["init", str(folder), "--device", "tpu"])
    assert (refused.exit_code, "device is 'tpu'" in refused.output) == (2, True)


def test_where_there_is_no_gpu_a_flag_says_so_and_the_cpu_answers() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    backends = SteadyFields({name: config(device="cuda", tolerance=0.1) for name in ("oxygen", "glucose")}).backends
    decay = sp.Voxels(decay_per_min=np.linspace(0.1, 0.3, 128).reshape(8, 16))
    state = sp.TissueState(vessels=sp.Vessels([(100.0, 80.0)], 30.0, 38.0), voxels=decay)
    for result in sp.step_together(list(backends.values()), [state, state]):
        assert [flag.reason for flag in result.record.flags] == [sp.Reason.NO_DEVICE]
        assert result.record.bound <= 0.1
