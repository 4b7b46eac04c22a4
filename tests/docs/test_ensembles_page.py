"""The page on ensembles: what it begins with runs as a script, and its store is what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from surrogate_plugin import ensemble
from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "ensembles.md").read_text(encoding="utf-8")


def test_the_first_ensemble_runs_as_a_script(tmp_path: Path) -> None:
    (tmp_path / "spheroid.py").write_text(re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[0])
    subprocess.run([sys.executable, "-W", "error", "spheroid.py"], check=True, cwd=tmp_path, timeout=300)
    results = ensemble.Results(tmp_path / "spheroids.zarr")
    assert len(results) == 24
    assert results.finished.all()
    assert results.stack("oxygen").shape == (24, 128, 128)
    # More uptake and fewer vessels leave more of the tissue hypoxic.
    hypoxic: dict[tuple[object, ...], list[float]] = {}
    for member, share in zip(results, results.number("hypoxic"), strict=True):
        hypoxic.setdefault(tuple(member.parameters.values()), []).append(share)
    means = {given: sum(shares) / len(shares) for given, shares in hypoxic.items()}
    assert means[20.0, 30] > means[5.0, 90]
