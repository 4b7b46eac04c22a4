"""Variables of the environment that numba and matplotlib read: what keeps them from working is a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from surrogate_plugin import calibration, compiling, folders
from surrogate_plugin.errors import UnusableEnvironmentError
from surrogate_plugin.files import draw_example
from surrogate_plugin.surrogate.card import ModelCard
from tests.fuzzing import assert_one_sentence
from tests.surrogate.test_model import change_card, write_model

SOLVE = """
import numpy as np, surrogate_plugin as sp
sp.solve(sp.Problem(np.eye(8)))
"""


def ran(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | variables
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("variable", [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_NUM_THREADS": "0"}])
def test_where_numba_compiles_nothing_that_is_said_in_one_sentence(tmp_path: Path, variable: dict[str, str]) -> None:
    (name,) = variable
    done = ran("-c", SOLVE, **variable)
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last.startswith(f"surrogate_plugin.errors.UnusableEnvironmentError: {name} is ")
    done = ran("-m", "surrogate_plugin", "solve", str(picture(tmp_path)), **variable)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"Error: {name} is ")
    assert said.endswith(".")


def picture(folder: Path) -> Path:
    draw_example(folder / "vessels.png")
    return folder / "vessels.png"


@pytest.mark.parametrize("said", ["", "0", "x", "1.5", " 0 "])
def test_what_numba_makes_nothing_of_is_left_to_it(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", said)
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    compiling.check_compiler()


def test_once_numba_is_there_it_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    compiling.check_compiler()
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    with pytest.raises(UnusableEnvironmentError) as caught:
        compiling.check_compiler()
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("backend", ["nope", "module://nowhere"])
def test_commands_draw_whatever_windows_matplotlib_was_to_open(tmp_path: Path, backend: str) -> None:
    drawn = tmp_path / "field.png"
    done = ran("-m", "surrogate_plugin", "solve", str(picture(tmp_path)), "-o", str(drawn), "-q", MPLBACKEND=backend)
    assert (done.returncode, done.stderr) == (0, "")
    assert drawn.is_file()


def test_without_a_home_nothing_is_kept_and_all_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has neither a HOME nor a name."""

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    for name in ("SURROGATE_PLUGIN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's
        folders.cache_folder().mkdir(parents=True)
    calibration.remember("a test of a machine without a home", 0.5)


REWRITE = """
import sys
from pathlib import Path
from surrogate_plugin.surrogate.card import ModelCard
from surrogate_training.documents import write_into
card, document = map(Path, sys.argv[1:])
ModelCard.read(card).write(card)
write_into(document, "figures", "| 5 \\u00b5m |\\n")
"""


def test_files_are_text_in_utf_8_whatever_the_locale_says(tmp_path: Path) -> None:
    card, document = write_model(tmp_path).with_suffix(".json"), tmp_path / "document.md"
    change_card(card, name="Gefäße")
    document.write_text("Größe\n<!-- figures -->\n<!-- end of figures -->\n", encoding="utf-8")
    poor = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = ran("-c", REWRITE, str(card), str(document), **poor)
    assert done.returncode == 0, done.stderr
    assert ModelCard.read(card).name == "Gefäße"
    said = document.read_text(encoding="utf-8")
    assert said == "Größe\n<!-- figures -->\n| 5 µm |\n<!-- end of figures -->\n"
