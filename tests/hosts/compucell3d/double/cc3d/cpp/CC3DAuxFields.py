"""Scalar fields of the host: read and written voxel by voxel, or as memory that numpy shares."""

from __future__ import annotations

import numpy as np


class Point3D:
    def __init__(self, x=0, y=0, z=0):
        self.x, self.y, self.z = x, y, z


class Dim3D(Point3D):
    pass


class floatfieldaux:
    """A field of float32; the memory is the host's own."""

    dtype = np.float32

    def __init__(self, shape):
        self._array = np.zeros(tuple(shape), dtype=self.dtype)

    def getDim(self):
        return Dim3D(*self._array.shape)

    def get(self, pt):
        return self._array[pt.x, pt.y, pt.z].item()

    def set(self, pt, value):
        self._array[pt.x, pt.y, pt.z] = value

    def min(self):
        return self._array.min().item()

    def max(self):
        return self._array.max().item()

    def __getitem__(self, _indexTuple):
        # The host's own process is aborted by these; numpy's integers are no int either.
        if not isinstance(_indexTuple, tuple) or len(_indexTuple) != 3:
            raise RuntimeError("three indices are wanted, field[x, y, z]")
        if not all(isinstance(index, int | float) for index in _indexTuple):
            raise RuntimeError("an index is no int or float of Python")
        place = tuple(round(index) for index in _indexTuple)
        if not all(0 <= index < side for index, side in zip(place, self._array.shape, strict=True)):
            raise IndexError(f"{place} is off the lattice: the host would read somebody else's memory here")
        return self._array[place].item()

    def __setitem__(self, _indexTyple, _val):
        # One number for a whole slice; the host takes no arrays here.
        if not isinstance(_val, int | float):
            raise TypeError("one float is wanted as the value")
        self._array[_indexTyple] = _val

    def as_numpy(self, copy=True):
        if not copy:
            raise RuntimeError("a concentration field is given as a copy alone")
        return self._array.copy()


class NumpyArrayWrapper3DImplFloat(floatfieldaux):
    """A field whose memory numpy can share."""

    def __init__(self, shape, padding=0):
        if padding:
            raise NotImplementedError("the double has no padding")
        if shape[0] == 1 or shape[1] == 1:
            raise RuntimeError("shared fields have at least two pixels along x and y")
        super().__init__(shape)

    def getSize(self):
        return self._array.size

    def getElementType(self):
        return self._array.dtype.name

    def getPadding(self):
        return 0

    def getPtr(self):
        return self._array.ctypes.data


class NumpyArrayWrapper3DImplUChar(NumpyArrayWrapper3DImplFloat):
    dtype = np.uint8


class NumpyArrayWrapper3DImplInt(NumpyArrayWrapper3DImplFloat):
    dtype = np.int32
