"""How networks answer each part of a training distribution: ``python -m benchmarks.surrogate_parts default plain``.

Problems of the test split, which selected nothing, kind by kind: errors, and the share that the card covers and that is
certified at 1 % of the largest value after one, two and three cycles. A model beside an earlier one shows what was
learnt, and, on the parts that the earlier one knew, whether anything was forgotten.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID

from surrogate_plugin.surrogate.model import load
from surrogate_training.config import read_config
from surrogate_training.documents import write_into
from surrogate_training.quality.parts import by_part, table, weights_of
from surrogate_training.toml_files import FOLDER


def main() -> None:
    """Measure each model and print its table, as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.surrogate_parts", description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["default"], help="models: registered, files, or plain")
    parser.add_argument("--config", default="default", help="a training configuration (default: default)")
    parser.add_argument("--problems", type=int, default=100, help="of each part (default 100)")
    parser.add_argument("--document", type=Path, help="write the tables between the markers of this Markdown file")
    options = parser.parse_args()
    data = read_config(options.config).data
    said = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name in options.models:
            task = progress.add_task(name, total=1.0)
            shipped = FOLDER / f"{name}.safetensors"
            model = load(shipped if shipped.is_file() else name, "cpu")

            def tell(done: float, text: str, task: TaskID = task) -> None:
                del text
                progress.update(task, completed=done)

            found = by_part(model, data, options.problems, tell)
            said.append(f"`{name}`:\n\n{table(found, weights_of(data))}")
    text = "\n".join(said)
    print(text)
    if options.document:
        write_into(options.document, "benchmarks.surrogate_parts", text)


if __name__ == "__main__":
    main()
