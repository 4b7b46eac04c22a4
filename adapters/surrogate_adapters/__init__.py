"""Adapters, one file a host simulator; each loads its host only when it is attached."""
