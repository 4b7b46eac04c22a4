"""What a network says of the wider equation: as torch and compiled, linear in all that feeds it, fixed values exact."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn

import surrogate_plugin as sp
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.surrogate import diffusion_layer, features
from surrogate_plugin.surrogate.compiled.network import CompiledNetwork
from surrogate_plugin.surrogate.networks import WIDER_SWEEPS, CompactNetwork
from surrogate_plugin.surrogate.operations import ProgramNetwork, Step
from tests.surrogate.wider_scenes import KINDS, scene


def drawn(wider: int, seed: int = 0) -> CompactNetwork:
    """With weights of a trained network's size, whatever they say."""
    torch.manual_seed(seed)
    network = CompactNetwork(width=10, head=9, wider=wider)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.15)
    return network.eval()


def said(network: CompactNetwork, *seen: features.Seen) -> torch.Tensor:
    """Fields over each image's own scale, the coarse equation solved as far as float32 goes."""
    images = torch.from_numpy(np.stack([each.image for each in seen]))
    with torch.inference_mode(), mock.patch.object(diffusion_layer, "TOLERANCE", 1e-7):
        answer: torch.Tensor = network(images, torch.tensor([each.saturation for each in seen]))
    return answer


@pytest.mark.parametrize("wider", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_torch_and_the_compiled_pass_agree(kind: str, wider: int) -> None:
    network, seen = drawn(wider), features.see(scene(kind))
    expected = said(network, seen)[0].numpy()
    with mock.patch.object(diffusion_layer, "TOLERANCE", 1e-7):
        found = CompiledNetwork(network)(seen.image, seen.saturation)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=3e-6 * np.abs(expected).max())


def test_a_compiled_network_goes_from_plain_problems_to_wider_ones_and_back() -> None:
    compiled, plain, ring = CompiledNetwork(drawn(1)), Problem(np.eye(41, 54)), scene("ring")
    first = [compiled.predict(problem) for problem in (plain, ring)]
    again = [compiled.predict(problem) for problem in (ring, plain)]
    np.testing.assert_array_equal(first[0], again[1])
    np.testing.assert_array_equal(first[1], again[0])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "saturating"])
def test_the_answer_is_linear_in_all_that_is_imposed_and_supplied(kind: str) -> None:
    """Superposition and scaling, whatever the weights, on one operator."""
    problem, rng = scene(kind), np.random.default_rng(7)
    network = drawn(1, seed=3)

    def fed(first: float, second: float) -> Problem:
        values = first * parts[0][0] + second * parts[1][0], first * parts[0][1] + second * parts[1][1]
        return problem.replace(source=values[0], production=values[1], boundary=_sides(problem, first + 2 * second))

    parts = [(np.where(problem.fixed, rng.random(problem.shape), 0.0), rng.random(problem.shape)) for _ in range(2)]
    seen = [features.see(fed(*shares)) for shares in ((1.0, 0.0), (0.0, 1.0), (0.25, 3.0))]
    one, other, both = (field * each.scale for field, each in zip(said(network, *seen), seen, strict=True))
    torch.testing.assert_close(both, 0.25 * one + 3.0 * other, rtol=0.0, atol=2e-4 * float(both.abs().max()))


def _sides(problem: Problem, share: float) -> dict[str, object]:
    """The sides of a problem with what they hold and let in scaled."""
    made: dict[str, object] = {}
    for name, side in zip(("left", "right", "bottom", "top"), problem.boundary.sides, strict=True):
        if side.kind == "exchange":
            made[name] = sp.Exchange(side.rate, share * side.value)
        elif side.kind == "flux":
            made[name] = sp.Flux(share * side.rate)
        else:
            made[name] = share * side.value if side.kind == "value" else side.kind
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_fixed_values_are_imposed_whatever_the_weights(kind: str) -> None:
    problem = scene(kind)
    field = CompiledNetwork(drawn(1, seed=2)).predict(problem)
    np.testing.assert_array_equal(field[problem.fixed], problem.source[problem.fixed])
    assert np.isfinite(field).all()
    assert (field >= 0).all()


@pytest.mark.parametrize("boundary", ["absorbing", 0.4])
def test_a_plain_problem_told_as_one_of_the_wider_equation_has_the_same_answer(boundary: str | float) -> None:
    """But for the sweeps, of which the wider equation has more."""
    rng = np.random.default_rng(1)
    source, decay = np.where(rng.random((33, 46)) < 0.1, 1.0, 0.0), rng.uniform(0.0, 0.1, (33, 46))
    problem = Problem(source, decay=decay, boundary=boundary)
    channels = np.empty((features.WIDER_CHANNELS, *features.PaddedLattice.around(problem.shape).padded), np.float32)
    network = drawn(0)
    told = said(network, features.see(problem, channels))
    network.sweeps *= WIDER_SWEEPS
    torch.testing.assert_close(told, said(network, features.see(problem)), rtol=0.0, atol=1e-6)


def test_layers_for_the_wider_equation_change_no_plain_answer() -> None:
    network, more = drawn(0), CompactNetwork(width=10, head=9, wider=7)
    more.load_state_dict(network.state_dict(), strict=False)
    seen = features.see(Problem(np.eye(30), decay=0.01))
    torch.testing.assert_close(said(more, seen), said(network, seen), rtol=0.0, atol=0.0)
    assert not torch.equal(said(more, features.see(scene("all"))), said(network, features.see(scene("all"))))


@pytest.mark.parametrize("before", [0, 10])
def test_larger_layers_begin_with_the_answers_of_smaller_ones(before: int) -> None:
    """Those of plain problems where there are no others; what is new learns from there."""
    small, large = drawn(before), CompactNetwork(width=10, head=9, wider=14)
    large.load_state_dict(CompactNetwork.begun(small.state_dict(), large.state_dict()))
    for problem in (Problem(np.eye(30), decay=0.01), scene("all")):
        seen = features.see(problem)
        torch.testing.assert_close(said(large, seen), said(small, seen), rtol=0.0, atol=2e-6)
    large(torch.from_numpy(features.see(scene("all")).image[None]), torch.zeros(1)).sum().backward()
    learning = {name: each.grad for name, each in large.named_parameters() if each.grad is not None}
    assert all(name.startswith(CompactNetwork.WIDER) for name in learning)
    assert float(learning["wider.pixels.weight"][:, 9:].abs().max()) > 0.0


def exact(problem: Problem) -> FloatArray:
    return sp.solve(problem, method="exact").field


@pytest.mark.parametrize(
    ("kind", "part"),
    [("production", 0.15), ("torus", 0.1), ("map", 0.15), ("exchange", 0.1), ("flux", 0.2), ("step", 0.1)],
)
def test_before_training_the_network_already_knows_the_equation(kind: str, part: float) -> None:
    problem = scene(kind)
    found, expected = CompiledNetwork(CompactNetwork(wider=1)).predict(problem), exact(problem)
    assert np.linalg.norm(found - expected) < part * np.linalg.norm(expected)


def test_a_flux_into_a_closed_box_is_kept() -> None:
    """All that comes in decays, however few pixels there are beside the sides."""
    problem = Problem(np.zeros((61, 50)), decay=1e-3, boundary=sp.Flux(0.05))
    found = CompiledNetwork(CompactNetwork(wider=1)).predict(problem)
    came_in = float(np.asarray(problem.supply).sum())
    assert 1e-3 * found.sum() == pytest.approx(came_in, rel=0.03)


def test_on_a_torus_no_place_is_another() -> None:
    """A problem that is moved along has the field moved along, across the seam as anywhere."""
    made = np.zeros((51, 61))
    made[20:28, 30:38] = 0.01
    problem = Problem(np.zeros(made.shape), production=made, decay=1e-3, boundary="periodic")
    moved = problem.map(lambda array: np.roll(array, (26, 31), (0, 1)))
    compiled = CompiledNetwork(CompactNetwork(wider=1))
    there, here = np.roll(compiled.predict(problem), (26, 31), (0, 1)), compiled.predict(moved)
    assert np.abs(there - here).max() < 0.05 * here.max()


def test_a_membrane_keeps_apart_what_is_on_its_two_sides() -> None:
    source = np.zeros((48, 48))
    source[20:28, :3] = 1.0
    wall = np.full((48, 47), np.inf)
    wall[:, 22] = 1e-3
    held = Problem(source, decay=1e-3, membranes=sp.Membranes(x=wall))
    compiled = CompiledNetwork(CompactNetwork(wider=1))
    behind, without = (compiled.predict(each)[:, 26:].max() for each in (held, Problem(source, decay=1e-3)))
    assert behind < 0.25 * without


class Plain(ProgramNetwork):
    """A network of plain problems alone."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = CompactNetwork(width=8)

    def program(self) -> list[Step]:
        return self.inner.program()


def test_a_network_without_a_program_for_it_says_so() -> None:
    network, problem = Plain(), scene("production")
    assert CompiledNetwork(network).knows(Problem(np.eye(20)))
    assert not CompiledNetwork(network).knows(problem)
    with pytest.raises(UnsupportedProblemError, match="plain problems"):
        network(torch.from_numpy(features.encode(problem)[None]), torch.zeros(1))


@pytest.mark.parametrize("side", range(29, 37))
@pytest.mark.parametrize("turned", [False, True])
def test_the_last_block_is_joined_however_few_of_its_pixels_there_are(side: int, turned: bool) -> None:
    """A tissue whose side leaves any number of pixels to the last block, fed through that side."""
    sides: dict[str, object] = dict.fromkeys(("left", "right", "bottom", "top"), "reflecting")
    sides["top" if turned else "right"] = sp.Flux(1.0)
    shape = (side, 30) if turned else (30, side)
    problem = Problem(np.zeros(shape), np.zeros(shape, np.bool_), decay=1e-3, boundary=sides)
    field, expected = CompiledNetwork(CompactNetwork(wider=8)).predict(problem), exact(problem)
    assert np.abs(field - expected).max() < 0.05 * expected.max()


def test_a_sealed_pocket_is_not_seen_and_answered_by_0() -> None:
    diffusivity = np.ones((30, 30))
    diffusivity[10:19, 10] = diffusivity[10:19, 18] = diffusivity[10, 10:19] = diffusivity[18, 10:19] = 0.0
    problem = Problem(np.eye(30) * (np.arange(30) < 5), diffusivity=diffusivity, decay=1e-6, boundary="reflecting")
    assert not CompiledNetwork(drawn(9)).predict(problem)[11:18, 11:18].any()
