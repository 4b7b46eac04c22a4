"""All commands of the command line, found by walking it, so that a new one is held to what the others are."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import typer

from surrogate_plugin.cli import app
from surrogate_plugin.cli.sections import Sections

ROOT: Any = typer.main.get_command(app)


@dataclass(frozen=True)
class Leaf:
    """A command, and how it is called: ``("physicell", "check")``."""

    path: tuple[str, ...]
    command: Any

    @property
    def name(self) -> str:
        return " ".join(self.path)

    @property
    def sections(self) -> Sections:
        return Sections.read(self.command.help)

    @property
    def options(self) -> set[str]:
        return {name for each in self.command.params for name in each.opts}

    def context(self, arguments: list[str]) -> Any:
        """What reading the arguments comes to, without running it."""
        parent = ROOT.context_class(ROOT, info_name="surrogate-plugin")
        return self.command.make_context(self.path[-1], arguments, parent=parent)


def _walked(group: Any, path: tuple[str, ...]) -> list[Leaf]:
    found = []
    for name, command in group.commands.items():
        inner = hasattr(command, "commands")
        found += _walked(command, (*path, name)) if inner else [Leaf((*path, name), command)]
    return found


LEAVES = {leaf.name: leaf for leaf in _walked(ROOT, ())}
GROUPS = {"": ROOT, **{name: each for name, each in ROOT.commands.items() if hasattr(each, "commands")}}


def arguments_of(example: str, path: tuple[str, ...]) -> list[str]:
    """What stands behind the command in one of its examples."""
    words = shlex.split(example)
    assert words[: len(path) + 1] == ["surrogate-plugin", *path], example
    return words[len(path) + 1 :]
