"""What is wrong with a settings file, in one sentence: line, key, value, what is allowed, and the nearest key."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import ValidationError

from surrogate_plugin.arguments import shown
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.settings import walking
from surrogate_plugin.settings.document import Document, named
from surrogate_plugin.settings.keys import Table, facts
from surrogate_plugin.settings.lines import Place

_KEY = "[key]"


def first_error(model: type[Table], document: Document, error: ValidationError) -> InvalidProblemError:
    """What was found wrong first; where several types are allowed, in the one that the value comes closest to.

    Parameters
    ----------
    model : subclass of Table
        What the whole file was to be.
    document : Document
    error : ValidationError
    """
    found = error.errors()
    places = [_place(each, document.said) for each in found]
    # Of several at one place, one that says all by itself.
    deepest = max(range(len(found)), key=lambda number: (len(places[number]), found[number]["type"] == "said"))
    place, first = places[deepest], found[deepest]
    if first["type"] == "extra_forbidden" or first["loc"][-1:] == (_KEY,):
        return document.error(place, _no_such_key(model, place))
    if first["type"] == "missing":
        return document.error(place, _missing(model, place))
    if first["type"] == "said":
        where = named(place)
        sentence = first["ctx"]["sentence"]
        return document.error(place, f"{where or 'the file'} {sentence}.")
    if first["type"] == "value_error":  # of the package, which has said it all
        return document.error(place, str(first["ctx"]["error"]))
    return document.error(place, _not_allowed(model, place, first["input"]))


def nearest(word: Any, words: list[str]) -> str | None:
    """The word that was probably meant."""
    folded = {each.lower().replace("-", "_"): each for each in reversed(words)}
    near = difflib.get_close_matches(str(word).lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def _place(error: Any, said: Any) -> Place:
    """Where in the file an error is, without the branches of unions that pydantic names too."""
    place: list[str | int] = []
    here = said
    for part in error["loc"]:
        if (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here)
        ):
            here = here[part]
            place.append(part)
    if error["type"] == "missing":
        place.append(error["loc"][-1])
    return tuple(place)


def _no_such_key(model: type[Table], place: Place) -> str:
    *above, name = place
    has = [field for table in walking.tables_at(model, tuple(above)) for field in table.model_fields]
    has += walking.key_words_at(model, tuple(above))
    where = f"{named(tuple(above))} has" if above else "there is"
    near = nearest(name, has)
    said = f"{where} no key {shown(name)}"
    if near is not None:
        return f"{said}; the nearest is {near!r}."
    elsewhere = walking.tables_with(model, str(name))
    if elsewhere:
        return f"{said}; it belongs {'into ' + elsewhere[0] if elsewhere[0] else 'above all tables'}."
    return f"{said}; {', '.join(has)} {'are' if len(has) > 1 else 'is'} allowed."


def _missing(model: type[Table], place: Place) -> str:
    return f"{named(place)} is missing; needed {_allowed(model, place)}."


def _not_allowed(model: type[Table], place: Place, value: Any) -> str:
    near = nearest(value, walking.words_at(model, place)) if isinstance(value, str) else None
    meant = f"; the nearest is {near!r}" if near is not None else ""
    return f"{named(place)} is {shown(value)}; allowed {_allowed(model, place)}{meant}."


def _allowed(model: type[Table], place: Place) -> str:
    field = walking.field_at(model, place)
    told = {} if field is None else facts(field)
    allowed = told.get("allowed") or "a table of its keys"
    verb = "are" if allowed.startswith(("two ", "names ")) else "is"
    unit = f" ({told['unit']})" if told.get("unit") else ""
    return f"{verb} {allowed}{unit}"
