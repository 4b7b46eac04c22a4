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
from stand_ins.physicell import driver
from surrogate_adapters.physicell import embedding, project
from surrogate_adapters.physicell.commands import app
from surrogate_adapters.physicell.embedding import Embedding, this_python
from surrogate_adapters.physicell.headers import header_texts
from surrogate_adapters.physicell.patching import patched_main, patched_makefile
from surrogate_adapters.physicell.settings import Settings, load

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples" / "physicell"
HEADER, SETTINGS = "custom_modules/surrogate_backend.hpp", "config/surrogate.toml"
GUIDE = (Path(embedding.__file__).parent / "README.md").read_text()
PYTHON = Embedding(Path("/venv/bin/python"), Path("/py/include"), Path("/py/lib/libpython3.11.so"), "linux")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project as it is before: `examples/physicell/main.cpp` without our two lines."""
    made = tmp_path / "a project"
    shutil.copytree(HERE / "project", made)
    (made / "BioFVM").mkdir()
    lines = (EXAMPLE / "main.cpp").read_text().splitlines(keepends=True)
    (made / "main.cpp").write_text("".join(line for line in lines if line.strip() not in _our_lines()))
    return made


def _our_lines() -> tuple[str, str]:
    return project.PLACES.include, project.PLACES.attach


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_writes_headers_and_settings_where_make_save_carries_them_and_nothing_else(folder: Path) -> None:
    before = contents(folder)
    result = run(folder, "--tolerance", 0.5)
    assert result.exit_code == 0, result.output
    after = contents(folder)
    written = {f"custom_modules/{name}" for name in header_texts()}
    assert set(after) - set(before) == written | {SETTINGS}
    assert HEADER in written
    assert {name: after[name] for name in before} == before
    settings = load(folder / SETTINGS)
    assert (settings.names, settings.tolerance) == (["oxygen"], 0.5)
    assert settings.python == sys.executable


def test_it_prints_all_that_is_left_to_add(folder: Path) -> None:
    printed = run(folder).output
    for line in (*_our_lines(), project.define_flags(this_python()), project.USE_FLAGS):
        assert line in printed.replace("\n", " ")
    for name in (HEADER, SETTINGS):
        assert f"wrote  {folder / name}" in printed


def test_settings_that_differ_are_kept_and_told_of_unless_forced(folder: Path) -> None:
    run(folder)
    kept = f"python = {sys.executable!r}\nsubstrates = ['oxygen']\nrefresh = 'mechanics'\n"
    (folder / SETTINGS).write_text(kept)
    assert re.search(r"as it was  .*surrogate\.toml", run(folder).output)
    again = run(folder, "--tolerance", 0.5)
    assert again.exit_code == 0
    assert re.search(r"kept  .*surrogate\.toml \(tolerance is None, not 0\.5; --force replaces it\)", again.output)
    assert (folder / SETTINGS).read_text() == kept
    assert re.search(r"replaced  .*surrogate\.toml", run(folder, "--tolerance", 0.5, "--force").output)
    assert load(folder / SETTINGS).tolerance == 0.5
    assert (folder / f"{SETTINGS}.before-surrogate").read_text() == kept


def test_settings_of_another_python_are_told_of(folder: Path) -> None:
    run(folder)
    path = folder / SETTINGS
    path.write_text(path.read_text().replace(sys.executable, "/old/python"))
    assert f"python is '/old/python', not {sys.executable!r}" in run(folder).output


@pytest.mark.parametrize(
    ("wrong", "says"), [("substrates = [", "not TOML"), ('names = ["oxygen"]', "substrates is missing")]
)
def test_wrong_settings_are_not_kept_silently(folder: Path, wrong: str, says: str) -> None:
    (folder / SETTINGS).write_text(wrong)
    before = contents(folder)
    result = run(folder)
    assert result.exit_code == 2
    for part in (str(folder / SETTINGS), says, "--force"):
        assert part in result.output
    assert contents(folder) == before
    assert run(folder, "--force").exit_code == 0
    assert load(folder / SETTINGS).names == ["oxygen"]


def test_where_nothing_fits_nothing_is_written_unless_it_is_named(folder: Path) -> None:
    path = folder / "config" / "PhysiCell_settings.xml"
    path.write_text(path.read_text().replace(">100000<", ">1<"))
    before = contents(folder)
    result = run(folder, "--patch")
    assert result.exit_code == 2
    for part in ("oxygen  left to PhysiCell", "comes to rest in about", "--substrates oxygen"):
        assert part in result.output
    assert contents(folder) == before
    named = run(folder, "--substrates", "oxygen")
    assert named.exit_code == 0
    assert "answered for, as asked, but: oxygen comes to rest" in named.output
    assert load(folder / SETTINGS).names == ["oxygen"]


@pytest.mark.parametrize("content", [None, "<PhysiCell_settings>"])
def test_without_an_xml_that_can_be_read_names_are_taken_on_trust(folder: Path, content: str | None) -> None:
    path = folder / "config" / "PhysiCell_settings.xml"
    path.unlink() if content is None else path.write_text(content)
    result = run(folder, "--substrates", "glucose")
    assert result.exit_code == 0
    assert "nothing is known of the substrates" in result.output.lower()
    assert load(folder / SETTINGS).names == ["glucose"]


def test_a_broken_xml_without_names_is_one_sentence(folder: Path) -> None:
    path = folder / "config" / "PhysiCell_settings.xml"
    path.write_text("<PhysiCell_settings>")
    before = contents(folder)
    result = run(folder)
    assert result.exit_code == 2
    assert f"{path} is not XML: no element found" in result.output
    assert contents(folder) == before


def test_another_configuration_may_be_named(folder: Path) -> None:
    path = folder / "config" / "PhysiCell_settings.xml"
    other = path.rename(folder / "config" / "dense.xml")
    assert f"{other}: 20 x 12 voxels" in run(folder, "--config", other).output
    assert run(folder, "--config", path).exit_code == 2


def test_a_header_of_another_release_is_replaced_and_said_to_be(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(sp, "__version__", "0.0.9")
        run(folder)
    old = (folder / HEADER).read_bytes()
    assert b"surrogate-plugin 0.0.9" in old.splitlines()[0]
    assert re.search(r"replaced  .*backend\.hpp \(it was of surrogate-plugin 0\.0\.9\)", run(folder).output)
    assert (folder / HEADER).read_text() == header_texts()["surrogate_backend.hpp"]
    assert (folder / f"{HEADER}.before-surrogate").read_bytes() == old


def test_a_header_without_a_line_of_a_release_is_replaced(folder: Path) -> None:
    (folder / HEADER).write_text("// an earlier one\n")
    assert re.search(r"replaced  .*backend\.hpp \(it was of an earlier release\)", run(folder).output)
    assert (folder / HEADER).read_text() == header_texts()["surrogate_backend.hpp"]


def test_a_header_that_somebody_edited_is_kept_and_told_of_unless_forced(folder: Path) -> None:
    run(folder)
    with (folder / HEADER).open("a") as file:
        file.write("// mine\n")
    again = run(folder)
    assert re.search(r"kept  .*backend\.hpp \(somebody has edited it .*--force", again.output)
    assert (folder / HEADER).read_text().endswith("// mine\n")
    assert "replaced" in run(folder, "--force").output
    assert (folder / HEADER).read_text() == header_texts()["surrogate_backend.hpp"]


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
        (["--substrates", "oxygn"], "has no substrate 'oxygn'; it has oxygen"),
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


def put_former_files(folder: Path) -> None:
    """A project as an earlier release has set it up: its files beside main.cpp."""
    former = project.FORMER
    text = patched_main((folder / "main.cpp").read_text())
    text = text.replace(project.PLACES.include, former.include).replace(project.PLACES.attach, former.attach)
    (folder / "main.cpp").write_text(text)
    (folder / former.settings).write_text(f"python = {sys.executable!r}\nsubstrates = ['oxygen']\n")
    (folder / project.HEADER).write_text("// an earlier one\n")


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
