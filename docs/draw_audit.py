"""Draw the picture of docs/audit.md: ``python docs/draw_audit.py RUN SUBSTRATE PICTURE``."""

from __future__ import annotations

import sys

from surrogate_plugin.audit import audit, difference_picture, open_run


def draw(path: str, substrate: str, picture: str) -> None:
    """The last moment of a run."""
    run = open_run(path)
    result = audit(run, substrates=[substrate], moments=[run.names[-1]], in_time=False)
    difference_picture(*result.worst(substrate)).savefig(picture, dpi=110)


if __name__ == "__main__":
    draw(*sys.argv[1:4])
