"""Data sets that are made."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FileError, FormwrightError, ParameterError, StoppedError
from engine.optimization.executors import SerialExecutor, cluster_executor
from engine.regression.data.checking import check_dataset
from engine.regression.data.dataset import Sample
from engine.regression.data.reading import read_dataset
from engine.regression.generation.catalogue import find_generator
from engine.regression.generation.generate import Generator, content_key, generate
from engine.regression.generation.known_plates import known_plate as plate
from engine.regression.generation.notched_plate import notched_plate


def quick(index: int, *, seed: int) -> Sample:
    if index == 5:
        raise FormwrightError("this one does not come out.")
    return plate(index, seed)


GENERATOR = Generator("quick", "Quick", "For tests.", quick)


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    made: list[int] = []

    def progress(done: int, total: int) -> None:
        made.append(done)

    with pytest.raises(StoppedError, match="not finished"):
        generate(
            GENERATOR,
            tmp_path,
            samples=8,
            executor=SerialExecutor(),
            at_once=1,
            progress=progress,
            stop=lambda: made[-1] >= 3,
        )
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "samples").glob("*.npz")}
    assert 3 <= len(before) < 7
    found = generate(GENERATOR, tmp_path, samples=8, executor=SerialExecutor(), progress=progress)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "samples").glob("*.npz")}
    assert all(after[name] == stamp for name, stamp in before.items())
    assert len(found.dataset) == 7 and found.failures == ("Sample 5: this one does not come out.",)
    assert content_key(read_dataset(tmp_path)) == content_key(found.dataset)
    with pytest.raises(FileError, match="another recipe"):
        generate(GENERATOR, tmp_path, samples=8, seed=1, executor=SerialExecutor())


def test_a_sample_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    whole = generate(GENERATOR, tmp_path, samples=3, executor=SerialExecutor()).dataset
    part = tmp_path / "samples" / "000001.npz"
    part.write_bytes(part.read_bytes()[:400])
    assert content_key(generate(GENERATOR, tmp_path, samples=3, executor=SerialExecutor()).dataset) == content_key(
        whole
    )


def test_a_folder_of_other_files_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "dataset.npz").write_text("mine")
    with pytest.raises(FileError, match=r"other files, as dataset\.npz"):
        generate(GENERATOR, tmp_path, samples=3, executor=SerialExecutor())
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.npz"]
    (tmp_path / "dataset.npz").unlink()
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(FileError, match=r"recipe\.json: it cannot be understood"):
        generate(GENERATOR, tmp_path, samples=3, executor=SerialExecutor())


def test_the_same_seed_makes_the_same_plate_whoever_makes_it(tmp_path: Path) -> None:
    pytest.importorskip("skfem")
    generator = find_generator("notched-plate")
    options = {"law": "elastic"}
    here = generate(generator, tmp_path / "here", samples=3, seed=4, options=options, executor=SerialExecutor())
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = generate(generator, tmp_path / "there", samples=3, seed=4, options=options, executor=pool)
    assert content_key(here.dataset) == content_key(there.dataset)
    assert content_key(here.dataset) != content_key(
        generate(generator, tmp_path / "other", samples=3, seed=5, options=options, executor=SerialExecutor()).dataset
    )
    check_dataset(here.dataset)
    assert {1700 < sample.node_count < 2500 for sample in here.dataset} == {True}
    assert len({sample.node_count for sample in here.dataset}) > 1


def test_an_elastoplastic_plate_yields(tmp_path: Path) -> None:
    pytest.importorskip("skfem")
    sample = notched_plate(0, seed=0)
    assert set(sample.inputs) == {"elongation", "yield stress", "hardening"}
    assert sample.fields["plastic strain"].max() > 1e-3 and sample.fields["plastic strain"].min() > -1e-6
    assert sample.outputs["force"] > 0.0
    bottom = sample.nodes[:, 1] == 0.0
    assert np.array_equal(sample.fields["u2"][bottom], np.zeros(bottom.sum()))


def test_unknown_generators_and_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no such generator"):
        find_generator("plates")
    with pytest.raises(FormwrightError, match="no option law=rubber"):
        generate(
            find_generator("notched-plate"), tmp_path, samples=2, options={"law": "rubber"}, executor=SerialExecutor()
        )


@pytest.mark.slow
def test_a_cluster_makes_the_same_samples(tmp_path: Path) -> None:
    """A local one: a scheduler and a worker in a process of its own."""
    distributed = pytest.importorskip("distributed", reason="formwright[cluster] is not installed")
    here = generate(GENERATOR, tmp_path / "here", samples=4, executor=SerialExecutor())
    with distributed.LocalCluster(1, threads_per_worker=1, dashboard_address=None) as cluster:
        executor = cluster_executor(cluster.scheduler_address)
        there = generate(GENERATOR, tmp_path / "there", samples=4, executor=executor, at_once=64)
        executor.shutdown()
    assert content_key(here.dataset) == content_key(there.dataset)


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_said() -> None:
    pytest.importorskip("distributed", reason="formwright[cluster] is not installed")
    with pytest.raises(ParameterError, match="does not answer"):
        cluster_executor("tcp://127.0.0.1:9")
