"""How wrong a finished run is: its saved fields against certified ones, moment by moment.

The names load on first use, as those of `surrogate_plugin` do.

Examples
--------
>>> from surrogate_plugin.audit import audit, audit_page, open_run
>>> result = audit(open_run("output"), substrates=["oxygen"])  # doctest: +SKIP
>>> entry, maps = result.worst("oxygen")  # doctest: +SKIP
>>> audit_page(result).write("audit.html")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrogate_plugin.on_first_use import look_up

if TYPE_CHECKING:
    from surrogate_plugin.audit.auditing import audit as audit
    from surrogate_plugin.audit.page import audit_page as audit_page
    from surrogate_plugin.audit.picture import difference_picture as difference_picture
    from surrogate_plugin.audit.reading import open_run as open_run
    from surrogate_plugin.audit.run import Run as Run
    from surrogate_plugin.audit.tables import Audit as Audit
    from surrogate_plugin.audit.tables import Entry as Entry
    from surrogate_plugin.audit.tables import Maps as Maps
    from surrogate_plugin.audit.tables import Verdict as Verdict

#: Where each name lives; the import happens when the name is first asked for.
_HOME = {
    "audit": "auditing",
    "open_run": "reading",
    "audit_page": "page",
    "difference_picture": "picture",
    "Audit": "tables",
    "Entry": "tables",
    "Maps": "tables",
    "Verdict": "tables",
    "Run": "run",
}

__all__ = ["Audit", "Entry", "Maps", "Run", "Verdict", "audit", "audit_page", "difference_picture", "open_run"]


__getattr__ = look_up(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
