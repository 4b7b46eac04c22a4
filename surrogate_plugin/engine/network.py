"""The network that an engine was given or is to load: looked for by its card, loaded once, and missed in one flag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Flag, Reason

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.card import ModelCard
    from surrogate_plugin.surrogate.predictor import Predictor


class Network:
    """A network, loaded at the first question that needs the network itself and not only its card.

    Parameters
    ----------
    model : str or Predictor
        Name or path, as `surrogate_plugin.surrogate.model.load` takes it, or a network that is loaded already.
    device : str

    Attributes
    ----------
    loaded : Predictor or None
    card : ModelCard or None
        Of the network that is loaded, or what `there` has read; None if it has none, or nobody has looked yet.
    """

    def __init__(self, model: str | Predictor, device: str) -> None:
        self._name = model if isinstance(model, str) else ""
        self._device = device
        self.loaded: Predictor | None = None if isinstance(model, str) else model
        self._trouble: Flag | None = None
        self._card: ModelCard | None = None

    @property
    def card(self) -> ModelCard | None:
        """What says which problems it knows."""
        return self._card if self.loaded is None else self.loaded.card

    @property
    def device(self) -> str:
        """Where it runs, or would: whoever asked for cuda gets that, or is told so once it is loaded."""
        return self._device if self.loaded is None else self.loaded.device

    def there(self) -> bool:
        """Whether there is a network, as far as can be told without loading it."""
        if self.loaded is None and self._card is None and self._trouble is None:
            from surrogate_plugin.surrogate.card import ModelCard
            from surrogate_plugin.surrogate.weights import find

            try:
                self._card = ModelCard.read(find(self._name).with_suffix(".json"))
            except Exception:  # Whatever is wrong with it, loading it says what.
                self.load()
        return self._trouble is None

    def load(self) -> tuple[Predictor | None, Flag | None]:
        """The network, or what keeps it from being loaded."""
        if self.loaded is None and self._trouble is None:
            self.loaded, self._trouble = _load(self._name, self._device)
        return self.loaded, self._trouble

    def outside(self, problem: Problem) -> tuple[Flag, ...]:
        """Why its card does not cover a problem; nothing is loaded for that, and without a card all are covered."""
        card = self.card
        if card is None:
            return ()
        from surrogate_plugin.guard.applicability import check

        return check(problem, card)

    def typical_error(self) -> float:
        """About how far off its fields are, as a part of the largest value; 0 where nobody knows."""
        from surrogate_plugin.surrogate.model import typical_error

        if self.loaded is not None:
            return self.loaded.typical_error
        return 0.0 if self._card is None else typical_error(self._card)


def _load(name: str, device: str) -> tuple[Predictor | None, Flag | None]:
    try:
        from surrogate_plugin.surrogate.model import DamagedModelError, DeviceMissingError, ModelNotFoundError, load
    except ImportError as error:
        return None, Flag(Reason.NO_TORCH, f"torch cannot be imported ({error}); install torch to use the surrogate.")
    try:
        return load(name, device), None
    except ModelNotFoundError as error:
        return None, Flag(Reason.NO_MODEL, str(error))
    except DeviceMissingError as error:
        return None, Flag(Reason.NO_DEVICE, str(error))
    except DamagedModelError as error:
        return None, Flag(Reason.DAMAGED_MODEL, str(error))
    except ImportError as error:
        return None, Flag(Reason.NO_TORCH, f"torch cannot be imported ({error}); install torch to use the surrogate.")
    except Exception as error:  # A model of a plugin may fail in ways of its own.
        return None, Flag(Reason.DAMAGED_MODEL, f"The model {name!r} does not load: {type(error).__name__}: {error}.")
