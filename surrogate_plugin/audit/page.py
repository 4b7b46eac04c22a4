"""An audit as one HTML page."""

from __future__ import annotations

from pathlib import Path

import surrogate_plugin
from surrogate_plugin.audit.picture import panels
from surrogate_plugin.audit.tables import Audit, Entry
from surrogate_plugin.report import Page

#: Of more cells the page lists the first only.
_LISTED = 30


def audit_page(result: Audit) -> Page:
    """The page of an audit: for each substrate its map, its tables and what they mean.

    Parameters
    ----------
    result : Audit

    Returns
    -------
    Page
        To be written by ``.write(path)``.
    """
    page = Page(f"Audit of {'/'.join(Path(result.source).parts[-2:]) or result.host}")
    page.text(
        "The steady field of the cells and sides of every saved moment, solved with a bound on its error, beside the "
        "field that was saved, which is what the cells saw. A difference is called an error only where certified steps "
        "in time, from the saved moment before or from any field at all, do not come to the saved one either."
    )
    dt = result.diffusion_step_min
    page.facts(
        {
            "run": f"{result.host}, {result.source}",
            "its diffusion step": "not known" if dt is None else f"{dt:g} min",
            "audited": f"{len({entry.moment for entry in result.entries})} moments, {len(result.substrates)} "
            f"substrates, in {result.seconds:.1f} s",
            "by": f"surrogate-plugin {surrogate_plugin.__version__}",
        }
    )
    for note in result.notes:
        page.text(note)
    _overview(page, result)
    for substrate in result.substrates:
        _substrate(page, result, substrate)
    return page


def _overview(page: Page, result: Audit) -> None:
    page.section("At a glance")
    rows = []
    for substrate in result.substrates:
        audited = [entry for entry in result.of(substrate) if entry.steady is not None]
        if not audited:
            rows.append([substrate, str(result.of(substrate)[-1].verdict), "", "", "", ""])
            continue
        last = audited[-1]
        assert last.steady is not None, "it was audited"
        rows.append(
            [
                substrate,
                str(last.verdict),
                _with(last, last.steady.largest),
                f"{100 * last.steady.relative_l2:.2g} %" if last.size > 0 else "",
                _with(last, last.steady.median, sign=True) if last.cells else "",
                _with(last, last.error_at_least),
            ]
        )
    header = ["substrate", "verdict", "largest difference", "relative L2", "median at cells", "error at least"]
    page.table(header, rows, caption="The last moment: saved less steady")


def _substrate(page: Page, result: Audit, substrate: str) -> None:
    entries = result.of(substrate)
    page.section(substrate)
    for key, maps in result.maps.items():
        entry = next((each for each in entries if (each.moment, each.substrate) == key), None)
        if entry is not None and entry.steady is not None and entry.steady.largest > 0:
            x, y = entry.steady.where_um
            captions = (
                f"{substrate} at {entry.time_min:g} min, the moment with the largest difference, as it was saved.",
                "The steady field of the same cells and sides, on the same scale.",
                f"Saved less steady, with the cells: {_with(entry, entry.steady.largest)} at ({x:g}, {y:g}) um.",
            )
            for drawn, caption in zip(panels(entry, maps), captions, strict=True):
                page.picture(drawn, caption)
    page.table(["min", "verdict", "what it means"], [[f"{e.time_min:g}", str(e.verdict), e.sentence] for e in entries])
    audited = [entry for entry in entries if entry.steady is not None]
    if not audited:
        return
    page.table(*_differences(audited), caption="Saved less steady")
    page.table(*_in_time(audited), caption="Saved less certified steps in time, and the pace of the substrate")
    _steps(page, audited)
    _crossings(page, audited)


def _differences(entries: list[Entry]) -> tuple[list[str], list[list[str]]]:
    header = ["min", "largest", "where, um", "relative L2", "median at cells", "lowest", "highest", "bound"]
    rows = []
    for entry in entries:
        assert entry.steady is not None, "it was audited"
        d = entry.steady
        rows.append(
            [
                f"{entry.time_min:g}",
                f"{d.largest:.3g}",
                f"({d.where_um[0]:g}, {d.where_um[1]:g})",
                f"{100 * d.relative_l2:.2g} %" if d.relative_l2 == d.relative_l2 else "",
                *(f"{each:+.3g}" if d.cells else "" for each in (d.median, d.lowest, d.highest)),
                f"{entry.bound:.1e}",
            ]
        )
    return header, rows


def _in_time(entries: list[Entry]) -> tuple[list[str], list[list[str]]]:
    header = [
        "min", "error at least", "from the stepped field", "stepped from steady", "bound", "for their length, about",
        "for cells between", "comes to rest in, min", "changed since", "lag, about",
    ]  # fmt: skip
    rows = []
    for entry in entries:
        stepped, pace = entry.in_time, entry.pace
        rows.append(
            [
                f"{entry.time_min:g}",
                f"{entry.error_at_least:.3g}",
                *(
                    [""] * 5
                    if stepped is None
                    else [
                        f"{stepped.difference.largest:.3g}",
                        f"{stepped.steady:.2g}",
                        f"{stepped.bound:.1e}",
                        f"{stepped.time_error:.1e}",
                        f"{stepped.apart:.2g}",
                    ]
                ),
                *(
                    ["", "", ""]
                    if pace is None
                    else [f"{pace.relaxation_min:.3g}", _some(pace.changed), _some(pace.lag)]
                ),
            ]
        )
    return header, rows


def _steps(page: Page, entries: list[Entry]) -> None:
    rows = [
        [
            f"{entry.time_min:g}",
            f"{step.dt_min:g}",
            f"{step.predicted:.3g}",
            f"{step.predicted_at_cells:.3g}",
            f"{step.left:.2g}",
            "" if step.small_enough_min is None else f"{step.small_enough_min:g}",
            _some(step.then),
        ]
        for entry in entries
        if (step := entry.time_step) is not None
    ]
    if rows:
        header = [
            "min", "diffusion step, min", "predicted difference", "at cells", "left unexplained", "small enough, min",
            "at cells then",
        ]  # fmt: skip
        page.table(
            header, rows, caption="What the run's own scheme comes to at rest: a prediction for cells that stand still"
        )


def _crossings(page: Page, entries: list[Entry]) -> None:
    rows = [
        [
            f"{entry.time_min:g}",
            f"{crossing.threshold:g}",
            str(crossing.below_saved),
            str(crossing.below_steady),
            _ids(crossing.made_low),
            _ids(crossing.made_high),
            str(crossing.undecided),
        ]
        for entry in entries
        if (crossing := entry.crossing) is not None
    ]
    if rows:
        header = [
            "min", "threshold", "below, saved", "below, steady", "below as saved only",
            "below in the steady field only", "undecided",
        ]  # fmt: skip
        page.table(
            header, rows, caption="Living cells on either side of the threshold, and the IDs of those that differ"
        )


def _ids(ids: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, ids[:_LISTED]))
    more = f", ... ({len(ids)} in all)" if len(ids) > _LISTED else ""
    return f"{listed}{more}" if ids else "none"


def _some(number: float | None) -> str:
    return "" if number is None else f"{number:.3g}"


def _with(entry: Entry, number: float, sign: bool = False) -> str:
    text = f"{number:+.3g}" if sign else f"{number:.3g}"
    return f"{text} {entry.units}" if entry.units else text
