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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import surrogate_plugin as sp
from surrogate_plugin.batched.level import Level
from surrogate_plugin.batched.stack import Stack


@dataclass(frozen=True)
class Compiled:
    """A kernel of a launch, what it needs of a multiprocessor, and how it rounds."""

    name: str
    registers: int
    spilt: int  # bytes a thread
    shared: int  # bytes a program
    contracted: int  # products and sums in one instruction


class NoDriver:
    """Stands for the driver of a GPU that is not there: of which capability it is, and nothing else."""

    def __init__(self, capability: int) -> None:
        from triton.backends.compiler import GPUTarget

        self._target = GPUTarget("cuda", capability, 32)

    def get_current_target(self) -> Any:
        return self._target

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int | None = None) -> int:
        return 0


def instead_of_launches(capability: int) -> list[Compiled]:
    """From here on this process launches nothing: kernels are compiled as for a launch, and noted in this list."""
    from triton.runtime import driver

    from surrogate_plugin.batched.fused import launching

    found: list[Compiled] = []

    def compile_it(kernel: Any, programs: int, *arguments: Any, warps: int, **constants: Any) -> None:
        assert programs > 0
        binary = kernel.warmup(*arguments, grid=(programs,), num_warps=warps, **launching.ROUNDED, **constants)
        registers, spilt = _resources(binary.asm["cubin"])
        contracted = _contracted(binary.asm["cubin"])
        name, shared = kernel.fn.__name__, binary.metadata.shared
        found.append(Compiled(name, registers, spilt, shared, contracted))

    launching.run = compile_it
    driver.set_active(NoDriver(capability))
    return found


def _resources(cubin: bytes) -> tuple[int, int]:
    """Registers and bytes of local memory a thread."""
    match = re.search(r"REG:(\d+) STACK:(\d+)", _asked("cuobjdump", "-res-usage", cubin))
    assert match
    return int(match[1]), int(match[2])


def _contracted(cubin: bytes) -> int:
    """Fused multiply-adds in the machine's own instructions; a division of float64 has some by its nature."""
    return len(re.findall(r"\b[DF]FMA\b", _asked("nvdisasm", "-c", cubin)))


def _asked(tool: str, question: str, cubin: bytes) -> str:
    """What one of the tools that come with Triton says of a program."""
    import triton

    path = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / tool
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        return subprocess.run([str(path), question, file.name], capture_output=True, text=True, check=True).stdout


def each_call() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is called of `surrogate_plugin.batched.fused`, with names, on lattices of the shapes that matter."""
    from surrogate_plugin.batched.fused import bottom, sweeps

    for linked in (False, True):
        for rings in ((False, False), (True, True)):
            kind = ("linked" if linked else "plain") + (" rings" if any(rings) else "")
            for shape in ((512, 512), (640, 640), (1, 7), (9, 1)):
                fine, side = level(shape, rings, linked=linked), "x".join(map(str, shape))
                b, coarse = fine.inverse, torch.zeros(4, (shape[0] + 1) // 2 + 2, (shape[1] + 1) // 2 + 2)
                many = 6 if linked else 3
                yield f"descend {side} {kind}", functools.partial(sweeps.descend, b, fine, 2)
                yield f"ascend {side} {kind}", functools.partial(sweeps.ascend, b, coarse, b, fine, 2)
                yield f"smooth {side} {kind}", functools.partial(sweeps.smooth, b, fine, many)
                yield f"residual {side} {kind}", functools.partial(sweeps.residual, b, b, fine)
            fine = level((512, 512), rings, linked=linked, count=256)  # whose programs have whole rows
            coarse = torch.empty(256, 258, 258)
            yield f"descend many {kind}", functools.partial(sweeps.descend, fine.inverse, fine, 2)
            yield f"ascend many {kind}", functools.partial(sweeps.ascend, fine.inverse, coarse, fine.inverse, fine, 2)
            for side in (16, 64):
                levels = [level((side, side), rings, linked=linked)]
                while levels[-1].shape[0] > 4:
                    half = levels[-1].shape[0] // 2
                    levels.append(level((half, half), rings, linked=True))
                whole = functools.partial(bottom.bottom, levels[0].inverse, levels, torch.zeros(4, 16, 16), 2)
                yield f"bottom {side} {kind}", whole


def each_call_of_the_equation() -> Iterator[tuple[str, Callable[[], Any]]]:
    """The same of what is in float64, with maps and uptake, and without."""
    from surrogate_plugin.batched.fused import equation, fields, gradients, halo

    for wide, shape in ((False, (512, 512)), (True, (512, 512)), (False, (1, 7)), (True, (3, 1))):
        of, kind = stack(shape, wide=wide), f"{'wide' if wide else 'plain'} {shape[0]}x{shape[1]}"
        c, one = torch.zeros(2, shape[0] + 2, shape[1] + 2, dtype=torch.float64), of.km
        yield f"residual of the equation, {kind}", functools.partial(equation.residual, of, c, one, one)
        yield f"inflated residual, {kind}", functools.partial(equation.inflated_residual, of, c)
        yield f"deficit, {kind}", functools.partial(equation.deficit, of, c.float(), c, of.decay, one, None)
        at = torch.zeros(2, dtype=torch.int64)
        yield f"embed, {kind}", functools.partial(fields.embed, of.source, of.free, of.decay)
        yield f"wanted, {kind}", functools.partial(fields.wanted, of.decay, one)
        yield f"grow, {kind}", functools.partial(fields.grow, c, c.float(), of.free, 1.6)
        yield f"keep, {kind}", functools.partial(fields.keep, of.decay, c, one, at, at)
        p, fine = c.float(), level(shape, of.rings, linked=wide)
        yield f"dot, {kind}", functools.partial(gradients.dot_and_max, p, p)
        given = p, p, one, of.decay, fine, of.wall_conductance, 1e28
        yield f"direction, {kind}", functools.partial(gradients.direction_and_curvature, *given)
        yield f"step, {kind}", functools.partial(gradients.add_direction, c, p, one, 0.0)
        yield f"halo, {kind}", functools.partial(halo.set_halo, c, of.wall_value, of.wall_conductance, of.rings)


def each_call_of_set_up() -> Iterator[tuple[str, Callable[[], Any]]]:
    """The same of what makes levels."""
    from surrogate_plugin.batched.fused import setting_up

    of = stack((512, 512), wide=False)
    for rings in ((False, False), (True, True)):
        kind = "rings" if any(rings) else "plain"
        given = of.free, of.free, of.decay, of.wall_conductance, rings
        yield f"finest {kind}", functools.partial(setting_up.finest, *given)
        array = torch.zeros(2, 258, 258)
        yield f"coarser {kind}", functools.partial(setting_up.coarser, (array, array, array, array), rings)
    yield "coarser, no walls", functools.partial(setting_up.coarser, (array, None, array, array), (True, True))
    for side in (3, 4):
        coarsest = level((side, side), (False, False), linked=True)
        yield f"coarsest {side}", functools.partial(setting_up.invert_coarsest, coarsest)


def each_call_of_a_network() -> Iterator[tuple[str, Callable[[], Any]]]:
    """The same of what a network solves and sweeps by itself, at 512 x 512 pixels; kernels are said to be wanted."""
    from surrogate_plugin.batched.choice import using
    from surrogate_plugin.surrogate import diffusion_tensors, relaxation_tensors

    def wanted(call: Callable[..., Any], *given: Any) -> Callable[[], Any]:
        def work() -> None:
            with using(kernels=True):
                call(*given)

        return work

    from surrogate_plugin.batched import compact, features
    from surrogate_plugin.surrogate.networks import CompactNetwork

    for uptake in (None, sp.MichaelisMenten(vmax=1.0, km=1.0)):
        of = Stack.of([sp.Problem(np.eye(512), decay=0.1, uptake=uptake)] * 2, "cpu")
        kind = "plain" if uptake is None else "saturating"
        yield f"image, {kind}", wanted(features.see, of)
        seen = features.Seen(torch.ones(2, 4, 516, 516), of.km.float(), of.km, None)
        yield f"fields, {kind}", wanted(features.decode, torch.ones(2, 518, 518)[:, 1:-1, 1:-1], of, seen)
    network = CompactNetwork().requires_grad_(False)
    asked = functools.partial(compact.answer, network, torch.ones(2, 4, 516, 516), torch.zeros(2), saturates=True)
    yield "layers", wanted(asked)
    part = torch.ones(2, 129, 129)
    yield "coarse equation", wanted(diffusion_tensors.solve, part, part, part, part, part, 1)
    for channels in (4, 7):
        image, saturation, field = torch.ones(2, channels, 516, 516), torch.zeros(2), torch.zeros(2, 516, 516)
        kind = "plain" if channels == 4 else "wider"
        yield f"last sweeps, {kind}", wanted(relaxation_tensors.forward, field, image, saturation, 4)
        yield f"their transpose, {kind}", wanted(relaxation_tensors.transposed, field, field, image, 4)


def each_call_of_judging() -> Iterator[tuple[str, Callable[[], Any]]]:
    """The same of a step's numbers a problem."""
    from surrogate_plugin.batched.fused import judging

    one = torch.ones(2, dtype=torch.float64)
    standing = judging.Standing(*(one for _ in range(8)), torch.zeros(2, dtype=torch.int64))
    sums, bits = torch.ones(2, 128, dtype=torch.float64), torch.ones(2, 128, dtype=torch.int64)
    now = torch.ones(3, 2, dtype=torch.float64)
    yield "after a product", functools.partial(judging.after_product, standing, sums, bits.int(), 1.0)
    yield "after a curvature", functools.partial(judging.after_curvature, standing, now, sums, mapped=True)
    yield "after a residual", functools.partial(judging.after_residual, standing, bits)


def stack(shape: tuple[int, int], *, wide: bool) -> Stack:
    """Two problems of a shape."""
    more = {"diffusivity": np.linspace(1.0, 2.0, shape[0] * shape[1]).reshape(shape)} if wide else {}
    uptake = sp.MichaelisMenten(vmax=1.0, km=1.0) if wide else None
    return Stack.of([sp.Problem(np.eye(*shape), decay=0.1, uptake=uptake, **more) for _ in range(2)], "cpu")


def level(shape: tuple[int, int], rings: tuple[bool, bool], *, linked: bool, count: int = 4) -> Level:
    """The types of a level, and no numbers."""
    array = torch.empty(count, shape[0] + 2, shape[1] + 2)
    return Level(array, array if linked else None, array if linked else None, rings)


def main(capability: int, which: list[str]) -> None:
    """Print what each kernel needs, a line of JSON each; ``which`` are names of calls, all if there are none."""
    kernels = instead_of_launches(capability)
    each = (
        each_call(),
        each_call_of_the_equation(),
        each_call_of_set_up(),
        each_call_of_judging(),
        each_call_of_a_network(),
    )
    for name, call in itertools.chain(*each):
        if which and name not in which:
            continue
        kernels.clear()
        call()
        for kernel in kernels:
            print(json.dumps({"call": name, **asdict(kernel)}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
