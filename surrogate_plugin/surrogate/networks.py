"""The two encoder-decoders: the published study's, and the compact one that answers by default."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_plugin.surrogate import coarse
from surrogate_plugin.surrogate.features import BLOCK, CHANNELS, DECAY_CENTRE


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
    """``x + linear(relu(linear(wide(x))))``: a 7x7 convolution a channel, then two layers a cell.

    The last layer starts at zero, so that a deep stack starts as the identity and needs no normalisation.
    """

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.expand = nn.Linear(width, expansion * width)
        self.contract = nn.Linear(expansion * width, width)
        nn.init.zeros_(self.contract.weight)
        nn.init.zeros_(self.contract.bias)

    def forward(self, cells: Tensor) -> Tensor:
        seen = self.wide(cells.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        hidden = functional.relu(self.expand(seen), inplace=True)
        result: Tensor = cells + self.contract(hidden)
        return result


class CompactNetwork(nn.Module):
    """Field from blocks of 8x8 pixels: encode each block's neighbourhood, diffuse between blocks, decode the pixels.

    What is far acts through diffusion, and diffusion on 65x65 blocks costs next to nothing when it is solved instead
    of learned. So the encoder only says what each block amounts to, ``(-lap + k + a) u = a v``: how fast it consumes
    (k), how firmly its fixed pixels hold it (a) and at which value (v). The decoder, which sees the coarse field u and
    the block, writes the pixels. Both have only local laws to learn. Layers are channels-last: plain matrix products.

    Parameters
    ----------
    width : int
        Channels a block.
    before, after : int
        Mixers before and after the coarse solve.
    expansion : int
        Hidden channels of a mixer over its channels.
    head : int
        Hidden channels of the last layer but one.

    Forward
    -------
    blocks : (N, h, w, 132) float32, from `features.encode`
    returns : (N, h, w, 64) float32: the 8x8 pixels of each block, row by row, over the largest imposed value

    Examples
    --------
    >>> import torch
    >>> CompactNetwork(width=8)(torch.zeros(1, 5, 7, CHANNELS)).shape
    torch.Size([1, 5, 7, 64])
    """

    def __init__(self, width: int = 32, before: int = 1, after: int = 1, expansion: int = 2, head: int = 64) -> None:
        super().__init__()
        self.stem = nn.Linear(CHANNELS, width)
        self.before = nn.Sequential(*(Mixer(width, expansion) for _ in range(before)))
        self.coefficients = nn.Linear(width, 3)
        self.inform = nn.Linear(18, width)
        self.after = nn.Sequential(*(Mixer(width, expansion) for _ in range(after)))
        self.hidden = nn.Linear(width, head)
        self.gain = nn.Linear(18, head)
        self.spread = nn.Linear(9, BLOCK * BLOCK, bias=False)
        self.pixels = nn.Linear(head, BLOCK * BLOCK)
        nn.init.zeros_(self.coefficients.weight)
        nn.init.zeros_(self.coefficients.bias)
        nn.init.zeros_(self.pixels.weight)
        nn.init.zeros_(self.pixels.bias)
        with torch.no_grad():
            self.spread.weight.copy_(_bilinear())

    def forward(self, blocks: Tensor) -> Tensor:
        cells = self.before(functional.relu(self.stem(blocks), inplace=True))
        with torch.autocast(blocks.device.type, enabled=False):  # the coarse field is most of the answer
            field, value = self._diffuse(blocks, self.coefficients(cells.float()).unbind(3))
            near = _neighbours(field)
            around = torch.cat([near, _neighbours(value)], dim=3)
            smooth = self.spread(near)
        cells = self.after(cells + self.inform(around))
        hidden = functional.relu(self.hidden(cells)) * (1.0 + self.gain(around))
        result: Tensor = smooth + self.pixels(hidden)
        return result

    def _diffuse(self, blocks: Tensor, chosen: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The coarse field and the value each block's fixed pixels hold it at, (N, h, w)."""
        hold, shift, hunger = (part.clamp(-6.0, 6.0) for part in chosen)
        pixels = BLOCK * BLOCK
        share = blocks[..., pixels : 2 * pixels].mean(dim=3)
        value = blocks[..., :pixels].mean(dim=3) / share.clamp(min=1.0 / pixels) * shift.exp()
        consumed = torch.pow(10.0, blocks[..., 2 * pixels :] + DECAY_CENTRE).mean(dim=3) * pixels * hunger.exp()
        held = torch.where(share > 0, _HOLD * share.sqrt() * hold.exp(), 0.0)
        return coarse.solve(consumed + held, held * value), value


#: How firmly a block full of fixed pixels is held before anything is learned, in links between blocks.
_HOLD = 8.0


def _neighbours(field: Tensor) -> Tensor:
    """(N, h, w) to (N, h, w, 9): each block's 3x3 neighbourhood, row by row, the edge repeated."""
    rows, columns = field.shape[1:]
    padded = functional.pad(field[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    shifted = [padded[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return torch.stack(shifted, dim=3)


def _bilinear() -> Tensor:
    """(64, 9): the weights that interpolate a block's pixels from the centres of its 3x3 neighbourhood."""
    at = (torch.arange(BLOCK) + 0.5) / BLOCK - 0.5
    one = torch.stack([(-at).clamp(min=0.0), 1.0 - at.abs(), at.clamp(min=0.0)], dim=1)
    return torch.einsum("yi,xj->yxij", one, one).reshape(BLOCK * BLOCK, 9)


NETWORKS: dict[str, type[nn.Module]] = {"compact": CompactNetwork, "paper": PaperNetwork}


def build(kind: str, hyperparameters: dict[str, Any]) -> nn.Module:
    """The network a card names.

    Raises
    ------
    KeyError
        For a kind that is not in `NETWORKS`.
    """
    return NETWORKS[kind](**hyperparameters)
