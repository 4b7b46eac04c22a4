"""``--help``, drawn alike for every command, those of plugins too, and readable from 50 columns up.

Nothing is cut off: what is too long for its place goes on in the next line.
"""

from __future__ import annotations

import io
import sys
import textwrap
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from rich.console import Console
from rich.text import Text

from surrogate_plugin.cli.sections import Sections
from surrogate_plugin.terminal import streams

#: No line is longer than this, however wide the terminal is: nobody reads across two feet.
_WIDEST = 100
#: Names and descriptions stand side by side from this width on, and below one another else.
_SIDE_BY_SIDE = 72
_NAMES = 30
#: The headings of our commands, in order; those of plugins come after them.
PANELS = ("Solve", "Look", "Hosts", "Train", "Install")
_OPTIONS, _ARGUMENTS, _COMMANDS = "Options", "Arguments", "Commands"


def render(command: Any, context: Any, width: int | None = None, colours: bool | None = None) -> str:
    """The help of a command or a group.

    Parameters
    ----------
    command, context
        As click has them.
    width : int, optional
        Columns; by default those of the terminal, and 100 at most.
    colours : bool, optional
        Whether it is coloured; by default if stdout is to be.
    """
    width = min(streams.stdout().width, _WIDEST) if width is None else width
    lines = Text("\n").join(_lines(command, context, width))
    if not (streams.coloured(sys.stdout) if colours is None else colours):
        return lines.plain
    drawn = io.StringIO()
    Console(file=drawn, force_terminal=True, color_system="standard", width=10_000).print(lines, soft_wrap=True, end="")
    return drawn.getvalue()


def usage(command: Any, context: Any) -> str:
    """How it is called: ``surrogate-plugin train --out PATH [OPTIONS] CONFIG``."""
    shown = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    required = [_usage_of_option(each, context) for each in shown if _is_option(each) and each.required]
    arguments = [_usage_of_argument(each, context) for each in shown if not _is_option(each)]
    inner = ["COMMAND ..."] if hasattr(command, "commands") else []
    return " ".join((context.command_path, *required, "[OPTIONS]", *arguments, *inner))


def _lines(command: Any, context: Any, width: int) -> Iterator[Text]:
    read = Sections.read(command.help or "")
    first, *more = read.text.split("\n\n")
    yield from _wrapped(first, width)
    yield Text()
    yield from _hanging(Text.assemble(("Usage: ", "bold green"), (usage(command, context), "cyan")), width, 7)
    for paragraph in more:
        yield Text()
        yield from _wrapped(paragraph, width)
    if hasattr(command, "commands"):
        for panel, rows in _commands(command, context).items():
            yield from _section(panel, rows, width)
    for panel, rows in _parameters(command, context).items():
        yield from _section(panel, rows, width)
    if read.examples:
        yield from _heading("Examples")
        for example in read.examples:
            yield from _hanging(Text("  " + example, "cyan"), width, 4)
    if read.json:
        yield from _section("Keys of --json", list(read.json.items()), width)
    if not hasattr(command, "commands"):
        yield from _section("Exit codes", [(str(code), said) for code, said in read.exit_codes.items()], width, 5)


def _commands(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:
    """The commands of a group by panel, each with its first sentence."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if inner is not None and not inner.hidden:
            panel = _panel(inner) or _COMMANDS
            found.setdefault(panel, []).append((name, Sections.read(inner.help or "").summary))
    order = {panel: number for number, panel in enumerate(PANELS)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))


def _parameters(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:
    """Arguments and options by panel."""
    found: dict[str, list[tuple[str, str]]] = {_ARGUMENTS: []}
    for each in command.get_params(context):
        if getattr(each, "hidden", False):
            continue
        panel = _panel(each) or (_OPTIONS if _is_option(each) else _ARGUMENTS)
        name = _option_names(each, context) if _is_option(each) else value_name(each, context)
        found.setdefault(panel, []).append((name, _said(each, context)))
    options = found.pop(_OPTIONS, [])
    return {panel: rows for panel, rows in [*found.items(), (_OPTIONS, options)] if rows}


def _said(parameter: Any, context: Any) -> str:
    """What it is, and what it is by default."""
    default = parameter.get_default(context, call=False) if parameter.show_default is not False else None
    if isinstance(default, Enum):
        default = default.value
    beside = []
    if not (default is None or callable(default) or isinstance(default, bool | list | tuple) or str(default) == ""):
        beside = [f"[default: {default}]"]
    return " ".join([parameter.help or "", *beside]).strip()


def _panel(shown: Any) -> str:
    panel = getattr(shown, "rich_help_panel", None)
    return panel if isinstance(panel, str) else ""


def value_name(parameter: Any, context: Any) -> str:
    """What a value is called: FLOAT, PATH, one|of|these, or the name of an argument; empty for a flag."""
    if getattr(parameter, "is_flag", False) or getattr(parameter, "count", False):
        return ""
    if parameter.metavar:
        return str(parameter.metavar)
    if not _is_option(parameter):
        return str(parameter.name).upper()
    choices = _choices(parameter)
    if choices:
        return "|".join(str(getattr(each, "value", each)) for each in choices)
    told = getattr(parameter, "type_descriptor", None)
    kind = parameter.display_type(context) if told is not None else str(parameter.type.name)
    kind = kind.strip("<>").removeprefix("list[").removesuffix("]").removesuffix(" range").split()[0]
    return {"str": "TEXT", "int": "INTEGER", "file": "PATH", "directory": "PATH"}.get(kind, kind.upper())


def _choices(parameter: Any) -> Iterable[Any]:
    """Those that a value may be; newer typers have them in another place."""
    told = getattr(parameter, "type_descriptor", None)
    return (getattr(told, "choices", None) or ()) if told is not None else getattr(parameter.type, "choices", ())


def _option_names(option: Any, context: Any) -> str:
    """``-o, --output PATH``; the short name first, and none leaves its room free."""
    names = sorted((*option.opts, *option.secondary_opts), key=lambda name: name.startswith("--"))
    shown = ", ".join(names)
    return f"{'' if len(names[0]) == 2 else '    '}{shown} {value_name(option, context)}".rstrip()


def _usage_of_option(option: Any, context: Any) -> str:
    return f"{max(option.opts, key=len)} {value_name(option, context)}".rstrip()


def _usage_of_argument(argument: Any, context: Any) -> str:
    name = value_name(argument, context) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _is_option(parameter: Any) -> bool:
    return str(parameter.param_type_name) == "option"


def _section(title: str, rows: list[tuple[str, str]], width: int, names: int = _NAMES) -> Iterator[Text]:
    """Names and what they are, side by side where there is room."""
    yield from _heading(title)
    side_by_side = width >= _SIDE_BY_SIDE or names < _NAMES
    column = min(max(len(name) for name, _ in rows), names) + 4 if side_by_side else 8
    for name, said in rows:
        lines = list(_wrapped(said, width - column))
        first = Text("  ").append(name, "cyan")
        if side_by_side and len(first) + 2 <= column and lines:
            first.append(" " * (column - len(first))).append_text(lines.pop(0))
        yield from [first] if len(first) <= width else _hanging(first, width, 8)
        for line in lines:
            yield Text(" " * column).append_text(line)


def _heading(title: str) -> Iterator[Text]:
    yield Text()
    yield Text(f"{title}:", "bold green")


def _wrapped(said: str, width: int) -> Iterator[Text]:
    """A paragraph in lines; words in markup keep their style where they can."""
    try:
        plain = Text.from_markup(said).plain if "[/" in said else said
    except Exception:  # whatever a plugin's author wrote
        plain = said
    for line in textwrap.wrap(plain, max(20, width), break_long_words=True, break_on_hyphens=False):
        yield Text(line)


def _hanging(line: Text, width: int, indent: int) -> Iterator[Text]:
    """One long line of code in several, indented from the second on, broken between words."""
    style = line.spans[-1].style if line.spans else line.style
    for number, piece in enumerate(
        textwrap.wrap(
            line.plain, max(20, width), subsequent_indent=" " * indent, break_on_hyphens=False, drop_whitespace=True,
            replace_whitespace=False,
        )
    ):  # fmt: skip
        made = Text(piece, style)
        if number == 0 and len(line.spans) > 1:
            made.stylize(line.spans[0].style, 0, line.spans[0].end)
        yield made
