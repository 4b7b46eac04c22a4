"""Races, missing barriers and strayed addresses are found under the interpreter, and kernels have none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from surrogate_plugin.batched.choice import using
from tests.batched import watching
from tests.batched.compiling import each_call_of_judging, stack
from tests.batched.random_levels import DEVICE, hierarchy, level, vector

pytestmark = [
    pytest.mark.usefixtures("interpreter"),
    pytest.mark.skipif(DEVICE != "cpu", reason="a GPU runs programs in an order of its own"),
]
triton = pytest.importorskip("triton", reason="Triton is made for Linux alone")
tl = pytest.importorskip("triton.language", reason="Triton is made for Linux alone")


@triton.jit
def _smooth_in_place(x, COUNT: tl.constexpr):
    """Each program reads what its neighbours write."""
    i = tl.program_id(0)
    left = tl.load(x + i - 1, mask=i > 0, other=0.0)
    right = tl.load(x + i + 1, mask=i < COUNT - 1, other=0.0)
    tl.store(x + i, 0.5 * (left + right))


@triton.jit
def _no_barrier(x, y, COUNT: tl.constexpr):
    """A thread reads what another one of its program has written."""
    k = tl.arange(0, COUNT)
    tl.store(y + k, tl.load(x + k))
    tl.store(x + k, tl.load(y + COUNT - 1 - k))


@triton.jit
def _too_far(x, y, COUNT: tl.constexpr):
    k = tl.arange(0, COUNT)
    tl.store(y + k, tl.load(x + k + 1))


@triton.jit
def _all_at_once(x, y, COUNT: tl.constexpr):
    """Each program writes to the same place."""
    tl.store(y, tl.load(x + tl.program_id(0)))


@pytest.mark.parametrize(
    ("kernel", "arguments", "programs", "said"),
    [
        (_smooth_in_place, 1, 4, "reads what program . writes"),
        (_no_barrier, 2, 1, "no barrier"),
        (_too_far, 2, 1, "reads memory of no argument"),
        (_all_at_once, 2, 4, "write to the same place"),
    ],
)
def test_what_the_interpreter_hides_is_found(kernel: Any, arguments: int, programs: int, said: str) -> None:
    given = [torch.ones(4) for _ in range(arguments)]
    with watching.watched(watching.shuffled), pytest.raises(watching.Race, match=said):
        kernel[(programs,)](*given, COUNT=4)


def calls() -> Iterator[tuple[str, Callable[[], tuple[Tensor | None, ...]]]]:
    """What is called of `surrogate_plugin.batched.fused`, on lattices of several programs, odd and on rings."""
    from surrogate_plugin.batched import krylov, operations, operator, proposals

    for shape, rings, linked in (((5, 20), (False, False), False), ((6, 17), (True, True), True)):
        make = torch.Generator().manual_seed(1)
        fine = level(make, shape, rings, linked=linked)
        x, b = (torch.nan_to_num(vector(make, fine), nan=0.0) for _ in range(2))
        coarse = torch.randn(2, (shape[0] + 1) // 2 + 2, (shape[1] + 1) // 2 + 2, generator=make)
        free = fine.inverse[:, 1:-1, 1:-1] != 0.0
        decay, walls = torch.rand(2, *shape, generator=make).double(), torch.rand(2, 2, 2, generator=make).double()
        coefficients = coarse.abs(), coarse.abs(), coarse.abs(), coarse.abs()
        factor = torch.tensor([0.5, 2.0], dtype=torch.float64)
        given = x, b, fine, coarse, free, decay, walls, coefficients, factor, rings
        yield from _of_levels(operations, krylov, *given)
    from surrogate_plugin.batched import compact, features
    from surrogate_plugin.surrogate import relaxation_tensors
    from surrogate_plugin.surrogate.networks import CompactNetwork

    torch.manual_seed(0)

    seen_of = stack((17, 40), wide=False)
    yield "image", lambda: (features.see(seen_of).image,)
    answer = torch.rand(2, 28, 48, generator=torch.Generator().manual_seed(4))
    image = torch.rand(2, 4, 28, 48, generator=torch.Generator().manual_seed(5))
    image[:, 1] = (image[:, 1] > 0.8).float()
    yield "fields", lambda: (features.decode(answer, seen_of, features.see(seen_of)),)
    network = CompactNetwork(width=10, head=9, sweeps=1).requires_grad_(False)
    blocks = torch.rand(2, 4, 40, 28, generator=torch.Generator().manual_seed(6))
    yield "layers", lambda: (compact.answer(network, blocks, torch.ones(2), saturates=False),)
    yield "last sweeps", lambda: relaxation_tensors.forward(answer, image, torch.ones(2), 1)
    from surrogate_plugin.surrogate import diffusion_tensors

    parts = [torch.rand(2, 9, 17, generator=torch.Generator().manual_seed(seed)) for seed in range(4)]
    yield "coarse equation", lambda: (diffusion_tensors.solve(*parts, None, 2),)
    for name, work in each_call_of_judging():
        yield name, lambda work=work: tuple(each for each in _flat(work()) if each.dtype == torch.float64)
    for wide in (False, True):
        of = stack((5, 9), wide=wide)
        c = operator.embed(of, None) + 0.25
        target = torch.ones_like(of.decay)
        unit = torch.ones_like(of.km)
        yield f"embed {wide}", lambda of=of: (operator.embed(of, of.decay),)
        yield f"wanted {wide}", lambda of=of, unit=unit: (proposals._wanted(of.decay, unit),)
        yield f"grow and keep {wide}", lambda of=of, c=c: _grown_and_kept(of, c.clone())
        yield f"residual {wide}", lambda of=of, c=c, unit=unit: operator.residual(of, c.clone(), unit)
        yield f"inflated {wide}", lambda of=of, c=c: operator.inflated_residual(of, c.clone())
        yield (
            f"deficit {wide}",
            lambda of=of, c=c, target=target, unit=unit: operator.deficit(of, c.float(), c.clone(), target, unit),
        )


def _flat(found: Any) -> Iterator[Tensor]:
    for each in found:
        yield from [each] if isinstance(each, Tensor) else _flat(each)


def _grown_and_kept(of: Any, c: Tensor) -> tuple[Tensor, ...]:
    from surrogate_plugin.batched.fused import fields

    fields.grow(c, c.float(), of.free, 1.6)
    kept = torch.zeros(3, *of.shape, dtype=torch.float64)
    fields.keep(kept, c, of.ceiling, torch.tensor([1, 0]), torch.tensor([0, 2]))
    return c, kept


def _of_levels(
    operations: Any, krylov: Any, x: Tensor, b: Tensor, fine: Any, coarse: Tensor, free: Tensor, decay: Tensor,
    walls: Tensor, coefficients: Any, factor: Tensor, rings: tuple[bool, bool],
) -> Iterator[tuple[str, Callable[[], tuple[Tensor | None, ...]]]]:  # fmt: skip
    kind = str(fine.shape)

    def whole_cycle() -> tuple[Tensor, ...]:
        levels, coarsest = hierarchy(torch.Generator().manual_seed(2), (6, 7), rings, 1)
        b = torch.nan_to_num(vector(torch.Generator().manual_seed(3), levels[0]), nan=0.0)
        return (operations.bottom(b, levels, coarsest, 1), operations.invert_coarsest(levels[-1]))

    def set_up() -> tuple[Tensor | None, ...]:
        inverse, (rate, wall, north, east) = operations.set_up_finest(free, free, decay, walls, rings)
        below, more = operations.coarser(coefficients, rings)
        return inverse, rate, wall, north, east, below, *more

    yield f"descend {kind}", lambda: tuple(each[:, 1:-1, 1:-1] for each in operations.descend(b, fine, 1))
    yield f"ascend {kind}", lambda: (operations.ascend(x, coarse, b, fine, 1),)
    yield f"smooth {kind}", lambda: (operations.smooth(b, fine, 1),)
    yield f"residual {kind}", lambda: (operations.residual(x, b, fine),)
    yield f"cycle {kind}", whole_cycle
    yield f"set-up {kind}", set_up
    yield f"dot {kind}", lambda: krylov.dot_and_max(x, b)
    yield f"direction {kind}", lambda: krylov.direction_and_curvature(x, b, factor, decay, fine, walls)
    yield f"step {kind}", lambda: (krylov.add_direction(x.double(), b, factor, 0.0),)


NAMES = [name for name, _ in calls()] if DEVICE == "cpu" else []


@pytest.fixture
def many_programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small ones, and memory that is not set holds what is no number."""
    from surrogate_plugin.batched.fused import coarse, equation, gradients, launching, setting_up

    monkeypatch.setattr(launching, "_ROWS", (4,))
    monkeypatch.setattr(launching, "_WIDTHS", (16,))
    monkeypatch.setattr(setting_up, "_BLOCK", 16)
    for module, name, value in ((equation, "_ROWS", 4), (equation, "_WIDTH", 8), (gradients, "_ROWS", 4),
                                (gradients, "_WIDTH", 8), (gradients, "_PIXELS", 64), (coarse, "_ROWS", 4),
                                (coarse, "_WIDTH", 8)):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    launching.strips_of.cache_clear()
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
    launching.strips_of.cache_clear()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("many_programs")
def test_programs_are_independent_and_in_no_order(name: str) -> None:
    call = dict(calls())[name]
    with using(kernels=True):
        expected = call()
        for order in (watching.backwards, watching.shuffled):
            with torch.no_grad(), watching.watched(order):
                found = call()
            for one, other in zip(found, expected, strict=True):
                assert (one is None) == (other is None)
                if one is not None and other is not None:
                    assert not other.isnan().any()
                    assert torch.equal(one, other)
