"""The settings as a file of a project: how they are written, and what keeps a file from being what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from surrogate_adapters.physicell.choices import Choices
from surrogate_adapters.physicell.project import Written, keep_copy
from surrogate_plugin.settings.template import toml_value
from surrogate_plugin.whole_files import write_text


def settings_text(
    executable: Path,
    substrates: Sequence[str],
    tolerance: float | Mapping[str, float] | None,
    steady: Mapping[str, str] | None = None,
    slow: Mapping[str, str] | None = None,
    device: str | None = None,
) -> str:
    """The settings, with every choice that was not made at its default.

    Parameters
    ----------
    executable : Path
        The Python of the command.
    substrates : sequence of str
        Those answered for.
    tolerance : float, mapping of substrate to float, or None, field units
    steady, slow : mapping of substrate to str, optional
        Those that come to rest within a phenotype step, and those that are far from it, each with a sentence that says
        why. Slow ones are stepped in time if they are answered for, and otherwise proposed to be.
    device : str, optional
        Where fields are solved for, if somebody chose.

    Returns
    -------
    str

    Examples
    --------
    >>> print(settings_text(Path("/venv/bin/python"), ["oxygen"], None))
    # How surrogate_backend.hpp answers for this simulation; the guide tells of every key.
    python = '/venv/bin/python' # the interpreter that has surrogate-plugin
    substrates = ["oxygen"] # all others are stepped as PhysiCell steps them
    # tolerance = 0.38 # largest error anywhere, in the substrate's unit; by default 1 % of the largest value
    <BLANKLINE>
    >>> slow = {"drug": "drug comes to rest in about 50 min, and a phenotype step is 6 min: no side holds it, and ..."}
    >>> print(settings_text(Path("/venv/bin/python"), ["oxygen"], None, {}, slow).partition("value\\n")[2])
    # These are far from steady at a phenotype step. To follow them in time, have them in substrates and say
    # stepping = { drug = "implicit-euler" }
    # - drug comes to rest in about 50 min, and a phenotype step is 6 min: no side holds it, and ...
    <BLANKLINE>
    """
    return (
        "# How surrogate_backend.hpp answers for this simulation; the guide tells of every key.\n"
        f"python = {_quoted(str(executable))} # the interpreter that has surrogate-plugin\n"
        f"substrates = {toml_value(list(substrates))} # all others are stepped as PhysiCell steps them\n"
        f"{_tolerance(tolerance, len(substrates))} # largest error anywhere, in the substrate's unit; by default "
        "1 % of the largest value\n"
        f"{'' if device is None else f'device = {toml_value(device)} # where fields are solved for{chr(10)}'}"
        f"{_stepping(substrates, steady or {}, slow or {})}"
    )


def write_settings(path: Path, text: str) -> Written:
    """Write them, with a copy of what was there."""
    outcome = "wrote"
    if path.exists():
        keep_copy(path)
        outcome = "replaced"
    write_text(path, text)
    return Written(path, outcome)


def differences(
    present: Choices,
    executable: Path,
    substrates: Sequence[str] | None,
    tolerance: float | None,
    device: str | None = None,
) -> list[str]:
    """What the settings of a project say otherwise than a command that does not replace them was asked for.

    Parameters
    ----------
    present : Choices
    executable : Path
        The Python of the command.
    substrates, tolerance, device
        As given; None where they were not.

    Returns
    -------
    list of str
        One a key.

    Examples
    --------
    >>> differences(Choices(python="/a", substrates=["oxygen"]), Path("/b"), ["oxygen"], None)
    ["python is '/a', not '/b'"]
    """
    asked: dict[str, tuple[object, object]] = {"python": (present.python, str(executable))}
    if substrates is not None:
        asked["substrates"] = (present.names, list(substrates))
    if tolerance is not None:
        asked["tolerance"] = (present.tolerances, tolerance)
    if device is not None:
        asked["device"] = (present.device, device)
    return [f"{key} is {has!r}, not {wanted!r}" for key, (has, wanted) in asked.items() if has != wanted]


def _tolerance(tolerance: float | Mapping[str, float] | None, substrates: int) -> str:
    if not tolerance:
        return "# tolerance = 0.38"
    if not isinstance(tolerance, Mapping):
        return f"tolerance = {float(tolerance)!r}"
    if len(tolerance) == 1 == substrates:
        return f"tolerance = {next(iter(tolerance.values()))!r}"
    return f"tolerance = {toml_value(tolerance)}"


def _stepping(substrates: Sequence[str], steady: Mapping[str, str], slow: Mapping[str, str]) -> str:
    at_rest = {name: why for name, why in steady.items() if name in substrates}
    stepped = {name: why for name, why in slow.items() if name in substrates}
    proposed = {name: why for name, why in slow.items() if name not in substrates}
    text = ""
    if at_rest:
        text += f"# Their fields are steady, since they are at rest within a phenotype step:\n{_reasons(at_rest)}"
    if stepped:
        text += f"stepping = {_in_time(stepped)} # far from steady at a phenotype step:\n{_reasons(stepped)}"
    if proposed:
        text += (
            "# These are far from steady at a phenotype step. To follow them in time, have them in substrates and say\n"
            f"# stepping = {_in_time(proposed)}\n{_reasons(proposed)}"
        )
    return text


def _in_time(names: Iterable[str]) -> str:
    return toml_value(dict.fromkeys(names, "implicit-euler"))


def _reasons(why: Mapping[str, str]) -> str:
    return "".join(f"# - {_on_one_line(sentence)}\n" for sentence in why.values())


def _on_one_line(sentence: str) -> str:
    return " ".join(sentence.split())


def _quoted(path: str) -> str:
    """A path for TOML as it stands, since the header that reads this line undoes no escapes."""
    return toml_value(path) if "'" in path else f"'{path}'"
