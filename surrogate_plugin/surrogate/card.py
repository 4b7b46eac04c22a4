"""The card of a model: which network, what it was trained on and how, how good it is, and the weights' checksum."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from surrogate_plugin.plain_files import read_plain
from surrogate_plugin.surrogate import sizes
from surrogate_plugin.surrogate.failures import DamagedModelError, ModelNotFoundError, called

BoundaryKind = Literal["absorbing", "reflecting", "value", "periodic", "flux", "exchange"]

#: Larger counts are no count of anything, and no longer exact as floats.
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Side = Annotated[int, Field(ge=1, le=2**53)]
_Error = Annotated[float, Field(ge=0)]
#: No card is longer.
_MOST_BYTES = 2**24


class _Entry(BaseModel):
    # A card is written by a program: a number in quotes, a NaN or an infinity is damage.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Ranges(_Entry):
    """What the training problems looked like; the guard lets the network try nothing else.

    Lengths are diffusion lengths ``sqrt(D / decay)`` in pixels, Michaelis-Menten uptake counted by its secant at half
    about the largest value, and an implicit time step by its decay ``1 / dt``; the decay is that of free pixels, and
    D the best conductor's. What a card does not say of the wider equation its model was not trained on.
    """

    shortest_length_px: float = Field(gt=0, description="where a problem's decay is strongest")
    longest_length_px: float = Field(gt=0, description="where a problem's decay is weakest")
    largest_contrast: float = Field(ge=1, description="strongest over weakest decay of a problem")
    most_sources: _Count = Field(description="connected groups of fixed pixels of a problem")
    largest_source_px: _Count = Field(description="pixels of a problem's largest group")
    largest_fixed_share: float = Field(ge=0, le=1, description="fixed pixels over all of a problem")
    boundaries: tuple[BoundaryKind, ...]
    supplied: bool = Field(default=False, description="by production, by fluxes through sides, by an earlier field")
    largest_link_contrast: float = Field(default=1.0, ge=1, description="best over worst of the faces that conduct")
    largest_blocked_share: float = Field(default=0.0, ge=0, le=1, description="of the faces between pixels, those shut")
    largest_anisotropy: float = Field(default=1.0, ge=1, description="best links of one axis over those of the other")
    shortest_side_px: _Side
    longest_side_px: _Side

    @model_validator(mode="after")
    def _ordered(self) -> Ranges:
        for low, high in (("shortest_length_px", "longest_length_px"), ("shortest_side_px", "longest_side_px")):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} is {getattr(self, low)}; at most {high}, {getattr(self, high)}, is allowed.")
        return self


class NetworkEntry(_Entry):
    """Which network, and its hyperparameters."""

    kind: str
    hyperparameters: dict[str, Any] = {}
    parameters: _Count = Field(description="how many numbers it holds")
    features: _Count = Field(description="version of what it reads")

    @model_validator(mode="after")
    def _can_be_built(self) -> NetworkEntry:
        if self.kind in sizes.SIZES:
            sizes.check(self.kind, self.hyperparameters)
        return self


class ModelCard(_Entry):
    """Everything known about a model, in the JSON file beside its weights.

    Attributes
    ----------
    training : dict
        What repeats the training: configuration with its seeds, steps, samples, seconds, package versions, command.
    metrics : dict
        Mean, median, 95th percentile and largest of each error over the test split, which selected nothing; errors
        are over the largest imposed value.
    sha256 : str
        Of the weights file.
    """

    name: str
    network: NetworkEntry
    ranges: Ranges
    training: dict[str, Any]
    metrics: dict[str, dict[str, _Error]]
    test_samples: _Count = 0
    sha256: str

    def write(self, path: Path) -> None:
        """Write the card as indented JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ModelCard:
        """Read a card.

        Raises
        ------
        ModelNotFoundError
            If there is no such file.
        DamagedModelError
            If it is no valid card.
        """
        try:
            return cls.model_validate_json(read_plain(path, _MOST_BYTES))
        except FileNotFoundError:
            raise ModelNotFoundError(
                f"the model's card {called(path)} is missing; reinstall or retrain the model."
            ) from None
        except OSError as error:
            raise DamagedModelError(
                f"the model's card {called(path)} cannot be read ({error.strerror}); reinstall the model."
            ) from None
        except ValidationError as error:
            said = _told(error.errors()[0])
            raise DamagedModelError(
                f"the model's card {called(path)} is damaged ({said}); reinstall or retrain the model."
            ) from None


def _told(found: ErrorDetails) -> str:
    """What is wrong with a card, and where; the names in it are those of a file, and may be anything."""
    where = " ".join(".".join(str(part) for part in found["loc"]).split())[:100] or "the file"
    said = str(found["ctx"]["error"]) if found["type"] == "value_error" else found["msg"]
    return f"{where}: {said.rstrip('.')}"


def checksum(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
