"""Mesa: property layers and continuous spaces of a model answered by the certified backend."""

from surrogate_adapters.mesa.attaching import attach
from surrogate_adapters.mesa.attachment import Attachment
from surrogate_adapters.mesa.substrate import Substrate
from surrogate_adapters.steady_fields import HistoryEntry

__all__ = ["Attachment", "HistoryEntry", "Substrate", "attach"]
