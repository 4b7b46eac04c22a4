"""The guide to Mesa: its code runs, and it lists every option."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from surrogate_adapters.mesa import Substrate, attach

GUIDE = Path(__file__).parents[1] / "adapters" / "surrogate_adapters" / "mesa" / "README.md"


def test_the_guides_code_runs():
    model, readings, water = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "guide"}
    exec(model, names)
    grown = names["model"]
    assert grown.link.history[0].bound <= 0.38
    assert 0 < len(grown.agents_by_type[names["Tumour"]]) < 3000
    exec(readings, names)
    assert names["oxygen"].kinds == (names["Tumour"],)
    exec(water, names)
    seen = names["link"].sample("oxygen", names["swimmer"].position)
    assert 0.0 < seen.item() < 38.0


def test_the_guide_lists_every_option():
    listed = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", GUIDE.read_text(), flags=re.MULTILINE))))
    assert listed == set(inspect.signature(attach).parameters) - {"host"}
    for option in Substrate.model_fields:
        assert option in GUIDE.read_text()
