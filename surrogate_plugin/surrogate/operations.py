"""What a network's program is made of: operations with their weights, and steps that say what each reads and writes.

A program is a list of steps on named values. ``image`` and ``saturation`` are given, what the last step writes is the
answer. A network has one program for plain problems, whose image has four channels, and may have another for the wider
equation, whose image has seven. A value of blocks is (N, h, w, channels) float32, one of pixels (N, H', W') with
H' = 4 h and W' = 4 w. Here stands what each operation means, to torch and its gradients;
`surrogate_plugin.surrogate.compiled` has a pass over rows for most of them, and a network all of whose operations have
one is answered by these on a CPU.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.surrogate import diffusion_layer
from surrogate_plugin.surrogate.features import BLOCK, CHANNELS
from surrogate_plugin.surrogate.relaxation_layer import relax

PIXELS = BLOCK * BLOCK


class Operation(abc.ABC):
    """One operation, weights included; called with the values that its step reads."""

    @abc.abstractmethod
    def __call__(self, *read: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What is written, a tensor for each name."""

    def of_first_order(self) -> Operation:
        """The same where no uptake saturates, for less; itself unless it says otherwise."""
        return self

    def on(self, *reads: str, to: str | tuple[str, ...]) -> Step:
        """This operation as a step of a program, with the names of the values that it reads and writes."""
        return Step(self, reads, (to,) if isinstance(to, str) else to)


@dataclass(frozen=True, eq=False)
class Step:
    """An operation, the names of the values it reads, and those of the values it writes, which may be the same."""

    operation: Operation
    reads: tuple[str, ...]
    writes: tuple[str, ...]


class ProgramNetwork(nn.Module, abc.ABC):
    """A network that lists what it does; who changes what it does overrides `program`, and nothing else."""

    @abc.abstractmethod
    def program(self) -> list[Step]:
        """The steps for a plain problem, in their order, with the weights of now."""

    def wider_program(self) -> list[Step]:
        """The steps for a problem of the wider equation.

        Raises
        ------
        UnsupportedProblemError
            If the network has none.
        """
        raise UnsupportedProblemError("the network was made for plain problems: no production, no faces of their own.")

    def forward(self, image: Tensor, saturation: Tensor | None = None, *, saturates: bool = True) -> Tensor:
        """The answer of the last step; a network that does without the saturation is called without.

        ``saturates`` False says what a network on a GPU cannot see without waiting for it: every saturation is 0.
        """
        values = {"image": image} if saturation is None else {"image": image, "saturation": saturation}
        for step in self.program() if image.shape[1] <= CHANNELS else self.wider_program():
            operation = step.operation if saturates else step.operation.of_first_order()
            written = operation(*(values[name] for name in step.reads))
            values.update(zip(step.writes, written if isinstance(written, tuple) else (written,), strict=True))
            answer = values[step.writes[-1]]
        return answer


def ask(network: nn.Module, image: Tensor, saturation: Tensor, *, saturates: bool) -> Tensor:
    """A network's answer; one whose ``forward`` is its own is not told what is known of saturation."""
    told = {"saturates": saturates} if type(network).forward is ProgramNetwork.forward else {}
    answer: Tensor = network(image, saturation, **told)
    return answer


@dataclass(frozen=True, eq=False)
class ReadBlocks(Operation):
    """The blocks of an image: ``(image, saturation)`` to what layers may see of them, and four means.

    Written are the 16 mask entries of a block with the logarithm of its mean decay, (N, h, w, 17), and, of one channel
    each, the mean value of its fixed pixels, their share, and the means over all its pixels of the first-order decay
    and of the saturating uptake's initial rate.

    Parameters
    ----------
    lowest, highest : float
        The mean decay of a block's free pixels is held to these before its logarithm is taken.
    centre : float
        The logarithm (of base 10) that is written as 0; so is that of a block without free pixels.
    """

    lowest: float
    highest: float
    centre: float

    def __call__(self, *read: Tensor) -> tuple[Tensor, ...]:
        image, saturation = read
        mask = blocks(image[:, 1])
        share = mask.mean(dim=3, keepdim=True)
        value = blocks(image[:, 0]).mean(dim=3, keepdim=True) / share.clamp(min=1.0 / PIXELS)
        first_order, rate = (blocks(channel).mean(dim=3, keepdim=True) for channel in (image[:, 2], image[:, 3]))
        free = 1.0 - share
        mean = _decay(first_order, rate, saturation, 0.5) / free.clamp(min=1.0 / PIXELS)
        scaled = torch.where(free > 0, mean.clamp(self.lowest, self.highest).log10() - self.centre, 0.0)
        return torch.cat([mask, scaled], dim=3), value, share, first_order, rate


@dataclass(frozen=True, eq=False)
class Dense(Operation):
    """``weight x + bias`` in each block.

    Parameters
    ----------
    weight : (out, in) float32
    bias : (out,) float32 or None
    single : bool
        Float32 also where a training computes in a shorter format.
    """

    weight: Tensor
    bias: Tensor | None = None
    single: bool = False

    @classmethod
    def of(cls, layer: nn.Linear, *, single: bool = False) -> Dense:
        """With the weights of a layer, and its bias if it has one."""
        return cls(layer.weight, layer.bias, single)

    def __call__(self, *read: Tensor) -> Tensor:
        (x,) = read
        if not self.single:
            return functional.linear(x, self.weight, self.bias)
        with torch.autocast(x.device.type, enabled=False):
            return functional.linear(x.float(), self.weight, self.bias)


@dataclass(frozen=True, eq=False)
class Convolve(Operation):
    """A 3x3 convolution of each channel by itself; 0 beyond the edges. ``weight`` (channels, 1, 3, 3)."""

    weight: Tensor
    bias: Tensor | None = None

    @classmethod
    def of(cls, layer: nn.Conv2d) -> Convolve:
        """With the weights of a layer."""
        return cls(layer.weight, layer.bias)

    def __call__(self, *read: Tensor) -> Tensor:
        cells = read[0].permute(0, 3, 1, 2)
        seen = functional.conv2d(cells, self.weight, self.bias, padding=1, groups=self.weight.shape[0])
        return seen.permute(0, 2, 3, 1)


class Rectify(Operation):
    """``max(x, 0)``."""

    def __call__(self, *read: Tensor) -> Tensor:
        return functional.relu(read[0])


class Add(Operation):
    """The sum of two values of equally many channels."""

    def __call__(self, *read: Tensor) -> Tensor:
        return read[0] + read[1]


class Multiply(Operation):
    """The product, number by number, of two values of equally many channels."""

    def __call__(self, *read: Tensor) -> Tensor:
        return read[0] * read[1]


class Join(Operation):
    """The channels of several values, one after the other."""

    def __call__(self, *read: Tensor) -> Tensor:
        return torch.cat(read, dim=3)


class Surround(Operation):
    """Each block's 3x3 neighbourhood, row by row, the edge repeated: of each channel 9."""

    def __call__(self, *read: Tensor) -> Tensor:
        padded = functional.pad(read[0].permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate")
        rows, columns = read[0].shape[1:3]
        shifted = [padded[:, :, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
        return torch.stack(shifted, dim=4).permute(0, 2, 3, 1, 4).flatten(3)


@dataclass(frozen=True, eq=False)
class Diffuse(Operation):
    """The diffusion equation between blocks, ``(-div L grad + k + a) u = a v + s``, by what layers chose.

    Reads six channels (the logarithms of how firmly fixed pixels hold a block and how fast it consumes, and twice the
    share of each block in the logarithm of its links to the east, west, north and south), the four means that
    `ReadBlocks` writes, and the saturation. Saturating uptake is counted by its secant, first at half the largest
    value that is to be expected, then at the field.

    Parameters
    ----------
    hold : float
        How firmly a block full of fixed pixels is held where layers say 0, in links between blocks.
    updates : int
        How often the secant follows the field.
    wider : bool
        Read also a block's mean supply, and links and grip as `ReadFaces` writes them, which what layers chose is then
        multiplied with. A seventh channel is the logarithm of what supply counts for.
    """

    hold: float
    updates: int
    wider: bool = False

    def of_first_order(self) -> Diffuse:
        """Without updates of the secant, which is right from the start."""
        return dataclasses.replace(self, updates=0)

    def __call__(self, *read: Tensor) -> Tensor:
        chosen, *means, saturation = read[:6]
        with torch.autocast(chosen.device.type, enabled=False):  # the coarse field is most of the answer
            value, share, first_order, rate = (mean.squeeze(3) for mean in means)
            hold, hunger, *others = chosen.float().clamp(-6.0, 6.0).unbind(3)
            held = torch.where(share > 0, self.hold * share.sqrt() * hold.exp(), 0.0)
            hungry, rhs, faces, highest = PIXELS * hunger.exp(), held * value, None, 1.0
            if self.wider:
                supply, faces, grip = read[6].squeeze(3), read[7], read[8].squeeze(3)
                held = held * grip
                rhs = held * value + PIXELS * supply * (others[4].exp() if len(others) > 4 else 1.0)
                highest = math.inf
            east, north = _links(others[:4], faces)
            decay = _decay(first_order, rate, saturation, 0.5)
            field = diffusion_layer.solve(east, north, decay * hungry + held, rhs)
            for _ in range(self.updates if _may_saturate(saturation) else 0):
                decay = _decay(first_order, rate, saturation, field.detach().clamp(0.0, highest))
                field = diffusion_layer.solve(east, north, decay * hungry + held, rhs, field)
        return field[..., None]


class Draw(Operation):
    """16 channels of blocks as the pixels of these blocks, row by row."""

    def __call__(self, *read: Tensor) -> Tensor:
        pixels = read[0].float()
        count, rows, columns, _ = pixels.shape
        split = pixels.reshape(count, rows, columns, BLOCK, BLOCK).transpose(2, 3)
        return split.reshape(count, rows * BLOCK, columns * BLOCK)


@dataclass(frozen=True, eq=False)
class Relax(Operation):
    """Gauss-Seidel sweeps with the equation itself, the fixed values imposed: ``(pixels, image, saturation)``."""

    sweeps: int

    def __call__(self, *read: Tensor) -> Tensor:
        field, image, saturation = read
        return relax(field, image, saturation, self.sweeps)


@dataclass(frozen=True, eq=False)
class Layers(Operation):
    """Any layers of torch, which runs them."""

    layers: nn.Module

    def __call__(self, *read: Tensor) -> Tensor:
        result: Tensor = self.layers(*read)
        return result


def _may_saturate(saturation: Tensor) -> bool:
    """Whether some uptake saturates; elsewhere than on a CPU it may, since a look would wait for the device."""
    return saturation.device.type != "cpu" or bool((saturation > 0).any())


def _decay(first_order: Tensor, rate: Tensor, saturation: Tensor, field: Tensor | float) -> Tensor:
    """The whole decay, saturating uptake by its secant at ``field``; saturation (N,), the rest (N, h, w, ...)."""
    slope = saturation.reshape(-1, *(1 for _ in rate.shape[1:]))
    return first_order + rate / (1.0 + slope * field)


def _links(sides: Sequence[Tensor], faces: Tensor | None) -> tuple[Tensor, Tensor]:
    """East and north links, each the product of what the two blocks that it joins say of that side, and of its faces.

    Those of the last column and row lead to the first, and are 0 where nothing does.
    """
    to_east, to_west, to_north, to_south = sides
    east = (0.5 * (to_east + to_west.roll(-1, 2))).exp()
    north = (0.5 * (to_north + to_south.roll(-1, 1))).exp()
    if faces is not None:
        return east * faces[..., 0], north * faces[..., 1]
    last_column, last_row = (torch.ones_like(side[:1]) for side in (east, north))
    last_column[:, :, -1], last_row[:, -1] = 0.0, 0.0
    return east * last_column, north * last_row


def blocks(channel: Tensor) -> Tensor:
    """(N, H', W') to (N, h, w, 16): the pixels of each block, row by row."""
    count, rows, columns = channel.shape
    split = channel.reshape(count, rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    return split.transpose(2, 3).reshape(count, rows // BLOCK, columns // BLOCK, PIXELS)
