"""What is wrong with a settings file is told in one sentence: file, line, key, value, what is allowed, nearest key."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.settings.keys import RUN
from surrogate_plugin.settings.reading import load_settings
from surrogate_plugin.settings.template import settings_text, toml_value
from tests.fuzzing import NASTY, assert_one_sentence, byte_damages, edits, file_damages

OXYGEN = "[substrates.oxygen]\n"


def said_of(tmp_path: Path, content: str | bytes, reader: str | None = None) -> str:
    path = tmp_path / "surrogate.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(sp.InvalidProblemError) as caught:
        load_settings(path, reader)
    assert_one_sentence(caught.value)
    text = str(caught.value)
    assert text.startswith(str(path))
    return text.removeprefix(str(path)).replace(str(tmp_path), "FOLDER")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n\ntolerence = 1", ", line 3: there is no key 'tolerence'; the nearest is 'tolerance'."),
        ("spacing_um = 1", ", line 1: there is no key 'spacing_um'; it belongs into [domain]."),
        ("[domain]\nmodel = 'a'", ", line 2: domain has no key 'model'; it belongs above all tables."),
        ("[domain]\nspacing = 1", ", line 2: domain has no key 'spacing'; the nearest is 'spacing_um'."),
        ("a = 1", ", line 1: there is no key 'a'; substrates, tolerance, method,"),
        ("tolerance = -1", ", line 1: tolerance is -1; allowed is a number > 0, or a table of substrate to these"),
        ("tolerance = nan", ", line 1: tolerance is nan; allowed is"),
        ("tolerance = inf", ", line 1: tolerance is inf; allowed is"),
        ("tolerance = 1e200", ", line 1: tolerance is 1e+200; allowed is"),
        ("tolerance = 1" + "0" * 400, ", line 1: tolerance is an integer of about 10**400; allowed is"),
        ("tolerance = '0.38'", ", line 1: tolerance is '0.38'; allowed is a number > 0"),
        ("tolerance = true", ", line 1: tolerance is True; allowed is a number > 0"),
        ("tolerance.oxygen = 'a'", ", line 1: tolerance.oxygen is 'a'; allowed is a number > 0"),
        ("stepping = 'stedy'", "or a table of substrate to these; the nearest is 'steady'."),
        ("device = 'gpu'", ", line 1: device is 'gpu'; allowed is \"auto\", \"cpu\" or \"cuda\""),
        ("method = 'magic'", ", line 1: method is 'magic'; allowed are 'guarded',"),
        ("model = 'none'", ", line 1: model is 'none'; the models installed are 'default'"),
        ("report = 'a.txt'", ", line 1: report is 'a.txt'; a file whose name ends in .html is allowed."),
        ("record = ''", ", line 1: record is ''; allowed is the name of a folder."),
        ("substrates = 3", ", line 1: substrates is 3; allowed is a list of names, or a table for each"),
        ("substrates = []", ", line 1: substrates is empty; the name of at least one substrate is allowed."),
        ("substrates = ['a',\n 3]", ", line 2: substrates[1] is 3; allowed is a list of names"),
        ("substrates = ['a', 'a']", "substrates twice; each once is allowed."),
        ("substrates = ['a']\ntolerance = { b = 1 }", "the file has tolerance of 'b'; the substrates are a."),
        (OXYGEN + "sides = { lft = 3 }", ", line 2: substrates.oxygen.sides has no key 'lft'; the nearest is 'left'."),
        (OXYGEN + "sides.left.flux = -1", ", line 2: substrates.oxygen.sides.left.flux is -1; allowed is a number"),
        (OXYGEN + "sides = { left = 'periodic' }", "periodic sides come in opposite pairs."),
        (OXYGEN + "sides = { left = 1, xmin = 2 }", "name 'left' twice"),
        (OXYGEN + "sides.left = { flux = 1, value = 2 }", "neither { flux = ... } nor { exchange = ..., value = ... }"),
        ("[[vessels]]\nvalue = 3", ", line 1: vessels[0].position_um is missing; needed are two numbers, [x, y] (um)."),
        ("[[vessels]]\nposition_um = [0, 0]\nradius_um = -3\nvalue = 1",
         ", line 3: vessels[0].radius_um is -3; allowed is a number >= 0"),
        ("[domain]\nshape = [1, 2,\n3]", ", line 2: domain.shape is [1, 2, 3]; allowed are two whole numbers >= 1"),
        ("[domain]\nshape = [\n4.0, 2]", ", line 3: domain.shape[0] is 4.0; allowed are two whole numbers >= 1"),
        ("domain = 3", ", line 1: domain is 3; allowed is a table of its keys."),
        ("[[sources]]\nfile = 'vesels.png'", "which is not there in 'FOLDER'; the nearest there is 'vessels.png'."),
        ("[[sources]]\nfile = '.'", "sources[0].file is '.', which is a folder in"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "vessels.png").touch()
    assert says in said_of(tmp_path, text)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a = 1\r\nmethod = 'exact'\r\nmethod = 'exact'", ", line 3: this is not TOML (method = 'exact'): a key is"),
        (b"x = tru", ", line 1: this is not TOML (x = tru): what stands behind the = is no value; text needs quotes."),
        (b"model = default", ", line 1: this is not TOML (model = default): what stands behind"),
        (b"model = 'default", ", line 1: this is not TOML (model = 'default): quotes are not closed."),
        (b"tolerance 0.38", ", line 1: this is not TOML (tolerance 0.38): a key needs a = and a value."),
        (b"[domain\nshape = 3", ", line 1: this is not TOML ([domain)"),
        (b"\n[domain]\n[domain]", ", line 3: this is not TOML ([domain]): a table is given twice."),
        (b"x = [1,\n2", ", line 2: this is not TOML (2): a bracket is not closed."),
        (b"a = 1\nb = '\xe9'", ", line 2: byte 0xe9 is no text in UTF-8"),
        (b"a = \x00", ", line 1: this is not TOML (a = \\x00)"),
        (b"a = " + b"[" * 20_000, " is not TOML"),
        (b"self = 1", ", line 1: there is no key 'self'"),
        (b'"a\\nb" = 1', ", line 1: there is no key 'a\\nb'"),
        ("\u00fc\u00fc = 1".encode(), ", line 1: this is not TOML"),
    ],
)  # fmt: skip
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in said_of(tmp_path, content)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n# nothing\n", b"\r\n"])
def test_a_file_that_says_nothing_is_all_defaults(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "surrogate.toml"
    path.write_bytes(content)
    read = load_settings(path)
    assert read.settings("oxygen") == sp.Settings()
    assert read.options() == {}


def test_a_mark_of_the_byte_order_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "surrogate.toml"
    path.write_bytes(b"\xef\xbb\xbf" + settings_text().replace("\n", "\r\n").encode())
    assert load_settings(path, RUN).tolerance == 0.38
    path.write_bytes(path.read_bytes() + b"colour = 3\r\n")
    with pytest.raises(sp.InvalidProblemError, match=f"line {settings_text().count(chr(10)) + 1}: "):
        load_settings(path, RUN)


def test_a_folder_or_nothing_is_no_file(tmp_path: Path) -> None:
    for path, says in ((tmp_path, "is a folder"), (tmp_path / "none.toml", "no such file")):
        with pytest.raises(sp.InvalidProblemError, match=says) as caught:
            load_settings(path)
        assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("text", "reader", "says"),
    [
        (OXYGEN + "decay_per_min = 1", "mesa", "line 2: substrates.oxygen.decay_per_min is for a run without a host, "
         "not for mesa, which says it itself; leave it out."),
        ("[domain]\nspacing_um = 1", "pyphysicell", "line 1: domain is for a run without a host, not for pyphysicell"),
        ("on_error = 'stop'", "mesa", "line 1: on_error is for physicell, not for mesa; leave it out."),
        ("refresh = 'phenotype'", RUN, "refresh is for physicell and pyphysicell, and a run without a host does not"),
    ],
)  # fmt: skip
def test_what_is_for_others_is_refused(tmp_path: Path, text: str, reader: str, says: str) -> None:
    assert says in said_of(tmp_path, text, reader)


def test_paths_begin_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "vessels.png").touch()
    path = folder / "surrogate.toml"
    path.write_text("report = 'out/run.html'\nrecord = '/run.zarr'\n[[sources]]\nfile = 'vessels.png'\n")
    monkeypatch.chdir(tmp_path)
    read = load_settings(Path("project/surrogate.toml"))
    assert read.report == Path("project/out/run.html")
    assert read.record == Path("/run.zarr")
    assert read.sources[0].file.samefile(folder / "vessels.png")


def test_tables_of_substrates_win_over_what_is_said_of_all(tmp_path: Path) -> None:
    path = tmp_path / "surrogate.toml"
    path.write_text(
        "tolerance = 0.3\nstepping = { drug = 'implicit-euler' }\nmethod = 'exact'\n"
        "[substrates.oxygen]\ntolerance = 0.38\n[substrates.drug]\n"
    )
    read = load_settings(path)
    assert read.settings("oxygen") == sp.Settings(tolerance=0.38, method="exact")
    assert read.settings("drug") == sp.Settings(tolerance=0.3, method="exact", stepping="implicit-euler")


EVERYTHING: dict[str, Any] = {
    "tolerance": {"oxygen": 0.38},
    "method": "guarded", "policy": "fastest", "model": "default", "device": "cpu", "stepping": "steady",
    "time_tolerance": 0.5, "record": "run.zarr", "report": "run.html", "refresh": 6.0, "on_error": "host",
    "domain": {"size_um": [640.0, 320.0], "spacing_um": 5, "shape": [64, 128], "origin_um": [0.0, 0.0]},
    "substrates": {"oxygen": {
        "decay_per_min": 0.1, "diffusivity_um2_per_min": {"x": 1.0, "y": 2.0}, "uptake_by_type": {"a": 1.0},
        "sides": {"left": {"flux": 2.0}, "top": 38.0, "right": {"exchange": 1.0, "value": 3.0}, "ymin": "absorbing"},
    }},
    "vessels": [{"position_um": [1.0, 2.0], "radius_um": 3, "value": 38.0, "from_min": 1.0, "until_min": 2.0}],
    "time": {"duration_min": 60.0, "dt_min": 1.0},
    "output": {"files": ["a.png"], "colours": "magma", "every_min": 2.0},
}  # fmt: skip


@settings(max_examples=300)
@given(edited=edits(EVERYTHING, NASTY[1:]), reader=st.sampled_from([None, RUN, "mesa"]))
def test_edited_files_are_read_or_refused_in_one_sentence(edited: dict[str, Any], reader: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "surrogate.toml"
        path.write_text("".join(f"{toml_value({key: value})[2:-2]}\n" for key, value in edited.items()))
        try:
            load_settings(path, reader)
        except sp.InvalidProblemError as error:
            assert_one_sentence(error)


@settings(max_examples=200)
@given(damage=byte_damages(), further=file_damages())
def test_damaged_files_are_read_or_refused_in_one_sentence(damage: Any, further: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "surrogate.toml"
        path.write_bytes(damage(settings_text().encode()))
        further(path)
        try:
            load_settings(path, RUN)
        except sp.InvalidProblemError as error:
            assert_one_sentence(error)
