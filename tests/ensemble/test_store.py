"""The store: whole members only, the first of two, what was given to the last bit, and no harm to what is not ours."""

from __future__ import annotations

import json
import math
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr

from surrogate_plugin import ensemble
from surrogate_plugin.ensemble.members import members_of
from surrogate_plugin.ensemble.store import Store
from tests.fuzzing import assert_one_sentence


def one(tmp_path):
    store = Store(tmp_path / "out.zarr")
    store.create({"subject": "f", "sweep": [{"x": 1}], "repeats": 1, "seed": 0}, fresh=False)
    (member,) = members_of([{"x": 1}], "f", repeats=1, seed=0)
    return store, member


def test_what_a_member_gave_is_kept_to_the_last_bit(tmp_path) -> None:
    rng = np.random.default_rng(3)
    given = {
        "field": (("y", "x"), rng.random((5, 7))),
        "counts": np.arange(4, dtype=np.int16),
        "mask": rng.random((2, 3, 4)) > 0.5,
        "holes": np.array([np.nan, np.inf, -np.inf, -0.0]),
        "number": 0.1, "whole": 2**62, "is": True, "nothing": math.nan, "all": -math.inf, "text": "dead",
    }  # fmt: skip
    results = ensemble.run(lambda parameters, link: given, [{"a": 1}], tmp_path / "out.zarr")
    kept = results[0]
    for name in ("counts", "mask", "holes"):
        assert kept.arrays[name].dtype == given[name].dtype
        assert kept.arrays[name].tobytes() == given[name].tobytes()
    assert np.array_equal(kept.arrays["field"], given["field"][1])
    assert {name: repr(each) for name, each in kept.numbers.items()} == {
        "number": "0.1", "whole": str(2**62), "is": "True", "nothing": "nan", "all": "-inf",
    }  # fmt: skip
    assert kept.texts == {"text": "dead"}
    group = zarr.open_group(tmp_path / "out.zarr", mode="r")[next(iter(json_paths(tmp_path / "out.zarr")))]
    assert group["field"].metadata.dimension_names == ("y", "x")


def json_paths(path):
    return [f"members/{each.name}" for each in (path / "members").iterdir() if each.is_dir()]


def test_the_first_result_of_a_member_stays(tmp_path) -> None:
    store, member = one(tmp_path)
    store.keep(member, {"value": 1}, 0.0)
    store.keep(member, {"value": 2}, 0.0)
    assert store.found(member).numbers == {"value": 1}
    assert [each.name for each in store.begun.iterdir()] == []


def test_what_a_kill_left_half_written_is_no_result(tmp_path) -> None:
    store, member = one(tmp_path)
    half = store.begun / f"{member.key}.partial"
    zarr.open_group(half, mode="w").create_array("field", data=np.zeros(4))
    assert not store.is_finished(member)
    store.keep(member, {"field": np.ones(4)}, 0.0)
    assert store.arrays(member)["field"].tolist() == [1.0] * 4


def test_what_a_kill_left_beside_results_that_were_moved_is_removed(tmp_path) -> None:
    store, member = one(tmp_path)
    store.keep(member, {"a": 1.0}, 0.5)
    for left in ("", ".partial"):
        (store.begun / f"{member.key}{left}").mkdir()
        (store.begun / f"{member.key}{left}" / "checkpoint").write_text("half way")
    store.tidy([member])
    assert not store.begun.exists()


def test_the_table_has_a_row_a_member_and_names_its_axis(tmp_path) -> None:
    def run(given, link):
        if given["kind"] == "b":
            raise ValueError("b")
        return {"square": given["x"] ** 2, "fate": "alive" if given["x"] > 1 else "dead"}

    sweep = ensemble.grid({"x": [1, 2], "kind": ["a", "b"]})
    for _ in range(2):  # the second table takes the place of the first
        with pytest.warns(RuntimeWarning, match="2 of 4 members failed, member 1 with ValueError: b"):
            ensemble.run(run, sweep, tmp_path / "out.zarr")
    table = zarr.open_group(tmp_path / "out.zarr", mode="r", path="table")
    assert {name: each.metadata.dimension_names for name, each in table.arrays()} == dict.fromkeys(
        ("member", "repeat", "finished", "seconds", "x", "kind", "square", "fate"), ("member",)
    )
    assert table["finished"][:].tolist() == [True, False, True, False]
    assert np.array_equal(table["square"][:], [1.0, np.nan, 4.0, np.nan], equal_nan=True)
    assert [table["kind"].attrs["labels"][each] for each in table["kind"][:]] == ["a", "b", "a", "b"]
    assert [table["fate"].attrs["labels"][each] for each in table["fate"][:]] == ["dead", "", "alive", ""]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": 1}, "the member gave 'x', which is the name of another column"),
        ({"seconds": 1}, "the member gave 'seconds', which is the name of another column"),
        ({"a/b": 1}, "the member gave something called 'a/b'; text without / is allowed"),
        ({"a": None}, "the member gave a as None; numbers, text or arrays of them are allowed"),
        ({"a": [[1], [1, 2]]}, "numbers, text or arrays of them are allowed"),
        ({"a": (("y",), np.zeros((2, 2)))}, "the member gave a with 1 names of axes and 2 axes"),
        (3, "the member gave 3; a dict of numbers, texts and arrays is allowed"),
    ],
)
def test_what_cannot_be_kept_fails_its_member_in_a_sentence(tmp_path, given, said) -> None:
    with pytest.warns(RuntimeWarning, match="1 of 1 members failed"):
        results = ensemble.run(lambda parameters, link: given, [{"x": 1}], tmp_path / "out.zarr")
    assert said in results.failed[0].error
    assert not results.finished.any()


def test_other_peoples_stores_are_left_alone(tmp_path) -> None:
    theirs = zarr.open_group(tmp_path / "out.zarr", mode="w", attributes={"format": "theirs"})
    theirs.create_array("field", data=np.ones(3))
    for fresh in (False, True):
        with pytest.raises(ensemble.EnsembleError, match=r"holds something other than an ensemble; name another path"):
            ensemble.run(lambda parameters, link: None, [{"x": 1}], tmp_path / "out.zarr", fresh=fresh)
    assert zarr.open_group(tmp_path / "out.zarr", mode="r")["field"][:].tolist() == [1.0] * 3
    with pytest.raises(ensemble.EnsembleError, match="there is no ensemble at"):
        ensemble.Results(tmp_path / "nowhere.zarr")


def test_a_damaged_member_is_told_and_run_again_once_removed(tmp_path) -> None:
    results = ensemble.run(lambda parameters, link: {"a": np.ones(9)}, [{"x": 1}], tmp_path / "out.zarr")
    (group,) = (tmp_path / "out.zarr" / "members").glob("*/zarr.json")
    said = json.loads(group.read_text())
    group.write_text(json.dumps(said | {"attributes": {}}))
    results = ensemble.Results(tmp_path / "out.zarr")
    assert not results.finished.any()
    with pytest.raises(ensemble.EnsembleError, match=r"is damaged; remove it, and its member is run again\)\."):
        _ = results[0]
    group.write_text(json.dumps(said))
    (chunk,) = group.parent.glob("a/c/*")
    chunk.write_bytes(b"junk")
    with pytest.raises(ensemble.EnsembleError, match=r"is damaged .*; remove it, and its member is run again"):
        _ = ensemble.Results(tmp_path / "out.zarr")[0].arrays
    shutil.rmtree(group.parent)
    assert ensemble.run(lambda parameters, link: {"a": np.ones(9)}, [{"x": 1}], tmp_path / "out.zarr").finished.all()


def grown(parameters, link):
    x = parameters["x"]
    return {"twice": 2.0 * x, "field": np.full((2, 3), x), "mask": np.zeros(5, bool), "fate": "alive"}


GROWN = [{"x": 1.25}, {"x": 2.0}, {"x": 3.5}]


def damaged(folder, name: str, change) -> ensemble.Results:
    """A sweep of three, of which a file of the second member was changed; `run` goes on with it."""
    ensemble.run(grown, GROWN, folder / "out.zarr")
    change(groups(folder)[1] / name)
    return ensemble.run(grown, GROWN, folder / "out.zarr")


def groups(folder) -> list[Path]:
    """Of the members, in their order."""
    found = {
        json.loads(path.read_text())["attributes"]["index"]: path.parent for path in folder.rglob("members/*/zarr.json")
    }
    return [found[index] for index in sorted(found)]


def replacing(old: str, new: str):
    def change(path: Path) -> None:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    "change",
    [
        replacing('"twice": 4.0', '"twice": 5.0'),
        replacing('"alive"', '"alike"'),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"[" * 100_000),
    ],
)
def test_a_damaged_member_is_told_and_costs_no_other(tmp_path, change) -> None:
    with pytest.warns(RuntimeWarning, match=r"1 of 3 members failed, member 1 with .* is damaged; remove it"):
        results = damaged(tmp_path, "zarr.json", change)
    assert results.finished.tolist() == [True, False, True]
    assert results.number("twice")[[0, 2]].tolist() == [2.5, 7.0]
    assert results.stack("field").tolist() == [np.full((2, 3), x).tolist() for x in (1.25, 3.5)]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("field/c/0/0", Path.unlink),
        ("field/zarr.json", Path.unlink),
        ("mask/zarr.json", replacing('"fill_value": false', '"fill_value": true')),
        ("mask/zarr.json", replacing("5", "4")),
    ],
)
def test_an_array_is_what_was_kept_or_damage(tmp_path, name, change) -> None:
    results = damaged(tmp_path, name, change)
    assert [each.arrays["field"].tolist() for each in (results[0], results[2])] == [
        np.full((2, 3), x).tolist() for x in (1.25, 3.5)
    ]
    with pytest.raises(ensemble.EnsembleError, match=r"is damaged \(.*\); remove it, and its member is run again\."):
        _ = results[1].arrays


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\xff", None])
def test_the_group_of_all_members_says_nothing_that_could_be_lost(tmp_path, content) -> None:
    ensemble.run(grown, GROWN[:2], tmp_path / "out.zarr")
    group = tmp_path / "out.zarr" / "members" / "zarr.json"
    sound = group.read_bytes()
    group.unlink() if content is None else group.write_bytes(content)
    results = ensemble.run(grown, GROWN, tmp_path / "out.zarr")
    assert results.number("twice").tolist() == [2.5, 4.0, 7.0]
    assert json.loads(group.read_bytes()) == json.loads(sound)
    assert len(list(zarr.open_group(tmp_path / "out.zarr", mode="r")["members"].group_keys())) == 3


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", None])
def test_an_ensemble_that_lost_its_own_attributes_is_gone_on_with(tmp_path, content) -> None:
    ensemble.run(grown, GROWN[:2], tmp_path / "out.zarr")
    said = tmp_path / "out.zarr" / "zarr.json"
    said.unlink() if content is None else said.write_bytes(content)
    with pytest.raises(ensemble.EnsembleError, match=r"its zarr\.json cannot be read; the command that") as caught:
        ensemble.Results(tmp_path / "out.zarr")
    assert_one_sentence(caught.value)
    begun = []

    def noted(parameters, link):
        begun.append(parameters["x"])
        return grown(parameters, link)

    noted.__name__ = noted.__qualname__ = grown.__name__
    noted.__module__ = grown.__module__
    assert ensemble.run(noted, GROWN, tmp_path / "out.zarr").number("twice").tolist() == [2.5, 4.0, 7.0]
    assert begun == [3.5]


def test_a_store_that_zarr_cannot_open_is_one_sentence(tmp_path) -> None:
    ensemble.run(grown, GROWN, tmp_path / "out.zarr")
    replacing('"node_type": "group"', '"node_type": "group", "kind": 1')(tmp_path / "out.zarr" / "zarr.json")
    with pytest.raises(ensemble.EnsembleError, match=r"out\.zarr is damaged \(.*\); name another path\.") as caught:
        ensemble.run(grown, GROWN, tmp_path / "out.zarr")
    assert_one_sentence(caught.value)
    assert ensemble.Results(tmp_path / "out.zarr").number("twice").tolist() == [2.5, 4.0, 7.0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["zarr.json", "field/zarr.json", "field/c/0/0"])
def test_a_pipe_in_the_place_of_a_file_is_damage(tmp_path, name) -> None:
    def piped(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        results = damaged(tmp_path, name, piped)
    with pytest.raises(ensemble.EnsembleError, match=r"is damaged.*; remove it, and its member is run again"):
        _ = results[1].arrays
    assert results[2].arrays["field"].tolist() == np.full((2, 3), 3.5).tolist()


def test_members_kept_before_there_were_digests_are_read(tmp_path) -> None:
    ensemble.run(grown, GROWN, tmp_path / "out.zarr")
    for group in groups(tmp_path):
        said = json.loads((group / "zarr.json").read_text())
        for name in ("digest", "arrays"):
            del said["attributes"][name]
        (group / "zarr.json").write_text(json.dumps(said))
    results = ensemble.Results(tmp_path / "out.zarr")
    assert results.number("twice").tolist() == [2.5, 4.0, 7.0]
    assert results.stack("field")[1].tolist() == np.full((2, 3), 2.0).tolist()


@pytest.mark.parametrize("values", [np.full(4, -np.nan), np.arange(4, dtype=">f4"), np.zeros(3, np.int8)[::-1]])
def test_whatever_is_kept_is_no_damage(tmp_path, values) -> None:
    ensemble.run(lambda parameters, link: {"a": values}, [{"x": 1}], tmp_path / "out.zarr")
    np.testing.assert_array_equal(ensemble.Results(tmp_path / "out.zarr")[0].arrays["a"], values)
