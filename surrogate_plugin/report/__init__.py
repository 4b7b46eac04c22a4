"""Reports: one HTML page in one file, and that of a run."""

from surrogate_plugin.report.page import Page

__all__ = ["Page"]
