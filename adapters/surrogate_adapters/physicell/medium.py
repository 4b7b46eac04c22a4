"""What conducts and decays otherwise than PhysiCell says: types of cells, single cells, places, sides; in TOML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, model_validator

import surrogate_plugin as sp
from surrogate_adapters.checked import NotNegative
from surrogate_plugin.files.arrays import read_csv, read_npy

FloatArray = npt.NDArray[np.float64]

__all__ = ["Medium"]

#: The host's names of its faces, and the core's of the sides.
_SIDES = {"xmin": "left", "xmax": "right", "ymin": "bottom", "ymax": "top"}


class Face(BaseModel):
    """What comes in through one outer face, ``{ flux = 500.0 }`` or ``{ exchange = 40.0, value = 38.0 }``.

    Attributes
    ----------
    flux : float, field units um / min, or None
    exchange : float, um / min, or None
        Towards ``value``, field units.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flux: NotNegative | None = None
    exchange: NotNegative | None = None
    value: NotNegative | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Face:
        if (self.flux is None) == (self.exchange is None) or (self.exchange is None) != (self.value is None):
            raise ValueError("{ flux = ... } or { exchange = ..., value = ... } is allowed")
        return self

    @property
    def side(self) -> sp.Flux | sp.Exchange:
        """As the core has it."""
        if self.flux is not None:
            return sp.Flux(self.flux)
        assert self.exchange is not None, "it is one of the two"
        assert self.value is not None, "an exchange has a value"
        return sp.Exchange(self.exchange, self.value)


class Medium(BaseModel):
    """How one substrate gets about, beyond what PhysiCell can say of it; nothing of it is so unless it is given.

    Parameters
    ----------
    diffusivity_by_type : dict of cell type to float, um^2 / min
        What cells conduct, 0 for obstacles, in the share of their voxel that their volume is.
    decay_by_type : dict of cell type to float, 1 / min
        What decays in a voxel that the cell fills, in the place of the substrate's decay rate or of what the place has,
        be it more or less.
    membrane_by_type : dict of cell type to float, um / min
        The permeability around the voxels of these cells; 0 lets nothing through.
    diffusivity_variable, decay_variable, membrane_variable : str, optional
        A custom variable that says the same of each cell; where it is missing or NaN its type does.
    diffusivity_file, decay_file : str, optional
        What places have, (ny, nx) in a ``.npy``, or a ``.csv`` with a line a row, the lowest y first.
    sides : dict of "xmin", "xmax", "ymin" or "ymax" to Face
        The others let nothing through.

    Examples
    --------
    >>> medium = Medium(diffusivity_by_type={"cartilage": 1e4}, sides={"xmin": {"flux": 200.0}})
    >>> medium.boundary.left.kind, medium.boundary.right.kind
    ('flux', 'reflecting')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    diffusivity_by_type: dict[str, NotNegative] = {}
    decay_by_type: dict[str, NotNegative] = {}
    membrane_by_type: dict[str, NotNegative] = {}
    diffusivity_variable: str | None = None
    decay_variable: str | None = None
    membrane_variable: str | None = None
    diffusivity_file: str | None = None
    decay_file: str | None = None
    sides: dict[Literal["xmin", "xmax", "ymin", "ymax"], Face] = {}

    @property
    def variables(self) -> list[str]:
        """The custom variables that are named."""
        every = (self.diffusivity_variable, self.decay_variable, self.membrane_variable)
        return [name for name in every if name is not None]

    @property
    def boundary(self) -> sp.Boundary:
        """The outer faces, as the core names them."""
        return sp.Boundary.parse({_SIDES[name]: face.side for name, face in self.sides.items()}, unnamed="reflecting")

    def of_cells(
        self,
        kind: npt.NDArray[np.int64],
        kinds: Mapping[int, str],
        variables: Mapping[str, FloatArray],
        decay_per_min: float | FloatArray,
    ) -> dict[str, FloatArray]:
        """What agents have, as `surrogate_plugin.Cells` takes it.

        Parameters
        ----------
        kind : (n,) int64
        kinds : mapping of int to str
        variables : mapping of custom variable to (n,)
        decay_per_min : float or (n,) float64, 1 / min
            What decays around agents: the substrate's own, or what their places have.

        Raises
        ------
        InvalidProblemError
            If a cell type is named that there is not.
        """

        def each(
            option: str, by_type: Mapping[str, float], variable: str | None, unnamed: float | FloatArray
        ) -> FloatArray | None:
            if not by_type and variable is None:
                return None
            numbers = {name: number for number, name in kinds.items()}
            found = np.full(len(kind), unnamed)
            for name, value in by_type.items():
                if name not in numbers:
                    raise sp.InvalidProblemError(
                        f"{option}_by_type names {name!r}; the cell types are {', '.join(numbers)}."
                    )
                found[kind == numbers[name]] = value
            if variable is not None:
                own = variables[variable]
                found = np.where(np.isnan(own), found, own)
            return found

        conducted = each("diffusivity", self.diffusivity_by_type, self.diffusivity_variable, np.nan)
        decay = each("decay", self.decay_by_type, self.decay_variable, decay_per_min)
        membrane = each("membrane", self.membrane_by_type, self.membrane_variable, np.inf)
        given = {
            "diffusivity_um2_per_min": conducted,
            "decay_change_per_min": None if decay is None else decay - decay_per_min,
            "membrane_um_per_min": membrane,
        }
        return {name: values for name, values in given.items() if values is not None}

    def of_voxels(self, shape: tuple[int, int]) -> dict[str, FloatArray]:
        """What places have, as `surrogate_plugin.Voxels` takes it.

        Raises
        ------
        InvalidProblemError
            If a file cannot be read, or is of another lattice.
        """
        given = {"diffusivity_um2_per_min": self.diffusivity_file, "decay_per_min": self.decay_file}
        return {name: _read(path, shape) for name, path in given.items() if path is not None}


def _read(path: str, shape: tuple[int, int]) -> FloatArray:
    try:
        found = (read_npy if Path(path).suffix == ".npy" else read_csv)(Path(path)).values
    except sp.InvalidProblemError as error:
        raise sp.InvalidProblemError(f"cannot read {path!r}: {error}") from None
    if found.shape != shape:
        raise sp.InvalidProblemError(f"{path!r} has shape {found.shape}; {shape}, rows of y, is allowed.")
    return found
