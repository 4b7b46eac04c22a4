"""Who answers the steps of the demo and of the examples: ``python -m benchmarks.answered``.

Each runs as it stands, but under the policy that asks the network wherever its card applies, in a folder that is thrown
away. Counted are the steps that were solved for; a held field is nobody's answer, nor is one of nothing. Where the
surrogate did not answer, the reasons are given.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import runpy
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.document import markdown_table
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.session import steps
from surrogate_plugin.surrogate import model, weights
from surrogate_training.documents import write_into

EXAMPLES = Path(__file__).parents[1] / "examples"
#: Those that ask a backend, with the arguments that they need; others solve once, or train.
_RUNS: dict[str, tuple[str, ...]] = {
    "pyphysicell_tumour.py": (),
    "backend_without_host.py": (),
    "angiogenesis.py": (),
    "drug_pulse.py": (),
    "membranes_and_obstacles.py": (),
    "mesa_ants.py": (),
    "mesa_spheroid.py": (),
    "minimal_adapter.py": (),
    "necrotic_tumour.py": (),
    "process_bigraph_composite.py": (),
    "vivarium_lattice.py": (),
}


def main() -> None:
    """Run them and print a table as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answered", description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="weights to take the place of the default model's")
    parser.add_argument("--example", action="append", choices=_RUNS, help="only this one; may be repeated")
    parser.add_argument("--document", type=Path, help="write the table between the markers of this Markdown file")
    options = parser.parse_args()
    rows, total = [], Counter[str]()
    for name in options.example or _RUNS:
        with contextlib.ExitStack() as stack:
            if options.model:
                path = Path(options.model).resolve()
                for module in (weights, model):
                    stack.enter_context(mock.patch.object(module, "find", lambda _, path=path: path))
            stack.enter_context(_asking_first())
            records = stack.enter_context(_records())
            _run(name)
        solved = [record for record in records if record.method not in (steps.HELD, "nothing-there")]
        methods = Counter(record.method for record in solved)
        total += methods
        reasons = Counter(flag.reason.value for each in solved if each.method != "surrogate" for flag in each.flags)
        told = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
        rows.append((name, str(len(solved)), _share(methods), told))
        print(f"{name}: {dict(methods)}", file=sys.stderr)
    rows.append(("all", str(total.total()), _share(total), ""))
    text = "\n".join(markdown_table(("example", "steps", "by the surrogate", "why not"), rows)) + "\n"
    print(text)
    if options.document:
        write_into(options.document, "benchmarks.answered", text)


def _share(methods: Counter[str]) -> str:
    return f"{100 * methods['surrogate'] / max(1, methods.total()):.1f} %"


@contextlib.contextmanager
def _asking_first() -> Iterator[None]:
    """All engines ask the network first."""
    begin = Engine.__init__

    def first(self: Engine, *given: Any, **named: Any) -> None:
        begin(self, *given, **named | {"policy": "surrogate-first"})

    with mock.patch.object(Engine, "__init__", first):
        yield


@contextlib.contextmanager
def _records() -> Iterator[list[steps.StepRecord]]:
    """The records of all backends."""
    kept: list[steps.StepRecord] = []
    add = steps.Tally.add

    def listen(self: steps.Tally, record: steps.StepRecord) -> None:
        kept.append(record)
        add(self, record)

    with mock.patch.object(steps.Tally, "add", listen):
        yield kept


def _run(name: str) -> None:
    """One example, in a folder of its own, silent."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(sys, "argv", [name, *_RUNS[name]]):
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        finally:
            os.chdir(before)


if __name__ == "__main__":
    main()
