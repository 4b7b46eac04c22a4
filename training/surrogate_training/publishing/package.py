"""From a published model to a package that anybody can install: its name then works wherever a model is named."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

from surrogate_plugin import __version__
from surrogate_plugin.surrogate.card import ModelCard
from surrogate_plugin.surrogate.failures import ModelNotFoundError
from surrogate_plugin.surrogate.model import find, load
from surrogate_plugin.whole_files import replacing, write_text

_GROUP = "surrogate_plugin.models"
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")

_PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{distribution}"
version = "{version}"
description = "The model {name} for surrogate-plugin."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["surrogate-plugin>={plugin}"]

[project.entry-points."{group}"]
{name} = "{module}:weights"

[tool.setuptools]
packages = ["{module}"]

[tool.setuptools.package-data]
{module} = ["*.safetensors", "*.json"]
"""

_MODULE = '''\
"""The weights of the model {name} (safetensors) and their card (JSON)."""

from __future__ import annotations

from pathlib import Path

#: The version of the plugin contract of surrogate-plugin that this was written for.
SURROGATE_PLUGIN_CONTRACT = 1


def weights() -> Path:
    """The weights; their card lies beside them."""
    return Path(__file__).parent / "{name}.safetensors"
'''

_README = """\
# {distribution}

The model `{name}` for surrogate-plugin: a {kind} network of {parameters:,} parameters.

```
pip install .
```

```python
import surrogate_plugin as sp

engine = sp.Engine(model="{name}")  # or BackendConfig(model="{name}"), or attach(sim, model="{name}")
```

## What it was trained on

| | |
|---|---|
{ranges}

Beyond these the guard leaves the network unasked and solves without it.

## How good it is

On {test_samples} test problems that selected nothing; errors are over the largest imposed value.

| | median | 95th percentile |
|---|---:|---:|
{metrics}

Everything else that is known about it stands in `{module}/{name}.json`.
"""


def write_package(weights: Path, name: str, out: Path, *, version: str = "0.1.0") -> Path:
    """Write the source of a package that registers a model under ``name``.

    It is called ``surrogate-model-NAME``, so that no model takes the name of another package.

    Parameters
    ----------
    weights : Path
        The ``.safetensors`` file, its card beside it, or else what `load` takes.
    name : str
        Lower-case words of letters and digits, joined by hyphens or underscores.
    out : Path
        The folder of the package: a new or empty one, or an earlier version of the same package, whose other files are
        left alone.
    version : str
        Of the package, as in ``1.2`` or ``1.2rc1``.

    Returns
    -------
    Path
        ``out``, for ``pip install OUT``.

    Raises
    ------
    ValueError
        If the name or version is not allowed, or another package has registered a model of this name.
    FileExistsError
        If ``out`` holds something else.
    ModelNotFoundError, DamagedModelError
        If the weights and their card do not make a model.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     package = write_package(find("default"), "ring-vessels", Path(folder) / "package")
    ...     sorted(path.name for path in package.iterdir())
    ['README.md', 'pyproject.toml', 'surrogate_model_ring_vessels']
    """
    check_name(name)
    if not _VERSION.fullmatch(version):
        raise ValueError(f"version is {version!r}; numbers joined by dots are allowed, as in 0.1.0 or 1.2rc1.")
    _check_folder(out, name)
    file = find(weights)
    card = load(file, device="cpu").card.model_copy(update={"name": name})
    folder = out / _module(name)
    folder.mkdir(parents=True, exist_ok=True)
    words: dict[str, Any] = {
        "name": name,
        "distribution": _distribution(name),
        "module": _module(name),
        "version": version,
        "plugin": __version__,
        "group": _GROUP,
    }
    # The project file comes first: by it, a package cut short by a kill is known as one and can be written again.
    write_text(out / "pyproject.toml", _PROJECT.format(**words))
    write_text(out / "README.md", _README.format(**words, **_words_of(card)))
    write_text(folder / "__init__.py", _MODULE.format(**words))
    with replacing(folder / f"{name}.safetensors") as partial:
        shutil.copyfile(file, partial)
    write_text(folder / f"{name}.json", card.model_dump_json(indent=2) + "\n")
    return out


def _distribution(name: str) -> str:
    return f"surrogate-model-{name.replace('_', '-')}"


def _module(name: str) -> str:
    return f"surrogate_model_{name.replace('-', '_')}"


def check_name(name: str) -> None:
    """Raise ValueError if `write_package` would not take ``name``, so that long work before it is not in vain."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"name is {name!r}; lower-case letters and digits, joined by hyphens or underscores, are allowed."
        )
    if name == "default":
        raise ValueError("name is 'default', which is the model that ships with surrogate-plugin; choose another.")
    try:
        owner = find(name)
    except ModelNotFoundError:
        return
    if not _is_installed(_distribution(name)):
        raise ValueError(f"name is {name!r}, under which a model is registered already ({owner}); choose another.")


def _is_installed(distribution: str) -> bool:
    """Whether an earlier version of the package is what has taken the name."""
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _check_folder(out: Path, name: str) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        project = tomllib.loads((out / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        registered = dict(project["entry-points"][_GROUP])
    except (OSError, ValueError, LookupError, TypeError):
        registered = {}
    if registered != {name: f"{_module(name)}:weights"}:
        raise FileExistsError(f"{out} holds something other than a package of the model {name!r}; name a new folder.")


def _words_of(card: ModelCard) -> dict[str, Any]:
    """What the card says, for the README."""
    ranges = card.ranges
    rows = {
        "diffusion length": f"{ranges.shortest_length_px:.3g} to {ranges.longest_length_px:.3g} pixels",
        "decay, strongest over weakest": f"up to {ranges.largest_contrast:.3g}",
        "sources": f"up to {ranges.most_sources}, of up to {ranges.largest_source_px} pixels",
        "fixed pixels": f"up to {100 * ranges.largest_fixed_share:.3g} %",
        "sides": ", ".join(ranges.boundaries),
        "lattice": f"sides of {ranges.shortest_side_px} to {ranges.longest_side_px} pixels",
    }
    return {
        "kind": card.network.kind,
        "parameters": card.network.parameters,
        "test_samples": card.test_samples,
        "ranges": "\n".join(f"| {what} | {value} |" for what, value in rows.items()),
        "metrics": "\n".join(
            f"| {what} | {_number(values, 'median')} | {_number(values, 'p95')} |"
            for what, values in card.metrics.items()
        ),
    }


def _number(values: dict[str, float], statistic: str) -> str:
    return f"{values[statistic]:.3g}" if statistic in values else ""
