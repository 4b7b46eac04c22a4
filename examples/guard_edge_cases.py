"""What the guard makes of problems on which the network is badly wrong, or cannot be known to be right.

    python examples/guard_edge_cases.py -o guard-edge-cases.png

Each problem is answered three times: by the network alone, whatever its card says (``method="surrogate"``); by the
guard, asked for 1 % of the largest value; and exactly, to see who was how far off. `sp.certify` bounds the network's
error pixel by pixel, without knowing the exact field.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

import surrogate_plugin as sp
from surrogate_plugin.models import default
from surrogate_plugin.pictures import view

#: The part of the largest value that a field may be off.
TOLERANCE = 0.01
#: Problems that are drawn; the others are in the table alone.
DRAWN = ("an ordinary tissue", "damaged weights", "sources of one pixel", "a closed box", "pixel noise", "a labyrinth")


@dataclass(frozen=True)
class Case:
    """A problem, and the network that is asked."""

    problem: sp.Problem
    model: str = "default"


@dataclass(frozen=True)
class Verdict:
    """What the network says of a problem, what the guard answers, and the exact field."""

    exact: np.ndarray
    network: np.ndarray
    certificate: sp.Certificate
    answer: sp.Solution

    @property
    def network_error(self) -> float:
        return float(np.abs(self.network - self.exact).max())

    @property
    def answer_error(self) -> float:
        return float(np.abs(self.answer.field - self.exact).max())

    @property
    def cycles(self) -> int:
        return self.answer.stats.cycles


def discs(side: int, rng: np.random.Generator) -> np.ndarray:
    """Eight vessels across, which hold 1."""
    y, x = np.indices((side, side))
    source = np.zeros((side, side))
    for row, column in rng.uniform(0.08 * side, 0.92 * side, (8, 2)):
        source[np.hypot(x - column, y - row) <= side / 32] = 1.0
    return source


def labyrinth(side: int) -> np.ndarray:
    """Diffusivities: walls that nothing passes, each with a gap of two pixels at the other end than the last one's."""
    conducts = np.ones((side, side))
    for number, row in enumerate(range(12, side, 12)):
        conducts[row] = 0.0
        gap = 3 if number % 2 else side - 5
        conducts[row, gap : gap + 2] = 1.0
    return conducts


def with_damaged_weights(folder: Path) -> str:
    """The shipped network with noise on its weights as large as they vary, and a card that vouches for them."""
    rng = np.random.default_rng(0)
    weights = load_file(default() / "default.safetensors")
    for name, tensor in weights.items():
        weights[name] = (tensor + tensor.std() * rng.normal(size=tensor.shape)).astype(tensor.dtype)
    path = folder / "damaged.safetensors"
    save_file(weights, path)
    card = json.loads((default() / "default.json").read_text(encoding="utf-8"))
    card |= {"name": "damaged", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return str(path)


def cases(side: int, folder: Path) -> dict[str, Case]:
    """The problems by name: first one for which the network was made, then those for which it was not."""
    rng = np.random.default_rng(5)
    vessels = discs(side, rng)
    corner, points = np.zeros((side, side)), np.zeros((side, side))
    corner[3:7, 3:7] = 1.0
    some = rng.choice(side**2, side**2 // 23, replace=False)
    points.flat[some] = rng.uniform(0.1, 1.0, some.size)
    ordinary = sp.Problem(vessels, decay=1 / 225, boundary="reflecting")
    noise = 10.0 ** rng.uniform(-6.0, 0.0, (side, side))
    return {
        "an ordinary tissue": Case(ordinary),
        "damaged weights": Case(ordinary, with_damaged_weights(folder)),
        "sources of one pixel": Case(sp.Problem(points, decay=1 / 9, boundary="reflecting")),
        "a length of 1/100 pixel": Case(ordinary.replace(decay=1e4)),
        "a closed box": Case(sp.Problem(corner, decay=1e-8, boundary="reflecting")),
        "pixel noise": Case(ordinary.replace(diffusivity=noise, decay=1e-4)),
        "fibres": Case(ordinary.replace(diffusivity=sp.PerAxis(x=1.0, y=1e-4), decay=1e-4)),
        "a labyrinth": Case(sp.Problem(corner, diffusivity=labyrinth(side), decay=1e-5, boundary="reflecting")),
    }


def judged(case: Case) -> Verdict:
    """All three answers to a problem."""
    engine = sp.Engine(model=case.model, policy="surrogate-first")  # asks the network wherever its card applies
    network = engine.solve(case.problem, method="surrogate").field
    answer = engine.solve(case.problem, tolerance=TOLERANCE * case.problem.largest_imposed)
    exact = engine.solve(case.problem, method="exact").field
    return Verdict(exact, network, sp.certify(case.problem, network), answer)


def table(verdicts: dict[str, Verdict]) -> str:
    """Who was how far off, and what was known of it."""
    lines = ["                           network alone             guard's answer"]
    lines += ["                           error    bound    error    bound    cycles  answered by"]
    for name, verdict in verdicts.items():
        alone = (verdict.network_error, verdict.certificate.error_bound)
        numbers = "  ".join(f"{number:7.1e}" for number in (*alone, verdict.answer_error, verdict.answer.error_bound))
        lines.append(f"{name:<25}  {numbers}  {verdict.cycles:6d}  {verdict.answer.method}")
    return "\n".join(lines)


def picture(path: Path, verdicts: dict[str, Verdict]) -> None:
    """Row by row: what the network says, how far off it can be, and what the guard answers."""
    from matplotlib.colors import LogNorm

    made, axes = view.figure(9.6, 2.9 * len(DRAWN), (1.0, 1.0, 1.0), rows=len(DRAWN))
    field, bound = {"vmin": 0.0, "vmax": 1.0}, {"norm": LogNorm(1e-4, 1.0), "colours": "viridis"}
    for row, name in enumerate(DRAWN):
        verdict, (left, middle, right) = verdicts[name], axes[3 * row : 3 * row + 3]
        error_map = np.maximum(verdict.certificate.error_map, 1e-4)
        view.draw_field(left, 1.0, verdict.network, interpolation="nearest", **field)
        view.draw_field(middle, 1.0, error_map, interpolation="nearest", **bound)
        view.draw_field(right, 1.0, verdict.answer.field, interpolation="nearest", **field)
        left.set_title(f"{name}: the network", fontsize=10)
        middle.set_title(f"off by at most {verdict.certificate.error_bound:.2g}", fontsize=10)
        right.set_title(f"the answer, at most {verdict.answer.error_bound:.2g} off", fontsize=10)
    made.savefig(path, dpi=85)


def main() -> None:
    parser = argparse.ArgumentParser(description="Put the guard to problems that the network is wrong about.")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("guard-edge-cases.png"), help="the picture (default: %(default)s)"
    )
    parser.add_argument("--small", action="store_true", help="64 x 64 pixels instead of 128 x 128")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdicts = {name: judged(case) for name, case in cases(64 if chosen.small else 128, Path(folder)).items()}
    print(table(verdicts))
    print(f"\nAsked for {TOLERANCE:.0%} of the largest value. What the guard has to say:")
    for name, verdict in verdicts.items():
        for flag in verdict.answer.flags:
            print(f"{name}: {flag}")
    picture(chosen.output, verdicts)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
