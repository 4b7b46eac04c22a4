"""``physicell init --patch``: main.cpp and Makefile with the lines that are needed, once, and a project that builds."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from surrogate_adapters.physicell import embedding, project
from surrogate_adapters.physicell.embedding import Embedding, this_python
from surrogate_adapters.physicell.headers import header_texts
from surrogate_adapters.physicell.patching import patched_main, patched_makefile
from tests.hosts.physicell import projects
from tests.hosts.physicell.projects import (
    EXAMPLE,
    HEADER,
    HERE,
    PYTHON,
    SETTINGS,
    contents,
    put_former_files,
    run,
)

folder = projects.folder


def test_patching_twice_is_patching_once(folder: Path) -> None:
    before = contents(folder)
    assert run(folder, "--patch").exit_code == 0
    once = contents(folder)
    assert once["main.cpp"] == (EXAMPLE / "main.cpp").read_bytes()
    for name in ("main.cpp", "Makefile"):
        assert once[f"{name}.before-surrogate"] == before[name]
    assert run(folder, "--patch").exit_code == 0
    assert contents(folder) == once


def test_a_project_with_its_files_beside_main_goes_on_with_them(folder: Path) -> None:
    put_former_files(folder)
    main = (folder / "main.cpp").read_bytes()
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert "--patch moves" in result.output.replace("\n", " ")
    assert (folder / project.HEADER).read_text() == header_texts()["surrogate_backend.hpp"]
    assert not (folder / HEADER).exists()
    assert not (folder / SETTINGS).exists()
    assert (folder / "main.cpp").read_bytes() == main


def test_patching_takes_such_a_project_to_the_new_places(folder: Path) -> None:
    put_former_files(folder)
    settings = (folder / project.FORMER.settings).read_bytes()
    result = run(folder, "--patch")
    assert result.exit_code == 0, result.output
    assert (folder / "main.cpp").read_bytes() == (EXAMPLE / "main.cpp").read_bytes()
    assert (folder / SETTINGS).read_bytes() == settings
    assert not (folder / project.FORMER.settings).exists()
    assert not (folder / project.HEADER).exists()
    assert (folder / HEADER).exists()


def test_another_python_takes_the_place_of_the_last_flags() -> None:
    text = (HERE / "project" / "Makefile").read_text()
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


def _as_make_save_and_load(saved: Path, fresh: Path) -> None:
    """Into another project what PhysiCell's save and load carry: two files and two folders."""
    shutil.copytree(HERE / "project", fresh)
    for name in ("main.cpp", "Makefile"):
        shutil.copy(saved / name, fresh)
    for name in ("config", "custom_modules"):
        shutil.copytree(saved / name, fresh / name, dirs_exist_ok=True)


@pytest.mark.skipif(bool(_toolchain()), reason=f"building needs more: {_toolchain()}")
def test_what_make_save_carries_of_a_patched_project_builds_and_runs(folder: Path, tmp_path: Path) -> None:
    """The steps of the guide with the settings of the example, on the stand-in."""
    assert run(folder, "--patch").exit_code == 0
    python = next(line for line in (folder / SETTINGS).read_text().splitlines() if line.startswith("python"))
    (folder / SETTINGS).write_text(f"{python}\n{(EXAMPLE / 'surrogate.toml').read_text()}")
    loaded = tmp_path / "loaded"
    _as_make_save_and_load(folder, loaded)
    (loaded / "output").mkdir()
    stand_in = Path(driver.__file__).parent
    built = subprocess.run(["make", f"STAND_IN={stand_in}"], cwd=loaded, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(loaded / "project")], cwd=loaded, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answered = re.search(r"oxygen: answered by .*, at most (\S+) off", done.stdout)
    assert answered is not None, done.stdout
    assert float(answered[1]) <= 0.38
    assert len((loaded / "output" / "surrogate.csv").read_text().splitlines()) > 2

    unsolved = subprocess.run([str(loaded / "project"), "no time"], cwd=loaded, capture_output=True, text=True)
    assert unsolved.returncode == 0, unsolved.stderr
    assert "0 fields solved for" in unsolved.stdout


def test_a_full_disk_leaves_the_files_of_a_project_as_they_were(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(folder)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    result = run(folder, "--patch")
    assert result.exit_code == 2
    assert "could not be written (no space left on device)" in result.stderr
    assert contents(folder) == before
