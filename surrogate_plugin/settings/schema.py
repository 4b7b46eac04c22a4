"""The settings file as a JSON schema, for editors and for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surrogate_plugin.plain_files import read_plain
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.keys import RUN

#: What the written file calls the schema that stands beside it.
SCHEMA_NAME = "surrogate.schema.json"
_TITLE = "surrogate.toml"
#: Ours is a few ten thousand.
_MOST_BYTES = 2**24
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The JSON schema of a settings file, draft 2020-12, with a description, unit and default of each key.

    Examples
    --------
    >>> json_schema()["properties"]["on_error"]["enum"]
    ['stop', 'host']
    """
    made = SettingsFile.model_json_schema()
    plain = _plain(made)
    plain |= {"$schema": _DIALECT, "title": _TITLE, "description": "What surrogate-plugin is told of a run."}
    return {key: plain[key] for key in ("$schema", "title", "description", *plain)}


def schema_text() -> str:
    """The same as a file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def is_schema(path: Path) -> bool:
    """Whether a file is such a schema, of whatever release."""
    try:
        said = json.loads(read_plain(path, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("title") == _TITLE


def described(text: str, told: dict[str, Any], *, default: bool = True) -> str:
    """What a key is, with its unit, what is allowed and what holds without it, in sentences."""
    unit = f" ({told['unit']})" if told.get("unit") else ""
    said = f"{text}{unit}."
    if told.get("allowed"):
        said += f" Allowed: {told['allowed']}."
    if default and told.get("default"):
        said += f" Default: {told['default']}."
    return said


def _plain(node: Any) -> Any:
    """A part of the schema without what TOML does not know (null), and with what our keys say of themselves."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: _plain(each) for name, each in node.items() if name not in ("x-key", "title", "format")}
    if "title" in node and not isinstance(node["title"], str):  # a key of that name, not a title
        made["title"] = _plain(node["title"])
    if "x-key" in node:
        made["description"] = _said_of(node)
    branches = [each for each in made.get("anyOf", []) if each != {"type": "null"}]
    if "anyOf" in made and len(branches) == 1:
        del made["anyOf"]
        made = {**branches[0], **made}
    elif "anyOf" in made:
        made["anyOf"] = branches
    if made.get("default", 0) is None:
        del made["default"]
    return made


def _said_of(node: dict[str, Any]) -> str:
    told = node["x-key"]
    readers = ["a run without a host" if each == RUN else each for each in told["readers"]]
    whose = f" For {' and '.join(readers)}." if readers else ""
    return described(node.get("description", ""), told) + whose
