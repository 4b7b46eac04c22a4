"""The two encoder-decoders: the published study's, and the compact one that answers by default."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from surrogate_plugin.surrogate.features import BLOCK, CHANNELS


class PaperNetwork(nn.Module):
    """Field from source image, without skip connections: 50,307,969 parameters, about 35 GMAC at 512x512.

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

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 64, 128, 256, 512, 1024)
        encoder: list[nn.Module] = []
        for index, (width, wider) in enumerate(itertools.pairwise(widths)):
            encoder.append(nn.Conv2d(width, wider, 3, padding=1))
            if index == 0:
                encoder.append(nn.BatchNorm2d(wider))
            encoder += [nn.LeakyReLU(0.02), nn.AvgPool2d(2)]
        encoder += [nn.Conv2d(1024, 2048, 3, padding=1), nn.LeakyReLU(0.02)]
        decoder: list[nn.Module] = [nn.ConvTranspose2d(2048, 1024, 3, padding=1), nn.LeakyReLU(0.02)]
        widths = (1024, 512, 256, 128, 64, 32)
        for width, narrower in itertools.pairwise(widths):
            decoder += [
                nn.ConvTranspose2d(width, narrower, 3, padding=1),
                nn.LeakyReLU(0.02),
                nn.Upsample(scale_factor=2),
            ]
        decoder += [nn.ConvTranspose2d(32, 1, 3, padding=1), nn.LeakyReLU(0.02)]
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


class Down(nn.Module):
    """Every 2x2 cells become one: half the resolution, ``wider`` channels; an odd row or column is repeated."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__()
        self.merge = nn.Conv2d(width, wider, 2, stride=2)

    def forward(self, cells: Tensor) -> Tensor:
        odd = (0, cells.shape[2] % 2, 0, cells.shape[1] % 2)
        image = cells.permute(0, 3, 1, 2)
        if any(odd):
            image = functional.pad(image, odd, mode="replicate")
        merged: Tensor = self.merge(image).permute(0, 2, 3, 1)
        return merged


class Up(nn.Module):
    """Twice the resolution, bilinear, and the finer level's cells added: the skip connection."""

    def __init__(self, width: int, narrower: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(width, narrower)

    def forward(self, cells: Tensor, skipped: Tensor) -> Tensor:
        narrow = self.narrow(cells).permute(0, 3, 1, 2)
        double = functional.interpolate(narrow, scale_factor=2, mode="bilinear", align_corners=False)
        rows, columns = skipped.shape[1:3]
        return skipped + double.permute(0, 2, 3, 1)[:, :rows, :columns]


class CompactNetwork(nn.Module):
    """Field from blocks of 8x8 pixels: a small U-Net on the 64x64 cells of a 512x512 lattice.

    It thinks on a coarse grid and leaves the edges of the sources to the multigrid cycles that follow. Everything is
    channels-last, so that the per-cell layers are plain matrix products.

    Parameters
    ----------
    widths : sequence of int
        Channels on each level, finest first; each level has half the resolution of the one before.
    blocks : sequence of int
        Mixers on each level, on the way down and (but for the last level) again on the way up.
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
    >>> CompactNetwork(widths=(8, 16), blocks=(1, 1))(torch.zeros(1, 5, 7, CHANNELS)).shape
    torch.Size([1, 5, 7, 64])
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128, 160),
        blocks: Sequence[int] = (1, 1, 2, 2),
        expansion: int = 2,
        head: int = 64,
    ) -> None:
        super().__init__()
        if len(widths) != len(blocks):
            raise ValueError(f"widths names {len(widths)} levels, but blocks names {len(blocks)}; they must agree.")
        self.stem = nn.Linear(CHANNELS, widths[0])
        levels = list(zip(widths, blocks, strict=True))
        self.encoder = nn.ModuleList(_stack(width, count, expansion) for width, count in levels)
        self.decoder = nn.ModuleList(_stack(width, count, expansion) for width, count in levels[:-1])
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(Down(width, wider) for width, wider in pairs)
        self.up = nn.ModuleList(Up(wider, width) for width, wider in pairs)
        self.hidden = nn.Linear(widths[0], head)
        self.pixels = nn.Linear(head, BLOCK * BLOCK)

    def forward(self, blocks: Tensor) -> Tensor:
        cells, skipped = functional.relu(self.stem(blocks), inplace=True), []
        for level, down in zip(self.encoder, self.down, strict=False):
            cells = level(cells)
            skipped.append(cells)
            cells = down(cells)
        cells = self.encoder[-1](cells)
        for level, up in zip(reversed(self.decoder), reversed(self.up), strict=True):
            cells = level(up(cells, skipped.pop()))
        hidden = functional.relu(self.hidden(cells), inplace=True)
        result: Tensor = self.pixels(hidden)
        return result


def _stack(width: int, count: int, expansion: int) -> nn.Sequential:
    return nn.Sequential(*(Mixer(width, expansion) for _ in range(count)))


NETWORKS: dict[str, type[nn.Module]] = {"compact": CompactNetwork, "paper": PaperNetwork}


def build(kind: str, hyperparameters: dict[str, Any]) -> nn.Module:
    """The network a card names.

    Raises
    ------
    KeyError
        For a kind that is not in `NETWORKS`.
    """
    return NETWORKS[kind](**hyperparameters)
