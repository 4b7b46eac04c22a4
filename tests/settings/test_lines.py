"""Each key of a settings file is found on the line on which it stands, however TOML lets one write it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_plugin.settings.lines import lines_of

KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6) | st.sampled_from(
    ["a", "b", "a.b", "x]", "#", "=", '"', "'", "\n", "[[a]]", ""]
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ["]", "}", "#", ",", "a = 1", '"""', "'''", "\\", "line\nline", "[x]"]
)
VALUES = st.recursive(
    st.integers(-5, 5) | st.booleans() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def places(tree: Any, above: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Every place of what a parser has read."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    found = set()
    for key, value in items:
        found |= {(*above, key)} | places(value, (*above, key))
    return found


def written(value: Any, pad: str) -> str:
    """A value in TOML, with whatever may stand between its parts."""
    if isinstance(value, list):
        return "[" + f",{pad}".join(pad + written(each, pad) for each in value) + pad + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {written(each, '')}" for key, each in value.items()) + " }"
    if isinstance(value, str) and value and "\n" not in value and "'" not in value and len(value) % 2:
        return f"'{value}'"
    if isinstance(value, str) and "\n" in value:
        return '"""\n' + value.replace("\\", "\\\\").replace('"', '\\"') + '"""'
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=150)
@given(
    top=st.dictionaries(KEYS, VALUES, max_size=4),
    tables=st.lists(st.tuples(st.lists(KEYS, min_size=1, max_size=2), st.dictionaries(KEYS, VALUES, max_size=3))),
    pad=st.sampled_from(["", " ", "\n", "\n# ] } a = 1\n"]),
)
def test_every_place_that_the_parser_reads_has_a_line(top: Any, tables: Any, pad: str) -> None:
    text = "".join(f"{json.dumps(key, ensure_ascii=False)} = {written(value, pad)}\n" for key, value in top.items())
    for path, entries in tables:
        many = len(path) == 1
        header = ".".join(json.dumps(part, ensure_ascii=False) for part in path)
        made = f"[[{header}]] # a comment\n" if many else f"[ {header} ]\n"
        made += "".join(f"  {json.dumps(key)}={written(value, pad)}\n\n" for key, value in entries.items())
        try:
            tomllib.loads(text + made)
        except ValueError:  # a name that is taken
            continue
        text += made
    try:
        said = tomllib.loads(text)
    except ValueError:
        return
    found = lines_of(text)
    assert set(found) == places(said)
    lines = text.split("\n")
    assert all(1 <= line <= len(lines) for line in found.values())


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("a = 1\r\n\r\nb = 2", ("b",), 3),
        ("# a = 1\na = 2", ("a",), 2),
        ('x = """\na = 1\n"""\na = 2', ("a",), 4),
        ("x = '''\na = 1\n'''\na = 2", ("a",), 4),
        ('x = "a \\" # ["\na = 2', ("a",), 2),
        ("[t]\na.b.c = 1", ("t", "a", "b"), 2),
        ("[t]\n\n[[t.u]]\na = 1\n[[t.u]]\na = 2", ("t", "u", 1, "a"), 6),
        ("[[u]]\n[u.v]\na = 1\n[[u]]\n[u.v]\na = 1", ("u", 1, "v", "a"), 6),
        ("[[u]]\n[[u.v]]\na = 1\n[[u]]\n[[u.v]]\na = 1", ("u", 1, "v", 0, "a"), 6),
        ("t = { a = 1, b = { c = 2 } }", ("t", "b", "c"), 1),
        ("t = [\n1,\n[2,\n3],\n]", ("t", 1, 1), 4),
        ("\"a b\".'c.d' = 1", ("a b", "c.d"), 1),
        ('"a\\u0062" = 1', ("ab",), 1),
        ("a = 2026-01-01 10:00:00\nb = -inf", ("b",), 2),
        ("a = [ # [\n  1 # ]\n]\nb = 1", ("b",), 4),
        ('a = """"quoted""""\nb = 1', ("b",), 2),
    ],
)
def test_keys_are_found_where_they_stand(text: str, place: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(text)
    assert lines_of(text)[place] == line


@given(text=st.text(st.sampled_from(list("ab[]{}=,.\"'#\n \\1")), max_size=30))
def test_what_is_no_toml_ends_the_search_and_nothing_else(text: str) -> None:
    assert set(lines_of(text).values()) <= set(range(1, text.count("\n") + 2))
