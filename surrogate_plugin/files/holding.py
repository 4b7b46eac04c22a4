"""Which pixels of a file are held, and at which values: one rule for each kind of file, and doubts said aloud."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.choice import Choice
from surrogate_plugin.files.levels import Kind, Levels
from surrogate_plugin.files.shades import judge

#: A value map has plateaus; where more than this part of the held pixels differ from one another, it is none.
_LARGEST_VARIETY = 0.5


@dataclass(frozen=True, eq=False)
class Source:
    """What a file imposes.

    Attributes
    ----------
    values : (H, W) float64, field units, row 0 at the lowest y
    fixed : (H, W) bool
        The pixels that are held.
    rule : str
        How these were told, as a phrase.
    nothing : str
        Why nothing is held, as a clause; empty where something is.
    spacing : float or (dy, dx), length per pixel, optional
        Where the file knows it.
    notes, warnings : tuple of str
        Sentences on how the file was understood, and on what may be meant otherwise.
    """

    values: FloatArray
    fixed: BoolArray
    rule: str
    nothing: str = ""
    spacing: float | tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def hold(path: Path, levels: Levels, choice: Choice) -> Source:
    """Decide which pixels are held, and at which values; refuse what could mean several things.

    Parameters
    ----------
    path : Path
        What the sentences name.
    levels : Levels
    choice : Choice

    Raises
    ------
    InvalidProblemError
        If the choice does not fit the file, or one is needed.
    """
    if levels.held is not None:
        return _as_the_file_says(path, levels, levels.held, choice)
    levels = _with_zeros_and_ones(levels, choice)
    levels = _inverted(path, levels) if choice.invert else _replace(levels, _faded(levels.values, levels))
    if choice.threshold is not None or choice.values:
        values, fixed, rule = _as_chosen(path, levels, choice)
    elif levels.kind is Kind.MASK:
        fixed, rule = levels.values >= 0.5, "a mask of 0 and 1"
        values = np.where(fixed, _white(choice), 0.0)
    elif levels.kind is Kind.GREY:
        values, fixed, rule = _as_drawn(path, levels, choice)
    else:
        values, fixed, rule = _as_numbers(path, levels, choice)
    rule += ", inverted" if choice.invert else ""
    nothing = "" if fixed.any() else _why_nothing(path, levels, choice)
    doubts = [f"Nothing is held, since {nothing}."] if nothing else _doubts(path, levels, values, fixed, choice)
    return Source(values, fixed, rule, nothing, levels.spacing, levels.notes, (*levels.warnings, *doubts))


def _as_the_file_says(path: Path, levels: Levels, held: BoolArray, choice: Choice) -> Source:
    if choice.white is not None or choice.threshold is not None or choice.values or choice.invert:
        raise InvalidProblemError(
            f"{path} says itself, in 'fixed', which pixels are held and at which values; "
            "white, threshold, values and invert are for files that do not."
        )
    fixed = held if levels.opacity is None else held & (levels.opacity > 0)
    nothing = "" if fixed.any() else f"no pixel is marked in 'fixed' of {path}"
    values = np.where(fixed, levels.values, 0.0)
    return Source(values, fixed, "as 'fixed' says", nothing, levels.spacing, levels.notes, levels.warnings)


def _with_zeros_and_ones(levels: Levels, choice: Choice) -> Levels:
    """Numbers that are all 0 or 1, and whole numbers of two kinds, as the mask that they are."""
    if levels.kind not in (Kind.NUMBERS, Kind.COUNTS) or (choice.values and choice.white is None):
        return levels
    counted = levels.values if levels.opacity is None else levels.values[levels.opacity > 0]
    if not counted.size:
        return levels
    low, high = float(counted.min()), float(counted.max())
    two = low < high and bool(((counted == low) | (counted == high)).all())
    if not ((two and levels.kind is Kind.COUNTS) or (two and (low, high) == (0.0, 1.0)) or low == high == 1.0):
        return levels
    return _replace(levels, (levels.values == high).astype(np.float64), Kind.MASK)


def _inverted(path: Path, levels: Levels) -> Levels:
    """With dark and bright exchanged; transparent and masked pixels stay free."""
    if levels.kind in (Kind.NUMBERS, Kind.COUNTS):
        raise InvalidProblemError(f"{path} holds numbers, which have no white; invert is for pictures and masks.")
    return _replace(levels, _faded(1.0 - levels.values, levels))


def _faded(values: FloatArray, levels: Levels) -> FloatArray:
    """Values as they are seen over black; entries that do not count are 0."""
    return values if levels.opacity is None else np.where(levels.opacity > 0, values, 0.0) * levels.opacity


def _replace(levels: Levels, values: FloatArray, kind: Kind | None = None) -> Levels:
    return dataclasses.replace(levels, values=values, kind=kind or levels.kind)


def _white(choice: Choice) -> float:
    return 1.0 if choice.white is None else choice.white


def _as_chosen(path: Path, levels: Levels, choice: Choice) -> tuple[FloatArray, BoolArray, str]:
    """Held as ``threshold`` and ``values`` say."""
    shades = levels.kind in (Kind.GREY, Kind.MASK)
    if choice.threshold is None:
        fixed, rule = levels.values > 0, "every pixel above " + ("black" if shades else "0")
    elif shades and choice.threshold > 1:
        raise InvalidProblemError(f"threshold is {choice.threshold:g}; a part of white, above 0 up to 1, is allowed.")
    else:
        fixed = levels.values >= choice.threshold
        rule = f"at least {choice.threshold:g}{' of white' if shades else ''}"
    if not choice.values:
        return np.where(fixed, _white(choice), 0.0), fixed, rule
    if shades:
        return levels.values * _white(choice), fixed, f"{rule}, at its shade times {_white(choice):g}"
    if choice.white is not None:
        raise InvalidProblemError(
            f"white is {choice.white:g}, but {path} holds numbers, which are values already; leave white out."
        )
    return levels.values, fixed, f"{rule}, at its own number"


def _as_drawn(path: Path, levels: Levels, choice: Choice) -> tuple[FloatArray, BoolArray, str]:
    """The bright pixels of a mask; a picture of many shades could mean several things and is refused."""
    shades = judge(levels.values)
    if shades.is_mask:
        fixed = levels.values >= shades.halfway
        return np.where(fixed, _white(choice), 0.0), fixed, f"a mask, cut at {shades.halfway:.3g} of white"
    if shades.darkest == shades.brightest:
        return levels.values * _white(choice), levels.values > 0, "every pixel above black"
    raise InvalidProblemError(
        f"{path} is no mask, {100 * shades.between:.2g} % of its pixels are neither dark nor bright; give "
        "--threshold 0.5 to hold what is at least half as bright as white, or --values to hold every pixel above black "
        "at its own shade times --white."
    )


def _as_numbers(path: Path, levels: Levels, choice: Choice) -> tuple[FloatArray, BoolArray, str]:
    """Numbers above 0 as they are; counts of a picture could mean several things and are refused."""
    if levels.kind is Kind.COUNTS and levels.values.any():
        raise InvalidProblemError(
            f"{path} holds whole numbers from {levels.values.min():g} to {levels.values.max():g} without a known "
            "white; give --threshold with the smallest number to be held at --white, or --values to hold every number "
            "above 0 as it is."
        )
    if choice.white is not None and levels.values.any():
        raise InvalidProblemError(
            f"{path} holds numbers, which are values already, so white has no meaning; leave it out, or give "
            f"--threshold with the smallest number to be held at {choice.white:g}."
        )
    return levels.values, levels.values > 0, "every number above 0, as it is"


def _doubts(path: Path, levels: Levels, values: FloatArray, fixed: BoolArray, choice: Choice) -> list[str]:
    """What a reader would want to be asked about."""
    count = int(np.count_nonzero(fixed))
    name = path.name
    doubts = []
    if count > fixed.size / 2:
        share = f"{100 * count / fixed.size:.3g} % of the pixels of {name} are held"
        if levels.kind in (Kind.NUMBERS, Kind.COUNTS):
            doubts.append(f"{share}; --threshold holds fewer.")
        elif choice.invert:
            doubts.append(f"{share}; without --invert the others are.")
        else:
            doubts.append(f"{share}; where the vessels are dark on a light ground, give --invert.")
    if levels.kind is Kind.NUMBERS and not choice.values and choice.threshold is None:
        different = np.unique(values[fixed]).size
        if different > max(16, _LARGEST_VARIETY * count):
            doubts.append(
                f"The {count} held pixels of {name} have {different} different values; if these are probabilities or "
                "shades, give --threshold, if they are meant, --values."
            )
    return doubts


def _why_nothing(path: Path, levels: Levels, choice: Choice) -> str:
    brightest = float(levels.values.max())
    if levels.opacity is not None and levels.kind is Kind.GREY and brightest <= 0:
        return f"all that is not transparent in {path} is black (--channel alpha or --invert may be meant)"
    if brightest <= 0 or choice.threshold is None:
        what = "white" if choice.invert else "black" if levels.kind is Kind.GREY else "0"
        return f"all pixels of {path} are {what}"
    unit = " of white" if levels.kind in (Kind.GREY, Kind.MASK) else ""
    return f"the largest in {path} is {brightest:.3g}{unit}, below the threshold {choice.threshold:g}"
