"""The main demo: a pyphysicell tumour among vessels, its oxygen from the certified backend."""

from surrogate_adapters.demo.outcome import Outcome
from surrogate_adapters.demo.run import run

__all__ = ["Outcome", "run"]
