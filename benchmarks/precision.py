"""What a network loses on a GPU's path and by shorter numbers: ``python -m benchmarks.precision``.

Validation problems of the model, answered on CPU tensors by compiled passes, and by the tensor operations that a GPU
would run, with dense layers in several formats: errors, and the bounds that cycles come to from there.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.document import markdown_table
from surrogate_plugin.batched.network import Predictor
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.surrogate.model import Model, load
from surrogate_plugin.surrogate.passes import tensors_alone
from surrogate_training.documents import write_into
from surrogate_training.quality.guard_metrics import bounds_after
from surrogate_training.samples.batch import largest_value
from surrogate_training.samples.dataset import DataConfig, exact_field, sample_problem

#: What is compared: whether tensor operations compute all of it, and what dense layers compute in.
_WAYS = {
    "compiled passes, float32": (False, torch.float32),
    "tensor operations, float32": (True, torch.float32),
    "tensor operations, bfloat16": (True, torch.bfloat16),
    "tensor operations, float16": (True, torch.float16),
}
#: Of about the largest value: what errors are measured against.
_ACCURACY = 1e-6


def main() -> None:
    """Print the table, as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.precision", description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=60)
    parser.add_argument("--document", type=Path, help="write the table between the markers of this Markdown file")
    options = parser.parse_args()
    model = load("default", "cpu")
    data = _validation_of(model)
    problems = (sample_problem(data, "validation", index, 0) for index in range(options.problems))
    text = "\n".join(_table(np.array([_measured(model, problem) for problem in problems])))
    print(text)
    if options.document:
        write_into(options.document, "benchmarks.precision", text + "\n")


def _validation_of(model: Model) -> DataConfig:
    """The distribution that the model's card says it was validated on."""
    said = model.card.training["config"]["data"]
    return DataConfig.model_validate({name: said[name] for name in DataConfig.model_fields.keys() & said.keys()})


def _measured(model: Model, problem: Problem) -> list[list[float]]:
    """For each way: relative L2 error, largest error and bounds after one cycle and two, over the largest value."""
    exact = exact_field(problem, _ACCURACY)
    size = largest_value(problem, exact)
    rows = []
    for alone, precision in _WAYS.values():
        field = _answer(model, problem, alone, precision)
        error = np.abs(field - exact)
        bounds = [bound / size for bound in bounds_after(problem, field, (1, 2))]
        rows.append([float(np.linalg.norm(error) / np.linalg.norm(exact)), float(error.max()) / size, *bounds])
    return rows


def _answer(model: Model, problem: Problem, alone: bool, precision: torch.dtype) -> FloatArray:
    with tensors_alone() if alone else contextlib.nullcontext():
        return np.asarray(Predictor(model, "cpu", precision).predict(Stack.of([problem], "cpu"))[0].numpy())


def _table(found: npt.NDArray[np.float64]) -> list[str]:
    """Of (problems, ways, measures)."""
    headings = [
        "dense layers", "relative L2, median", "largest", "largest error, median", "largest",
        "bound after one cycle, median", "largest", "certified at 1 %, 0.1 %", "a bound's change, median", "largest",
    ]  # fmt: skip
    # A field that is exact to rounding has a bound that is rounding.
    counted = found[:, 0, 2] > 1e-10
    change = np.abs(found[counted, :, 2] / found[counted, :1, 2] - 1.0)
    rows = []
    for way, name in enumerate(_WAYS):
        figures = found[:, way]
        certified = ", ".join(f"{100 * np.mean(figures[:, 2] <= level):.0f} %" for level in (0.01, 0.001))
        measured = [cell for measure in range(3) for cell in _middle_and_end(figures[:, measure])]
        rows.append([name, *measured, certified, *_middle_and_end(change[:, way])])
    return markdown_table(headings, rows)


def _middle_and_end(values: FloatArray) -> list[str]:
    """Median and largest value, in per cent."""
    return [f"{100 * value:.3g} %" for value in (float(np.median(values)), float(values.max()))]


if __name__ == "__main__":
    main()
