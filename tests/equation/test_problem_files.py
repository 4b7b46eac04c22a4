"""A problem in one file: read back to the bit, written whole or not at all; a damaged one is right or one sentence."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from surrogate_plugin import InvalidProblemError, MichaelisMenten, Problem, memory
from surrogate_plugin.equation import storage
from surrogate_plugin.files import UnwritableError
from surrogate_plugin.gallery.extremes import extreme_problems
from surrogate_plugin.gallery.nasty import nasty_problems
from tests.equation.parts import assert_same
from tests.equation.wider import wide_problems
from tests.fuzzing import assert_one_sentence, file_damages, files_of

POSED = Problem(
    np.eye(9, 13), decay=np.linspace(0.1, 0.2, 117).reshape(9, 13), uptake=MichaelisMenten(2.0, 0.1), spacing=20.0,
    boundary={"left": "periodic", "right": "periodic", "bottom": 3.0, "top": "reflecting"},
)  # fmt: skip


def archive(path: Path, **changes: object) -> Path:
    """The file of a problem with some of its arrays changed; None leaves one out."""
    POSED.save(path)
    with np.load(path) as found:
        arrays = dict(found) | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def test_what_is_saved_is_loaded_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "of" / "mine.npz"
    for problem in [*nasty_problems(0, 30, 14), *extreme_problems(0, 30, max_side=12), *wide_problems(0, 30, 12)]:
        problem.save(path)
        assert_same(Problem.load(str(path)), problem)
    assert files_of(tmp_path) == ["of/mine.npz"]


def test_numpy_reads_it_without_pickles_and_the_bytes_are_the_problems_alone(tmp_path: Path) -> None:
    POSED.save(tmp_path / "one.npz")
    POSED.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as found:
        assert {*found} == {*POSED.parts, "format", "digest"}
        np.testing.assert_array_equal(found["decay"], POSED.decay)


def test_what_was_there_stays_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "problem.npz"
    POSED.save(path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(UnwritableError, match=r"could not be written \(no space left on device\)") as caught:
        POSED.replace(spacing=1.0).save(path)
    assert_one_sentence(caught.value)
    assert_same(Problem.load(path), POSED)
    assert files_of(tmp_path) == ["problem.npz"]


@pytest.mark.parametrize("name", ["problem.zarr", "problem", "problem.npy"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    for attempt in (POSED.save, Problem.load):
        with pytest.raises(InvalidProblemError, match=r"ends in .*; \.npz is allowed"):
            attempt(tmp_path / name)
    assert files_of(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decay": None}, "is damaged: the problem lacks 'decay'"),
        ({"decay": 0.3}, "does not hold the problem that was saved"),
        ({"decay": -POSED.decay}, "is damaged: decay is -0.1 at"),
        ({"decay": POSED.decay[:-1]}, r"'decay' has shape \(8, 13\)"),
        ({"decay": POSED.decay.astype(complex)}, "'decay' has shape .* and dtype complex128"),
        ({"fixed": np.zeros((9, 13), bool)}, "does not hold the problem that was saved"),
        ({"km": None}, "is damaged: the problem lacks 'km'"),
        ({"km": np.ones(500)}, r"'km' has shape \(500,\)"),
        ({"source": np.zeros((3, 3, 3))}, r"'fixed' has shape \(9, 13\)"),
        ({"source": np.zeros((0, 13))}, "at least 1 row"),
        ({"format": "surrogate-plugin problem 2"}, "says it is 'surrogate-plugin problem 2'"),
        ({"format": None}, "holds no problem"),
        ({"digest": None}, "holds no problem"),
        ({"digest": "0" * 32}, "does not hold the problem that was saved"),
        ({"membranes": 1.0}, "holds no problem"),
        ({"side_kinds": np.array([["value", "open"]] * 2)}, r"side\.kind is 'open'"),
        ({"side_kinds": np.array(["value"] * 4)}, "side_kinds has shape"),
    ],
)
def test_what_is_no_problem_is_said_in_one_sentence(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    path = archive(tmp_path / "problem.npz", **changes)
    with pytest.raises(InvalidProblemError, match=words) as caught:
        Problem.load(path)
    assert_one_sentence(caught.value)
    assert path.name in str(caught.value)


def test_a_pickle_is_never_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "problem.npz", decay=POSED.decay.astype(object))
    with pytest.raises(InvalidProblemError, match=r"'decay' has shape .* and dtype object"):
        Problem.load(path)


def test_what_the_archive_quotes_of_itself_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "problem.npz"
    POSED.save(path)
    content = bytearray(path.read_bytes())
    name = content.index(b"vmax.npy")
    content[name - 4 : name - 2] = (2000).to_bytes(2, "little")  # the length of its name, which is quoted
    path.write_bytes(content)
    with pytest.raises(InvalidProblemError, match="cannot be read as a problem") as caught:
        Problem.load(path)
    assert_one_sentence(caught.value)


def test_sizes_are_checked_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = np.zeros((4000, 4000))
    path = tmp_path / "problem.npz"
    # 128 MB, packed to a thousandth.
    np.savez_compressed(path, format=np.array(storage.FORMAT), digest=np.array(""), source=large)
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**8)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidProblemError, match=r"4000 x 4000 pixels, a solve of which takes about 3\.2 GB"):
            Problem.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(file_damages(), st.booleans())
def test_a_damaged_file_is_right_or_one_sentence(damage, packed) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        if packed:
            POSED.save(path)
        else:
            archive(path)
        damage(path)
        try:
            found = Problem.load(path)
        except InvalidProblemError as error:
            assert_one_sentence(error)
        else:
            assert_same(found, POSED)


def test_whatever_a_byte_of_a_mask_is_the_mask_holds_zeros_and_ones() -> None:
    parts = Problem(np.eye(8)).parts
    odd = (7 * np.eye(8, dtype=np.uint8)).view(np.bool_)
    assert Problem.of_parts(parts | {"fixed": odd}).fixed.tobytes() == np.eye(8, dtype=bool).tobytes()
