"""Write the reference of the command line from the commands themselves: ``python docs/write_command_line.py``.

The page stands in the repository, and a test holds it to what this makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from surrogate_plugin.cli import app
from surrogate_plugin.cli.help import PANELS, render

PAGE = Path(__file__).parent / "command-line.md"
#: As wide as a terminal that nobody has made wider.
WIDTH = 80
INTRODUCTION = """# The command line

<!-- Made by docs/write_command_line.py from the commands; change those, and run it. -->

`surrogate-plugin`, or `python -m surrogate_plugin`. What follows here is its help, which `surrogate-plugin COMMAND
--help` prints, and `surrogate-plugin help COMMAND` too. Files go to `--output`, folders to `--out`, and `-o` is short
for either. What cannot be read or written is told in one sentence, before anything is computed.

**Streams.** Results go to stdout; progress, notes, warnings and errors to stderr. With `--json` stdout holds one
object on one line, and nothing else; its keys are listed below, and what is not finite or not known is `null`. With
`--quiet` a command that writes files prints nothing but errors.

**Exit codes.**

| code | means |
|---:|---|
| 0 | it was done |
| 1 | it was done, and something was found: a tolerance not reached, an error in settings, a model that is worse |
| 2 | it could not be done: a wrong option, or something that cannot be read or written; stderr says which |
| 70 | a fault of surrogate-plugin, with a traceback to report |
| 130 | Ctrl-C |
| 141 | whoever read the results has closed the pipe, as `head` does |

**Progress.** What takes long says how far it is, how long it took and how long it will still take. On a terminal that
is a bar, which vanishes; in a log a line every half minute.

**Ctrl-C** ends a command with one sentence. The page of a run says that it was ended so. `audit`, `run`, `train`,
`retrain`, `samples` and `study` go on where they were with the same command, also after they were killed; `solve`,
`view` and `export` say that they begin anew.

**Colours** are left out where stdout is no terminal, where `NO_COLOR` is set, `CLICOLOR` is 0 or `TERM` is `dumb`,
and forced by `FORCE_COLOR` or `CLICOLOR_FORCE`; `NO_COLOR` is the strongest. Everything can be read in 60 columns:
tables wrap, and cut no number short.

**Completion.** `surrogate-plugin --install-completion` teaches your shell: commands, options, and values such as
methods, colour maps, demos, models, the substrates of the recording or run that stands on the line, and its moments.
"""


def page() -> str:
    """The whole page."""
    root: Any = typer.main.get_command(app)
    context = root.make_context("surrogate-plugin", [], resilient_parsing=True)
    return "\n".join([INTRODUCTION, *_shown(root, context, "## surrogate-plugin"), *_panels(root, context)])


def _panels(root: Any, context: Any) -> Iterator[str]:
    for panel in PANELS:
        yield f"## {panel}\n"
        for name, command in root.commands.items():
            if command.rich_help_panel == panel:
                yield from _commands(command, root.context_class(command, info_name=name, parent=context), name)


def _commands(command: Any, context: Any, name: str) -> Iterator[str]:
    yield from _shown(command, context, f"### {name}")
    for inner, each in getattr(command, "commands", {}).items():
        path = f"{name} {inner}"
        yield from _commands(each, context.__class__(each, info_name=inner, parent=context), path)


def _shown(command: Any, context: Any, heading: str) -> Iterator[str]:
    yield f"{heading}\n\n```text\n{render(command, context, WIDTH, colours=False)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
