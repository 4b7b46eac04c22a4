"""Reports: one HTML page in one file, and that of a run."""

from surrogate_plugin.report.page import Page
from surrogate_plugin.report.run import Audited, Picture, run_page
from surrogate_plugin.report.writing import ReportWarning, RunReport

__all__ = ["Audited", "Page", "Picture", "ReportWarning", "RunReport", "run_page"]
