"""The two encoder-decoders: the published study's, and the compact one that answers by default."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_plugin.surrogate import diffusion_layer as coarse
from surrogate_plugin.surrogate import sizes
from surrogate_plugin.surrogate.features import BLOCK
from surrogate_plugin.surrogate.relaxation_layer import relax


class PaperNetwork(nn.Module):
    """Field from source image, without skip connections: 50,307,969 parameters, about 35 GMAC at 512x512.

    Parameters
    ----------
    width : int
        Channels of the first layer, 64 in the study; even. All others are in proportion.

    Forward
    -------
    image : (N, 1, H, W) float32, source over its largest value; H and W multiples of 32
    returns : (N, 1, H, W) float32, field over its largest value

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786).

    Examples
    --------
    >>> sum(parameter.numel() for parameter in PaperNetwork().parameters())
    50307969
    """

    MULTIPLE = 32

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        if width < 2 or width % 2:
            raise ValueError(f"width is {width}; an even number from 2 is allowed.")
        widths = (1, width, 2 * width, 4 * width, 8 * width, 16 * width)
        encoder: list[nn.Module] = []
        for index, (narrow, wider) in enumerate(itertools.pairwise(widths)):
            encoder.append(nn.Conv2d(narrow, wider, 3, padding=1))
            if index == 0:
                encoder.append(nn.BatchNorm2d(wider))
            encoder += [nn.LeakyReLU(0.02), nn.AvgPool2d(2)]
        encoder += [nn.Conv2d(16 * width, 32 * width, 3, padding=1), nn.LeakyReLU(0.02)]
        decoder: list[nn.Module] = [nn.ConvTranspose2d(32 * width, 16 * width, 3, padding=1), nn.LeakyReLU(0.02)]
        widths = (16 * width, 8 * width, 4 * width, 2 * width, width, width // 2)
        for wide, narrower in itertools.pairwise(widths):
            decoder += [
                nn.ConvTranspose2d(wide, narrower, 3, padding=1),
                nn.LeakyReLU(0.02),
                nn.Upsample(scale_factor=2),
            ]
        decoder += [nn.ConvTranspose2d(width // 2, 1, 3, padding=1), nn.LeakyReLU(0.02)]
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder)

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.decoder(self.encoder(image))
        return result


class Mixer(nn.Module):
    """``x + linear(relu(linear(near(x))))``: a 3x3 convolution a channel, then two layers a cell.

    The last layer starts at zero, so that a deep stack starts as the identity and needs no normalisation.
    """

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.expand = nn.Linear(width, expansion * width)
        self.contract = nn.Linear(expansion * width, width)
        nn.init.zeros_(self.contract.weight)
        nn.init.zeros_(self.contract.bias)

    def forward(self, cells: Tensor) -> Tensor:
        seen = self.near(cells.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        hidden = functional.relu(self.expand(seen), inplace=True)
        result: Tensor = cells + self.contract(hidden)
        return result


class CompactNetwork(nn.Module):
    """Field from source image and uptake maps: encode blocks of 4x4 pixels, diffuse between them, decode, relax.

    What is far acts through diffusion, and diffusion between blocks costs next to nothing when it is solved instead
    of learned. So the encoder, which sees the mask and the decay but no value, only says what each block amounts to,
    ``(-div L grad + k + a) u = a v``: how well it conducts (L), how fast it consumes (k), how firmly its fixed pixels
    hold it (a) at their mean value (v). The decoder writes the pixels as combinations of the coarse u and v around
    them, so that the answer is linear in the imposed values as the equation is, and Gauss-Seidel sweeps with the
    equation itself finish it. Saturating uptake is counted by its secant, first at half the largest value, then at
    the coarse field. Layers are channels-last: plain matrix products.

    Parameters
    ----------
    width : int
        Channels a block.
    mixers : int
        How many mixers; each sees one block farther.
    expansion : int
        Hidden channels of a mixer over its channels.
    head : int
        Terms of the decoder.
    sweeps : int
        Of the last relaxation.

    Forward
    -------
    image : (N, 4, H', W') float32, from `features.encode`
    saturation : (N,) float32, from `features.saturation`
    returns : (N, H', W') float32, over the largest imposed value, fixed values imposed

    Examples
    --------
    >>> import torch
    >>> image = torch.zeros(1, 4, 20, 28); image[0, :2, 9, 9] = 1.0
    >>> CompactNetwork(width=8)(image, torch.zeros(1)).shape
    torch.Size([1, 20, 28])
    """

    def __init__(self, width: int = 16, mixers: int = 2, expansion: int = 2, head: int = 24, sweeps: int = 4) -> None:
        super().__init__()
        self.sweeps = sweeps
        self.stem = nn.Linear(PIXELS + 1, width)
        self.mixers = nn.Sequential(*(Mixer(width, expansion) for _ in range(mixers)))
        self.coefficients = nn.Linear(width, 6)
        self.hidden = nn.Linear(width, head)
        self.gain = nn.Linear(18, head, bias=False)
        self.spread = nn.Linear(9, PIXELS, bias=False)
        self.pixels = nn.Linear(head, PIXELS, bias=False)
        for layer in (self.coefficients, self.pixels):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.coefficients.bias)
        with torch.no_grad():
            self.spread.weight.copy_(_bilinear())

    def forward(self, image: Tensor, saturation: Tensor) -> Tensor:
        mask = _blocks(image[:, 1])
        share = mask.mean(dim=3)
        value = _blocks(image[:, 0]).mean(dim=3) / share.clamp(min=1.0 / PIXELS)
        first_order, rate = (_blocks(channel).mean(dim=3) for channel in (image[:, 2], image[:, 3]))
        saturating = bool((saturation > 0).any())
        slope = saturation[:, None, None]
        decay = first_order + rate / (1.0 + 0.5 * slope)
        cells = functional.relu(self.stem(torch.cat([mask, _scaled(decay, share)[..., None]], dim=3)), inplace=True)
        cells = self.mixers(cells)
        with torch.autocast(image.device.type, enabled=False):  # the coarse field is most of the answer
            hold, hunger, *out = self.coefficients(cells.float()).clamp(-6.0, 6.0).unbind(3)
            held = torch.where(share > 0, HOLD * share.sqrt() * hold.exp(), 0.0)
            east, north = _links(out)
            hungry = PIXELS * hunger.exp()
            field = coarse.solve(east, north, decay * hungry + held, held * value)
            for _ in range(UPDATES if saturating else 0):  # the secant at the coarse field instead of at one half
                decay = first_order + rate / (1.0 + slope * field.detach().clamp(0.0, 1.0))
                field = coarse.solve(east, north, decay * hungry + held, held * value, field)
            near = _neighbours(field)
            around = torch.cat([near, _neighbours(value)], dim=3)
            smooth = self.spread(near)
        hidden = functional.relu(self.hidden(cells)) * self.gain(around)
        drawn = smooth + self.pixels(hidden)
        return relax(_image(drawn.float()), image, saturation, self.sweeps)


PIXELS = BLOCK * BLOCK
#: How firmly a block full of fixed pixels is held before anything is learned, in links between blocks.
HOLD = 8.0
#: How often the secant of saturating uptake follows the coarse field.
UPDATES = 2
#: ``k`` is held to these before its logarithm is taken, which is 0 at the study's 1/400.
DECAY_BOUNDS = (1e-7, 1e2, math.log10(1 / 400))


def _scaled(decay: Tensor, share: Tensor) -> Tensor:
    """``log10 k`` less that of 1/400, of the mean decay of a block's free pixels; 0 where there are none."""
    free = 1.0 - share
    mean = decay / free.clamp(min=1.0 / PIXELS)
    low, high, centre = DECAY_BOUNDS
    return torch.where(free > 0, mean.clamp(low, high).log10() - centre, 0.0)


def _links(out: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """East and north links, each the product of what the two blocks that it joins say of that side."""
    to_east, to_west, to_north, to_south = out
    east, north = torch.ones_like(to_east), torch.ones_like(to_east)
    east[:, :, :-1] = (0.5 * (to_east[:, :, :-1] + to_west[:, :, 1:])).exp()
    north[:, :-1] = (0.5 * (to_north[:, :-1] + to_south[:, 1:])).exp()
    return east, north


def _blocks(channel: Tensor) -> Tensor:
    """(N, H', W') to (N, h, w, 16): the pixels of each block, row by row."""
    count, rows, columns = channel.shape
    split = channel.reshape(count, rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    return split.transpose(2, 3).reshape(count, rows // BLOCK, columns // BLOCK, PIXELS)


def _image(pixels: Tensor) -> Tensor:
    """The inverse of `_blocks`."""
    count, rows, columns, _ = pixels.shape
    split = pixels.reshape(count, rows, columns, BLOCK, BLOCK).transpose(2, 3)
    return split.reshape(count, rows * BLOCK, columns * BLOCK)


def _neighbours(field: Tensor) -> Tensor:
    """(N, h, w) to (N, h, w, 9): each block's 3x3 neighbourhood, row by row, the edge repeated."""
    rows, columns = field.shape[1:]
    padded = functional.pad(field[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    shifted = [padded[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return torch.stack(shifted, dim=3)


def _bilinear() -> Tensor:
    """(16, 9): the weights that interpolate a block's pixels from the centres of its 3x3 neighbourhood."""
    at = (torch.arange(BLOCK) + 0.5) / BLOCK - 0.5
    one = torch.stack([(-at).clamp(min=0.0), 1.0 - at.abs(), at.clamp(min=0.0)], dim=1)
    return torch.einsum("yi,xj->yxij", one, one).reshape(PIXELS, 9)


NETWORKS: dict[str, type[nn.Module]] = {"compact": CompactNetwork, "paper": PaperNetwork}


def build(kind: str, hyperparameters: dict[str, Any]) -> nn.Module:
    """The network a card names.

    Raises
    ------
    KeyError
        For a kind that is not in `NETWORKS`.
    ValueError
        For sizes that no network may have, before anything is built; one sentence.
    """
    sizes.check(kind, hyperparameters)
    return NETWORKS[kind](**hyperparameters)
