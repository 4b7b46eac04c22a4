"""Mesa: property layers and continuous spaces of a model answered by the certified backend."""

from surrogate_adapters.mesa.attachment import Attachment, attach
from surrogate_adapters.mesa.history import HistoryEntry
from surrogate_adapters.mesa.substrate import Substrate

__all__ = ["Attachment", "HistoryEntry", "Substrate", "attach"]
