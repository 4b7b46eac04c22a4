"""Fields of the host over memory that numpy shares, so that they are read and written in one slice.

The host knows two kinds of scalar fields. Those of its solvers, which chemotaxis, secretion and other plugins look up
by name, can be written from Python only voxel by voxel; its shared numpy fields can be written in one slice, but no
plugin finds them. A shared field registered as a concentration field is both, if it is made before the host's plugins
look: a steppable's ``core_init`` comes in time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp

__all__ = ["make_concentration_field", "make_map"]

#: What the memory of a concentration field is called among the host's shared fields.
_MEMORY = "{}_shared"


def make_concentration_field(simulator: Any, name: str) -> npt.NDArray[np.float32]:
    """A new concentration field of the host, as an array.

    Parameters
    ----------
    simulator : cc3d.cpp.CompuCell.Simulator
    name : str

    Returns
    -------
    (H, W) float32, field units
        A view, rows along y: what is written into it, the host has.

    Raises
    ------
    UnsupportedProblemError
        If the host has a field of this name, whose solver would act on it too.
    """
    memory = _MEMORY.format(name)
    taken = {*simulator.getConcentrationFieldNameVector(), *simulator.getGenericScalarFieldNameVectorEngineOwned()}
    for mine in (name, memory):
        if mine in taken:
            raise sp.UnsupportedProblemError(
                f"the host has a field {mine!r} already; take it out of the solvers of its XML, or answer for it once."
            )
    simulator.createGenericScalarField_float32(memory, 0)
    simulator.registerConcentrationField(name, simulator.getGenericScalarField_float32(memory))
    return _view(simulator.getGenericScalarField_float32(memory))


def make_map(simulator: Any, name: str, dtype: str) -> npt.NDArray[Any]:
    """A map that the host can fill from its cells, as an array; steppables share the one of a name.

    Parameters
    ----------
    simulator : cc3d.cpp.CompuCell.Simulator
    name : str
    dtype : "uint8" or "int32"

    Returns
    -------
    (H, W) array
        A view, rows along y.
    """
    if name not in list(simulator.getGenericScalarFieldNameVectorEngineOwned()):
        getattr(simulator, f"createGenericScalarField_{dtype}")(name, 0)
    return _view(getattr(simulator, f"getGenericScalarField_{dtype}")(name))


def _view(field: Any) -> npt.NDArray[Any]:
    from cc3d.core.shared_numpy_arrays import create_field_and_array_from_cc3d_shared_numpy_scalar_field as array_of

    array, _ = array_of(field)
    return np.asarray(array[:, :, 0].T)
