"""Commands that end alike: errors in a sentence with the nearest name, Ctrl-C and closed pipes without a traceback."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from surrogate_plugin.cli.help import render, usage
from surrogate_plugin.terminal import BAD_INPUT, BROKEN_PIPE, INTERRUPTED, print_error, stderr
from surrogate_plugin.terminal.streams import coloured, plain_warnings

#: typer brings a click of its own and shows of it only this.
_UsageError: Any = typer.BadParameter.__bases__[0]
_ClickError: Any = _UsageError.__bases__[0]


class Command(TyperCommand):
    """A command whose help is ours, and which knows its nearest options."""

    def get_help(self, ctx: Any) -> str:
        """The help as it is printed."""
        ctx.color = coloured(sys.stdout)
        return render(self, ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options, and name the nearest of one that there is not."""
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            _name_nearest_option(error, self, ctx)
            raise


class Commands(TyperGroup):
    """A group of commands; the outermost says how a process ends. ``help solve`` is ``solve --help``."""

    def get_help(self, ctx: Any) -> str:
        """The help as it is printed."""
        ctx.color = coloured(sys.stdout)
        return render(self, ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options, and name the nearest of one that there is not."""
        if args[:1] == ["help"] and "help" not in self.commands:
            args = [*args[1:], "--help"]
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            _name_nearest_option(error, self, ctx)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of a name, or its nearest one in the error."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise _UsageError(f"there is no command {args[0]!r}{_nearest(args[0], self.list_commands(ctx))}.", ctx)
        return super().resolve_command(ctx, args)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """A context; printing help into a closed pipe is nobody's error."""
        return _quietly(lambda: super(Commands, self).make_context(*arguments, **options))

    def invoke(self, ctx: Any) -> None:
        """Run the command; what Ctrl-C breaks off inside Python ends in a sentence."""
        _quietly(lambda: super(Commands, self).invoke(ctx))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Read the arguments, run, and leave with an exit code; every error is a sentence on stderr."""
        given = (args, prog_name, complete_var)
        if not standalone_mode:
            return super().main(*given, False, windows_expand_args, **extra)
        try:
            with plain_warnings():
                code = super().main(*given, False, windows_expand_args, **extra) or 0
            sys.stdout.flush()
        except _ClickError as error:
            code = _tell(error)
        except typer.Abort:
            code = _stopped()
        except OSError as error:
            code = _unwritten(error)
        sys.exit(code)


def _quietly(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except KeyboardInterrupt:
        raise typer.Exit(_stopped()) from None
    except OSError as error:
        raise typer.Exit(_unwritten(error)) from None


def _stopped() -> int:
    from surrogate_plugin.interruption import put_in_order

    put_in_order()
    stderr().print("\nStopped.")
    return INTERRUPTED


def _unwritten(error: OSError) -> int:
    """What is known of files is said where they are used; left are the streams, of which nobody may read on."""
    if not isinstance(error, BrokenPipeError):
        said = (error.strerror or str(error)).lower()
        print_error(f"{error.filename or 'the results'} could not be written ({said}).")
    _forget()
    return BROKEN_PIPE if isinstance(error, BrokenPipeError) else BAD_INPUT


def _forget() -> None:
    """Have what is still in the buffers go nowhere, so that Python does not complain of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    with suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _tell(error: Any) -> int:
    """Say what is wrong with the command line, and how it is called."""
    context = getattr(error, "ctx", None)
    if context is not None and type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(render(context.command, context), err=True, color=coloured(sys.stderr))
        return BAD_INPUT
    sentence = " ".join(str(error.format_message()).split())
    print_error(sentence[:1].lower() + sentence[1:] + ("" if sentence.endswith((".", "?")) else "."))
    if context is not None:
        stderr().print(f"Usage: {usage(context.command, context)}", markup=False, soft_wrap=True)
        stderr().print(f"`{context.command_path} --help` has all of it.", markup=False, soft_wrap=True)
    return int(getattr(error, "exit_code", BAD_INPUT))


def _name_nearest_option(error: Any, command: Any, context: Any) -> None:
    """Replace what click says of an option that there is not."""
    name = getattr(error, "option_name", "")
    if not name or not hasattr(error, "possibilities"):
        return
    known = [option for each in command.get_params(context) for option in (*each.opts, *each.secondary_opts)]
    error.message = f"there is no option {name}{_nearest(name, [option for option in known if option[:1] == '-'])}."
    error.possibilities = None


def _nearest(name: str, known: Sequence[str]) -> str:
    """``; did you mean 'solve'?``, or the known ones where none is near and they are few."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6) or [
        each for each in known if len(name) >= 4 and each.startswith(name)
    ]
    return f"; the nearest is {near[0]}" if near else ""
