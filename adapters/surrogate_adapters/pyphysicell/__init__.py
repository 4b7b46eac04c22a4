"""pyphysicell (a Python PhysiCell): its quasi-steady substrates answered by the certified backend."""

from surrogate_adapters.pyphysicell.attachment import Attachment, attach
from surrogate_adapters.pyphysicell.substrate import HistoryEntry

__all__ = ["Attachment", "HistoryEntry", "attach"]
