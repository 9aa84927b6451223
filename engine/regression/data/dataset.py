"""Samples for learning: meshes with nodal fields and scalars, and how they are split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from engine.core.errors import FormwrightError

Split = Literal["train", "test"]

MOST_NAMED = 3
"""Names of several samples that notes speak of one by one."""


class DatasetError(FormwrightError):
    """A sample of a data set is not as the others, or not as it should be; the message names it."""


@dataclass(frozen=True)
class OutputGradient:
    """How one output answers to what it depends on, where the simulation can say.

    nodes : derivative by the node positions, shape (node_count, 2) or (node_count, 3), float64; None: not known
    inputs : derivative by the known scalars, by name; those that are missing are not known
    """

    nodes: np.ndarray | None = None
    inputs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One simulation.

    name : what messages and tables call it
    nodes : positions, shape (node_count, 2) or (node_count, 3), float64, in the data set's unit of length
    triangles : node indices, shape (triangle_count, 3), int32; of a volume its border, outward
    fields : values at the nodes by name, shape (node_count,), float64
    inputs : scalars that are known beforehand, by name
    outputs : scalars to predict, by name
    anchors : nodes that mean the same in every sample, in one order (corners, leading edge), shape (anchor_count,)
    gradients : of outputs, by name; those that are missing are not known
    field_gradients : of fields, by name: derivatives by known scalars at every node, by the scalar's name, shape
        (node_count,); those that are missing are not known
    tetrahedra : of a volume, over the same nodes, shape (tetrahedron_count, 4), int32; none of a surface
    """

    name: str
    nodes: np.ndarray
    triangles: np.ndarray
    fields: Mapping[str, np.ndarray] = field(default_factory=dict)
    inputs: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, float] = field(default_factory=dict)
    anchors: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    gradients: Mapping[str, OutputGradient] = field(default_factory=dict)
    field_gradients: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    tetrahedra: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.int32))

    def __post_init__(self) -> None:
        for name, kind in (("nodes", np.float64), ("triangles", np.int32), ("tetrahedra", np.int32),
                           ("anchors", np.int64)):  # fmt: skip
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), kind))

    @property
    def node_count(self) -> int:
        return len(self.nodes)

    @property
    def cells(self) -> np.ndarray:
        """Tetrahedra of a volume, triangles of a surface."""
        return self.tetrahedra if len(self.tetrahedra) else self.triangles

    @property
    def triangle_count(self) -> int:
        return len(self.triangles)


@dataclass(frozen=True)
class Dataset:
    """Samples with one set of fields and scalars.

    samples : at least one
    split : "train" or "test" of every sample
    units : of fields and scalars by name; "length" is that of the nodes
    name : what the user calls it
    notes : what reading it found, sentences for the user
    recipe : how it was generated ("generator", "seed", "options"), so that a further sample can be solved alike;
        empty where it comes from elsewhere
    """

    samples: tuple[Sample, ...]
    split: tuple[Split, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    name: str = "data set"
    notes: tuple[str, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.samples:
            raise DatasetError(f"{self.name} holds no samples.")
        if not self.split:
            object.__setattr__(self, "split", ("train",) * len(self.samples))
        if len(self.split) != len(self.samples):
            raise DatasetError(
                f"{self.name}: the split speaks of {len(self.split)} samples, and there are {len(self.samples)}."
            )

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @property
    def dimension(self) -> int:
        """Of the nodes: 2 or 3."""
        return int(self.samples[0].nodes.shape[1])

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(self.samples[0].fields)

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(self.samples[0].inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple(self.samples[0].outputs)

    def part(self, split: Split) -> tuple[Sample, ...]:
        """The samples of one part of the split."""
        return tuple(sample for sample, part in zip(self.samples, self.split, strict=True) if part == split)

    def inputs(self, samples: Sequence[Sample] | None = None) -> np.ndarray:
        """Known scalars, shape (sample_count, input_count)."""
        return _table(self.samples if samples is None else samples, "inputs", self.input_names)

    def outputs(self, samples: Sequence[Sample] | None = None) -> np.ndarray:
        """Scalars to predict, shape (sample_count, output_count)."""
        return _table(self.samples if samples is None else samples, "outputs", self.output_names)

    def with_samples(self, added: Sequence[Sample], split: Split = "train") -> Dataset:
        """The same and further samples."""
        return replace(self, samples=(*self.samples, *added), split=(*self.split, *[split] * len(added)))

    def with_unique_names(self) -> Dataset:
        """The same, where further samples of one name are numbered: "plate", "plate (2)"; a note says of which."""
        taken, seen, called = {sample.name for sample in self.samples}, set[str](), dict[str, int]()
        samples = []
        for sample in self.samples:
            name, number = sample.name, 2
            if name in seen:
                while (name := f"{sample.name} ({number})") in taken:
                    number += 1
                called[sample.name] = called.get(sample.name, 1) + 1
            seen.add(name)
            taken.add(name)
            samples.append(sample if name == sample.name else replace(sample, name=name))
        if not called:
            return self
        notes = [f"{count} samples are called {name}: the further ones are numbered." for name, count in called.items()]
        rest = len(notes) - MOST_NAMED
        if rest > 0:
            notes[MOST_NAMED:] = [f"So are those of {rest} other names."]
        return replace(self, samples=tuple(samples), notes=(*self.notes, *notes))

    def resplit(self, *, test_share: float, seed: int) -> Dataset:
        """The same with another split, drawn with a seed; both parts get one sample at least."""
        count = len(self.samples)
        tests = min(max(1, round(test_share * count)), count - 1)
        chosen = np.random.default_rng(seed).permutation(count)[:tests]
        split: list[Split] = ["train"] * count
        for index in chosen:
            split[index] = "test"
        return replace(self, split=tuple(split))


def _table(samples: Sequence[Sample], kind: str, names: tuple[str, ...]) -> np.ndarray:
    rows = [[getattr(sample, kind)[name] for name in names] for sample in samples]
    return np.array(rows, np.float64).reshape(len(samples), len(names))
