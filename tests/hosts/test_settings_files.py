"""Hosts read a settings file: what is said in the code wins, and what the host says itself is refused with its line."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.physicell.choices import load as load_choices
from surrogate_adapters.settings_files import filled
from tests.fuzzing import assert_one_sentence
from tests.hosts.compucell3d.double import compucell3d_driving as driving

FILE = "method = 'exact'\nreport = 'run.html'\nrecord = 'run.zarr'\n[substrates.oxygen]\ntolerance = 0.25\n"


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def pyphysicell(**options: Any) -> sp.Backend:
    import pyphysicell as pc

    from surrogate_adapters.pyphysicell import attach

    tumour = pc.CellType("tumour", secretion={"oxygen": pc.SecretionEntry(uptake_rate=10.0)})
    oxygen = pc.Substrate("oxygen", dirichlet_faces={"xmin": (True, 38.0)})
    sim = pc.Simulation(pc.Model(substrates=[oxygen], cell_types=[tumour]))
    link = attach(sim, **options)
    sim.microenvironment.step(0.01)
    link.detach()
    return link.backend("oxygen")


def mesa(**options: Any) -> sp.Backend:
    import mesa
    from mesa.discrete_space import FixedAgent, OrthogonalMooreGrid

    from surrogate_adapters.mesa import Substrate, attach

    class Vessel(FixedAgent): ...

    model = mesa.Model(rng=0)
    model.grid = OrthogonalMooreGrid((12, 8), random=model.random)
    Vessel(model).cell = model.grid[(3, 4)]
    oxygen = Substrate(diffusivity_um2_per_min=1e5, decay_per_min=0.1, vessels={Vessel: 38.0})
    link = attach(model, substrates={"oxygen": oxygen}, spacing_um=20.0, **options)
    model.step()
    link.detach()
    return link.backend("oxygen")


def vivarium(**options: Any) -> sp.Backend:
    from surrogate_adapters.vivarium import SurrogateDiffusionField

    wall = np.zeros((16, 8), dtype=bool)
    wall[0] = True
    field = SurrogateDiffusionField({
        "molecules": ["oxygen"], "n_bins": [16, 8], "bounds": [160, 80], "depth": 10.0, "diffusion": 1600.0,
        "decay_per_s": 0.1, "fixed": {"oxygen": wall}, "fixed_value": 38.0, "time_step": 10.0, **options,
    })  # fmt: skip
    field.diffuse({"oxygen": np.ones((16, 8))}, timestep=10.0)
    return field.backend("oxygen")


def process_bigraph(**options: Any) -> sp.Backend:
    from process_bigraph import allocate_core

    from surrogate_adapters.process_bigraph import SurrogateDiffusion

    oxygen: dict[str, Any] = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "boundary": {"left": 38.0}}
    if "tolerance" in options:
        oxygen["tolerance"] = options.pop("tolerance")
    options = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    config = {"shape": [8, 16], "spacing_um": 20.0, "substrates": {"oxygen": oxygen}, **options}
    before = copy.deepcopy(config)
    process = SurrogateDiffusion(config, core=allocate_core())
    assert config == before
    process.update({"fields": {"oxygen": np.zeros((8, 16))}}, 60.0)
    return process.backend("oxygen")


def compucell3d(**options: Any) -> sp.Backend:
    from tests.hosts.compucell3d.double.compucell3d_tissue import oxygen, steppable, tissue

    made = steppable({"oxygen": oxygen()}, tolerance=options.pop("tolerance", None), **options)
    tissue(made).start()
    upkeep = made._upkeep
    assert upkeep is not None
    return upkeep.steady.backends["oxygen"]


HOSTS: dict[str, Callable[..., sp.Backend]] = {
    "pyphysicell": pyphysicell,
    "mesa": mesa,
    "vivarium": vivarium,
    "process-bigraph": process_bigraph,
    "compucell3d": compucell3d,
}
every_host = pytest.mark.parametrize("host", HOSTS)


def written(folder: Path, text: str) -> Path:
    path = folder / "surrogate.toml"
    path.write_text(text, encoding="utf-8")
    return path


@every_host
def test_a_file_says_what_the_code_does_not(tmp_path: Path, host: str) -> None:
    backend = HOSTS[host](settings=written(tmp_path, FILE))
    assert (backend.config.tolerance, backend.config.method) == (0.25, "exact")
    # Relative paths begin where the file is.
    assert (tmp_path / "run.zarr").is_dir()
    assert (tmp_path / "run.html").is_file()


@every_host
def test_what_the_code_says_wins(tmp_path: Path, host: str) -> None:
    backend = HOSTS[host](
        settings=written(tmp_path, FILE), tolerance=0.125, method="guarded", report=tmp_path / "b.html"
    )
    assert (backend.config.tolerance, backend.config.method) == (0.125, "guarded")
    assert (tmp_path / "b.html").is_file()
    assert not (tmp_path / "run.html").exists()


@every_host
def test_without_a_file_all_is_as_it_was(host: str) -> None:
    config = HOSTS[host]().config
    defaults = sp.Settings()
    for option in ("model", "method", "policy", "device", "stepping", "time_tolerance"):
        assert getattr(config, option) == getattr(defaults, option)


@every_host
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[substrates.oxygen]\ndecay_per_min = 1.0\n", "line 2: substrates.oxygen.decay_per_min is for a run"),
        ("[substrates.oxygen]\nsides = 'absorbing'\n", "line 2: substrates.oxygen.sides is for a run without"),
        ("on_error = 'host'\n", "line 1: on_error is for physicell, not for "),
        ("\nsubstrates = ['oxigen']\n", "line 2: there is no substrate 'oxigen' in the host; it has oxygen; the"),
        ("tolerance = { oxigen = 1.0 }\n", "line 1: there is no substrate 'oxigen' in the host; it has oxygen;"),
        ("methd = 'exact'\n", "line 1: there is no key 'methd'; the nearest is 'method'."),
    ],
)  # fmt: skip
def test_what_a_host_says_itself_or_has_not_is_refused_with_its_line(
    tmp_path: Path, host: str, text: str, says: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(sp.InvalidProblemError) as caught:
        HOSTS[host](settings=path)
    assert_one_sentence(caught.value)
    assert f"{path}, {says}" in str(caught.value)


def test_files_are_found_or_refused() -> None:
    for given, says in (("none.toml", "no such file"), (3, "settings is 3; the path of a settings file is allowed.")):
        with pytest.raises(sp.InvalidProblemError, match=says):
            filled("mesa", given, ["oxygen"], {})  # type: ignore[arg-type]


def test_options_of_each_substrate_are_filled_in_where_a_mapping_leaves_them_out(tmp_path: Path) -> None:
    file = sp.load_settings(
        written(tmp_path, "tolerance = 0.5\nstepping = { drug = 'implicit-euler' }\nrefresh = 'mechanics'\n"),
        "pyphysicell",
    )
    known = ["oxygen", "drug", "glucose"]
    of = filled("pyphysicell", file, known, {"tolerance": {"drug": 0.1}, "substrates": ["oxygen", "drug"]})
    assert of["tolerance"] == {"oxygen": 0.5, "drug": 0.1}
    assert (of["stepping"], of["refresh"]) == ({"drug": "implicit-euler"}, "mechanics")
    assert filled("pyphysicell", file, known, {"stepping": {"drug": "steady"}})["stepping"] == {"drug": "steady"}
    # Of a substrate that is not answered for here nothing is asked.
    assert filled("pyphysicell", file, known, {"substrates": ["oxygen"]})["stepping"] == {}
    of = filled("pyphysicell", file, known, {"substrates": ["oxygen"], "stepping": "steady", "refresh": "changes"})
    assert (of["tolerance"], of["stepping"], of["refresh"]) == (0.5, "steady", "changes")


def test_the_host_of_a_refresh_says_which_are_its_own(tmp_path: Path) -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"refresh is 6\.0; 'changes', 'phenotype' or 'mechanics'"):
        pyphysicell(settings=written(tmp_path, "refresh = 6.0\n"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("substrates = ['oxygen']\n\ntolerence = 1\n", ", line 3 has no setting 'tolerence'; it has "),
        ("substrates = ['oxygen']\n\ntolerence = 1\n", "; the nearest is 'tolerance'."),
        ("substrates = ['oxygen']\nrefresh = 'often'\n", ", line 2: refresh is 'often'; 'phenotype', 'mechanics' or"),
        ("[substrates.oxygen]\ntolerance = -1\n", ", line 2: substrates.oxygen.tolerance is -1; input should be"),
        ("substrates = ['oxygen'\n", ", line 1: this is not TOML"),
    ],
)
def test_physicells_file_has_lines_too(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(sp.InvalidProblemError) as caught:
        load_choices(path)
    assert_one_sentence(caught.value)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)
