"""The host's engine: simulator, lattice and cells."""

from __future__ import annotations

import numpy as np

from cc3d.cpp.CC3DAuxFields import (
    Dim3D,
    NumpyArrayWrapper3DImplFloat,
    NumpyArrayWrapper3DImplInt,
    NumpyArrayWrapper3DImplUChar,
    floatfieldaux,
)


class CellG:
    def __init__(self, id, type):  # noqa: A002
        self.id, self.type, self.volume, self.dict = id, type, 0, {}
        self.targetVolume = self.lambdaVolume = 0.0
        self.xCOM = self.yCOM = self.zCOM = 0.0


class cellfield:
    """Which cell is in each voxel; None is the medium. A cell without voxels is gone."""

    def __init__(self, shape):
        self._cells = np.full(shape, None, dtype=object)

    def getDim(self):
        return Dim3D(*self._cells.shape)

    def __getitem__(self, _indexTuple):
        return self._cells[tuple(round(index) for index in _indexTuple)]

    def __setitem__(self, _indexTyple, _val):
        shape = self._cells.shape
        for x, y, z in np.ndindex(shape):
            if all(_is_in(*pair) for pair in zip((x, y, z), _indexTyple, shape, strict=True)):
                self._put(x, y, z, _val)
        for cell in {cell for cell in self._cells.flat if cell is not None}:
            where = np.argwhere(self._cells == cell)
            cell.xCOM, cell.yCOM, cell.zCOM = where.mean(axis=0).tolist()

    def _put(self, x, y, z, cell):
        before = self._cells[x, y, z]
        if before is not None:
            before.volume -= 1
        if cell is not None:
            cell.volume += 1
        self._cells[x, y, z] = cell


def _is_in(place, index, side):
    return place in range(*index.indices(side)) if isinstance(index, slice) else place == round(index) % side


class Potts3D:
    def __init__(self, shape, boundaries):
        self._cell_field, self._boundaries = cellfield(shape), boundaries

    def getCellFieldG(self):
        return self._cell_field

    def getBoundaryXName(self):
        return self._boundaries["x"]

    def getBoundaryYName(self):
        return self._boundaries["y"]


class Simulator:
    def __init__(self, shape, boundaries, steps):
        self._potts, self._steps = Potts3D(shape, boundaries), steps
        self._concentration, self._generic, self._solved = {}, {}, {}
        self._cells = []

    def getPotts(self):
        return self._potts

    def getNumSteps(self):
        return self._steps

    def getConcentrationFieldNameVector(self):
        return tuple(sorted(self._concentration))

    def getGenericScalarFieldNameVectorEngineOwned(self):
        return tuple(self._generic)

    def registerConcentrationField(self, _name, _fieldPtr):
        self._refuse(_name)
        if not isinstance(_fieldPtr, floatfieldaux) or _fieldPtr.dtype is not np.float32:
            raise TypeError("a field of float32 is wanted as the second argument")
        self._concentration[_name] = _fieldPtr

    def createGenericScalarField_float32(self, name, padding=1):
        self._create(NumpyArrayWrapper3DImplFloat, name, padding)

    def createGenericScalarField_uint8(self, name, padding=1):
        self._create(NumpyArrayWrapper3DImplUChar, name, padding)

    def createGenericScalarField_int32(self, name, padding=1):
        self._create(NumpyArrayWrapper3DImplInt, name, padding)

    def getGenericScalarField_float32(self, name):
        return self._generic[name]

    def getGenericScalarField_uint8(self, name):
        return self._generic[name]

    def getGenericScalarField_int32(self, name):
        return self._generic[name]

    def step(self, currentStep):
        """The solvers; cells do not move by themselves here."""
        for name, (diffusion, decay) in self._solved.items():
            array = self._concentration[name]._array
            around = np.pad(array[:, :, 0], 1, mode="edge")
            neighbours = around[2:, 1:-1] + around[:-2, 1:-1] + around[1:-1, 2:] + around[1:-1, :-2]
            array[:, :, 0] += diffusion * (neighbours - 4 * array[:, :, 0]) - decay * array[:, :, 0]

    def _create(self, kind, name, padding):
        self._refuse(name)
        self._generic[name] = kind(self._potts.getCellFieldG()._cells.shape, padding)

    def _refuse(self, name):
        if name in self._concentration or name in self._generic:
            raise RuntimeError(f"there is a field {name} already")

    def _solve_for(self, name, diffusion, decay, initial):
        field = floatfieldaux(self._potts.getCellFieldG()._cells.shape)
        field[:, :, :] = initial
        self.registerConcentrationField(name, field)
        self._solved[name] = diffusion, decay


def getConcentrationField(simulator, fieldName):
    return simulator._concentration.get(fieldName)


def getMediumCell():
    return None
