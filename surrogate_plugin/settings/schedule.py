"""How long a run without a host goes on, and what it leaves behind."""

from __future__ import annotations

from surrogate_plugin.settings.keys import Positive, Table, WrittenPath, key

#: Files that show the last moment alone.
_OF_THE_LAST = (".png", ".npy", ".vti", ".vtp")


class Time(Table):
    """For fields that go on in time, ``[time]``."""

    duration_min: Positive = key(..., "How long the run is", unit="min", allowed="a number > 0", example=60.0)
    dt_min: Positive = key(
        ..., "How long a step is", unit="min", allowed="a number > 0, at most duration_min", example=1.0
    )


class Output(Table):
    """What is written beside report and record, ``[output]``."""

    files: list[WrittenPath] = key(
        [],
        "Files of the fields and cells",
        allowed="names that end in .png, .npy (the last moment of one substrate), .vti, .vtp (the last of all), .pvd, "
        ".csv, .ome.zarr, .simularium, .gif or .mp4 (all moments)",
        example=["oxygen.png", "oxygen.vti"],
    )
    every_min: Positive | None = key(
        None,
        "How often a moment is kept for these files",
        unit="min",
        allowed="a number > 0",
        example=10.0,
        said_default="each step",
    )
    colours: str = key("magma", "Colour map of pictures", allowed="the name of one of matplotlib's", example="magma")

    @property
    def is_of_many(self) -> bool:
        """Whether a file shows more than the last moment."""
        return any(not path.name.lower().endswith(_OF_THE_LAST) for path in self.files)
