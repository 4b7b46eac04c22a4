"""``physicell init``: what it writes beside a project, keeps of what is there, and refuses."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

import surrogate_plugin as sp
from surrogate_adapters.physicell import project
from surrogate_adapters.physicell.choices import Choices, load
from surrogate_adapters.physicell.embedding import this_python
from surrogate_adapters.physicell.headers import header_texts
from tests.hosts.physicell import projects
from tests.hosts.physicell.projects import GUIDE, HEADER, PYTHON, SETTINGS, contents, our_lines, run
from tests.hosts.physicell.settings_files import variable, write

folder = projects.folder


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
    for line in (*our_lines(), project.define_flags(this_python()), project.USE_FLAGS):
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
    assert "answered for in time (implicit-euler), as asked: oxygen comes to rest" in named.output
    written = load(folder / SETTINGS)
    assert written.names == ["oxygen"]
    assert written.settings(["oxygen"])["oxygen"].stepping == "implicit-euler"


def test_what_is_slower_than_a_phenotype_step_is_proposed_to_be_stepped(folder: Path) -> None:
    """Oxygen that is held, a drug that sides hold and that spreads slowly, and a virus that nothing but decay ends."""
    virus = variable("virus", 1e3, 0.0, condition="false")
    drug = variable("my drug", 100.0, 0.001, options={"xmin": ("true", 1.0)})
    write(folder, variable("oxygen", options={"xmin": ("true", 38.0)}), drug, virus)
    assert run(folder).exit_code == 0
    path = folder / SETTINGS
    text = path.read_text()
    lines = text.splitlines()
    at = lines.index('# stepping = { "my drug" = "implicit-euler", virus = "implicit-euler" }')
    assert lines[at + 1 :] == [
        "# - my drug comes to rest in about 503 min, and a phenotype step is 6 min: it spreads over 1000 um with "
        "100 um^2/min, and it decays at 0.001/min.",
        "# - virus never comes to rest, and a phenotype step is 6 min: no side holds it, and it decays at 0/min.",
    ]
    assert load(path).names == ["oxygen"]
    # Done as it says, it is what the settings say.
    path.write_text(text.replace("# stepping", "stepping").replace('["oxygen"]', '["oxygen", "my drug", "virus"]'))
    asked = load(path).settings(["oxygen", "my drug", "virus"])
    assert [asked[name].stepping for name in asked] == ["steady", "implicit-euler", "implicit-euler"]


def test_where_all_comes_to_rest_the_settings_say_why_and_nothing_is_stepped(folder: Path) -> None:
    run(folder)
    text = (folder / SETTINGS).read_text()
    assert "stepping" not in text
    [why] = [line for line in text.splitlines() if line.startswith("# - ")]
    assert re.fullmatch(r"# - oxygen comes to rest in about [\d.]+ min, and a phenotype step is 6 min: .*", why)


def test_what_is_named_and_slow_is_stepped_beside_what_is_steady(folder: Path) -> None:
    virus, drug = variable("virus", 1e3, 0.0, condition="false"), variable("my drug", 100.0, 0.001)
    write(folder, variable("oxygen"), drug, virus)
    assert run(folder, "--substrates", "oxygen,my drug").exit_code == 0
    text, asked = (folder / SETTINGS).read_text(), load(folder / SETTINGS).settings(["oxygen", "my drug"])
    assert [asked[name].stepping for name in asked] == ["steady", "implicit-euler"]
    assert text.index("# - oxygen comes to rest") < text.index("stepping = {") < text.index("# - my drug comes to rest")
    assert '# stepping = { virus = "implicit-euler" }' in text


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


def test_the_guide_shows_what_init_writes_and_prints() -> None:
    shown = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)]
    assert {key for settings in shown for key in settings} == set(Choices.model_fields)
    for settings in shown:
        Choices(**settings)
    code = "\n".join(re.findall(r"```(?:cpp|make)\n(.*?)```", GUIDE, flags=re.DOTALL))
    for line in (*our_lines(), project.define_flags(PYTHON), project.USE_FLAGS):
        assert line in code


def test_the_guide_tells_of_every_option_of_the_command() -> None:
    for option in re.findall(r"--[a-z]+", run("--help").output):
        assert option in GUIDE or option == "--help"
