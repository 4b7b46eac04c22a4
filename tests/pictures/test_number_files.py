"""Files of numbers and scenes: what comes back, what is a mask, and one sentence before a false header costs memory."""

from __future__ import annotations

import contextlib
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from surrogate_plugin import Domain, InvalidProblemError
from surrogate_plugin.files import Choice, Told, read_map, read_source, write_field
from surrogate_plugin.pictures import view

LATTICE = hnp.arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.floats(0, 1e12))


def vessel(dtype: Any, value: float = 1) -> np.ndarray:
    array = np.zeros((9, 12), dtype)
    array[2:4, 3:6] = value
    return array


def refused(path: Path, choice: Choice | None = None) -> str:
    with pytest.raises(InvalidProblemError) as caught:
        read_source(path, choice)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(field=LATTICE)
@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "vti"])
def test_numbers_come_back_as_they_went(tmp_path: Path, field: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"field.{suffix}"
    if suffix == "npz":
        np.savez_compressed(path, field)
    elif suffix == "csv":
        np.savetxt(path, field, delimiter=",")
    else:
        write_field(path, field)
    np.testing.assert_array_equal(read_map(path, 38.0).values, field)
    source = read_source(path, Choice(values=True))
    np.testing.assert_array_equal(source.fixed, field > 0)
    np.testing.assert_array_equal(source.values, field)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, ">f2", ">f8"])
def test_zeros_and_ones_are_a_mask_held_at_white(tmp_path: Path, dtype: Any) -> None:
    np.save(tmp_path / "mask.npy", vessel(dtype))
    np.savez(tmp_path / "mask.npz", vessel(dtype))
    for path in (tmp_path / "mask.npy", tmp_path / "mask.npz"):
        source = read_source(path, Choice(white=38.0))
        np.testing.assert_array_equal(source.fixed, vessel(bool))
        np.testing.assert_array_equal(source.values, 38.0 * vessel(float))
        assert read_source(path).values.max() == 1.0
        inverted = read_source(path, Choice(invert=True))
        np.testing.assert_array_equal(inverted.fixed, ~vessel(bool))
    assert read_map(path, 0.25).values.max() == (0.25 if dtype is bool else 1.0)


def test_other_numbers_are_values_and_white_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "source.npy"
    np.save(path, vessel(np.int64, 38))
    assert read_source(path).values.max() == 38.0
    assert "leave it out" in refused(path, Choice(white=2.0))
    assert "no white" in refused(path, Choice(invert=True))
    assert read_source(path, Choice(white=2.0, threshold=30)).values.max() == 2.0


def test_a_map_of_probabilities_is_doubted(tmp_path: Path) -> None:
    path = tmp_path / "map.npy"
    np.save(path, np.random.default_rng(0).random((20, 20)))
    warnings = read_source(path).warnings
    assert any("100 %" in warning for warning in warnings)
    assert any("--threshold" in warning and "--values" in warning for warning in warnings)
    assert not read_source(path, Choice(threshold=0.7)).warnings


def test_masked_entries_hold_nothing(tmp_path: Path) -> None:
    array = np.ma.masked_array(vessel(float, 38.0), mask=vessel(bool))
    array.mask[2, 3] = False
    array.data[2, 4] = np.nan
    np.savez(tmp_path / "masked.npz", data=array.data, mask=array.mask)
    source = read_source(tmp_path / "masked.npz")
    assert np.argwhere(source.fixed).tolist() == [[2, 3]]
    assert np.isfinite(source.values).all()
    with pytest.raises(InvalidProblemError, match="every pixel"):
        read_map(tmp_path / "masked.npz", 1.0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_a_mask_that_was_filled_is_noticed(tmp_path: Path, dtype: Any) -> None:
    filled = np.ma.masked_array(vessel(dtype, 38), mask=vessel(bool)).filled()
    np.savez(tmp_path / "lost.npz", filled)
    np.save(tmp_path / "lost.npy", filled)
    for name in ("lost.npz", "lost.npy"):
        assert "mask=array.mask" in refused(tmp_path / name)


def test_an_archive_says_itself_what_is_held(tmp_path: Path) -> None:
    path = tmp_path / "problem.npz"
    fixed = vessel(bool)
    np.savez(path, source=vessel(float, 38.0), fixed=np.roll(fixed, 1))
    source = read_source(path)
    np.testing.assert_array_equal(source.fixed, np.roll(fixed, 1))
    assert set(np.unique(source.values[source.fixed])) == {0.0, 38.0}  # a pixel held at 0 is held
    assert "says itself" in refused(path, Choice(threshold=0.5))
    np.savez(path, source=vessel(float, 38.0), fixed=np.zeros((9, 12), bool))
    assert "'fixed'" in read_source(path).nothing
    np.savez(path, source=vessel(float), fixed=np.zeros((8, 8), bool))
    assert "booleans of shape (9, 12)" in refused(path)


def test_an_archive_of_nothing_says_so(tmp_path: Path) -> None:
    np.savez(tmp_path / "none.npz")
    assert refused(tmp_path / "none.npz").endswith("none.npz has 0 arrays; one of real numbers is needed.")


def test_an_array_is_chosen_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=vessel(bool), b=~vessel(bool))
    domain = Domain((0.0, 0.0), (240.0, 180.0), (9, 12))
    view.image_data(domain, a=vessel(bool), b=~vessel(bool)).save(tmp_path / "two.vti")
    for path in (tmp_path / "two.npz", tmp_path / "two.vti"):
        assert "2 arrays; name one of a, b" in refused(path)
        assert "no array 'c'" in refused(path, Choice(array="c"))
        np.testing.assert_array_equal(read_source(path, Choice(array="a")).fixed, vessel(bool))
    np.save(tmp_path / "one.npy", vessel(bool))
    assert "no named arrays" in refused(tmp_path / "one.npy", Choice(array="a"))
    assert "for pictures" in refused(tmp_path / "one.npy", Choice(page=1))


@pytest.mark.parametrize("binary", [True, False])
def test_a_scene_of_paraview_is_read_with_its_spacing(tmp_path: Path, binary: bool) -> None:
    pyvista = pytest.importorskip("pyvista")
    values = np.random.default_rng(0).random((70, 90))  # several blocks of zlib
    scene = pyvista.ImageData(dimensions=(90, 70, 1), spacing=(20.0, 20.0, 1.0))
    scene.point_data["oxygen"] = values.ravel()
    scene.cell_data["vessel"] = np.ones(69 * 89, np.uint8)
    scene.save(tmp_path / "scene.vti", binary=binary)
    source = read_source(tmp_path / "scene.vti", Choice(array="oxygen", values=True))
    np.testing.assert_allclose(source.values, values, rtol=0 if binary else 1e-6)
    assert source.spacing == 20.0
    assert read_source(tmp_path / "scene.vti", Choice(array="vessel")).fixed.shape == (69, 89)


def test_scenes_that_are_no_lattice_are_refused(tmp_path: Path) -> None:
    pyvista = pytest.importorskip("pyvista")
    path = tmp_path / "scene.vti"
    deep = pyvista.ImageData(dimensions=(9, 8, 3))
    deep.point_data["field"] = np.zeros(9 * 8 * 3)
    deep.save(path)
    assert "3 layers" in refused(path)
    oblong = pyvista.ImageData(dimensions=(9, 8, 1), spacing=(1.0, 2.0, 1.0))
    oblong.point_data["field"] = np.zeros(72)
    oblong.save(path)
    assert read_source(path).spacing == (2.0, 1.0)
    oblong.point_data["field"] = np.zeros((72, 3))
    oblong.save(path)
    assert "one real number" in refused(path)
    text = path.read_text().replace("0 8 0 7 0 0", "0 999999 0 999999 0 0")
    path.write_text(text.replace(' NumberOfComponents="3"', "").replace('Spacing="1 2 1"', 'Spacing="1 1 1"'))
    assert "1e+12 pixels" in refused(path)


def test_a_scene_unpacks_to_no_more_than_it_claims(tmp_path: Path) -> None:
    path = tmp_path / "bomb.vti"
    write_field(path, np.zeros((4000, 4000)))  # 128 MB, packed to a thousandth
    path.write_text(path.read_text().replace("0 3999 0 3999", "0 39 0 39"))
    tracemalloc.start()
    try:
        assert "does not hold 1600 numbers" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "vti"])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"field.{suffix}"
    field = np.random.default_rng(0).random((20, 30))
    if suffix == "npz":
        np.savez_compressed(path, source=field, fixed=field > 0.9)
    elif suffix == "csv":
        np.savetxt(path, field, delimiter=",")
    else:
        write_field(path, field, told=Told("multigrid", 0.1, 0.3, "mmHg", "µm"))
    whole, rng, outcomes = path.read_bytes(), np.random.default_rng(1), set()
    for _ in range(300):
        damaged = bytearray(whole)
        # Headers are at the beginning and, of archives, at the end.
        place = int(rng.choice([rng.integers(len(whole)), rng.integers(200), len(whole) - 1 - rng.integers(200)]))
        damaged[place : place + int(rng.integers(0, 3))] = rng.bytes(int(rng.integers(0, 3)))
        path.write_bytes(damaged)
        try:
            read = read_source(path)
        except InvalidProblemError as error:
            outcomes.add("refused" if path.name in str(error) else "refused without its name")
        else:
            outcomes.add("read")
            assert read.values.ndim == 2
            assert np.isfinite(read.values).all()  # what is negative the problem refuses
    assert outcomes == {"read", "refused"}


def header(shape: str, descr: str = "<f8") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (len(text) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("(1000000, 1000000)", "8e+12 bytes"),
        ("(9, 12)", "864 bytes"),
        ("(10**9, 12)", "cannot be read"),
        ("(-9, 12)", "at least 1 row"),
        ("(0, 12)", "at least 1 row"),
        ("(2**200, 12)", "cannot be read"),
        ("(" + 5000 * "(", "cannot be read"),
        ("()", "shape ()"),
    ],
)
def test_a_header_that_claims_too_much_is_one_sentence(tmp_path: Path, shape: str, says: str) -> None:
    path = tmp_path / "false.npy"
    path.write_bytes(header(shape) + b"\0" * 64)
    assert says in refused(path)
    archive = tmp_path / "false.npz"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("source.npy", header(shape) + b"\0" * 64)
    assert says in refused(archive)


def test_a_lattice_that_is_there_but_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    with path.open("wb") as stream:  # a sparse file: 8 TB that take no room
        stream.write(header("(1000000, 1000000)"))
        with contextlib.suppress(OSError):
            stream.truncate(8 * 10**12 + 128)
    assert "pixels" in refused(path) or "bytes" in refused(path)
    archive = tmp_path / "bomb.npz"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made, made.open("source.npy", "w") as stream:
        stream.write(header("(20000, 20000)", "|b1"))
        for _ in range(400):
            stream.write(bytes(10**6))
    assert "pixels" in refused(archive)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.npy", None, "not a file"),
        ("text.npy", b"hello", "cannot be read"),
        ("empty.npy", b"", "cannot be read"),
        ("empty.csv", b"", "is empty"),
        ("empty.npz", b"", "cannot be read"),
        ("text.csv", b"a,b\nc,d\n", "cannot be read"),
        ("ragged.csv", b"1,2\n3\n", "cannot be read"),
        ("binary.csv", bytes(range(256)), "cannot be read"),
        ("text.vti", b"hello", "cannot be read"),
        ("other.vti", b"<VTKFile/>", "one piece"),
        ("cube.npy", np.zeros((2, 3, 4)), "shape (2, 3, 4)"),
        ("words.npy", np.array([["a"]]), "dtype"),
        ("complex.npy", np.zeros((8, 8), complex), "complex"),
        ("objects.npy", np.array([[None]]), "object"),
        ("columns.npy", np.zeros((8, 8), [("\u03b1", float)]), "version (3, 0)"),
        ("nan.npy", np.full((8, 8), np.nan), "nan at (row 0, column 0)"),
        ("inf.npy", np.full((8, 8), np.inf), "inf at"),
    ],
)
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: object, says: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    assert says in refused(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
def test_a_table_is_read_whatever_parts_its_columns(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "table.csv"
    np.savetxt(path, vessel(float, 38.0), delimiter=delimiter, encoding="utf-8")
    path.write_text("\ufeff" + path.read_text(), encoding="utf-8")  # as spreadsheets begin it
    np.testing.assert_array_equal(read_source(path).values, vessel(float, 38.0))
