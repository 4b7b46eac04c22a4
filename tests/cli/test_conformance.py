"""What holds for every command there is: help, examples, exit codes, colours, widths, Ctrl-C, and wrong options."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner, Result

from surrogate_plugin.cli import app
from surrogate_plugin.cli.help import PANELS
from tests.cli.walking import GROUPS, LEAVES, ROOT, arguments_of

#: Commands that print and do nothing else: there is nothing to be quiet about.
PRINTS_ALONE = {"hosts"}
every = pytest.mark.parametrize("name", LEAVES)
everything = pytest.mark.parametrize("name", [*LEAVES, *GROUPS])


def run(*arguments: str, width: int = 80, **environment: str | None) -> Result:
    known = {"COLUMNS": str(width), "NO_COLOR": None, "FORCE_COLOR": None, "CLICOLOR_FORCE": None, **environment}
    return CliRunner().invoke(app, list(arguments), env=known)


@everything
def test_help_says_what_it_does_and_how_it_is_called(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == run(*name.split(), "-h").stdout == run("help", *name.split()).stdout
    assert f"Usage: surrogate-plugin {name}".rstrip() in result.stdout
    assert result.stdout.splitlines()[0].strip()[-1] in ".,:;" or len(result.stdout.splitlines()[0]) > 60


@every
def test_everything_that_may_be_given_is_explained(name: str) -> None:
    for parameter in LEAVES[name].command.params:
        assert (parameter.help or "").strip(), parameter.name
        assert parameter.help.rstrip().endswith((".", ")")), parameter.help


@everything
@pytest.mark.parametrize("width", [50, 200])
def test_help_fits_and_nothing_is_cut_off(name: str, width: int) -> None:
    lines = run(*name.split(), "--help", width=width).stdout.splitlines()
    assert max(map(len, lines)) <= min(width, 100)
    assert not any("…" in line for line in lines)
    if name in LEAVES:
        shown = " ".join(" ".join(lines).split())
        for option in LEAVES[name].options:
            assert option in shown or not option.startswith("-")


@every
def test_examples_can_be_read(name: str) -> None:
    leaf = LEAVES[name]
    assert leaf.sections.examples
    for example in leaf.sections.examples:
        assert leaf.context(arguments_of(example, leaf.path)).params
        assert example.split()[-1] in run(*leaf.path, "--help", width=200).stdout


@every
def test_exit_codes_are_told(name: str) -> None:
    codes = LEAVES[name].sections.exit_codes
    assert {0, 2, 130} <= set(codes) <= {0, 1, 2, 130}
    shown = run(*name.split(), "--help", width=200).stdout.partition("Exit codes:")[2]
    for code, said in codes.items():
        assert f"  {code}" in shown
        assert said[:40] in shown


@every
def test_programs_and_scripts_are_thought_of(name: str) -> None:
    leaf = LEAVES[name]
    assert "--json" in leaf.options
    assert leaf.sections.json
    assert "--quiet" in leaf.options or name in PRINTS_ALONE


def test_one_name_means_one_thing() -> None:
    """A short option stands for the same long one everywhere, or for one of the same kind."""
    kinds = {
        "-o": {"--output", "--out"},
        "-q": {"--quiet"},
        "-v": {"--verbose"},
        "-s": {"--substrate"},
        "-h": {"--help"},
    }
    for leaf in LEAVES.values():
        for parameter in leaf.command.params:
            for short in (name for name in parameter.opts if len(name) == 2):
                assert set(parameter.opts) & kinds[short], (leaf.name, parameter.opts)
            assert not any("_" in name for name in parameter.opts if name.startswith("--"))


def test_commands_are_grouped() -> None:
    headings = [
        line[:-1] for line in run("--help", width=200).stdout.splitlines() if line.endswith(":") and line[0] != " "
    ]
    assert headings == [*PANELS, "Options", "Examples"]


@everything
def test_colours_come_where_they_are_wanted_alone(name: str) -> None:
    asked = (*name.split(), "--help")
    plain = run(*asked).stdout
    for wanted in ({"FORCE_COLOR": "1"}, {"CLICOLOR_FORCE": "1"}, {"FORCE_COLOR": "1", "TERM": "dumb"}):
        coloured = run(*asked, **wanted).stdout
        assert "\x1b[" in coloured
    for unwanted in ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"CLICOLOR": "0"}, {"FORCE_COLOR": "0"}, {"TERM": "dumb"}):
        assert run(*asked, **unwanted).stdout == plain
    assert "\x1b" not in plain


@every
def test_a_wrong_option_is_told_without_escapes_and_with_2(name: str) -> None:
    result = run(*name.split(), "--xyzzy", NO_COLOR="1", FORCE_COLOR="1")
    assert result.exit_code == 2
    assert result.stdout == ""
    first, second, *_ = result.stderr.splitlines()
    assert first == "Error: there is no option --xyzzy."
    assert second.startswith(f"Usage: surrogate-plugin {name}")
    assert "\x1b" not in result.stderr


@every
def test_ctrl_c_is_one_sentence_and_130(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**arguments: Any) -> None:
        raise KeyboardInterrupt

    leaf = LEAVES[name]
    monkeypatch.setattr(leaf.command, "callback", interrupted)
    with pytest.raises(SystemExit) as left:
        ROOT.main([*leaf.path, *arguments_of(leaf.sections.examples[0], leaf.path)], "surrogate-plugin")
    said = capsys.readouterr()
    assert left.value.code == 130
    assert said.out == ""
    assert said.err.strip() == "Stopped."
