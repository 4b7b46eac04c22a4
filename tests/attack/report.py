"""A campaign's result as the page that is committed."""

from __future__ import annotations

import datetime

from tests.attack.campaign import Tally
from tests.attack.trials import ASKED

_COLUMNS = ("solves", "answered", "refused", "exception", "field", "bound", "broken", "outside", "unflagged")
_PAGE = """# The guard under attack

{targets:,} random and hostile problems of seed {seed}, numbers {start:,} to {last:,}: {solves:,} solves,
{faults:,} promises broken; {date}.

```
python -m tests.attack --problems {targets} --seed {seed} --start {start} --report docs/attack.md
```

Each problem is solved by the guard with the shipped network and with one made to mislead, and by two of the other
methods; one in five by a solver plugin too, `boastful`, which answers wrongly and says that it does not. Tolerances are
1e-12 to 0.5 of the largest value or none; solves start from nothing, or from a right, wrong, huge or undefined field.
Answers are compared with a solution in extended precision (`surrogate_plugin.reference`). Lattices are small, 1 to 40
pixels a side, and some up to 80 square or 400 long. Decay runs over 1e-12 to 1e12 of diffusivity / spacing^2 with
contrasts up to 1e12 in regions of every share, Michaelis-Menten's `km` over 1e-12 to 1e3 of the largest value
(`surrogate_plugin.gallery.extreme_problems`).

{table}

*Refused*: one sentence on why the method does not take the problem. *Exception*: any other. *Field*: not finite, or a
fixed pixel without its value. *Bound*: not a number >= 0. *Broken*: the error exceeds the bound. *Outside*: a value
below 0, or above the largest imposed one where nothing is produced. *Unflagged*: the bound exceeds what was asked for,
and no flag says so. *Within 10*: of the answers whose error is more than rounding, the share with a bound of at most
ten errors; beside it the largest bound over its error.
"""


def report(total: Tally, seed: int, start: int) -> str:
    head = ("asked for", *_COLUMNS, "within 10", "largest ratio")
    lines = ["| " + " | ".join(head) + " |", "|---|" + (len(head) - 1) * "---:|"]
    for method in ASKED:
        counts = [f"{total.counts[f'{method}|{column}']:,}" for column in _COLUMNS]
        told = total.counts[f"{method}|told"]
        share = f"{100 * total.counts[f'{method}|tight'] / told:.1f} %" if told else ""
        ratio = f"{total.largest[method]:.2g}" if method in total.largest else ""
        lines.append("| " + " | ".join((f"`{method}`", *counts, share, ratio)) + " |")
    return _PAGE.format(
        targets=total.targets,
        seed=seed,
        start=start,
        last=start + total.targets - 1,
        solves=sum(total.counts[f"{method}|solves"] for method in ASKED),
        faults=total.faults(),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        table="\n".join(lines),
    )
