"""Where a run without a host takes place, and what is in it: the lattice, vessels, pictures, cells."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from surrogate_plugin.settings.keys import (
    Count,
    Name,
    NotNegative,
    Number,
    Positive,
    ReadPath,
    Table,
    Truth,
    key,
    refusal,
)

_POINT = "two numbers, [x, y]"


class Lattice(Table):
    """The lattice, ``[domain]``: two of size, spacing and shape say it, one beside a picture."""

    size_um: tuple[Positive, Positive] | None = key(
        None,
        "Width along x and height along y",
        unit="um",
        allowed="two numbers > 0, [width, height]",
        example=[640.0, 320.0],
        said_default="shape times spacing",
    )
    spacing_um: Positive | tuple[Positive, Positive] | None = key(
        None,
        "Side of a pixel, or of an uneven one its height and width",
        unit="um",
        allowed="a number > 0, or two, [dy, dx]",
        example=5.0,
        said_default="size by shape",
    )
    shape: tuple[Count, Count] | None = key(
        None,
        "Pixels along y and along x",
        allowed="two whole numbers >= 1, [rows, columns]",
        example=[64, 128],
        said_default="that of the picture in [[sources]], or size by spacing",
    )
    origin_um: tuple[Number, Number] = key(
        (0.0, 0.0), "The lower left corner", unit="um", allowed=_POINT, example=[0.0, 0.0]
    )
    thickness_um: Positive | None = key(
        None,
        "Depth of a voxel, in which a cell is diluted",
        unit="um",
        allowed="a number > 0",
        example=5.0,
        said_default="the spacing",
    )
    outside: Literal["error", "drop", "clamp"] = key(
        "error",
        "What becomes of cells and vessels off the lattice",
        allowed='"error", "drop" or "clamp" (to the nearest pixel)',
        example="error",
    )


class Timed(Table):
    """Something that is there for a while."""

    from_min: NotNegative = key(
        0.0, "From when on it is there", unit="min", allowed="a number >= 0", example=0.0, said_default="the start"
    )
    until_min: Positive | None = key(
        None, "Until when it is there", unit="min", allowed="a number > 0", example=60.0, said_default="the end"
    )

    @model_validator(mode="after")
    def _some_time(self) -> Timed:
        if self.until_min is not None and self.until_min <= self.from_min:
            raise refusal(f"ends at until_min = {self.until_min:g}, not after from_min = {self.from_min:g}")
        return self


_SUBSTRATE = key(
    None,
    "Which substrate it holds",
    allowed="the name of one in [substrates]",
    example="oxygen",
    said_default="the only one",
)
_PERMEABILITY = key(
    None,
    "Permeability of a leaky wall",
    unit="um/min",
    allowed="a number >= 0",
    example=100.0,
    said_default="no wall: the value is held",
)


class Vessel(Timed):
    """A vessel that is described here, ``[[vessels]]``: a disc or, with an end, a capsule."""

    substrate: Name | None = _SUBSTRATE
    position_um: tuple[Number, Number] = key(
        ..., "Its centre, or where its axis starts", unit="um", allowed=_POINT, example=[160.0, 160.0]
    )
    end_um: tuple[Number, Number] | None = key(
        None,
        "Where its axis ends",
        unit="um",
        allowed=_POINT,
        example=[480.0, 160.0],
        said_default="it is a disc",
    )
    radius_um: NotNegative = key(..., "Its radius", unit="um", allowed="a number >= 0", example=12.0)
    value: NotNegative = key(..., "What its blood holds", unit="field units", allowed="a number >= 0", example=38.0)
    permeability_um_per_min: NotNegative | None = _PERMEABILITY


class Source(Timed):
    """Vessels out of a file, ``[[sources]]``: a picture or numbers as large as the lattice, or a table."""

    file: ReadPath = key(
        ...,
        "What is held",
        allowed="a picture (.png, .tif, ...), numbers (.npy, .npz, .csv, .vti) of the lattice's shape, or a table "
        "(.csv) with columns x_um, y_um, radius_um, value",
        example="vessels.png",
    )
    substrate: Name | None = _SUBSTRATE
    value: NotNegative | None = key(
        None,
        "What the held pixels of a mask hold, what white is with values = true, or vessels of a table without a column",
        unit="field units",
        allowed="a number >= 0",
        example=38.0,
        said_default="1, or the file's own numbers",
    )
    permeability_um_per_min: NotNegative | None = _PERMEABILITY
    values: Truth = key(False, "Hold each pixel at its own shade times value", allowed="true or false", example=False)
    threshold: Positive | None = key(
        None,
        "Hold what is at least so bright, as a part of white; of numbers, at least so large",
        allowed="a number > 0",
        example=0.5,
        said_default="masks are cut half way",
    )
    invert: Truth = key(False, "Hold the dark pixels", allowed="true or false", example=False)
    channel: Literal["luminance", "red", "green", "blue", "alpha"] | None = key(
        None,
        "Which channel of a coloured picture",
        allowed='"luminance", "red", "green", "blue" or "alpha"',
        example="luminance",
        said_default="luminance",
    )
    page: Count | None = key(None, "Which page of a picture with several", allowed="a whole number >= 1", example=1)
    array: Name | None = key(None, "Which array of a .npz or .vti with several", allowed="a name", example="source")


class CellTable(Table):
    """The cells, ``[cells]``, one a line of a table."""

    file: ReadPath = key(
        ...,
        "The cells, one a line",
        allowed="a table (.csv) with columns x_um, y_um and radius_um or volume_um3, and type where there are several",
        example="cells.csv",
    )
    radius_um: Positive | None = key(
        None,
        "The radius of cells where the table has no column of it",
        unit="um",
        allowed="a number > 0",
        example=8.4,
    )
    type: Name = key(
        "cell", "The type of cells where the table has no column of it", allowed="a name", example="tumour"
    )
    deposit: Literal["area", "voxel"] = key(
        "area",
        "How cells land on pixels: by the area of their discs, or all in the one that holds the centre",
        allowed='"area" or "voxel"',
        example="area",
    )
