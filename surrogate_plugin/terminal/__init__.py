"""What every command shares, those of plugins too: streams and colours, progress, exit codes, and how Ctrl-C ends.

Results go to stdout, everything else to stderr, so that results can be piped.
"""

from surrogate_plugin.terminal.leaving import (
    BAD_INPUT,
    BROKEN_PIPE,
    FAULT,
    FOUND,
    INTERRUPTED,
    one_sentence,
    print_error,
)
from surrogate_plugin.terminal.progress import Bar, progress
from surrogate_plugin.terminal.stopping import stopped_at_once
from surrogate_plugin.terminal.streams import notes, print_json, stderr, stdout
from surrogate_plugin.terminal.tables import table

__all__ = [
    "BAD_INPUT",
    "BROKEN_PIPE",
    "Bar",
    "FAULT",
    "FOUND",
    "INTERRUPTED",
    "notes",
    "one_sentence",
    "print_error",
    "print_json",
    "progress",
    "stderr",
    "stdout",
    "stopped_at_once",
    "table",
]
