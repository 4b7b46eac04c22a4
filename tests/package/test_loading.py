"""Whoever waits for kernels to be compiled is told so, once, wherever the messages go."""

from __future__ import annotations

import subprocess
import sys

from surrogate_plugin import loading

TWICE = "from surrogate_plugin import loading; loading.announce(); loading.announce()"


def test_a_run_whose_messages_go_to_a_file_is_told_once():
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=True)
    assert done.stderr.count("compiling its kernels, once on this machine") == 1
    assert done.stdout == ""


def test_who_watches_is_told_instead(capsys):
    told = []
    with loading.watched(lambda: told.append("kernel")):
        loading.announce()
        loading.announce()
    assert told == ["kernel", "kernel"]
    assert capsys.readouterr().err == ""
