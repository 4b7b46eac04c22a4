"""pyphysicell (a Python PhysiCell): its quasi-steady substrates answered by the certified backend."""

from surrogate_adapters.pyphysicell.attachment import Attachment, attach
from surrogate_adapters.pyphysicell.medium import Medium
from surrogate_adapters.steady_fields import HistoryEntry

__all__ = ["Attachment", "HistoryEntry", "Medium", "attach"]
