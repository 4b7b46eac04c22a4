"""Problems of one lattice shape as networks read them, before their fields are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.surrogate import features
from surrogate_training.problems.symmetry import Symmetry
from surrogate_training.samples.batch import Batch

#: The images of a training problem, itself first.
MIRRORS = (Symmetry(), Symmetry(columns=True), Symmetry(rows=True), Symmetry(rows=True, columns=True))


@dataclass(frozen=True)
class Posed:
    """What of a `Batch` does not depend on fields.

    Attributes
    ----------
    image, saturation, walls, rings, free, saturates
        As in `Batch`.
    scale : (N,) float64, field units
        What the image's values are over.
    imposed : (N,) float64, field units
        The largest value that is imposed.
    supplied : (N,) bool
        Whether production brings more.
    """

    image: Tensor
    saturation: Tensor
    walls: Tensor
    rings: Tensor
    free: Tensor
    scale: Tensor
    imposed: Tensor
    supplied: Tensor
    saturates: bool

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> Self:
        """Encode problems of one shape."""
        lattice = features.PaddedLattice.around(problems[0].shape)
        wider = any(map(features.wider, problems))
        channels = features.WIDER_CHANNELS if wider else features.CHANNELS
        image = np.empty((len(problems), channels, *lattice.padded), np.float32)
        free, seen = np.empty((len(problems), *lattice.shape), np.bool_), []
        for at, problem in enumerate(problems):
            seen.append(features.see(problem, image[at]))
            free[at] = problem.unknown
            if (alone := seen[at].alone) is not None:
                free[at] &= ~alone
        saturation = np.array([each.saturation for each in seen], np.float32)
        return cls(
            image=torch.from_numpy(image),
            saturation=torch.from_numpy(saturation),
            walls=torch.tensor(np.stack([problem.walls.conductance for problem in problems]), dtype=torch.float32),
            rings=torch.from_numpy(np.stack([problem.walls.ring for problem in problems])),
            free=torch.from_numpy(free),
            scale=torch.tensor([each.scale for each in seen], dtype=torch.float64),
            imposed=torch.tensor([problem.largest_imposed for problem in problems], dtype=torch.float64),
            supplied=torch.tensor([problem.largest_supply > 0 for problem in problems]),
            saturates=bool(saturation.any()),
        )

    @classmethod
    def ready(cls, problems: Sequence[Problem], mirrors: int) -> Self:
        """Encode problems for `with_images`: by themselves where their images can be made on a device, else with them.

        They cannot where the margin is uneven, around an odd side, nor where something is supplied, whose scale is
        found in squares that begin at one corner.
        """
        even = all(side % 2 == 0 for side in problems[0].shape)
        if even and not any(problem.largest_supply > 0 for problem in problems):
            return cls.of(problems)
        return cls.of([image.problem(problem) for problem in problems for image in MIRRORS[:mirrors]])

    def to(self, device: torch.device) -> Self:
        """The same on ``device``, all but ``rings``."""
        send = {name: getattr(self, name).to(device, non_blocking=True) for name in (*_OF_PIXELS, *_OF_PROBLEMS)}
        return replace(self, **send)

    def pin_memory(self) -> Self:
        """For a faster copy to a GPU."""
        return replace(self, **{name: getattr(self, name).pin_memory() for name in (*_OF_PIXELS, *_OF_PROBLEMS)})

    def mirrored(self, mirrors: int) -> Self:
        """The problems with their images, one problem after the other."""
        if mirrors == 1:
            return self
        images = MIRRORS[:mirrors]
        many = {name: getattr(self, name).repeat_interleave(mirrors, 0) for name in (*_OF_PROBLEMS, "rings")}
        image, walls = _each(images, self.image, _image_of), _each(images, self.walls, _walls_of)
        return replace(self, **many | {"image": image, "walls": walls, "free": fields_of_images(self.free, mirrors)})

    def solved(self, field: Tensor) -> Batch:
        """The batch with its exact fields, (N, H, W) float64 in field units, on the same device."""
        largest = torch.where(self.supplied, torch.maximum(self.imposed, field.amax((1, 2))), self.imposed)
        size = torch.where(largest > 0, largest, 1.0) / self.scale
        return Batch(
            image=self.image,
            saturation=self.saturation,
            walls=self.walls,
            rings=self.rings,
            target=(field / self.scale[:, None, None]).float(),
            size=size.float(),
            free=self.free,
            saturates=self.saturates,
        )


_OF_PIXELS, _OF_PROBLEMS = ("image", "walls", "free"), ("saturation", "scale", "imposed", "supplied")


def with_images(posed: Posed, field: Tensor, mirrors: int) -> Batch:
    """The batch of problems and of their images, made where they are; an image has the field's image.

    Parameters
    ----------
    posed : Posed
        Of N problems, from `Posed.ready` with as many mirrors.
    field : (N, H, W) float64, field units
    mirrors : int

    Returns
    -------
    Batch
        To the bit that of images which are encoded one by one.
    """
    images = fields_of_images(field, mirrors)
    return (posed if posed.scale.shape[0] == images.shape[0] else posed.mirrored(mirrors)).solved(images)


def fields_of_images(field: Tensor, mirrors: int) -> Tensor:
    """Maps (N, H, W) and their images, (N mirrors, H, W), one problem after the other."""
    return _each(MIRRORS[:mirrors], field, lambda values, image: values.flip(_axes(image, 1)))


def _each(images: Sequence[Symmetry], values: Tensor, of: Callable[[Tensor, Symmetry], Tensor]) -> Tensor:
    return torch.stack([of(values, image) for image in images], 1).flatten(0, 1)


def _axes(image: Symmetry, first: int) -> list[int]:
    """The axes that an image reverses, where rows are axis ``first``."""
    return [first + axis for axis, reversed_ in enumerate((image.rows, image.columns)) if reversed_]


def _image_of(values: Tensor, image: Symmetry) -> Tensor:
    """Of (N, C, H', W'); a face stands with the pixel before it, and so with another one in the image."""
    turned = values.flip(_axes(image, 2))
    if values.shape[1] > features.CHANNELS:
        for channel, axis, reversed_ in ((features.NORTH, 1, image.rows), (features.EAST, 2, image.columns)):
            if reversed_:
                turned[:, channel] = turned[:, channel].roll(-1, axis)
    return turned


def _walls_of(walls: Tensor, image: Symmetry) -> Tensor:
    """Of (N, 2, 2): the low side and the high one change places."""
    turned = walls.clone()
    for axis in _axes(image, 0):
        turned[:, axis] = walls[:, axis].flip(1)
    return turned
