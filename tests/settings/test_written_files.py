"""What `init` writes is complete and valid, whichever of its lines is said; and the schema agrees with the reader."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from surrogate_adapters.physicell.choices import load as load_choices
from surrogate_plugin.cli import app
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.keys import RUN, facts
from surrogate_plugin.settings.reading import load_settings
from surrogate_plugin.settings.schema import json_schema
from surrogate_plugin.settings.template import settings_text
from surrogate_plugin.settings.walking import every_table
from tests.fuzzing import NASTY, edits

HOSTS = [None, "physicell", "pyphysicell", "mesa", "vivarium", "process-bigraph", "compucell3d"]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the files that the written ones name."""
    for name in ("vessels.png", "cells.csv", "diffusivity.npy", "decay.npy"):
        (tmp_path / name).touch()
    return tmp_path


def uncommented(text: str) -> list[str]:
    """The text with each of its keys said that is not; one in a table that is not said, with what that table needs."""
    lines, found, header, needed = text.split("\n"), [], None, []
    for number, line in enumerate(lines):
        if line.startswith(("[", "#[")):
            header = number if line.startswith("#[") else None
            needed = [n for n in range(number, _end(lines, number)) if _needs(lines, n)] if header is not None else []
        if line.startswith("#") and not line.startswith(("# ", "#:", "#[")):
            said = {number, *needed} | (set() if header is None else {header})
            found.append("\n".join(each[1:] if n in said else each for n, each in enumerate(lines)))
    return found


def _end(lines: list[str], start: int) -> int:
    return next((n for n in range(start + 1, len(lines)) if lines[n].startswith(("[", "#["))), len(lines))


def _needs(lines: list[str], number: int) -> bool:
    """Whether a key is needed, as the comment above it says at its end."""
    return not lines[number].startswith("# ") and lines[number - 1].endswith("Needed.")


@pytest.mark.parametrize("host", HOSTS)
def test_written_files_stay_valid_whichever_line_is_said(folder: Path, host: str | None) -> None:
    text, path = settings_text(host), folder / "surrogate.toml"
    every = [text, *uncommented(text)]
    assert len(every) > 10
    for each in every:
        path.write_text(each, encoding="utf-8")
        load_settings(path, host or RUN)
        VALIDATOR.validate(tomllib.loads(each))
        if host == "physicell":
            assert load_choices(path).names == ["oxygen"]


@pytest.mark.parametrize("host", HOSTS)
def test_written_files_have_every_key_of_their_reader(host: str | None) -> None:
    text = settings_text(host)
    for header, table in every_table(SettingsFile):
        for name, field in table.model_fields.items():
            readers = facts(field).get("readers", [])
            is_table = f"[{name}" in text or name in ("domain", "vessels", "sources", "cells", "time", "output")
            read = not readers or (host or RUN) in readers
            if header in ("", "[substrates.NAME]") and read and not is_table:
                assert f"\n{name} = " in text or f"\n#{name} = " in text, name
            if readers and not read:
                assert f"\n#{name} = " not in text or host is None


def test_every_line_can_be_read_on_a_narrow_terminal() -> None:
    for host in HOSTS:
        assert max(map(len, settings_text(host).split("\n"))) <= 100


def test_a_picture_is_solved_around(folder: Path) -> None:
    path = folder / "surrogate.toml"
    path.write_text(settings_text(picture="vessels.png"))
    read = load_settings(path, RUN)
    assert [source.file for source in read.sources] == [folder / "vessels.png"]
    assert not read.vessels


def test_init_writes_settings_and_their_schema_and_replaces_nothing(tmp_path: Path) -> None:
    path, run = tmp_path / "my run.toml", CliRunner()
    made = run.invoke(app, ["init", str(path)])
    assert made.exit_code == 0
    assert path.read_text(encoding="utf-8").startswith("#:schema ./surrogate.schema.json\n")
    written = json.loads((tmp_path / "surrogate.schema.json").read_text(encoding="utf-8"))
    assert written == json_schema() == json.loads(run.invoke(app, ["schema"]).output)
    path.write_text("mine")
    again = run.invoke(app, ["init", str(path)])
    assert again.exit_code == 2
    assert "--force" in again.output
    assert path.read_text() == "mine"
    assert run.invoke(app, ["init", str(path), "--force", "--host", "mesa"]).exit_code == 0
    assert "mesa" in path.read_text(encoding="utf-8")
    (tmp_path / "surrogate.schema.json").write_text("{}")
    assert run.invoke(app, ["init", str(tmp_path / "b.toml")]).exit_code == 2
    assert (tmp_path / "surrogate.schema.json").read_text() == "{}"
    assert not (tmp_path / "b.toml").exists()
    wrong = run.invoke(app, ["init", str(tmp_path / "b.toml"), "--host", "excel"])
    assert wrong.exit_code == 2
    assert "mesa" in wrong.output


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


FULL: dict[str, Any] = {
    "tolerance": {"oxygen": 0.38},
    "policy": "fastest",
    "time_tolerance": 0.5,
    "refresh": 6.0,
    "domain": {"size_um": [640.0, 320.0], "spacing_um": 5, "outside": "drop"},
    "substrates": {"oxygen": {"decay_per_min": 0.1, "sides": {"left": {"flux": 2.0}, "top": 38.0}}},
    "vessels": [{"position_um": [1.0, 2.0], "radius_um": 3, "value": 38.0}],
    "time": {"duration_min": 60.0, "dt_min": 1.0},
    "output": {"colours": "magma", "every_min": 2.0},
}
#: What only files and the package know, or JSON does not, is nothing for a schema.
BEYOND = ("method", "model", "record", "report", "files", "file")


@settings(max_examples=300)
@given(edited=edits(FULL, [each for each in NASTY if each is not None and not isinstance(each, float)] + [-0.5, 0.5]))
def test_what_the_schema_refuses_the_reader_does(edited: dict[str, Any]) -> None:
    try:
        SettingsFile.model_validate(edited)
    except (ValueError, InvalidProblemError):
        return
    VALIDATOR.validate(edited)


@given(kind=st.sampled_from(["tolerence", "policy", "shape"]))
def test_the_schema_refuses_what_editors_are_to_show(kind: str) -> None:
    wrong: dict[str, Any] = {"tolerence": 1.0, "policy": "slowest", "shape": 3}
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({kind: wrong[kind]})
