"""The demo's table, and its page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table

import surrogate_plugin as sp
from surrogate_adapters.demo.outcome import Outcome
from surrogate_plugin.report import Page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAST_EXACT = ("multigrid", "spectral")


def table(outcome: Outcome) -> Table:
    """What a reader wants to know: who answered, how sure, how right, how fast."""
    made = Table(title="Tumour among vessels", title_justify="left", title_style="bold", show_header=False)
    made.add_column()
    made.add_column(overflow="fold")
    for name, value in rows(outcome):
        made.add_row(name, value)
    return made


def rows(outcome: Outcome) -> list[tuple[str, str]]:
    """Name and value of each row."""
    answered = outcome.answered
    fast = sum(answered.get(method, 0) for method in FAST_EXACT)
    flags = [flag for entry in outcome.history for flag in entry.record.flags]
    example = {flag.reason: flag for flag in reversed(flags)}
    often = Counter(flag.reason for flag in flags)
    reasons = [entry.reason for entry in outcome.history]
    return [
        ("phenotype steps", f"{outcome.phenotype_steps}, {outcome.cells_before} → {outcome.cells_after} cells"),
        (
            "fields solved for",
            f"{len(reasons)}: " + ", ".join(f"{reasons.count(r)} {r}" for r in dict.fromkeys(reasons)),
        ),
        ("answered by the surrogate", str(answered.get("surrogate", 0))),
        ("answered by a fast exact solver", str(fast)),
        ("answered by sparse direct", str(answered.get("sparse-direct", 0))),
        ("held, as nothing had changed", str(answered.get("held", 0))),
        *(("why not the surrogate", f"{often[reason]} steps, {flag}") for reason, flag in example.items()),
        ("largest certified bound", f"{outcome.largest_bound:.3g} mmHg (tolerance {outcome.tolerance:g})"),
        (
            "largest error against sparse direct",
            f"{outcome.largest_error:.3g} mmHg, over {len(outcome.audits)} audited steps",
        ),
        *(
            (f"one solve, policy {policy}", f"{1e3 * seconds:.1f} ms")
            for policy, seconds in outcome.seconds_per_solve.items()
        ),
        ("diffusion in a phenotype step, attached", f"{1e3 * outcome.seconds_per_phenotype_step:.0f} ms"),
        (
            "the same by the host's own solver",
            f"{1e3 * outcome.host_seconds_per_phenotype_step:.0f} ms, extrapolated: {outcome.host_steps} diffusion "
            f"steps of {1e3 * outcome.host_seconds_per_step:.1f} ms",
        ),
        ("faster by", f"{outcome.speed_up:.3g} times"),
        ("the whole demo", f"{outcome.seconds:.0f} s"),
        ("written", ", ".join(str(path) for path in outcome.files)),
    ]


def write_page(report: sp.RunReport, outcome: Outcome, tissue: Figure, certified: Figure) -> None:
    """Write the page of the run with what the demo has found out beside it."""
    for audit in outcome.audits:
        report.audit("oxygen", audit.time_min, "sparse-direct", audit.largest_error, audit.bound)

    def add(page: Page) -> None:
        page.section("What the demo found")
        page.facts({name: value for name, value in rows(outcome) if name != "written"})
        page.picture(tissue, "Oxygen around the tumour at the end, and the tumour from near: which cells lack it.")
        page.picture(
            certified,
            f"How far the last audited field was from exact, at most {outcome.audits[-1].largest_error:.2g} mmHg, and "
            "the bound of every field beside the tolerance.",
        )

    report.further.append(add)
    report.write(over=True)
