"""Mesa: property layers and continuous spaces of a model answered by the certified backend."""

from surrogate_adapters.mesa.attachment import Attachment, HistoryEntry, attach
from surrogate_adapters.mesa.substrate import Substrate

__all__ = ["Attachment", "HistoryEntry", "Substrate", "attach"]
