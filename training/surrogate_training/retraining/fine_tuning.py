"""From a model's card and a recording to the training run that fine-tunes the model."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from surrogate_plugin.surrogate.card import ModelCard
from surrogate_training.config import StopConfig, TrainConfig
from surrogate_training.errors import sentence
from surrogate_training.problems.distributions import Mixture, Part
from surrogate_training.problems.recordings import Recorded
from surrogate_training.samples.dataset import DataConfig

#: The peak of the learning rate over the parent's.
GENTLER = 0.3
_WARMUP_STEPS = 30


def training_of(card: ModelCard) -> TrainConfig:
    """How a model was trained.

    Raises
    ------
    ValueError
        If its card does not say.
    """
    try:
        return TrainConfig.model_validate(card.training.get("config"))
    except ValidationError as error:
        raise ValueError(
            f"the card of model {card.name!r} does not say how it was trained (training.config: "
            f"{sentence(error).rstrip('.')}), so that its "
            "training cannot be gone on with; name a model whose card does."
        ) from None


def base_of(trained: TrainConfig) -> DataConfig:
    """Where the samples of a parent came from, earlier recordings left out.

    Raises
    ------
    ValueError
        If there was nothing else.
    """
    parts = [part for part in _parts(trained) if not isinstance(part.distribution, Recorded)]
    if not parts:
        raise ValueError(
            f"model {trained.name!r} was trained on recordings alone, so that there is nothing else to keep it from "
            "forgetting; retrain one that was trained on a distribution."
        )
    if len(parts) < len(_parts(trained)):
        mixed = parts[0].distribution if len(parts) == 1 else Mixture(parts=tuple(parts))
        return trained.data.model_copy(update={"distribution": mixed})
    return trained.data


def fine_tuning(
    trained: TrainConfig, weights: Path, recorded: Recorded, *, name: str, seed: int, minutes: float, steps: int | None
) -> TrainConfig:
    """The parent's run begun with its weights, at a lower learning rate, half of the batches from a recording.

    Earlier recordings that the parent learnt from, and that are still there, count to the other half.

    Parameters
    ----------
    trained : TrainConfig
        Of the parent.
    weights : Path
        Of the parent.
    recorded : Recorded
    name : str
        Of the new model.
    seed : int
    minutes, steps
        As in `OptimiserConfig`.

    Raises
    ------
    ValueError
        As `base_of`.
    """
    base_of(trained)
    kept = [
        part
        for part in _parts(trained)
        if not isinstance(part.distribution, Recorded) or part.distribution.path.exists()
    ]
    kept = [part.model_copy(update={"taught": True}) for part in kept]
    new = Part(distribution=recorded, weight=sum(part.weight for part in kept))
    changes = {
        "distribution": Mixture(parts=(*kept, new), whole_batches=True),
        # The parent's own training samples would teach it nothing, and its test split stays untouched.
        "seed": trained.data.seed + 1 + seed,
        "samples": None,
        "shards": None,
    }
    optimiser = trained.optimiser.model_copy(
        update={
            "learning_rate": GENTLER * trained.optimiser.learning_rate,
            "warmup_steps": _WARMUP_STEPS,
            "minutes": minutes,
            "steps": steps,
        }
    )
    return trained.model_copy(
        update={
            "name": name,
            "seed": seed,
            "start": weights,
            "learn": "all",
            "data": trained.data.model_copy(update=changes),
            "optimiser": optimiser,
            "stop": StopConfig(),
            "device": "cpu",
            "samples_on": "auto",
        }
    )


def _parts(trained: TrainConfig) -> tuple[Part, ...]:
    distribution = trained.data.distribution
    return distribution.parts if isinstance(distribution, Mixture) else (Part(distribution=distribution),)
