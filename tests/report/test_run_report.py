"""The page of a run is there after the first step and at its end, however it ends, and stops no run."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import surrogate_plugin as sp
from surrogate_plugin.report import writing
from tests.report.runs import config, run, state, text_of
from tests.report.strict import read

PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from tests.report.runs import run
backend = run({steps}, report={path!r})
{then}
"""


def ended(path: Path, then: str, steps: int = 3) -> str:
    root = str(Path(__file__).parents[2])
    program = PROGRAM.format(root=root, steps=steps, path=str(path), then=then)
    subprocess.run([sys.executable, "-c", program], check=False, stderr=subprocess.DEVNULL)
    return read(text_of(path)).text


def test_the_page_is_there_after_the_first_step_and_says_that_the_run_goes_on(tmp_path: Path) -> None:
    backend = run(1, report=tmp_path / "run.html")
    found = read(text_of(tmp_path / "run.html"))
    assert "still going on" in found.text
    assert "1 step, and every field is certified" in found.text
    assert len(found.pictures) == 1
    assert backend.report is not None


def test_the_page_is_written_for_the_last_time_when_the_backend_is_gone(tmp_path: Path) -> None:
    backend = run(5, report=tmp_path / "run.html")
    del backend
    found = read(text_of(tmp_path / "run.html"))
    assert "The run is over." in found.text
    assert "5 steps, and every field is certified" in found.text
    first, last = (picture for picture in found.pictures if picture.startswith("field at step"))
    assert first.startswith("field at step 0, answered by ")
    assert last.startswith("field at step 4, answered by ")
    assert "with 3 cells" in last


#: Started in the background a program may ignore interrupts.
INTERRUPTED = (
    "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler); os.kill(os.getpid(), signal.SIGINT)"
)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("", "The run is over."),
        ("raise ValueError('no <oxygen>')", "The run was ended by ValueError: no <oxygen>."),
        (INTERRUPTED, "The run was ended by KeyboardInterrupt"),
        ("sys.exit(3)", "The run is over."),
    ],
)
def test_however_a_program_ends_its_page_has_all_steps_and_says_how(tmp_path: Path, then: str, said: str) -> None:
    text = ended(tmp_path / "run.html", then)
    assert said in text
    assert "3 steps, and every field is certified" in text


def test_a_program_that_is_killed_leaves_a_whole_page(tmp_path: Path) -> None:
    text = ended(tmp_path / "run.html", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert "still going on" in text


def test_a_run_without_a_step_leaves_a_page_that_says_so(tmp_path: Path) -> None:
    assert "No step was taken." in ended(tmp_path / "run.html", "", steps=0)


def test_what_stopped_a_step_is_said_until_one_is_answered(tmp_path: Path) -> None:
    backend = run(2, report=tmp_path / "run.html")
    assert backend.report is not None
    off = sp.TissueState(cells=sp.Cells([(-50.0, 10.0)], radius_um=8.0, uptake_per_min=1.0))
    with pytest.raises(sp.InvalidProblemError):
        backend.step(off)
    assert "Step 2 of field was not answered: InvalidProblemError" in text_of(backend.report.write())
    backend.step(state(5))
    assert "not answered" not in text_of(backend.report.write())


def test_a_long_run_is_written_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(writing, "_SHARE", 1e9)
    backend = run(4, report=tmp_path / "run.html")
    assert "4 steps, and every field" in text_of(tmp_path / "run.html")
    monkeypatch.setattr(writing, "_SHARE", 1e-9)
    backend.step(state(9))
    assert "4 steps, and every field" in text_of(tmp_path / "run.html")


def test_a_page_that_cannot_be_written_costs_a_warning_and_no_step(tmp_path: Path) -> None:
    backend = sp.Backend(config(report=tmp_path / "run.html"))
    (tmp_path / "run.html").mkdir()
    with pytest.warns(sp.ReportWarning, match=r"run\.html was not written"):
        backend.step(state(0))
    assert backend.step(state(1)).record.step == 1
    (tmp_path / "run.html").rmdir()


@pytest.mark.parametrize("report", ["run.pdf", "run", ".", 3, "file/run.html"])
def test_what_is_no_page_is_refused_before_the_run(
    report: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(sp.InvalidProblemError, match="report is"):
        sp.Backend(config(report=report))


def test_copies_write_no_page(tmp_path: Path) -> None:
    backend = run(2, report=tmp_path / "run.html")
    for twin in (copy.deepcopy(backend), pickle.loads(pickle.dumps(backend))):
        assert twin.report is None
        twin.step(state(7))
    assert backend.report is not None
    assert "2 steps" in text_of(backend.report.write())


def test_of_two_backends_with_one_page_the_newer_writes_it(tmp_path: Path) -> None:
    older = run(3, report=tmp_path / "run.html")
    newer = run(2, report=tmp_path / "run.html")
    del newer
    del older
    assert "2 steps, and every field" in text_of(tmp_path / "run.html")


def test_a_backend_keeps_its_page(tmp_path: Path) -> None:
    backend = run(1, report=tmp_path / "run.html")
    with pytest.raises(sp.InvalidProblemError, match="which a backend keeps"):
        backend.reconfigure(report=tmp_path / "other.html")


def test_further_parts_audits_units_and_titles_are_on_the_page(tmp_path: Path) -> None:
    backend = run(2, report=tmp_path / "run.html")
    report = backend.report
    assert report is not None
    report.title, report.unit = "A tumour", "mmHg"
    report.audit("field", 1.0, "sparse-direct", 1e-3, 0.38)
    report.further.append(lambda page: page.section("What else there is"))
    found = read(text_of(report.write(over=True)))
    for said in ("A tumour", "0.38 mmHg", "sparse-direct", "What else there is", "The run is over."):
        assert said in found.text
