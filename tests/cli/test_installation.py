"""`doctor` says how the package was installed, for each way that installers write down."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from surrogate_plugin.cli.installation import described, origin

WAYS = {
    "index": (None, "installed by pip from an index"),
    "wheel": (
        {"url": "file:///home/me/surrogate_plugin-0.1.0-py3-none-any.whl", "archive_info": {}},
        "installed by pip from surrogate_plugin-0.1.0-py3-none-any.whl",
    ),
    "folder": ({"url": "file:///home/me/a%20copy", "dir_info": {}}, "installed by pip from the folder /home/me/a copy"),
    "editable": (
        {"url": "file:///home/me/code", "dir_info": {"editable": True}},
        "installed by pip as a checkout that is worked on, /home/me/code",
    ),
    "git": (
        {"url": "https://me:secret@example.org/code.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}},
        "installed by pip from revision abc123 of https://example.org/code.git",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_said_in_words_and_no_password_is(way: str, tmp_path: Path) -> None:
    written, said = WAYS[way]
    (tmp_path / "METADATA").write_text("Metadata-Version: 2.1\nName: surrogate-plugin\nVersion: 0.1.0\n")
    (tmp_path / "INSTALLER").write_text("pip\n")
    if written is not None:
        (tmp_path / "direct_url.json").write_text(json.dumps(written))
    assert origin(importlib.metadata.PathDistribution(tmp_path)) == said


def test_metadata_that_nobody_installed_are_no_installation(tmp_path: Path) -> None:
    (tmp_path / "METADATA").write_text("Metadata-Version: 2.1\nName: surrogate-plugin\nVersion: 0.1.0\n")
    assert origin(importlib.metadata.PathDistribution(tmp_path)) == "not installed"


def test_what_is_not_installed_says_where_it_runs_from(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", none)
    assert described().startswith("not installed; runs from ")
