"""What there is to see of a data set, as plain records and arrays on disk: for whoever knows no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.regression.data.dataset import Split


@dataclass(frozen=True)
class SampleRow:
    """One sample.

    worst_angle : of its morph [degrees], negative where a triangle is upside down; None where there is no morph (yet)
    flipped : triangles of its morph that lie upside down
    complaint : why it cannot be learnt from; "" where it can
    """

    name: str
    split: Split
    node_count: int
    triangle_count: int
    inputs: Mapping[str, float]
    outputs: Mapping[str, float]
    worst_angle: float | None = None
    flipped: int = 0
    complaint: str = ""


@dataclass(frozen=True)
class SampleArrays:
    """One sample as it is drawn.

    nodes : shape (node_count, 2 or 3), float32, in the data set's unit of length
    morphed : the same nodes on the common shape, shape (node_count, 2 or 3), float32; NaN where there is no morph (yet)
    triangles : shape (triangle_count, 3), int32
    """

    nodes: np.ndarray
    morphed: np.ndarray
    triangles: np.ndarray

    @property
    def is_morphed(self) -> bool:
        return len(self.morphed) > 0 and bool(np.isfinite(self.morphed[0, 0]))


@dataclass(frozen=True)
class SamplesLook:
    """A data set that was read and looked at.

    folder : where its arrays lie, all samples one after the other; whoever asked for the look removes it
    ranges : of each field over all samples, without the outermost 0.2 % at either end
    problem : of the data set as a whole; "" where there is none
    """

    path: str
    name: str
    dimension: int
    rows: tuple[SampleRow, ...]
    field_names: tuple[str, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    units: Mapping[str, str]
    ranges: Mapping[str, tuple[float, float]]
    notes: tuple[str, ...]
    folder: Path
    problem: str = ""

    def arrays(self, index: int) -> SampleArrays:
        """The mesh of a sample, and its morph; read from the disk where it is looked at."""
        nodes = slice(*self._begins["nodes"][index : index + 2])
        triangles = slice(*self._begins["triangles"][index : index + 2])
        return SampleArrays(
            nodes=self._map("nodes")[nodes],
            morphed=self._map("morphed")[nodes],
            triangles=self._map("triangles")[triangles],
        )

    def values(self, index: int, field: str) -> np.ndarray:
        """A field at the nodes of a sample, shape (node_count,), float32."""
        begin, end = self._begins["nodes"][index : index + 2]
        return np.asarray(self._map("fields")[self.field_names.index(field), begin:end])

    def index(self, name: str) -> int | None:
        """Which sample has this name; None where none has."""
        return next((k for k, row in enumerate(self.rows) if row.name == name), None)

    @cached_property
    def _begins(self) -> dict[str, list[int]]:
        counts = {
            "nodes": [row.node_count for row in self.rows],
            "triangles": [row.triangle_count for row in self.rows],
        }
        return {name: [0, *np.cumsum(each).tolist()] for name, each in counts.items()}

    @cached_property
    def _maps(self) -> dict[str, np.ndarray]:
        return {}

    def _map(self, name: str) -> np.ndarray:
        if name not in self._maps:
            self._maps[name] = np.load(self.folder / f"{name}.npy", mmap_mode="r")
        return self._maps[name]

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key not in ("_begins", "_maps")}
