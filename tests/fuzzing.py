"""Damage to what comes from outside: bytes, files, and the values in JSON and TOML; and what an error looks like."""

from __future__ import annotations

import copy
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

#: Values that no honest file has in the place where they are put.
NASTY: list[Any] = [
    None, True, False, 0, -1, 3.7, -0.0, 1e-320, 1e308, math.inf, -math.inf, math.nan, 2**31, 2**63, 10**9, 10**30,
    "", "0.1", "nan", "\n", "\x00", "ü" * 300, "../../x", [], [[]], [0, 0], [-1, 9], [10**9, 10**9], [math.nan] * 3,
    {}, {"": 0}, {"a": {"b": []}},
]  # fmt: skip


def assert_one_sentence(error: BaseException) -> None:
    """An error for people: one line that says something, ended by a full stop, and that can be taken in."""
    said = str(error)
    assert said.strip(), repr(error)
    assert "\n" not in said, said
    assert said.endswith((".", "`.")), said
    assert len(said) < 1200, said


@st.composite
def byte_damages(draw: st.DrawFn) -> Any:
    """A function from a file's bytes to damaged ones."""
    kind = draw(st.sampled_from(["flip", "cut", "zero", "noise", "insert", "append", "replace"]))
    at, length = draw(st.floats(0, 1)), draw(st.integers(1, 40))
    noise = draw(st.binary(min_size=1, max_size=64))
    bits = draw(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=3))

    def damaged(content: bytes) -> bytes:
        place = int(at * len(content))
        if kind == "cut":
            return content[:place]
        if kind == "zero":
            return content[:place] + bytes(min(length, len(content) - place)) + content[place + length :]
        if kind == "noise":
            return content[:place] + noise + content[place + len(noise) :]
        if kind == "insert":
            return content[:place] + noise + content[place:]
        if kind == "append":
            return content + noise
        if kind == "replace":
            return noise
        changed = bytearray(content)
        for where, bit in bits if content else ():
            changed[min(len(content) - 1, int(where * len(content)))] ^= 1 << bit
        return bytes(changed)

    return damaged


@st.composite
def file_damages(draw: st.DrawFn) -> Any:
    """A function that damages the file at a path: its bytes, or that it is there, or that it is a file."""
    kind = draw(st.sampled_from(["bytes"] * 6 + ["lost", "folder"]))
    change = draw(byte_damages())

    def damage(path: Path) -> None:
        if kind == "bytes":
            path.write_bytes(change(path.read_bytes()))
        else:
            path.unlink()
            if kind == "folder":
                path.mkdir()

    return damage


@st.composite
def edits(draw: st.DrawFn, tree: Any, values: list[Any] = NASTY) -> Any:
    """A copy of a tree of dicts and lists in which something was replaced, dropped or added."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(tree))
        holder, key = draw(st.sampled_from(places))
        what = draw(st.sampled_from(["replace"] * 5 + ["drop", "add"]))
        value = copy.deepcopy(draw(st.sampled_from(values)))
        if what == "replace":
            holder[key] = value
        elif what == "drop":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(["speling", "self", "a b", "kind"]))] = value
        else:
            holder.append(value)
        if not tree:
            break
    return tree


def json_edits(path: Path, data: st.DataObject) -> None:
    """Edit what a JSON file says."""
    path.write_text(json.dumps(data.draw(edits(json.loads(path.read_text())))))


def fresh(original: Path, folder: str) -> Path:
    """A copy of a file or folder to be damaged."""
    where = Path(folder) / original.name
    if original.is_dir():
        shutil.copytree(original, where)
    else:
        shutil.copyfile(original, where)
    return where


def files_of(folder: Path) -> list[str]:
    """The files of a folder, relative to it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


#: A sweep of minutes beside a test of seconds.
slow = pytest.mark.slow


def _places(tree: Any) -> Any:
    """Everything in a tree that can be replaced, as a container and a key."""
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list) and tree[key]:
            yield from _places(tree[key])
