"""History: the tree, the budget, files."""

from __future__ import annotations

import gc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import FileError, ParameterError
from engine.optimization.checkpoint_io import read_state, write_state
from engine.optimization.history import History


def state(value: float, count: int = 1000) -> dict[str, Any]:
    return {
        "design": np.full(count, value),
        "number": 3,
        "nested": {"list": [1, "two", np.arange(3, dtype=np.uint8)], "none": None, "float": 0.1},
    }


def add(history: History, iteration: int, parent: int | None, branch: str = "main", **options: Any) -> int:
    return history.add(
        state(float(iteration)), parent=parent, branch=branch, iteration=iteration, losses={"loss": 1.0}, **options
    ).id


def test_the_budget_holds_and_nothing_is_lost(tmp_path: Path) -> None:
    one = 8003
    history = History(budget=5 * one + 100, folder=tmp_path)
    parent: int | None = None
    for k in range(20):
        parent = add(history, 10 * k, parent)
        assert history.memory <= history.budget
    assert len(history) == 20
    on_disk = [info for info in history.infos() if info.on_disk]
    assert len(on_disk) == 15 and all(info.memory == one for info in on_disk)
    assert len(list(tmp_path.glob("*.zip"))) == 15
    for info in history.infos():
        kept: Any = history.state(info.id)
        assert np.all(kept["design"] == info.iteration) and kept["design"].dtype == np.float64
        assert kept["nested"]["list"][1] == "two" and kept["nested"]["list"][2].tolist() == [0, 1, 2]
    history.close()
    assert len(list(tmp_path.glob("*.zip"))) == 15, "a folder that was given belongs to whoever gave it"


def test_named_checkpoints_and_the_tips_of_branches_stay_in_memory_longest(tmp_path: Path) -> None:
    history = History(budget=4 * 8003, folder=tmp_path)
    root = add(history, 0, None)
    named = add(history, 10, root, label="before the handle")
    tip = add(history, 20, named)
    other = history.start_branch("other")
    parent = named
    for k in range(6):
        parent = add(history, 20 + 10 * k, parent, branch=other)
    in_memory = {info.id for info in history.infos() if not info.on_disk}
    assert {named, tip, parent} <= in_memory


def test_a_temporary_folder_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    history = History(budget=10_000)
    first = add(history, 0, None)
    add(history, 1, first)
    assert history.info(first).on_disk and list(tmp_path.iterdir())
    history.close()
    assert not list(tmp_path.iterdir())


def test_a_disk_that_cannot_be_written_keeps_the_state_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = History(budget=100, folder=tmp_path / "file" / "below")
    first = add(history, 0, None)
    add(history, 1, first)
    assert not history.info(first).on_disk and history.problems
    assert np.all(np.asarray(history.state(first)["design"]) == 0.0)


def test_views_are_copied_when_kept() -> None:
    design = np.zeros(10)
    history = History()
    info = history.add({"design": design[:]}, parent=None, branch="main", iteration=0, losses={})
    design[:] = 7.0
    assert np.all(np.asarray(history.state(info.id)["design"]) == 0.0)


def test_the_tree_knows_ancestors_and_verified_checkpoints() -> None:
    history = History()
    root = add(history, 0, None, verified=True)
    second = add(history, 10, root, verified=True)
    loose = add(history, 15, second)
    branch = history.start_branch()
    third = add(history, 20, root, branch=branch)
    assert history.ancestors(loose) == [loose, second, root]
    assert history.ancestors(third) == [third, root]
    assert [history.last_good(loose, older=k) for k in (0, 1, 5)] == [second, root, root]
    assert history.last_good(None) is None
    assert history.start_branch(branch) == f"{branch} (2)"
    with pytest.raises(ParameterError, match="no Checkpoint 9"):
        history.state(9)


def test_losses_of_a_term_that_came_late_are_nan_before() -> None:
    history = History()
    history.record("main", 0, {"loss": 1.0})
    history.record("main", 1, {"loss": 2.0, "term:pull": 0.5})
    iterations, losses = history.losses("main")
    assert iterations.tolist() == [0, 1]
    assert np.isnan(losses["term:pull"][0]) and losses["term:pull"][1] == 0.5


def test_a_state_file_round_trips_exactly(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "one.checkpoint"
    arrays = [
        np.random.default_rng(0).normal(size=(3, 4)).astype(dtype)
        for dtype in (np.float32, np.float64, np.int32, np.uint8)
    ] + [np.zeros((0, 3), np.float32), np.array(2.5)]
    content: Any = {"arrays": arrays, "big": 2**80, "text": "µm", "tiny": 5e-324, "truth": True}
    write_state(path, content)
    back: Any = read_state(path)
    for a, b in zip(arrays, back["arrays"], strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    assert {key: back[key] for key in ("big", "text", "tiny", "truth")} == {
        key: content[key] for key in ("big", "text", "tiny", "truth")
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["one.checkpoint"], "no partial file is left"


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.checkpoint"
    write_state(path, {"number": 1})

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(FileError, match=r"one\.checkpoint.*the disk is full"):
        write_state(path, {"number": 2})
    assert read_state(path) == {"number": 1}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", ["garbage", "truncated", "missing", "directory", "pickle", "newer"])
def test_what_is_no_checkpoint_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "bad.checkpoint"
    write_state(path, {"design": np.arange(1000)})
    if damage == "garbage":
        path.write_bytes(b"nothing of the kind")
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "missing":
        path.unlink()
    elif damage == "directory":
        path.unlink()
        path.mkdir()
    else:
        with zipfile.ZipFile(path, "w") as archive:
            version = 99 if damage == "newer" else 1
            archive.writestr("checkpoint.json", f'{{"format": {version}, "state": {{"x": {{"__array__": 0}}}}}}')
            with archive.open("0.npy", "w") as member:
                np.lib.format.write_array(member, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match=r"bad\.checkpoint"):
        read_state(path)


def shared_state(design: float, common: np.ndarray) -> dict[str, Any]:
    return {"design": np.full(100, design), "problem": {"surface": {"base": common}}}


def keep_shared(history: History, count: int, common: np.ndarray) -> None:
    parent: int | None = None
    for k in range(count):
        parent = history.add(
            shared_state(float(k), common), parent=parent, branch="main", iteration=10 * k, losses={}
        ).id


def test_what_checkpoints_have_in_common_is_counted_once() -> None:
    common = np.arange(1000.0)
    history = History()
    keep_shared(history, 5, common)
    assert history.memory == 5 * 800 + 8000
    assert [info.memory for info in history.infos()] == [8800, 800, 800, 800, 800]
    assert all(kept["problem"]["surface"]["base"] is common for kept in states_of(history))


def test_what_checkpoints_have_in_common_is_written_once_and_comes_back_as_one_object(tmp_path: Path) -> None:
    history = History(budget=8000 + 2 * 800, folder=tmp_path)
    keep_shared(history, 6, np.arange(1000.0))
    assert history.memory == 8000 + 2 * 800
    assert len(list(tmp_path.glob("checkpoint-*"))) == 4 and len(list(tmp_path.glob("array-*"))) == 1
    kept = states_of(history)
    assert [state["design"][0] for state in kept] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert len({id(state["problem"]["surface"]["base"]) for state in kept}) == 1


def test_a_common_part_is_read_from_disk_when_nobody_holds_it_any_more(tmp_path: Path) -> None:
    history = History(budget=900, folder=tmp_path)
    keep_shared(history, 3, np.arange(1000.0))
    history.add({"design": np.zeros(100)}, parent=2, branch="main", iteration=40, losses={})
    assert history.memory == 800
    gc.collect()
    first, second = history.state(0), history.state(1)
    assert np.array_equal(np.arange(1000.0), base_of(first)) and base_of(first).dtype == np.float64
    assert base_of(first) is base_of(second)
    again = history.add(first, parent=0, branch="main", iteration=5, losses={})
    assert base_of(history.state(again.id)) is base_of(second), "a view would have been copied"
    del first, second
    next(tmp_path.glob("array-*")).write_bytes(b"damaged")
    history.add({"design": np.zeros(100)}, parent=2, branch="main", iteration=50, losses={})
    gc.collect()
    with pytest.raises(FileError, match="damaged"):
        history.state(0)


def test_arrays_of_the_same_bytes_and_another_shape_or_type_are_kept_apart(tmp_path: Path) -> None:
    history = History(budget=1, folder=tmp_path)
    square, line, whole = np.zeros((4, 4)), np.zeros(16), np.zeros(16, np.int64)
    for iteration in range(2):
        state: dict[str, Any] = {"square": square, "line": line, "whole": whole}
        history.add(state, parent=None, branch="main", iteration=iteration, losses={})
    history.add({"design": np.zeros(1)}, parent=None, branch="main", iteration=3, losses={})
    kept: Any = history.state(0)
    assert kept["square"].shape == (4, 4) and kept["line"].shape == (16,) and kept["whole"].dtype == np.int64


def states_of(history: History) -> list[Any]:
    return [history.state(info.id) for info in history.infos()]


def base_of(state: Any) -> np.ndarray:
    return np.asarray(state["problem"]["surface"]["base"])
