"""Scenes for ParaView (.vti): one point a pixel centre, x fastest, the lattice's lower left corner at the origin.

Written and read here and not by VTK, which says nothing where a disk is full, and a page where a file is damaged.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.levels import Kind, Levels, one_of_these, readable
from surrogate_plugin.memory import check_size

_TYPES = {
    **{f"{sign}Int{8 * size}": f"{sign[:1].lower() or 'i'}{size}" for sign in ("", "U") for size in (1, 2, 4, 8)},
    "Float32": "f4",
    "Float64": "f8",
}
_HEADER = (
    '<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64" '
    'compressor="vtkZLibDataCompressor">'
)


def vti_bytes(field: FloatArray, spacing: float | tuple[float, ...], told: Mapping[str, str | float]) -> bytes:
    """A field, (H, W) float64, as the bytes of a .vti file, with what is known about it as field data."""
    rows, columns = field.shape
    dy, dx = spacing if isinstance(spacing, tuple) else (spacing, spacing)
    extent = f"0 {columns - 1} 0 {rows - 1} 0 0"
    lines = [
        '<?xml version="1.0"?>',
        _HEADER,
        f'<ImageData WholeExtent="{extent}" Origin="{dx / 2!r} {dy / 2!r} 0" Spacing="{dx!r} {dy!r} 1">',
        "<FieldData>",
        *(_told(name, value) for name, value in told.items()),
        "</FieldData>",
        f'<Piece Extent="{extent}"><PointData Scalars="field">',
        f'<DataArray type="Float64" Name="field" format="binary">{_packed(field)}</DataArray>',
        "</PointData></Piece>",
        "</ImageData>",
        "</VTKFile>",
        "",
    ]
    return "\n".join(lines).encode("ascii")


def _told(name: str, value: str | float) -> str:
    if isinstance(value, str):
        codes = " ".join(str(code) for code in (*value.encode(), 0))
        return f'<Array type="String" Name={quoteattr(name)} NumberOfTuples="1" format="ascii">{codes}</Array>'
    packed = _packed(np.array([value]))
    return f'<DataArray type="Float64" Name={quoteattr(name)} NumberOfTuples="1" format="binary">{packed}</DataArray>'


def _packed(values: npt.NDArray[Any]) -> str:
    """One zlib block in base64, after the number of blocks, their size, that of the last one, and the packed size."""
    plain = np.ascontiguousarray(values, dtype="<f8").tobytes()
    block = zlib.compress(plain, 1)
    header = np.array([1, len(plain), 0, len(block)], dtype="<u8").tobytes()
    return (base64.b64encode(header) + base64.b64encode(block)).decode("ascii")


def read_vti(path: Path, name: str | None) -> Levels:
    """One array of a flat image, at its points or in its cells; its values are numbers, as they are.

    Parameters
    ----------
    path : Path
        As this package, pyvista or ParaView write it, with arrays as text or as inline binary.
    name : str, optional
        Of the array; not needed where there is one.

    Raises
    ------
    InvalidProblemError
        If it is no such file, has several layers, or several arrays and ``name`` says none of them.
    """
    with readable(path, "a .vti scene") as said:
        root = ElementTree.parse(path).getroot()
        image = root.find("ImageData")
        if image is None or len(image.findall("Piece")) != 1:
            raise InvalidProblemError(f"{path} is no .vti scene of one piece; XML with image data of VTK is allowed.")
        columns, rows, layers = _points(image)
        points = {str(each.get("Name")): each for each in image.iterfind("Piece/PointData/DataArray")}
        cells = {str(each.get("Name")): each for each in image.iterfind("Piece/CellData/DataArray")}
        arrays = {**cells, **points}
        if name is None and len(arrays) == 1:
            name = next(iter(arrays))
        if name is None or name not in arrays:
            asked = f"{len(arrays)} arrays" if name is None else f"no array {name!r}"
            raise InvalidProblemError(f"{path} has {asked}; {one_of_these(arrays)}.")
        if name not in points:
            columns, rows, layers = columns - 1, rows - 1, max(layers - 1, 1)
        if layers != 1:
            raise InvalidProblemError(f"{path} has {layers} layers; one layer is allowed.")
        check_size(path, (rows, columns))
        values = _numbers(root, arrays[name], rows * columns).reshape(rows, columns)
        across, upward, _ = (float(each) for each in image.get("Spacing", "1 1 1").split())
        if not (0 < across < np.inf and 0 < upward < np.inf):
            raise InvalidProblemError(f"{path} has spacings {across:g} and {upward:g}; finite values > 0 are allowed.")
        spacing = across if abs(across - upward) <= 1e-6 * across else (upward, across)
        bound = image.find("FieldData/DataArray[@Name='error_bound']")
        notes = () if bound is None else (f"Its field has an error of at most {_numbers(root, bound, 1)[0]:.3g}.",)
    return Levels(values.astype(np.float64), Kind.NUMBERS, spacing=spacing, notes=notes, warnings=tuple(said))


def read_told(path: Path) -> dict[str, str | float]:
    """What `vti_bytes` was told: texts and single numbers of the field data; others are left out.

    Raises
    ------
    InvalidProblemError
        If it is damaged.
    """
    with readable(path, "a .vti scene"):
        root = ElementTree.parse(path).getroot()
        found: dict[str, str | float] = {}
        for each in root.iterfind("ImageData/FieldData/*"):
            name, kind = str(each.get("Name")), each.get("type", "")
            if each.get("NumberOfTuples", "1") != "1":
                continue
            if kind == "String" and each.get("format") == "ascii":
                codes = bytes(int(code) for code in (each.text or "").split())
                found[name] = codes.rstrip(b"\0").decode()
            elif kind in _TYPES:
                found[name] = float(_numbers(root, each, 1)[0])
    return found


def _points(image: ElementTree.Element) -> list[int]:
    """How many there are along x, y and z."""
    ends = [int(each) for each in image.get("WholeExtent", "").split()]
    if len(ends) != 6:
        raise ValueError(f"its WholeExtent has {len(ends)} numbers")
    return [ends[k + 1] - ends[k] + 1 for k in (0, 2, 4)]


def _numbers(root: ElementTree.Element, array: ElementTree.Element, count: int) -> npt.NDArray[Any]:
    """The ``count`` numbers of an array, written as text, or in base64 with or without zlib."""
    written, kind = array.get("format", "ascii"), array.get("type", "")
    if kind not in _TYPES or array.get("NumberOfComponents", "1") != "1":
        raise ValueError(f"{array.get('Name')!r} is of type {kind} and not one real number a pixel")
    text = (array.text or "").strip()
    if written == "ascii":
        values = np.array(text.split(), dtype=np.float64)
    elif written == "binary":
        order = "<" if root.get("byte_order") == "LittleEndian" else ">"
        size = np.dtype(order + ("u8" if root.get("header_type") == "UInt64" else "u4"))
        dtype = np.dtype(order + _TYPES[kind])
        packing = root.get("compressor", "")
        if packing not in ("", "vtkZLibDataCompressor"):
            raise ValueError(f"it is packed by {packing}; save it with zlib or without packing")
        plain = (_unpacked if packing else _plain)(text, size, count * dtype.itemsize)
        values = np.frombuffer(plain, dtype=np.uint8)
        values = values.view(dtype) if values.size == count * dtype.itemsize else values[:0]
    else:
        raise ValueError(f"its arrays are {written}; pyvista.read(...).save(...) writes them inline")
    if values.size != count:
        raise ValueError(f"{array.get('Name')!r} does not hold {count} numbers")
    return values


def _plain(text: str, size: np.dtype[Any], expected: int) -> bytes:
    return base64.b64decode(text, validate=True)[size.itemsize :]


def _unpacked(text: str, size: np.dtype[Any], expected: int) -> bytes:
    """The blocks one after the other, no more of them than is ``expected``, whatever a damaged file unpacks to."""
    count = int(np.frombuffer(base64.b64decode(text[:12])[: size.itemsize], dtype=size)[0])
    length = (3 + count) * size.itemsize
    letters = 4 * -(-length // 3)
    packed_sizes = np.frombuffer(base64.b64decode(text[:letters], validate=True), dtype=size, count=3 + count)[3:]
    packed = base64.b64decode(text[letters:], validate=True)
    blocks, begin, there = [], 0, 0
    for packed_size in packed_sizes.tolist():
        block = zlib.decompressobj().decompress(packed[begin : begin + packed_size], expected - there + 1)
        begin, there = begin + packed_size, there + len(block)
        blocks.append(block)
    return b"".join(blocks)
