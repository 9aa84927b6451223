"""Bad data sets are refused before anything is learnt, by the name of the sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine.regression.data.checking import check_dataset, topology
from engine.regression.data.dataset import Dataset, DatasetError, Sample
from engine.regression.generation.known_plates import known_plate as plate
from tests.engine.regression.morphing.test_morph import ring


def spoilt(values: np.ndarray, index: int, value: float) -> np.ndarray:
    changed = values.copy()
    changed[index] = value
    return changed


def with_loose_node(sample: Sample) -> Sample:
    fields = {name: np.append(values, 0.0) for name, values in sample.fields.items()}
    return replace(sample, nodes=np.concatenate([sample.nodes, [[99.0, 99.0]]]), fields=fields)


SPOILERS: list[tuple[str, Callable[[Sample], Sample]]] = [
    (
        "'stress' is not a number at node 3",
        lambda s: replace(s, fields={**s.fields, "stress": spoilt(s.fields["stress"], 3, np.nan)}),
    ),
    ("'stress' has 5 values", lambda s: replace(s, fields={**s.fields, "stress": np.ones(5)})),
    ("lacks shift", lambda s: replace(s, fields={"stress": s.fields["stress"]})),
    ("has extra too", lambda s: replace(s, inputs={**s.inputs, "extra": 1.0})),
    ("'stress' is both a scalar to predict and a field", lambda s: replace(s, outputs={**s.outputs, "stress": 1.0})),
    ("'load' is inf", lambda s: replace(s, inputs={"load": np.inf})),
    ("3 anchors", lambda s: replace(s, anchors=s.anchors[:3])),
    ("node 2 has a coordinate", lambda s: replace(s, nodes=spoilt(s.nodes, 2, np.nan))),
    (
        "nodes 0 and 1 lie in the same place|nodes 1 and 0 lie",
        lambda s: replace(s, nodes=spoilt(s.nodes, 1, s.nodes[0])),
    ),
    ("belong to no triangle", with_loose_node),
    ("refers to a node that does not exist", lambda s: replace(s, triangles=s.triangles + 1)),
    (
        "2 borders",
        lambda s: replace(
            ring(),
            name=s.name,
            fields=dict.fromkeys(s.fields, ring().fields["f"]),
            inputs=s.inputs,
            outputs=s.outputs,
            anchors=np.arange(4),
        ),
    ),
]


@pytest.mark.parametrize(("said", "spoil"), SPOILERS, ids=[said[:20] for said, _ in SPOILERS])
def test_the_bad_sample_is_named(said: str, spoil: Callable[[Sample], Sample]) -> None:
    samples = [plate(k) for k in range(4)]
    samples[2] = spoil(samples[2])
    with pytest.raises(DatasetError, match=said) as raised:
        check_dataset(Dataset(tuple(samples)))
    assert samples[2].name in raised.value.message


def test_good_samples_pass_and_twins_do_not() -> None:
    samples = tuple(plate(k) for k in range(4))
    check_dataset(Dataset(samples))
    with pytest.raises(DatasetError, match="Two samples are called"):
        check_dataset(Dataset((*samples, samples[1])))
    with pytest.raises(DatasetError, match="holds no samples"):
        Dataset(())


def test_topologies() -> None:
    assert topology(plate(0)) == (1, 1, 1)
    assert topology(ring()) == (1, 0, 2)


def test_a_split_is_drawn_with_its_seed(plates: Dataset) -> None:
    one, again, other = (plates.resplit(test_share=0.25, seed=seed) for seed in (1, 1, 2))
    assert one.split == again.split != other.split
    assert len(one.part("test")) == 20 and len(one.part("train")) == 60
