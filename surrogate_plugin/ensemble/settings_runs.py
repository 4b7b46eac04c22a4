"""Members that are runs of one settings file, each with other values of some of its keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrogate_plugin.ensemble.members import Link
from surrogate_plugin.ensemble.sweep import Parameters
from surrogate_plugin.running.going import Going
from surrogate_plugin.running.saving import fingerprint
from surrogate_plugin.session.steps import HELD
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.reading import load_settings
from surrogate_plugin.settings.schedule import Output


@dataclass(frozen=True)
class SettingsRuns:
    """The function of such members: parameters are keys of the file, by their names.

    It gives of each substrate the field, ``oxygen``, and ``oxygen_mean``, ``oxygen_lowest``, ``oxygen_highest`` and
    ``oxygen_bound``, the largest of all steps; ``reached``, whether all bounds are within their tolerances, and
    ``time_min``. Pages, recordings and files that the settings ask for are not written. A run in time goes on where it
    was killed.

    Attributes
    ----------
    path : Path
        The settings file.
    subject : str
        What tells these runs from those of other settings.
    """

    path: Path
    subject: str

    @classmethod
    def of(cls, path: Path, first: Parameters) -> SettingsRuns:
        """Those of a file, which is checked with the parameters of the first member.

        Raises
        ------
        InvalidProblemError
            One sentence with file and line.
        """
        path = path.absolute()
        bare = load_settings(path)
        duration = "" if bare.time is None else f", {bare.time.duration_min:g} min"
        Going(_read(path, first), kept=path.with_name(f".{path.stem}.nowhere"))
        return cls(path, f"settings {fingerprint(bare)}{duration}")

    def __call__(self, parameters: Parameters, link: Link) -> dict[str, Any]:
        """Run one of them."""
        going = Going(_read(self.path, parameters), kept=link.folder / "run")
        going.run()
        assert going.last is not None, "the run is at its end"
        given: dict[str, Any] = {"time_min": going.last.time_min}
        given["reached"] = all(told.reached for told in going.told.values())
        for name, field in going.last.fields.items():
            told = going.told[name]
            given[name] = (("y", "x"), field)
            given[f"{name}_mean"] = float(field.mean())
            given[f"{name}_lowest"], given[f"{name}_highest"] = float(field.min()), float(field.max())
            given[f"{name}_bound"] = told.largest_bound
            given[f"{name}_method"] = next((each for each, _ in told.methods.most_common() if each != HELD), HELD)
        return given


def _read(path: Path, parameters: Parameters) -> SettingsFile:
    settings = load_settings(path, "run", parameters)
    return settings.model_copy(update={"record": None, "report": None, "output": Output()})
