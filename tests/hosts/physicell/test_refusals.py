"""What the C++ header refuses to attach to, each in one sentence that names it."""

from __future__ import annotations

import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from surrogate_adapters.physicell import bridge
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import write_settings

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"substrates": ["oxigen"]}, "surrogate.toml: the host has no substrate 'oxigen'; it has oxygen."),
        ({"method": "magic"}, "surrogate.toml, line 2: method is 'magic'"),
        ({"substrates": []}, "substrates is []"),
        ({"tolerance": -1.0}, "tolerance is -1.0"),
        ({"refresh": "often"}, "refresh is 'often'; 'phenotype', 'mechanics' or a number of minutes > 0 is allowed."),
        ({"refresh": 0.0}, "refresh is 0.0; 'phenotype', 'mechanics' or a number of minutes > 0 is allowed."),
        ({"colour": "red"}, "surrogate.toml, line 2 has no setting 'colour'; it has substrates, refresh,"),
        ({"on_error": "panic"}, "on_error is 'panic'; input should be 'stop' or 'host'."),
        ({"log": "no/such/folder.csv"}, "log is 'no/such/folder.csv', which cannot be written: No such file"),
        ({"log": "/tmp"}, "log is '/tmp', which cannot be written: Is a directory."),
    ],
)
def test_settings_that_are_not_allowed_are_refused_when_it_attaches(tissue, tmp_path, keys, sentence):
    host, _ = tissue(17)
    with pytest.raises(driver.HostError) as caught:
        host.attach(write_settings(tmp_path, **keys))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert host.has_own_solver()


@pytest.mark.parametrize(("text", "sentence"), [("substrates = [", "is not TOML"), ("", "substrates is missing")])
def test_a_file_that_is_no_settings_is_refused(tissue, tmp_path, text, sentence):
    host, _ = tissue(18)
    path = tmp_path / "surrogate.toml"
    with pytest.raises(driver.HostError, match="cannot read the settings"):
        host.attach(path)
    path.write_text(text)
    with pytest.raises(driver.HostError, match=sentence):
        host.attach(path)


@pytest.mark.parametrize(
    ("nodes", "spacing_um", "sentence"),
    [
        ((6, 5, 3), 20.0, "has 3 layers of voxels"),
        ((1, 9), 20.0, "has 1 x 9 voxels; at least 2 along x and y"),
    ],
)
def test_only_one_layer_of_voxels_is_taken(library, tmp_path, nodes, spacing_um, sentence):
    host = driver.StandIn(library, nodes, [("oxygen", 1e5, 0.1, 1.0)], spacing_um=spacing_um)
    with pytest.raises(driver.HostError, match=sentence):
        host.attach(write_settings(tmp_path))
    host.release()


@pytest.mark.parametrize(
    ("diffusivity", "decay", "sentence"),
    [
        (-1.0, 0.1, "substrate 'matrix' has diffusion coefficient -1; a finite number >= 0 is allowed"),
        (1e3, -0.5, "substrate 'matrix' has decay rate -0.5; a finite number >= 0 is allowed"),
    ],
)
def test_coefficients_that_no_field_has_are_refused_by_name(library, tmp_path, diffusivity, decay, sentence):
    media = [("oxygen", 1e5, 0.1, 1.0), ("matrix", 1e3, 0.1, 1.0)]
    host = driver.StandIn(library, (17, 12), media)
    host.set_coefficients("matrix", diffusivity, decay)
    with pytest.raises(driver.HostError, match=sentence):
        host.attach(write_settings(tmp_path, substrates=["matrix"]))
    host.release()


def test_attached_once_and_detached_once(tissue, tmp_path):
    host, _ = tissue(19)
    settings = write_settings(tmp_path)
    host.attach(settings)
    assert not host.has_own_solver()
    with pytest.raises(driver.HostError, match="attached already"):
        host.attach(settings)
    host.detach()
    assert host.has_own_solver()
    with pytest.raises(driver.HostError, match="nothing is attached"):
        host.detach()


@pytest.mark.parametrize("given", [("surrogate.toml", ["oxygen"], (6, 5, 1), (20.0,) * 3, (0.0, 0.0)), (1, "new")])
def test_a_program_compiled_with_the_headers_of_another_release_is_told_so(given):
    """The first are the arguments of a header without a number."""
    with pytest.raises(sp.UnsupportedProblemError, match="compiled with the headers of another release"):
        bridge.connect(*given)
