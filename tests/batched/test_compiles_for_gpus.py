"""Kernels compile for GPUs of NVIDIA, for which no GPU is needed, into what a multiprocessor can hold.

In a process of its own, since kernels that the interpreter runs are no kernels for the compiler.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: These divide, or are a network's, whose numbers nothing is proven by.
_ROUND_AS_THEY_LIKE = (
    "_finest",
    "_invert",
    "_see",
    "_begin",
    "_read",
    "_mix",
    "_dense",
    "_draw",
    "_after_product",
    "_after_curvature",
)


def compiled(capability: int, *which: str) -> list[dict[str, str | int]]:
    """What each kernel needs, by the name of the call that launches it."""
    environment = {**os.environ, "TRITON_INTERPRET": "0"}
    command = [sys.executable, "-m", "tests.batched.compiling", str(capability), *which]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    return [json.loads(line) for line in ran.stdout.splitlines()]


def assert_fits(kernels: list[dict[str, str | int]]) -> None:
    assert kernels
    for kernel in kernels:
        assert kernel["spilt"] <= 256, kernel  # bytes a thread that registers do not hold
        assert kernel["shared"] <= 96 * 1024, kernel
        if "wide" not in str(kernel["call"]) and kernel["name"] not in _ROUND_AS_THEY_LIKE:
            assert kernel["contracted"] == 0, kernel  # products and sums are rounded one by one


def test_kernels_of_a_cycle_and_of_the_certificate_compile_for_an_h100() -> None:
    assert_fits(
        compiled(
            90,
            "descend 512x512 plain",
            "descend many plain",
            "ascend 1x7 linked",
            "bottom 16 plain",
            "inflated residual, plain 512x512",
            "deficit, wide 512x512",
            "finest plain",
            "coarsest 4",
            "after a product",
            "coarse equation",
            "image, plain",
            "layers",
            "fields, plain",
            "last sweeps, wider",
            "their transpose, plain",
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize("capability", [80, 90])
def test_all_kernels_compile(capability: int) -> None:
    assert_fits(compiled(capability))
