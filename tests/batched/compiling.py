"""Compile each kernel that a call would launch for an NVIDIA GPU, which takes a compiler and no GPU."""

from __future__ import annotations

import functools
import itertools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import surrogate_plugin as sp
from surrogate_plugin.batched.level import Level
from surrogate_plugin.batched.stack import Stack

TYPES = {torch.float32: "*fp32", torch.float64: "*fp64", torch.bool: "*i1", torch.int32: "*i32", torch.int64: "*i64"}


@dataclass(frozen=True)
class Compiled:
    """A kernel of a launch, what it needs of a multiprocessor, and its instructions."""

    name: str
    registers: int
    spilt: int  # bytes a thread
    shared: int  # bytes a program
    ptx: str


@contextmanager
def instead_of_launches(capability: int) -> Iterator[list[Compiled]]:
    """While this holds nothing is launched: kernels are compiled for ``capability``, 90 for an H100, and noted."""
    from surrogate_plugin.batched.fused import launching

    found: list[Compiled] = []

    def compile_it(kernel: Any, programs: int, *arguments: Any, warps: int = 4, **constants: Any) -> None:
        assert programs > 0
        found.append(compiled(kernel, arguments, warps, constants, capability))

    launch, launching.run = launching.run, compile_it
    try:
        yield found
    finally:
        launching.run = launch


def compiled(
    kernel: Any, arguments: tuple[Any, ...], warps: int, constants: dict[str, Any], capability: int
) -> Compiled:
    """One kernel with the types of these arguments."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    known: dict[tuple[int, ...], Any] = {}
    signature = {
        name: _typed(value, (at,), known)
        for at, (name, value) in enumerate(zip(kernel.arg_names, arguments, strict=False))
    }
    for name, value in constants.items():
        signature[name] = "constexpr"
        known[(kernel.arg_names.index(name),)] = value
    options = {"num_warps": warps, "enable_fp_fusion": False}
    binary = triton.compile(
        ASTSource(fn=kernel, signature=signature, constexprs=known), GPUTarget("cuda", capability, 32), options
    )
    registers, spilt = _resources(binary.asm["cubin"])
    return Compiled(kernel.fn.__name__, registers, spilt, binary.metadata.shared, binary.asm["ptx"])


def _typed(value: Any, path: tuple[int, ...], known: dict[tuple[int, ...], Any]) -> Any:
    """The type of an argument as the compiler names it; what is None or 1 is known to it."""
    if isinstance(value, tuple):
        return tuple(_typed(each, (*path, at), known) for at, each in enumerate(value))
    if value is None:
        known[path] = None
        return "constexpr"
    return TYPES[value.dtype] if isinstance(value, torch.Tensor) else "fp32" if isinstance(value, float) else "i32"


def _resources(cubin: bytes) -> tuple[int, int]:
    """Registers and bytes of local memory a thread, by the tool that comes with triton."""
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        text = subprocess.run([str(tool), "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    match = re.search(r"REG:(\d+) STACK:(\d+)", text)
    assert match, text
    return int(match[1]), int(match[2])


def each_call() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is called of `surrogate_plugin.batched.fused`, with names, on lattices of the shapes that matter."""
    from surrogate_plugin.batched.fused import bottom, sweeps

    for linked in (False, True):
        for rings in ((False, False), (True, True)):
            kind = ("linked" if linked else "plain") + (" rings" if any(rings) else "")
            for side in (512, 640):
                fine = level((side, side), rings, linked=linked)
                b, coarse = fine.inverse, torch.zeros(4, side // 2 + 2, side // 2 + 2)
                many = 6 if linked else 3
                yield f"descend {side} {kind}", functools.partial(sweeps.descend, b, fine, 2)
                yield f"ascend {side} {kind}", functools.partial(sweeps.ascend, b, coarse, b, fine, 2)
                yield f"smooth {side} {kind}", functools.partial(sweeps.smooth, b, fine, many)
                yield f"residual {side} {kind}", functools.partial(sweeps.residual, b, b, fine)
            for side in (16, 64):
                levels = [level((side, side), rings, linked=linked)]
                while levels[-1].shape[0] > 4:
                    half = levels[-1].shape[0] // 2
                    levels.append(level((half, half), rings, linked=True))
                whole = functools.partial(bottom.bottom, levels[0].inverse, levels, torch.zeros(4, 16, 16), 2)
                yield f"bottom {side} {kind}", whole


def each_call_of_the_equation() -> Iterator[tuple[str, Callable[[], Any]]]:
    """The same of what is in float64, on a square of 512 pixels with maps and uptake, and without."""
    from surrogate_plugin.batched.fused import equation, gradients, halo

    for wide in (False, True):
        of, kind = stack((512, 512), wide=wide), "wide" if wide else "plain"
        c, one = torch.zeros(2, 514, 514, dtype=torch.float64), of.km
        yield f"residual of the equation, {kind}", functools.partial(equation.residual, of, c, one, one)
        yield f"inflated residual, {kind}", functools.partial(equation.inflated_residual, of, c)
        yield f"deficit, {kind}", functools.partial(equation.deficit, of, c.float(), c, of.decay, one, None)
        p, fine = c.float(), level((512, 512), of.rings, linked=wide)
        yield f"dot, {kind}", functools.partial(gradients.dot_and_max, p, p)
        given = p, p, one, of.decay, fine, of.wall_conductance, 1e28
        yield f"direction, {kind}", functools.partial(gradients.direction_and_curvature, *given)
        yield f"step, {kind}", functools.partial(gradients.add_direction, c, p, one, 0.0)
        yield f"halo, {kind}", functools.partial(halo.set_halo, c, of.wall_value, of.wall_conductance, of.rings)


def stack(shape: tuple[int, int], *, wide: bool) -> Stack:
    """Two problems of a shape."""
    more = {"diffusivity": np.linspace(1.0, 2.0, shape[0] * shape[1]).reshape(shape)} if wide else {}
    uptake = sp.MichaelisMenten(vmax=1.0, km=1.0) if wide else None
    return Stack.of([sp.Problem(np.eye(*shape), decay=0.1, uptake=uptake, **more) for _ in range(2)], "cpu")


def level(shape: tuple[int, int], rings: tuple[bool, bool], *, linked: bool) -> Level:
    """The types of a level, and no numbers."""
    array = torch.zeros(4, shape[0] + 2, shape[1] + 2)
    return Level(array, array if linked else None, array if linked else None, rings)


def main(capability: int, which: list[str]) -> None:
    """Print what each kernel needs, a line of JSON each; ``which`` are names of calls, all if there are none."""
    for name, call in itertools.chain(each_call(), each_call_of_the_equation()):
        if which and name not in which:
            continue
        with instead_of_launches(capability) as kernels:
            call()
        for each in kernels:
            needs = {"registers": each.registers, "spilt": each.spilt, "shared": each.shared}
            contracted = each.ptx.count("fma.rn")
            print(json.dumps({"call": name, "kernel": each.name, **needs, "contracted": contracted}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
