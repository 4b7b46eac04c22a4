"""`surrogate-plugin physicell init`: what it writes, keeps, prints and edits, up to a program that runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import surrogate_plugin as sp
from surrogate_adapters.physicell import embedding, project
from surrogate_adapters.physicell.commands import app
from surrogate_adapters.physicell.embedding import Embedding, this_python
from surrogate_adapters.physicell.patching import patched_main, patched_makefile
from surrogate_adapters.physicell.settings import Settings, load

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "physicell"
GUIDE = (Path(embedding.__file__).parent / "README.md").read_text()
PYTHON = Embedding(Path("/venv/bin/python"), Path("/py/include"), Path("/py/lib/libpython3.11.so"), "linux")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project as it is before: `examples/physicell/main.cpp` without our two lines."""
    made = tmp_path / "a project"
    shutil.copytree(HERE / "physicell_project", made)
    (made / "BioFVM").mkdir()
    lines = (EXAMPLE / "main.cpp").read_text().splitlines(keepends=True)
    (made / "main.cpp").write_text("".join(line for line in lines if line.strip() not in _our_lines()))
    return made


def _our_lines() -> tuple[str, str]:
    return project.INCLUDE, project.ATTACH


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_writes_header_and_settings_and_nothing_else(folder: Path) -> None:
    before = contents(folder)
    result = run(folder, "--substrates", "oxygen, glucose", "--tolerance", 0.5)
    assert result.exit_code == 0, result.output
    after = contents(folder)
    assert set(after) - set(before) == {project.HEADER, project.SETTINGS}
    assert {name: after[name] for name in before} == before
    assert after[project.HEADER].decode() == project.header_text()
    settings = load(folder / project.SETTINGS)
    assert (settings.names, settings.tolerance) == (["oxygen", "glucose"], 0.5)
    assert settings.python == sys.executable


def test_it_prints_all_that_is_left_to_add(folder: Path) -> None:
    printed = run(folder).output
    for line in (*_our_lines(), project.define_flags(this_python()), project.USE_FLAGS):
        assert line in printed.replace("\n", " ")
    for name in (project.HEADER, project.SETTINGS):
        assert f"wrote  {folder / name}" in printed


def test_a_file_that_differs_is_kept_unless_forced(folder: Path) -> None:
    run(folder)
    (folder / project.SETTINGS).write_text('substrates = ["glucose"]\n')
    again = run(folder)
    assert again.exit_code == 0
    assert load(folder / project.SETTINGS).names == ["glucose"]
    assert re.search(r"kept  .*surrogate\.toml .*--force", again.output)
    assert re.search(r"as it was  .*surrogate_backend\.hpp", again.output)
    assert re.search(r"replaced  .*surrogate\.toml", run(folder, "--force").output)
    assert load(folder / project.SETTINGS).names == ["oxygen"]


@pytest.mark.parametrize(
    ("gone", "says"),
    [(["BioFVM"], "no BioFVM/;"), (["core"], "no core/;"), (["main.cpp", "Makefile"], "no main.cpp nor Makefile;")],
)
def test_what_is_no_project_is_refused_untouched(folder: Path, gone: list[str], says: str) -> None:
    for name in gone:
        shutil.move(folder / name, folder.parent / name)
    before = contents(folder)
    result = run(folder, "--patch")
    assert result.exit_code == 2
    assert says in result.output
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--tolerance", "-1"], "tolerance"),
        (["--tolerance", "nan"], "tolerance"),
        (["--substrates", "oxygen,oxygen"], "substrates"),
        (["--substrates", ","], "substrates"),
    ],
)
def test_settings_that_the_header_would_refuse_are_not_written(folder: Path, options: list[str], says: str) -> None:
    before = contents(folder)
    result = run(folder, *options)
    assert result.exit_code == 2
    assert says in result.output
    assert contents(folder) == before


def test_patching_twice_is_patching_once(folder: Path) -> None:
    before = contents(folder)
    assert run(folder, "--patch").exit_code == 0
    once = contents(folder)
    assert once["main.cpp"] == (EXAMPLE / "main.cpp").read_bytes()
    for name in ("main.cpp", "Makefile"):
        assert once[f"{name}.before-surrogate"] == before[name]
    assert run(folder, "--patch").exit_code == 0
    assert contents(folder) == once


def test_another_python_takes_the_place_of_the_last_flags() -> None:
    text = (HERE / "physicell_project" / "Makefile").read_text()
    other = Embedding(Path("/b/python"), Path("/b/include"), Path("/b/libpython3.12.so"), "linux")
    assert patched_makefile(patched_makefile(text, PYTHON), other) == patched_makefile(text, other)


def test_line_ends_and_odd_bytes_of_a_file_stay(folder: Path) -> None:
    main = b"// caf\xe9\n" + (folder / "main.cpp").read_bytes()
    (folder / "main.cpp").write_bytes(main.replace(b"\n", b"\r\n"))
    assert run(folder, "--patch").exit_code == 0
    edited = (folder / "main.cpp").read_bytes()
    assert edited.startswith(b"// caf\xe9\r\n")
    assert edited.count(b"\n") == edited.count(b"\r\n") == main.count(b"\n") + 2


@pytest.mark.parametrize("damage", ["setup_microenvironment();", '#include "./core/PhysiCell.h"'])
def test_a_main_of_another_pattern_is_refused_and_nothing_written(folder: Path, damage: str) -> None:
    path = folder / "main.cpp"
    path.write_text(path.read_text().replace(damage, "").replace('#include "./modules/', '#include "./other/'))
    before = contents(folder)
    result = run(folder, "--patch")
    assert result.exit_code == 2
    assert "by hand" in result.output
    assert contents(folder) == before


def test_lines_in_comments_are_no_lines() -> None:
    with pytest.raises(sp.InvalidProblemError, match="0 lines setup_microenvironment"):
        patched_main('#include "./core/PhysiCell.h"\n// setup_microenvironment();\n')
    with pytest.raises(sp.InvalidProblemError, match="0 lines that link"):
        patched_makefile("all: main.cpp\n#\t$(CC) -o $(PROGRAM_NAME) main.cpp\n", PYTHON)


def test_a_python_that_cannot_be_embedded_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    with pytest.raises(sp.UnsupportedProblemError, match=r"no shared library libpython9\.9"):
        this_python({"LDVERSION": "9.9", "LIBDIR": str(tmp_path)}.get)
    (tmp_path / "lib").mkdir()
    suffix = "dylib" if sys.platform == "darwin" else "so"
    moved = tmp_path / "lib" / f"libpython9.9.{suffix}"
    moved.touch()
    assert this_python({"LDVERSION": "9.9", "LIBDIR": "/install/lib"}.get).library == moved
    monkeypatch.setattr(embedding.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(sp.UnsupportedProblemError, match=r"no header .*Python\.h"):
        this_python({"LDVERSION": "9.9", "LIBDIR": str(tmp_path / "lib")}.get)


def test_paths_with_blanks_and_dollars_reach_the_compiler_whole() -> None:
    odd = Embedding(Path("/b/python"), Path("/my py/$x"), Path("/my py/libpython3.12.so"), "darwin")
    expected = "SURROGATE_FLAGS := -std=c++17 '-I/my py/$$x' '-L/my py' '-Wl,-rpath,/my py' -lpython3.12"
    assert project.define_flags(odd) == expected


def _toolchain() -> str:
    """What this machine lacks for building the project, or nothing."""
    for tool in ("make", "g++"):
        if shutil.which(tool) is None:
            return f"no {tool}"
    try:
        this_python()
    except sp.UnsupportedProblemError as error:
        return str(error)
    return ""


@pytest.mark.skipif(bool(_toolchain()), reason=f"building needs more: {_toolchain()}")
def test_the_patched_project_builds_and_runs(folder: Path) -> None:
    """The steps of the guide with the settings of the example, on the stand-in."""
    (folder / "output").mkdir()
    assert run(folder, "--patch").exit_code == 0
    python = next(line for line in (folder / project.SETTINGS).read_text().splitlines() if line.startswith("python"))
    (folder / project.SETTINGS).write_text(f"{python}\n{(EXAMPLE / project.SETTINGS).read_text()}")
    built = subprocess.run(
        ["make", f"STAND_IN={HERE / 'physicell_stand_in'}"], cwd=folder, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(folder / "project")], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answered = re.search(r"oxygen: answered by .*, at most (\S+) off", done.stdout)
    assert answered is not None, done.stdout
    assert float(answered[1]) <= 0.38
    assert len((folder / "output" / "surrogate.csv").read_text().splitlines()) > 2


def test_the_guide_shows_what_init_writes_and_prints() -> None:
    shown = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)]
    assert {key for settings in shown for key in settings} == set(Settings.model_fields)
    for settings in shown:
        Settings(**settings)
    code = "\n".join(re.findall(r"```(?:cpp|make)\n(.*?)```", GUIDE, flags=re.DOTALL))
    for line in (*_our_lines(), project.define_flags(PYTHON), project.USE_FLAGS):
        assert line in code


def test_the_guide_tells_of_every_option_of_the_command() -> None:
    for option in re.findall(r"--[a-z]+", run("--help").output):
        assert option in GUIDE or option == "--help"
