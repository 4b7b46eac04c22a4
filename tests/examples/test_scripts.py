"""Every example runs in a process of its own and says what it promises; the demo's numbers hold together."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import surrogate_plugin as sp
from surrogate_adapters.demo import Outcome, run
from tests.examples.running import run as run_example
from tests.examples.saying import no_longer_said, page_of
from tests.examples.scripts import EXAMPLES
from tests.report.strict import read

WORDS = {
    "angiogenesis.py": ("8 sprouts carry blood", "oxygen: 73 steps", "picture: angiogenesis.png"),
    "minimal_adapter.py": ("cells read", "off; answered by", "picture: minimal-adapter.png"),
    "minimal_solve.py": ("answered by", "in truth"),
    "backend_without_host.py": ("step 5:", "6 steps:", "largest bound", "picture: backend-without-host.png"),
    "krogh.py": ("first order, spacing 10.00 um: off the formula", "beyond Krogh's cylinder", "picture: krogh.png"),
    "mesa_ants.py": ("answered by", "brought home", "largest bound", "picture: mesa-ants.png"),
    "mesa_spheroid.py": ("answered by", "largest bound", "picture: mesa-spheroid.png"),
    "necrotic_tumour.py": ("living rim", "leaves open whether the cell starves", "picture: necrotic-tumour.png"),
    "process_bigraph_composite.py": (
        "12 h:",
        "latter half from a saved document",
        "picture: process-bigraph-composite.png",
    ),
    "pyphysicell_tumour.py": ("largest certified bound", "answered by sparse direct", "faster by"),
    "retrain_on_a_host.py": (
        "12 states recorded",
        "| certified at 1 % after 2 cycles |",
        "picture: retrain-on-a-host.png",
    ),
    "two_substrates.py": ("change  bound    left in truth", "Cells: 290 respire", "picture: two-substrates.png"),
    "vessel_mask.py": ("Within 0.38 mmHg:", "by an estimate", "picture: vessel-mask.png"),
    "vivarium_lattice.py": ("answered by", "41 fields solved for", "picture: vivarium-lattice.png"),
}
ARGUMENTS = {
    "mesa_ants.py": ("--minutes", "250"),
    "mesa_spheroid.py": ("--small",),
    "pyphysicell_tumour.py": ("--small", "--steps", "2"),
    "retrain_on_a_host.py": ("--small",),
}
#: Those that run here as on their pages.
SHOWN = ("angiogenesis.py", "krogh.py", "minimal_adapter.py", "necrotic_tumour.py", "two_substrates.py")


def test_every_example_is_tested():
    own = {path.name.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert {path.name for path in EXAMPLES.glob("*.py")} <= set(WORDS) | own


@pytest.mark.parametrize("name", WORDS)
def test_an_example_runs_and_says_what_it_promises(name, tmp_path):
    said = run_example(name, *ARGUMENTS.get(name, ()), folder=tmp_path)
    for words in WORDS[name]:
        assert words in said
    if name in SHOWN:
        assert no_longer_said(page_of(name), said) == []
    for drawn in re.findall(r"picture: (\S+\.png)", said):
        with Image.open(tmp_path / drawn) as picture:
            assert min(picture.size) > 300


def test_the_demo_tells_its_options():
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "pyphysicell_tumour.py"), "--help"], capture_output=True, text=True, check=True
    )
    for option in ("--steps", "--cells", "--out", "--small", "--policy"):
        assert option in done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path, str]:
    out = tmp_path_factory.mktemp("demo")
    said = io.StringIO()
    with np.errstate(all="raise", under="ignore"):
        outcome = run(out, steps=3, cells=120, small=True, console=Console(file=said, width=120))
    return outcome, out, said.getvalue()


def test_the_demo_is_within_its_bounds_and_its_bounds_within_the_tolerance(demo):
    outcome, _, _ = demo
    assert len(outcome.audits) == 3
    for audit in outcome.audits:
        assert audit.largest_error <= audit.bound <= outcome.tolerance
    assert outcome.largest_bound <= outcome.tolerance


def test_the_demo_counts_every_field_once(demo):
    outcome, _, _ = demo
    assert sum(outcome.answered.values()) == len(outcome.history)
    assert outcome.phenotype_steps == 3
    assert outcome.cells_before == 120
    assert outcome.vessels == 30
    # What cells changed in a phenotype step is solved for after it, in no step of the host's.
    in_steps = sum(entry.reason != "count" for entry in outcome.history)
    held = sum(entry.held for entry in outcome.history)
    assert in_steps + held == outcome.phenotype_steps * outcome.host_steps


def test_the_demo_writes_pictures_and_a_series_that_can_be_read(demo):
    import pyvista

    outcome, out, said = demo
    for path in outcome.files:
        assert path.is_file()
    for name in ("oxygen.png", "certificate.png"):
        with Image.open(out / name) as picture:
            pixels = np.asarray(picture.convert("L"))
        assert min(pixels.shape) > 500
        assert pixels.std() > 10
    listed = xml.etree.ElementTree.parse(out / "series" / "oxygen.pvd").getroot().iter("DataSet")
    frames = [(float(each.attrib["timestep"]), each.attrib["file"]) for each in listed]
    assert [file for _, file in frames if file.endswith(".vti")] == [f"oxygen_{k:04d}.vti" for k in range(3)]
    assert [time for time, _ in frames] == sorted(time for time, _ in frames)
    last = pyvista.read(out / "series" / "oxygen_0002.vti")
    assert last.dimensions == (64, 64, 1)
    assert float(last["oxygen"].max()) == pytest.approx(38.0, rel=1e-6)
    assert last["oxygen"][last["vessel"] == 1] == pytest.approx(38.0, rel=1e-6)
    assert last.field_data["error_bound"][0] == outcome.history[-1].bound <= last.field_data["tolerance"][0]
    assert (last.field_data["method"][0], last.field_data["units"][0]) == (outcome.history[-1].method, "mmHg")
    with Image.open(out / "oxygen.png") as picture:
        assert float(picture.text["error_bound"]) == outcome.history[-1].bound
    cells = pyvista.read(out / "series" / "oxygen_cells_0002.vtp")
    assert cells.n_points == outcome.cells_after
    for name in outcome.answered:
        assert f"{outcome.answered[name]}" in said


def test_the_demo_ends_with_a_page_that_has_all_of_it_and_says_where(demo):
    outcome, out, said = demo
    assert f"All of it is on one page: {out / 'report.html'}" in said.replace("\n", "")
    found = read((out / "report.html").read_text(encoding="utf-8"))
    assert "The run is over." in found.text
    assert f"{outcome.largest_bound:.3g} mmHg, within the tolerance of 0.38 mmHg" in found.text
    for audit in outcome.audits:
        assert f"{audit.largest_error:.4g}" in found.cells
    assert "Oxygen around the tumour at the end" in found.text
    assert len(found.pictures) == 7


def test_the_demo_says_what_it_cannot_do(tmp_path):
    with pytest.raises(sp.InvalidProblemError, match="steps is 0"):
        run(tmp_path, steps=0, small=True)
