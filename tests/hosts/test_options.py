"""Every `attach` takes the same options: each is there by name, and one that there is not is refused as Python does."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surrogate_adapters.options import Given
from tests.hosts.compucell3d.double import compucell3d_driving as driving

#: What the released `attach` of each host takes by name, beside what is the host's own.
SHARED = {
    "tolerance", "stepping", "time_tolerance", "model", "method", "policy", "device", "record", "report", "settings",
}  # fmt: skip
OWN = {
    "mesa": {"host", "substrates", "spacing_um", "volume_um3", "thickness_um", "space", "vessel_radius_um", "step_min"},
    "pyphysicell": {"simulation", "substrates", "refresh", "move_limit_um", "media"},
    "compucell3d": {"fields", "um_per_pixel", "minutes_per_mcs", "substrates", "shape", "coarsen", "frequency"},
}


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def attaching(host: str) -> Callable[..., Any]:
    if host == "mesa":
        from surrogate_adapters.mesa import attach
    elif host == "pyphysicell":
        from surrogate_adapters.pyphysicell import attach
    else:
        from surrogate_adapters.compucell3d import SurrogateDiffusion as attach
    return attach


@pytest.mark.parametrize("host", OWN)
def test_each_option_is_shown_by_name(host: str) -> None:
    parameters = inspect.signature(attaching(host)).parameters
    assert set(parameters) == SHARED | OWN[host]
    for name in SHARED:
        assert (parameters[name].kind, parameters[name].default) == (inspect.Parameter.KEYWORD_ONLY, None)
    text = inspect.getdoc(attaching(host)) or ""
    described = " ".join(re.findall(r"^([a-z_, 0-9]+) : ", text, flags=re.M))
    assert set(described.replace(",", " ").split()) >= SHARED | OWN[host]


def test_that_is_what_is_declared() -> None:
    assert set(Given.__annotations__) == SHARED


@pytest.mark.parametrize("host", OWN)
def test_an_option_that_there_is_not_is_refused_as_python_refuses_one(host: str) -> None:
    called = "SurrogateDiffusion.__init__" if host == "compucell3d" else "attach"
    sentence = re.escape(f"{called}() got an unexpected keyword argument 'tolerence'")
    with pytest.raises(TypeError, match=f"^{sentence}$"):
        made(host, tolerence=0.38)


def test_an_option_of_none_is_as_not_given(tmp_path: Path) -> None:
    file = tmp_path / "surrogate.toml"
    file.write_text("method = 'exact'\ndevice = 'cpu'\nrefresh = 'mechanics'\n")
    link = made("pyphysicell", settings=file, method=None, device=None, refresh=None)
    assert (link.backend("oxygen").config.method, link.backend("oxygen").config.device) == ("exact", "cpu")
    assert link._substrates[0].refresh == "mechanics"


def made(host: str, **options: Any) -> Any:
    """An attachment to a small simulation."""
    if host == "compucell3d":
        from tests.hosts.compucell3d.double.compucell3d_tissue import oxygen

        return attaching(host)({"oxygen": oxygen()}, um_per_pixel=5.0, minutes_per_mcs=1.0, **options)
    if host == "mesa":
        import mesa
        from mesa.discrete_space import OrthogonalMooreGrid

        from surrogate_adapters.mesa import Substrate

        model = mesa.Model(rng=0)
        model.grid = OrthogonalMooreGrid((12, 8), random=model.random)
        oxygen_there = Substrate(diffusivity_um2_per_min=1e5, decay_per_min=0.1, boundary=38.0)
        return attaching(host)(model, substrates={"oxygen": oxygen_there}, spacing_um=20.0, **options)
    import pyphysicell as pc

    oxygen_held = pc.Substrate("oxygen", dirichlet_faces={"xmin": (True, 38.0)})
    return attaching(host)(pc.Simulation(pc.Model(substrates=[oxygen_held], cell_types=[pc.CellType("a")])), **options)
