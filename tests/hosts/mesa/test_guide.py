"""The guide to Mesa: its code runs, and it lists every option."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach

GUIDE = Path(__file__).parents[3] / "adapters" / "surrogate_adapters" / "mesa" / "README.md"


def test_the_guides_code_runs(capsys):
    model, readings, water, scents, slow = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "guide"}
    exec(model, names)
    grown = names["model"]
    assert grown.link.history[0].bound <= 0.38
    assert 0 < len(grown.agents_by_type[names["Tumour"]]) < 3000
    assert float(capsys.readouterr().out.split()[0]) == 38.0  # before the first step
    exec(readings, names)
    assert names["oxygen"].kinds == (names["Tumour"],)
    exec(water, names)
    seen = names["link"].sample("oxygen", names["swimmer"].position)
    assert 0.0 < seen.item() < 38.0
    names["Ant"] = names["Tumour"]
    exec(scents, names)
    assert names["link"].substrates["trail"].release_per_min.keys() == {names["Tumour"]}
    with pytest.warns(sp.PromiseWarning) as told:
        exec(slow, names)
    said = re.search(r"# PromiseWarning: (.*) \.\.\.", slow)
    assert said is not None
    assert [str(one.message).startswith(said[1]) for one in told] == [True]


def test_the_guide_lists_every_option():
    of_attach, of_substrate = re.findall(
        r"^\| (?:option|setting) of .*\n\|---.*\n((?:\|.*\n)+)", GUIDE.read_text(), re.M
    )
    assert named(of_attach) == set(inspect.signature(attach).parameters) - {"host"}
    assert named(of_substrate) == set(Substrate.model_fields)


def named(table: str) -> set[str]:
    """What stands in the first column."""
    return set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.M))))
