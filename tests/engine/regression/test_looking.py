"""Looking at a data set: what is wrong with single samples, and where their nodes go."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.regression.data.dataset import Dataset, DatasetError, Sample
from engine.regression.data.flat_file import write_flat
from engine.regression.generation.known_plates import known_plate
from engine.regression.looking import LookStoppedError, find_complaints, look_at, with_split
from engine.regression.settings import TrainingParameters


def plates(count: int) -> list[Sample]:
    return [known_plate(index) for index in range(count)]


def spoilt(sample: Sample) -> Sample:
    values = {name: np.array(each) for name, each in sample.fields.items()}
    values["stress"][7] = np.nan
    return replace(sample, fields=values)


def two_parts(sample: Sample, name: str) -> Sample:
    """The same mesh twice, one beside the other."""
    return Sample(
        name,
        np.concatenate([sample.nodes, sample.nodes + 100.0]),
        np.concatenate([sample.triangles, sample.triangles + sample.node_count]),
        {key: np.tile(values, 2) for key, values in sample.fields.items()},
        sample.inputs,
        sample.outputs,
        sample.anchors,
    )


def test_each_complaint_names_its_sample_and_the_others_are_still_morphed(tmp_path: Path) -> None:
    samples = plates(6)
    samples[2] = spoilt(samples[2])
    samples[4] = two_parts(samples[4], "twin")
    write_flat(Dataset(tuple(samples), name="plates"), tmp_path / "set.npz")
    (tmp_path / "arrays").mkdir()
    heard: list[tuple[str, Any]] = []
    fractions: list[float] = []

    def report(title: str, fraction: float | None, news: Any = None) -> None:
        heard.append((title, news))
        fractions.extend([] if fraction is None else [fraction])

    look = look_at(
        tmp_path / "set.npz",
        tmp_path / "arrays",
        TrainingParameters(),
        report,
    )
    complaints = {row.name: row.complaint for row in look.rows if row.complaint}
    assert set(complaints) == {samples[2].name, "twin"}
    assert "node 7" in complaints[samples[2].name] and "2 parts" in complaints["twin"]
    for index, (row, sample) in enumerate(zip(look.rows, samples, strict=True)):
        arrays = look.arrays(index)
        assert np.allclose(arrays.nodes, sample.nodes, atol=1e-4) and np.array_equal(arrays.triangles, sample.triangles)
        assert arrays.is_morphed == (not row.complaint) == (row.worst_angle is not None)
        if arrays.is_morphed:
            assert np.linalg.norm(arrays.morphed[:, :2], axis=1).max() < 1.0 + 1e-6, "a disk of radius 1"
    assert np.allclose(look.values(5, "stress"), samples[5].fields["stress"], rtol=1e-6)
    assert heard[0][0] == "Reading" and any(news is not None for _, news in heard)
    assert fractions == sorted(fractions) and len(fractions) >= 2 * len(samples), "it is told sample by sample"
    again = pickle.loads(pickle.dumps(look))
    assert np.array_equal(again.values(5, "stress"), look.values(5, "stress"))


def test_what_is_wrong_with_all_is_said_of_the_data_set(tmp_path: Path) -> None:
    sample = plates(1)[0]
    write_flat(Dataset(tuple(two_parts(sample, f"twin {k}") for k in range(2))), tmp_path / "set.npz")
    (tmp_path / "arrays").mkdir()
    moved = look_at(tmp_path / "set.npz", tmp_path / "arrays", TrainingParameters(morph="circle"), lambda *_: None)
    assert all("twin" in row.complaint for row in moved.rows) and moved.problem


def test_other_scalars_are_a_complaint() -> None:
    first, second, third = plates(3)
    found = dict(find_complaints(Dataset((first, second, replace(third, outputs={"x": 1.0})))))
    assert set(found) == {2} and third.name in found[2]


def test_it_stops_where_it_is_told_to(tmp_path: Path) -> None:
    write_flat(Dataset(tuple(plates(2))), tmp_path / "set.npz")
    with pytest.raises(LookStoppedError):
        look_at(tmp_path / "set.npz", tmp_path, TrainingParameters(), lambda *_: None, stopping=lambda: True)


def test_samples_change_sides_or_are_left_out_by_name() -> None:
    samples = plates(4)
    dataset = Dataset(tuple(samples), ("train", "train", "test", "train"))
    chosen = with_split(dataset, {samples[0].name: "test", samples[1].name: "out", samples[2].name: "train"})
    assert [sample.name for sample in chosen] == [samples[k].name for k in (0, 2, 3)]
    assert chosen.split == ("test", "train", "train")
    with pytest.raises(DatasetError, match="left out"):
        with_split(dataset, {sample.name: "out" for sample in samples})
