"""The two encoder-decoders: the published study's, and the compact one that answers by default.

What a network does stands here alone, as the program that it lists: torch goes through it to train, compiled passes go
through it to answer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

from surrogate_plugin.surrogate import sizes
from surrogate_plugin.surrogate.features import BLOCK
from surrogate_plugin.surrogate.operations import (
    PIXELS,
    Add,
    Convolve,
    Dense,
    Diffuse,
    Draw,
    Join,
    Layers,
    Multiply,
    ProgramNetwork,
    ReadBlocks,
    Rectify,
    Relax,
    Step,
    Surround,
)
from surrogate_plugin.surrogate.wider_operations import ReadFaces, ReadSupply


class PaperNetwork(ProgramNetwork):
    """Field from source image, without skip connections: 50,307,969 parameters, about 35 GMAC at 512x512.

    Parameters
    ----------
    width : int
        Channels of the first layer, 64 in the study; even. All others are in proportion.
    depth : int
        How often the image is halved, 5 times in the study; each time the channels double.
    slope : float
        Of the leaky rectifiers below 0, 0.02 in the study.

    Forward
    -------
    image : (N, 1, H, W) float32, source over its largest value; H and W multiples of ``multiple``, 32 in the study
    returns : (N, 1, H, W) float32, field over its largest value

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786).

    Examples
    --------
    >>> sum(parameter.numel() for parameter in PaperNetwork().parameters())
    50307969
    """

    def __init__(self, width: int = 64, depth: int = 5, slope: float = 0.02) -> None:
        super().__init__()
        sizes.check("paper", {"width": width, "depth": depth, "slope": slope})
        #: Both sides of an image are multiples of it.
        self.multiple = 2**depth
        widths = [width << level for level in range(depth)]
        encoder: list[nn.Module] = []
        for index, (narrow, wider) in enumerate(itertools.pairwise([1, *widths])):
            encoder.append(nn.Conv2d(narrow, wider, 3, padding=1))
            if index == 0:
                encoder.append(nn.BatchNorm2d(wider))
            encoder += [nn.LeakyReLU(slope), nn.AvgPool2d(2)]
        top = widths[-1]
        encoder += [nn.Conv2d(top, 2 * top, 3, padding=1), nn.LeakyReLU(slope)]
        decoder: list[nn.Module] = [nn.ConvTranspose2d(2 * top, top, 3, padding=1), nn.LeakyReLU(slope)]
        for wide, narrower in itertools.pairwise([*reversed(widths), width // 2]):
            decoder += [
                nn.ConvTranspose2d(wide, narrower, 3, padding=1),
                nn.LeakyReLU(slope),
                nn.Upsample(scale_factor=2),
            ]
        decoder += [nn.ConvTranspose2d(width // 2, 1, 3, padding=1), nn.LeakyReLU(slope)]
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder)

    def program(self) -> list[Step]:
        """All of it in torch."""
        return [Layers(self.encoder).on("image", to="code"), Layers(self.decoder).on("code", to="field")]


class Mixer(nn.Module):
    """``x + linear(relu(linear(convolution(x))))``: a 3x3 convolution a channel, then two layers a block.

    The last layer starts at zero, so that a deep stack starts as the identity and needs no normalisation.
    """

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.expand = nn.Linear(width, expansion * width)
        self.contract = nn.Linear(expansion * width, width)
        nn.init.zeros_(self.contract.weight)
        nn.init.zeros_(self.contract.bias)

    def steps(self, cells: str) -> list[Step]:
        """From the value of this name to the same name."""
        return [
            Convolve.of(self.near).on(cells, to="near"),
            Dense.of(self.expand).on("near", to="wide"),
            Rectify().on("wide", to="wide"),
            Dense.of(self.contract).on("wide", to="change"),
            Add().on(cells, "change", to=cells),
        ]


#: How firmly a block full of fixed pixels is held before anything is learned, in links between blocks.
HOLD = 8.0
#: How often the secant of saturating uptake follows the coarse field.
UPDATES = 2
#: The last sweeps of the wider equation over those of a plain problem. With the weights that ship 77 % of problems with
#: obstacles are certified at 1 % after one cycle with four times as many, 83 % with six, 86 % with eight, for 1 and
#: 2.5 ms of 14 at 512x512.
WIDER_SWEEPS = 8
#: ``k`` is held to these before its logarithm is taken, which is 0 at the study's 1/400.
DECAY_BOUNDS = (1e-7, 1e2, math.log10(1 / 400))


class Coder(nn.Module):
    """The layers of a network that encode blocks, choose their coefficients and draw their pixels.

    Parameters
    ----------
    width, mixers, expansion, head : int
        See `CompactNetwork`.
    wider : bool
        With layers that see faces and supply; at first they change nothing.
    """

    def __init__(self, width: int, mixers: int, expansion: int, head: int, *, wider: bool = False) -> None:
        super().__init__()
        self.stem = nn.Linear(PIXELS + 1, width)
        self.mixers = nn.ModuleList(Mixer(width, expansion) for _ in range(mixers))
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
        if wider:
            self.stem_faces = nn.Linear(2 * PIXELS, width, bias=False)
            self.counted = nn.Linear(width, 1)
            self.gain_supply = nn.Linear(9, head, bias=False)
            for layer in (self.stem_faces, self.counted, self.gain_supply):
                nn.init.zeros_(layer.weight)
            nn.init.zeros_(self.counted.bias)

    def plain_steps(self, sweeps: int) -> list[Step]:
        """Encode, diffuse, decode, relax."""
        return self._steps(sweeps, wider=False)

    def wider_steps(self, sweeps: int) -> list[Step]:
        """The same with faces and supply."""
        return self._steps(sweeps, wider=True)

    def _steps(self, sweeps: int, *, wider: bool) -> list[Step]:
        layers = wider and hasattr(self, "counted")
        means = ("value", "share", "first_order", "rate")
        more = ("supply", "links", "grip") if wider else ()
        steps = [ReadBlocks(*DECAY_BOUNDS).on("image", "saturation", to=("seen", *means))]
        if wider:
            supplied = ("image", "first_order", "rate", "saturation")
            steps += [
                ReadSupply().on(*supplied, to=("supply", "alone")),
                ReadFaces().on("image", to=("faces", "links", "grip")),
            ]
        steps.append(Dense.of(self.stem).on("seen", to="cells"))
        if layers:
            steps += [Dense.of(self.stem_faces).on("faces", to="felt"), Add().on("cells", "felt", to="cells")]
        steps += [
            Rectify().on("cells", to="cells"),
            *(step for mixer in cast(Iterable[Mixer], self.mixers) for step in mixer.steps("cells")),
            Dense.of(self.coefficients, single=True).on("cells", to="chosen"),
        ]
        if layers:
            counted = Dense.of(self.counted, single=True).on("cells", to="counted")
            steps += [counted, Join().on("chosen", "counted", to="chosen")]
        steps += [
            Diffuse(HOLD, UPDATES, wider).on("chosen", *means, "saturation", *more, to="field"),
            Surround().on("field", to="near"),
            Surround().on("value", to="values_near"),
            Join().on("near", "values_near", to="around"),
            Dense.of(self.hidden).on("cells", to="hidden"),
            Rectify().on("hidden", to="hidden"),
            Dense.of(self.gain).on("around", to="gain"),
        ]
        if layers:
            steps += [
                Surround().on("alone", to="alone_near"),
                Dense.of(self.gain_supply).on("alone_near", to="gain_supply"),
                Add().on("gain", "gain_supply", to="gain"),
            ]
        return [
            *steps,
            Multiply().on("hidden", "gain", to="hidden"),
            Dense.of(self.spread, single=True).on("near", to="smooth"),
            Dense.of(self.pixels).on("hidden", to="rough"),
            Add().on("smooth", "rough", to="blocks"),
            Draw().on("blocks", to="pixels"),
            Relax(sweeps).on("pixels", "image", "saturation", to="answer"),
        ]


class CompactNetwork(ProgramNetwork, Coder):
    """Field from source image and uptake maps: encode blocks of 4x4 pixels, diffuse between them, decode, relax.

    What is far acts through diffusion, and diffusion between blocks costs next to nothing when it is solved instead
    of learned. So the encoder, which sees the mask and the decay but no value, only says what each block amounts to,
    ``(-div L grad + k + a) u = a v``: how well it conducts (L), how fast it consumes (k), how firmly its fixed pixels
    hold it (a) at their mean value (v). The decoder writes the pixels as combinations of the coarse u and v around
    them, so that the answer is linear in the imposed values as the equation is, and Gauss-Seidel sweeps with the
    equation itself finish it. Saturating uptake is counted by its secant, first at half the largest value, then at
    the coarse field. Layers are channels-last: plain matrix products.

    In the wider equation the links between blocks are those of their faces besides, so is the hold of fixed pixels that
    little joins to free ones, and what is supplied to a block stands on the right-hand side. There are `WIDER_SWEEPS`
    times as many sweeps, since a block says little of what its faces do. None of that needs layers, so that weights of
    plain problems answer these too; with ``wider`` there are some for these problems alone, which see faces and supply.

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
    wider : int
        Channels a block of the layers for the wider equation, whose head is in proportion; 0: there are none.

    Forward
    -------
    image : (N, 4, H', W') float32, from `features.encode`; (N, 7, H', W') where one is of the wider equation
    saturation : (N,) float32, from `features.saturation`
    returns : (N, H', W') float32, over the same value as the image, fixed values imposed

    Examples
    --------
    >>> import torch
    >>> image = torch.zeros(1, 4, 20, 28); image[0, :2, 9, 9] = 1.0
    >>> CompactNetwork(width=8)(image, torch.zeros(1)).shape
    torch.Size([1, 20, 28])
    """

    #: Where the layers for the wider equation stand.
    WIDER = "wider."

    def __init__(
        self, width: int = 16, mixers: int = 2, expansion: int = 2, head: int = 24, sweeps: int = 4, wider: int = 0
    ) -> None:
        super().__init__(width, mixers, expansion, head)
        self.sweeps = sweeps
        self.wider = Coder(wider, mixers, expansion, -(-wider * head // width), wider=True) if wider else None

    def program(self) -> list[Step]:
        """Encode, diffuse, decode, relax."""
        return self.plain_steps(self.sweeps)

    def wider_program(self) -> list[Step]:
        """The same with faces and supply, by the layers that are there for it."""
        return (self.wider or self).wider_steps(WIDER_SWEEPS * self.sweeps)

    @classmethod
    def begun(cls, given: dict[str, Tensor], fresh: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights to go on with: those of a network that has smaller layers for the wider equation, or none.

        Layers for the wider equation begin as those of ``given``, else as its others; what is new in them begins as in
        ``fresh`` and changes nothing yet.
        """
        begun = {name: value for name, value in given.items() if not name.startswith(cls.WIDER)}
        for name, value in fresh.items():
            if name.startswith(cls.WIDER):
                begun[name] = _grown(given.get(name, given.get(name.removeprefix(cls.WIDER))), value)
        return begun


def _grown(small: Tensor | None, large: Tensor) -> Tensor:
    """A layer that has ``small``'s outputs, which read of its inputs alone, and more, which are as in ``large``."""
    if small is None or any(less > more for less, more in zip(small.shape, large.shape, strict=True)):
        return large
    grown = large.clone()
    grown[: small.shape[0]] = 0.0
    grown[tuple(slice(side) for side in small.shape)] = small
    return grown


def _bilinear() -> Tensor:
    """(16, 9): the weights that interpolate a block's pixels from the centres of its 3x3 neighbourhood."""
    # On the CPU also where a network has shapes alone: there torch would load all of its compiler for it.
    at = (torch.arange(BLOCK, device="cpu") + 0.5) / BLOCK - 0.5
    one = torch.stack([(-at).clamp(min=0.0), 1.0 - at.abs(), at.clamp(min=0.0)], dim=1)
    return torch.einsum("yi,xj->yxij", one, one).reshape(PIXELS, 9)


NETWORKS: dict[str, type[nn.Module]] = {"compact": CompactNetwork, "paper": PaperNetwork}


def numbers(kind: str, hyperparameters: dict[str, Any]) -> int:
    """How many numbers the weights of a network hold, the statistics of its normalisation included.

    Examples
    --------
    >>> numbers("compact", {})
    4222
    """
    with torch.device("meta"):  # which has shapes and no memory
        network = NETWORKS[kind](**hyperparameters)
    return sum(tensor.numel() for tensor in network.state_dict().values())


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
